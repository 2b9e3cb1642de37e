"""What a sentence-transformers folder says of itself: how states are pooled, what follows, and which prompts belong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shelfwise.errors import ConfigError

POOLINGS = ("mean", "cls", "max", "last", "mean_sqrt_len_tokens", "weightedmean")
"""Ways from token states to one vector; the last two only where a folder asks for them."""

POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "last",
}
"""In the order in which sentence-transformers joins several."""

_QUERY_PROMPTS = ("query", "search_query", "web_search_query")
_PASSAGE_PROMPTS = ("document", "passage", "search_document", "corpus")


@dataclass(frozen=True, slots=True)
class SentenceModules:
    """A folder's steps from text to vector; those of a plain transformers folder where it says nothing.

    Attributes:
        transformer: Folder of the transformer.
        poolings: Joined one behind the other where there are several; empty where the folder says none.
        heads: Folders of the linear layers after pooling, in order.
        prompt: Before passages.
        query_prompt: Before search texts.
        lowercase: Whether texts are put into small letters first.
    """

    transformer: Path
    poolings: tuple[str, ...] = ()
    heads: tuple[Path, ...] = ()
    prompt: str = ""
    query_prompt: str = ""
    lowercase: bool = False

    @classmethod
    def read(cls, folder: Path) -> SentenceModules:
        """Read `modules.json` and what it points to.

        Raises:
            ConfigError: the folder has a step that is not known here.
        """
        if not (folder / "modules.json").is_file():
            return cls(folder)
        transformer, poolings, include_prompt = folder, (), True
        heads: list[Path] = []
        for module in _json(folder / "modules.json"):
            kind, path = str(module["type"]).rsplit(".", 1)[-1], folder / str(module["path"])
            if kind == "Transformer":
                transformer = path
            elif kind == "Pooling":
                about = _json(path / "config.json")
                poolings, include_prompt = _poolings(about, path), bool(about.get("include_prompt", True))
            elif kind == "Dense":
                heads.append(path)
            elif kind != "Normalize":  # cutting and length come last here, by configuration
                raise ConfigError(
                    f"{folder / 'modules.json'} has a step of kind {kind!r}",
                    expected="Transformer, Pooling, Dense and Normalize",
                    where="encode.text.model",
                    hint="choose another model",
                    code="unsupported_model",
                )
        prompts = _prompts(folder)
        if not include_prompt and any(prompts):
            raise ConfigError(
                f"{folder} pools without the prompt's tokens",
                expected="a model whose prompt counts",
                where="encode.text.model",
                hint="choose another model",
                code="unsupported_model",
            )
        return cls(transformer, poolings, tuple(heads), *prompts, lowercase=_lowercase(transformer))


def _poolings(about: dict[str, Any], path: Path) -> tuple[str, ...]:
    stated = about.get("pooling_mode")
    if stated is None:
        found = [name for key, name in POOLING_KEYS.items() if about.get(key)]
    else:
        found = [stated] if isinstance(stated, str) else list(stated)
    names = tuple("last" if name == "lasttoken" else str(name) for name in found) or ("mean",)
    for name in names:
        if name not in POOLINGS:
            raise ConfigError(
                f"{path / 'config.json'} pools by {name!r}",
                expected=f"one of {', '.join(POOLINGS)}",
                where="encode.text.model",
                code="unsupported_model",
            )
    return names


def _prompts(folder: Path) -> tuple[str, str]:
    """Of passages and of searches."""
    path = folder / "config_sentence_transformers.json"
    about = _json(path) if path.is_file() else {}
    prompts: dict[str, str] = about.get("prompts") or {}
    default = prompts.get(about.get("default_prompt_name") or "", "")

    def first(names: tuple[str, ...]) -> str:
        return next((prompts[name] for name in names if prompts.get(name)), default)

    return first(_PASSAGE_PROMPTS), first(_QUERY_PROMPTS)


def _lowercase(transformer: Path) -> bool:
    path = transformer / "sentence_bert_config.json"
    return path.is_file() and bool(_json(path).get("do_lower_case"))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
