"""Compiles the kernels of `shelfwise.kernels` when the package is built; without a compiler it goes without them.

Run as a script it compiles them beside their sources, for a checkout that is not installed.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
FOLDER = ROOT / "src" / "shelfwise" / "kernels"


def compiled() -> Path | None:
    """The compiled module, made anew from its sources, beside them; None where it cannot be compiled."""
    import numpy
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext
    from setuptools.errors import BaseError, CompileError, LinkError

    extension = Extension(
        "shelfwise.kernels._compiled",
        sources=[str(path.relative_to(ROOT)) for path in sorted(FOLDER.glob("*.c"))],
        depends=[str(path.relative_to(ROOT)) for path in sorted(FOLDER.glob("*.h"))],
        include_dirs=[numpy.get_include()],
        # No sum of products is contracted: scores are those of NumPy, whichever processor there is.
        extra_compile_args=[] if sys.platform == "win32" else ["-O3", "-ffp-contract=off", "-fno-math-errno"],
    )
    command = build_ext(Distribution({"ext_modules": [extension], "package_dir": {"": "src"}}))
    command.inplace, command.force, command.build_temp = True, True, "build/kernels"
    command.ensure_finalized()
    try:
        command.run()
    except (BaseError, CompileError, LinkError) as error:
        sys.stderr.write(f"shelfwise: the kernels are not compiled, answers will take about twice as long: {error}\n")
        return None
    return FOLDER / f"_compiled{sysconfig.get_config_var('EXT_SUFFIX')}"


if __name__ == "__main__":
    sys.exit(0 if compiled() else 1)
else:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class Kernels(BuildHookInterface):  # type: ignore[type-arg]
        """Hatchling's hook."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Compile, and tell that the wheel is of this platform."""
            module = compiled()
            if module is not None:
                build_data["pure_python"] = False
                build_data["infer_tag"] = True
                build_data["artifacts"].append(str(module.relative_to(ROOT)))
