"""A CLIP or SigLIP model's view of a picture, run as an ONNX graph."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.encode.pictures.encoder import PictureEncoder, Pixels
from shelfwise.encode.weights import identity
from shelfwise.errors import ConfigError
from shelfwise.schemas.ids import Floats

GRAPH_FILE = "picture_encoder.onnx"
WEIGHTS_FILE = "picture_encoder.onnx.data"
"""Beside a graph whose weights are too many for one file."""

ABOUT_FILE = "encoder.json"
EXPORT_VERSION = 1
"""Part of the key: a change in how graphs are made, or pictures prepared, encodes everything anew."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a vision model wants done to a picture before it looks; as its `preprocessor_config.json` says.

    Attributes:
        resize: Height and width that the picture is stretched to, or one number for its shorter side; None: as it is.
        crop: Height and width cut from the middle; None: nothing is cut.
        resample: Pillow's number of the filter.
        scale: Factor of the levels 0 … 255.
        mean: Taken off each channel, after scaling.
        std: Then each channel is divided by it.
    """

    resize: int | tuple[int, int]
    crop: tuple[int, int] | None
    resample: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the model gets."""
        if self.crop is not None:
            return self.crop
        return (self.resize, self.resize) if isinstance(self.resize, int) else self.resize

    def __call__(self, picture: Pixels) -> Floats:
        """Prepare one picture; shape `(3, height, width)`."""
        from PIL import Image

        image = Image.fromarray(picture)
        if isinstance(self.resize, int):
            short, long = sorted(image.size)
            other = max(self.resize, int(self.resize * long / short))
            to = (self.resize, other) if image.width <= image.height else (other, self.resize)
        else:
            to = (self.resize[1], self.resize[0])
        image = image.resize(to, Image.Resampling(self.resample))
        if self.crop is not None:
            height, width = self.crop
            left, top = (image.width - width) // 2, (image.height - height) // 2
            image = image.crop((left, top, left + width, top + height))
        levels = np.asarray(image, np.float32) * np.float32(self.scale)
        return ((levels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)).transpose(2, 0, 1)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Preparation:
        """What `dataclasses.asdict` gave, after a journey through JSON."""
        resize, crop = document["resize"], document["crop"]
        return cls(
            resize if isinstance(resize, int) else (int(resize[0]), int(resize[1])),
            None if crop is None else (int(crop[0]), int(crop[1])),
            int(document["resample"]),
            float(document["scale"]),
            tuple(document["mean"]),
            tuple(document["std"]),
        )


class Clip(PictureEncoder):
    """Vectors of a CLIP or SigLIP model's vision half, or of another vision model that transformers reads.

    The graph is made once, when first encoding, by `shelfwise.train.picture_export`; from then on neither torch nor
    the original weights are needed.

    Cost:
        That of the model: some 15 pictures a second and core for CLIP ViT-B/32 in int8.
    """

    class Config(Options):
        """Options of `[encode.image]`."""

        model: str = Field(
            default="",
            description="A folder with a transformers model, or 'hub name@<40 digits of a commit>'; must be named.",
        )
        precision: Literal["int8", "fp32"] = Field(
            default="int8", description="Weights of the graph: int8 is a quarter of the size and faster."
        )
        batch_size: int = Field(default=16, ge=1, le=1_024, description="Pictures encoded at a time.")
        threads: int = Field(default=0, ge=0, le=256, description="Processor threads; 0: as many as there are cores.")

    def __init__(self, config: Config) -> None:
        if not config.model:
            raise ConfigError(
                "no model is named",
                expected="a folder with a CLIP or SigLIP model, or 'hub name@<40 digits of a commit>'",
                where="encode.image.model",
            )
        self.config = config
        self._session: onnxruntime.InferenceSession | None = None
        self._about: dict[str, Any] = {}
        self._prepare: Preparation | None = None

    def key(self) -> str:
        """Names the folder."""
        stated = json.dumps([EXPORT_VERSION, identity(self.config.model), self.config.precision])
        return f"pictures-{hashlib.sha256(stated.encode()).hexdigest()[:16]}"

    def runtime_files(self) -> tuple[str, ...]:
        """The graph, and what is known of it."""
        weights = (WEIGHTS_FILE,) if self._about.get("weights_apart") else ()
        return (GRAPH_FILE, *weights, ABOUT_FILE)

    def is_ready(self, folder: Path) -> bool:
        """The file that is written last says so."""
        return (folder / ABOUT_FILE).is_file()

    def load(self, folder: Path) -> None:
        """Open the graph."""
        self._about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        self._prepare = Preparation.from_json(self._about["preparation"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.config.threads
        self._session = onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
        )

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self._about.get("dim", 0))

    def encode(self, pictures: Sequence[Pixels]) -> Floats:
        """Encode batch by batch."""
        if self._session is None or self._prepare is None:
            raise RuntimeError("load() comes before encode()")
        vectors = np.empty((len(pictures), self.dim), np.float32)
        for start in range(0, len(pictures), self.config.batch_size):
            batch = np.stack([self._prepare(one) for one in pictures[start : start + self.config.batch_size]])
            answer: Any = self._session.run(None, {"pixel_values": batch})[0]
            vectors[start : start + len(batch)] = answer
        return vectors
