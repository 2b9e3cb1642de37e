"""What a shop's verbs ask for a tuned encoder; the same tuning is never done twice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.config.tune import TuneSpec
from shelfwise.datasets.interactions import DAY_MS, target_kind
from shelfwise.datasets.moments import before_all_questions
from shelfwise.datasets.searches import Searches
from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.catalogue import encoded_items
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.passage import passage
from shelfwise.encode.profile_vectors import PART as PROFILES
from shelfwise.encode.profile_vectors import ProfileTexts, ProfileVectors, encode_profiles
from shelfwise.encode.sentence_transformer import SentenceTransformer
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import ConfigError
from shelfwise.pipeline.components import build_text_encoder
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.model import EncoderFiles
from shelfwise.schemas.ids import Bools, Floats
from shelfwise.schemas.items import Item
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache
from shelfwise.track.tracker import Curve, untracked
from shelfwise.train.encoder_export import export
from shelfwise.train.profiles import set_profiles_apart
from shelfwise.train.tuning.pairs import ItemTexts
from shelfwise.train.tuning.quality import measure, questions
from shelfwise.train.tuning.run import Material, TunedEncoder, family, finished, key, tune, write_about

FOLDER = "tuned"
"""Within the shop's folder of encoders."""

KEPT = 4
"""Tuned encoders that a shop keeps, latest first: `train` and `evaluate` need one each."""


@dataclass(frozen=True, slots=True)
class TunedVectors:
    """Item vectors by a tuned encoder.

    Attributes:
        vectors: Whitened, of length 1, 0 for an item without text; shape `(n_items, D)`.
        files: What a model version needs to encode new items the same way.
        about: Of the tuning.
        profiles: Those of users by the same encoder; None where there are none.
    """

    vectors: Floats
    files: EncoderFiles
    about: dict[str, Any]
    profiles: ProfileVectors | None = None


class Tuner:
    """Tunes a shop's encoder on a given past, or finds that this was done.

    Every tuning has a folder named by its key: weights, configuration, texts and behaviour. Where the log has a clock,
    one that was done up to `renew_d` days earlier serves as well: it knows nothing that the present one may not.
    """

    def __init__(
        self,
        config: ShopConfig,
        records: Records,
        items: Sequence[Item],
        searches: Searches,
        vectors_folder: Path,
        profiles: ProfileTexts | None = None,
    ) -> None:
        encoder = build_text_encoder(config)
        if not isinstance(encoder, SentenceTransformer):
            raise ConfigError(
                f"[encode.text] use = {config.encode.text.use!r} cannot be tuned",
                expected="use = 'sentence-transformer'",
                where="encode.tune.use",
                code="cannot_tune",
            )
        self.config, self.records, self.items, self.searches = config, records, items, searches
        self.base = encoder.config
        self.vectors_folder, self.profiles = vectors_folder, profiles
        self.track: Curve = untracked  # told loss, learning rate and held-out figure of what is tuned
        self._passages = [passage(item) for item in items]
        self._has_text = np.array([bool(text) for text in self._passages], bool)

    @property
    def folder(self) -> Path:
        """Where tuned encoders are kept."""
        return self.vectors_folder / FOLDER

    @property
    def spec(self) -> TuneSpec:
        """The shop's `[encode.tune]`."""
        return self.config.encode.tune

    def with_spec(self, spec: TuneSpec) -> Tuner:
        """The same with another `[encode.tune]`."""
        encode = self.config.encode.model_copy(update={"tune": spec})
        config = self.config.model_copy(update={"encode": encode})
        other = Tuner(config, self.records, self.items, self.searches, self.vectors_folder, self.profiles)
        other.track = self.track
        return other

    def material(self, data: TrainingData, users: Bools) -> Material:
        """What may be learned from, of a past that models are about to be fitted on.

        The ranker will be asked about the end of that past, so the encoder sees nothing of it.
        """
        target = target_kind(data.interactions, self.config.behaviour.target)
        return Material(
            self.base,
            ItemTexts(self._passages, data.catalogue.titles),
            before_all_questions(data, target, users),
            self.searches,
            target,
            self.config.encode.whiten_dim,
            self.config.encode.whiten_shrinkage,
        )

    def tuned(self, material: Material, progress: Progress) -> TunedEncoder:
        """A tuned encoder for this past: found or made."""
        found = self._found(material)
        if found is None:
            found = tune(material, self.spec, self.folder / key(material, self.spec), progress, track=self.track)
            self._prune()
        return found

    def vectors(self, data: TrainingData, users: Bools, progress: Progress) -> TunedVectors | None:
        """Item vectors by an encoder that was tuned on a part of `data`; None where tuning brought nothing.

        Args:
            data: A past that models are about to be fitted on.
            users: Who may be asked about, by user row.
            progress: Told of every step.
        """
        material = self.material(data, users)
        found = self.tuned(material, progress)
        return self.encoded(found, material, progress) if found.is_better else None

    def encoded(self, found: TunedEncoder, material: Material, progress: Progress) -> TunedVectors:
        """All items by a tuned encoder; what the tuning did to items it never saw is measured the first time."""
        encoder = SentenceTransformer(self.base.model_copy(update={"model": str(found.model.resolve())}))
        folder = self.vectors_folder / encoder.key()
        if not encoder.is_ready(folder):
            progress("exporting the tuned encoder", None, None)
            export(encoder, folder)
        encoder.load(folder)
        cache = VectorCache(self.records, folder, encoder.key(), encoder.dim)
        raw = encoded_items(
            self.items, encoder, cache, lambda done, total: progress("encoding items as tuned", done, total)
        )
        whitening = material.whitening(raw[self._has_text] if self._has_text.any() else raw)
        vectors = self._whitened(raw, whitening)
        about = found.about
        if "quality" not in about and key(material, self.spec) == found.folder.name:
            progress("measuring what tuning brought", None, None)
            about = {**about, "quality": self._quality(material, vectors), "encoder": encoder.key()}
            write_about(found.folder, about)
        profiles = None
        if self.profiles is not None:
            set_profiles_apart(cache, self.items)
            profiles = encode_profiles(self.profiles, encoder, cache, Landmarks.of(raw, vectors, self._has_text))
        files = EncoderFiles(folder, encoder.runtime_files(), whitening, encoder.key())
        return TunedVectors(vectors, files, about, profiles)

    def _whitened(self, raw: Floats, whitening: Whitening) -> Floats:
        return np.where(self._has_text[:, None], whitening(raw), np.float32(0))

    def _quality(self, material: Material, tuned: Floats) -> dict[str, Any]:
        parts = material.lessons(self.spec)
        found: dict[str, Any] = {}
        for name, wanted in (("warm", ~parts.cold), ("cold", parts.cold)):
            asked = questions(parts.test, wanted & self._has_text)
            found[name] = {"tuned": asdict(measure(tuned, asked))}
            if material.data.vectors is not None:
                found[name]["frozen"] = asdict(measure(material.data.vectors, asked))
        return found

    def _found(self, material: Material) -> TunedEncoder | None:
        exact = finished(self.folder / key(material, self.spec))
        if exact is not None or not material.data.interactions.has_clock:
            return exact
        now_ms, wanted = material.data.now_ms, family(material, self.spec)
        earlier = [one for path in self._folders() if (one := finished(path)) is not None]
        fitting = [
            one
            for one in earlier
            if one.about["family"] == wanted
            and one.about["until_ms"] is not None
            and now_ms - self.spec.renew_d * DAY_MS <= one.about["until_ms"] <= now_ms
        ]
        return max(fitting, key=lambda one: one.about["until_ms"], default=None)

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)

    def _prune(self) -> None:
        done = [one for path in self._folders() if (one := finished(path)) is not None]
        for one in done[:-KEPT]:
            if "encoder" in one.about:
                graph = self.vectors_folder / one.about["encoder"]
                shutil.rmtree(graph, ignore_errors=True)
                lost = VectorCache(self.records, graph, graph.name, 1)  # finds no vectors, and forgets that there were
                lost.part(PROFILES)  # likewise
            shutil.rmtree(one.folder)


def tuned_vectors(
    tuner: Tuner | None, data: TrainingData, users: Bools, progress: Progress
) -> tuple[TrainingData, TunedVectors | None]:
    """The same data with vectors by an encoder that was tuned on a part of it; unchanged without a tuner or a gain."""
    if tuner is None or data.vectors is None:
        return data, None
    found = tuner.vectors(data, users, progress)
    return (data, None) if found is None else (replace(data, vectors=found.vectors, profiles=found.profiles), found)
