"""Fetch what the console and its tests take from npm, at pinned versions.

    python scripts/vendor.py            write static/vendor and tests/browser/vendor anew

ECharts comes as one file with only what our charts use, bundled by esbuild. Each folder gets the licences of what is
in it and `SHA256SUMS`, against which a test holds the files. Needs Node.js with npm, and the network; nothing else in
this project does.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "src/shelfwise/console/static/vendor"
TESTS = ROOT / "tests/browser/vendor"

VERSIONS = {"echarts": "6.1.0", "esbuild": "0.28.2", "axe-core": "4.14.1"}

ENTRY = """\
import { use } from "echarts/core";
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart, LineChart, ScatterChart,
  GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent,
  SVGRenderer,
]);
export { init } from "echarts/core";
"""

PACK = """\
const { brotliCompressSync, constants } = require("zlib");
const { readFileSync, writeFileSync } = require("fs");
const path = process.argv[1];
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), { params }));
"""


def main() -> None:
    """Fetch and bundle."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        packages = [f"{name}@{version}" for name, version in VERSIONS.items()]
        _run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages)
        (folder / "entry.js").write_text(ENTRY, encoding="utf-8")
        _run(
            folder,
            "node_modules/.bin/esbuild",
            "entry.js",
            "--bundle",
            "--minify",
            "--format=esm",
            "--target=es2022",
            "--charset=utf8",
            "--legal-comments=none",
            '--define:process.env.NODE_ENV="production"',
            f"--banner:js=/* Apache ECharts {VERSIONS['echarts']}, Apache-2.0, see LICENSE-echarts */",
            f"--outfile={CONSOLE / 'echarts.js'}",
        )
        _run(folder, "node", "--eval", PACK, str(CONSOLE / "echarts.js"))
        modules = folder / "node_modules"
        shutil.copyfile(modules / "echarts/LICENSE", CONSOLE / "LICENSE-echarts")
        shutil.copyfile(modules / "echarts/NOTICE", CONSOLE / "NOTICE-echarts")
        shutil.copyfile(modules / "echarts/licenses/LICENSE-d3", CONSOLE / "LICENSE-d3")
        shutil.copyfile(modules / "zrender/LICENSE", CONSOLE / "LICENSE-zrender")
        shutil.copyfile(modules / "tslib/LICENSE.txt", CONSOLE / "LICENSE-tslib")
        TESTS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / "axe-core/axe.min.js", TESTS / "axe.min.js")
        shutil.copyfile(modules / "axe-core/LICENSE", TESTS / "LICENSE-axe-core")
    for vendored in (CONSOLE, TESTS):
        _write_sums(vendored)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _write_sums(folder: Path) -> None:
    files = sorted(path for path in folder.iterdir() if path.name not in ("SHA256SUMS", "README.md"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
