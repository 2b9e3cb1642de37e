"""A sentence-transformers or transformers encoder, run as an ONNX graph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from pydantic import Field
from tokenizers import Tokenizer

from shelfwise.config.component import Options
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.weights import identity
from shelfwise.schemas.ids import Floats

GRAPH_FILE = "encoder.onnx"
WEIGHTS_FILE = "encoder.onnx.data"
"""Beside a graph whose weights are too many for one file."""

TOKENIZER_FILE = "tokenizer.json"
ABOUT_FILE = "encoder.json"
EXPORT_VERSION = 1
"""Part of the key: a change in how graphs are made encodes everything anew."""

MAX_TOKENS = 8_192
"""The longest text that any configuration may ask for."""

FROM_MODEL = "auto"
"""An option that the model's own folder answers."""

MIN_TOKENS = 2
"""Shorter batches are padded to so many: the graph's tokens are a dimension, and exporters take 1 for a constant."""

_OF_RUNNING = frozenset({"model", "max_tokens", "batch_size", "threads", "query_prompt"})


class SentenceTransformer(TextEncoder):
    """One vector of length 1 per text: BERT and its kin, the encoder of a T5, or a decoder's last token.

    The graph is made once, when first encoding, by `shelfwise.train.encoder_export`; from then on neither torch nor
    the original weights are needed.

    Cost:
        With the built-in model about 450 texts of 32 tokens per second on two cores; one text takes 4 to 10 ms.
    """

    class Config(Options):
        """Options of `[encode.text]`."""

        model: str = Field(
            default="builtin:minilm",
            description="A folder with a transformers model, 'builtin:minilm', or 'hub name@revision'.",
        )
        pooling: Literal["auto", "mean", "cls", "max", "last"] = Field(
            default="auto",
            description=(
                "How token states become one vector: their mean, the first one (cls), the largest of each dimension, "
                "or the last one (decoders); 'auto': what the model's folder says, else the mean."
            ),
        )
        prompt: str = Field(
            default=FROM_MODEL,
            description=(
                "Put before every item's text, as in 'passage: '; 'auto': what the model's folder says, else nothing."
            ),
        )
        query_prompt: str = Field(
            default=FROM_MODEL,
            description="Put before every search text; 'auto': what the model's folder says, else nothing.",
        )
        max_tokens: int = Field(
            default=128,
            ge=8,
            le=MAX_TOKENS,
            description="Longer texts are cut at so many tokens, at fewer where the model takes fewer.",
        )
        truncate: Literal["end", "start"] = Field(
            default="end", description="Which end of a text that is too long is cut off."
        )
        normalise: bool = Field(default=True, description="Whether vectors are brought to length 1.")
        dim: int = Field(
            default=0,
            ge=0,
            le=16_384,
            description=(
                "Leading dimensions kept, for models trained so that these suffice (Matryoshka); 0: all of them."
            ),
        )
        precision: Literal["int8", "fp32"] = Field(
            default="int8",
            description="Weights of the graph: int8 is a quarter of the size and two to three times as fast.",
        )
        batch_size: int = Field(default=64, ge=1, le=4_096, description="Texts encoded at a time.")
        threads: int = Field(default=0, ge=0, le=256, description="Processor threads; 0: as many as there are cores.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._session: onnxruntime.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None
        self._about: dict[str, Any] = {}

    def key(self) -> str:
        """Names the folder; what does not change the vectors of items is left out.

        Options at their default are left out too: what another release added encodes nothing anew.
        """
        defaults = type(self.config)()
        changed = {
            name: value
            for name in sorted(set(type(self.config).model_fields) - _OF_RUNNING)
            if (value := getattr(self.config, name)) != getattr(defaults, name)
        }
        stated: list[Any] = [EXPORT_VERSION, identity(self.config.model), self.config.max_tokens]
        if changed:
            stated.append(changed)
        return f"text-{hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:16]}"

    def runtime_files(self) -> tuple[str, ...]:
        """Graph, tokenizer, and what is known of both."""
        weights = (WEIGHTS_FILE,) if self._about.get("weights_apart") else ()
        return (GRAPH_FILE, *weights, TOKENIZER_FILE, ABOUT_FILE)

    def is_ready(self, folder: Path) -> bool:
        """The file that is written last says so."""
        return (folder / ABOUT_FILE).is_file()

    def load(self, folder: Path) -> None:
        """Open graph and tokenizer."""
        self._about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.config.threads
        self._session = onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        # The file itself may ask for padding every text to a fixed length: that would cost short titles four times.
        tokenizer.no_padding()
        tokenizer.enable_truncation(
            min(self.config.max_tokens, self._about.get("max_tokens", self.config.max_tokens)),
            direction="right" if self.config.truncate == "end" else "left",
        )
        self._tokenizer = tokenizer

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._about.get("dim", 0))

    def encode(self, texts: Sequence[str]) -> Floats:
        """Encode in batches of similar length, so that little padding is computed."""
        return self._encoded(texts, self._prompt("prompt"))

    def encode_queries(self, texts: Sequence[str]) -> Floats:
        """The same with the prompt for searches."""
        return self._encoded(texts, self._prompt("query_prompt"))

    def _prompt(self, name: Literal["prompt", "query_prompt"]) -> str:
        own: str = getattr(self.config, name)
        return str(self._about.get(name, "")) if own == FROM_MODEL else own

    def _encoded(self, texts: Sequence[str], prompt: str) -> Floats:
        if self._session is None or self._tokenizer is None:
            raise RuntimeError("load() comes before encode()")
        prompted = [prompt + text for text in texts]
        if self._about.get("lowercase"):
            prompted = [text.lower() for text in prompted]
        # A tokenizer that frames texts by nothing leaves nothing of an empty one: it becomes the mark of a text's end.
        nothing = [int(self._about.get("empty_token", 0))]
        tokens = [encoding.ids or nothing for encoding in self._tokenizer.encode_batch(prompted)]
        vectors = np.empty((len(texts), self.dim), np.float32)
        by_length = np.argsort([len(ids) for ids in tokens], kind="stable")
        for start in range(0, len(by_length), self.config.batch_size):
            chosen = by_length[start : start + self.config.batch_size]
            longest = max(MIN_TOKENS, *(len(tokens[place]) for place in chosen))
            ids = np.zeros((len(chosen), longest), np.int64)
            mask = np.zeros((len(chosen), longest), np.int64)
            for line, place in enumerate(chosen):
                ids[line, : len(tokens[place])] = tokens[place]
                mask[line, : len(tokens[place])] = 1
            answer: Any = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            vectors[chosen] = answer
        return vectors
