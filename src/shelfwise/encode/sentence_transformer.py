"""A sentence-transformers or transformers encoder, run as an int8 ONNX graph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from pydantic import Field
from tokenizers import Tokenizer

from shelfwise.config.component import Options
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.weights import identity
from shelfwise.schemas.ids import Floats

GRAPH_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
ABOUT_FILE = "encoder.json"
EXPORT_VERSION = 1
"""Part of the key: a change in how graphs are made encodes everything anew."""


class SentenceTransformer(TextEncoder):
    """Mean-pooled vectors of length 1.

    The graph is made once, when first encoding, by `shelfwise.train.encoder_export`; from then on neither torch nor
    the original weights are needed.

    Cost:
        About 450 texts of 32 tokens per second on two cores; one text takes 4 to 10 ms.
    """

    class Config(Options):
        """Options of `[encode.text]`."""

        model: str = Field(
            default="builtin:minilm",
            description="A folder with a transformers model, 'builtin:minilm', or 'hub name@revision'.",
        )
        max_tokens: int = Field(default=128, ge=8, le=8_192, description="Longer texts are cut at so many tokens.")
        batch_size: int = Field(default=64, ge=1, le=4_096, description="Texts encoded at a time.")
        threads: int = Field(default=0, ge=0, le=256, description="Processor threads; 0: as many as there are cores.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._session: onnxruntime.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None
        self._dim = 0

    def key(self) -> str:
        """Names the folder; the batch size and threads do not change vectors and are left out."""
        stated = json.dumps([EXPORT_VERSION, identity(self.config.model), self.config.max_tokens])
        return f"text-{hashlib.sha256(stated.encode()).hexdigest()[:16]}"

    def runtime_files(self) -> tuple[str, ...]:
        """Graph, tokenizer, and what is known of both."""
        return (GRAPH_FILE, TOKENIZER_FILE, ABOUT_FILE)

    def is_ready(self, folder: Path) -> bool:
        """The file that is written last says so."""
        return (folder / ABOUT_FILE).is_file()

    def load(self, folder: Path) -> None:
        """Open graph and tokenizer."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.config.threads
        self._session = onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        # The file itself may ask for padding every text to a fixed length: that would cost short titles four times.
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.config.max_tokens)
        self._tokenizer = tokenizer
        self._dim = int(json.loads((folder / ABOUT_FILE).read_text())["dim"])

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._dim

    def encode(self, texts: Sequence[str]) -> Floats:
        """Encode in batches of similar length, so that little padding is computed."""
        if self._session is None or self._tokenizer is None:
            raise RuntimeError("load() comes before encode()")
        encodings = self._tokenizer.encode_batch(list(texts))
        vectors = np.empty((len(texts), self._dim), np.float32)
        by_length = np.argsort([len(encoding.ids) for encoding in encodings], kind="stable")
        for start in range(0, len(by_length), self.config.batch_size):
            chosen = by_length[start : start + self.config.batch_size]
            longest = max(len(encodings[place].ids) for place in chosen)
            ids = np.zeros((len(chosen), longest), np.int64)
            mask = np.zeros((len(chosen), longest), np.int64)
            for line, place in enumerate(chosen):
                tokens = encodings[place].ids
                ids[line, : len(tokens)] = tokens
                mask[line, : len(tokens)] = 1
            answer: Any = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            vectors[chosen] = answer
        return vectors
