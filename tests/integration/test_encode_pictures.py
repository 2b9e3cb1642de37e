"""Vision models, exported, say what transformers says of the same weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.encode.pictures.clip import ABOUT_FILE, Clip
from shelfwise.encode.pictures.encoder import PictureEncoder
from shelfwise.errors import ConfigError
from shelfwise.testing.pictures import PICTURES, PictureEncoderContract

Ready = tuple[dict[str, Any], Path]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from shelfwise.testing.tiny_models import tiny_clip, tiny_siglip

    folder = tmp_path_factory.mktemp("models")
    tiny_clip(folder / "clip")
    tiny_siglip(folder / "siglip")
    return folder


@pytest.fixture(scope="module")
def made(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ready]:
    """Exports a model with options; each combination once."""
    from shelfwise.train.picture_export import export_pictures_here

    kept: dict[str, Ready] = {}

    def make(model: str, **options: Any) -> Ready:
        stated = {"model": str(models / model), "threads": 1, "batch_size": 3, **options}
        name = json.dumps(stated, sort_keys=True)
        if name not in kept:
            folder = tmp_path_factory.mktemp(model)
            export_pictures_here(Clip.Config.model_validate(stated), folder)
            kept[name] = stated, folder
        return kept[name]

    return make


class VisionContract(PictureEncoderContract):
    """The contract, on an exported model."""

    model = ""
    options: dict[str, Any] = {}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def _ready(self, made: Callable[..., Ready]) -> None:
        self.stated, self.folder = made(self.model, **self.options)

    def make(self) -> PictureEncoder:
        return Clip(Clip.Config.model_validate(self.stated))

    def ready_folder(self) -> Path:
        return self.folder

    def test_agrees_with_transformers(self) -> None:
        """Their processor and their model, one picture at a time."""
        import torch
        from transformers import AutoImageProcessor, AutoModel

        folder = self.stated["model"]
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        expected: list[Any] = []
        with torch.no_grad():
            for picture in PICTURES:
                pixels = processor(images=picture, input_data_format="channels_last", return_tensors="pt")
                vector = model.get_image_features(**pixels).pooler_output[0].numpy()
                expected.append(vector / np.linalg.norm(vector))
        self.assert_same(self.loaded().encode(PICTURES), np.stack(expected))


class TestClip(VisionContract):
    model = "clip"
    options = {"precision": "fp32"}  # noqa: RUF012
    tolerance = 1e-3

    def test_the_projection_counts(self) -> None:
        assert self.loaded().dim == 16


class TestClipInt8(VisionContract):
    model = "clip"
    tolerance = 0.03

    def test_both_cosines_are_told(self) -> None:
        about = json.loads((self.folder / ABOUT_FILE).read_text())
        assert about["min_cosine"]["fp32"] > 0.9999
        assert 0.97 <= about["min_cosine"]["int8"] <= 1.00001


class TestSiglip(VisionContract):
    model = "siglip"
    options = {"precision": "fp32"}  # noqa: RUF012
    tolerance = 1e-3


def test_other_weights_have_another_key(models: Path) -> None:
    keys = {
        Clip(Clip.Config.model_validate({"model": str(models / name), **options})).key()
        for name in ("clip", "siglip")
        for options in ({}, {"precision": "fp32"}, {"batch_size": 2})
    }
    assert len(keys) == 4


def test_a_language_model_is_refused(tmp_path: Path) -> None:
    from shelfwise.testing.tiny_models import tiny_bert
    from shelfwise.train.picture_export import export_pictures_here

    tiny_bert(tmp_path / "bert", ["red mug"])
    with pytest.raises(ConfigError, match="holds no vision model") as caught:
        export_pictures_here(Clip.Config(model=str(tmp_path / "bert")), tmp_path / "out")
    assert caught.value.where == "encode.image.model"
    assert not (tmp_path / "out" / ABOUT_FILE).exists()


def test_a_model_must_be_named() -> None:
    with pytest.raises(ConfigError, match="no model is named"):
        Clip(Clip.Config())


def test_an_unpinned_name_is_refused_where_it_stands(tmp_path: Path) -> None:
    from shelfwise.train.picture_export import export_pictures_here

    with pytest.raises(ConfigError, match="neither a folder nor a pinned model") as caught:
        export_pictures_here(Clip.Config(model="openai/clip-vit-base-patch32"), tmp_path)
    assert caught.value.where == "encode.image.model"
