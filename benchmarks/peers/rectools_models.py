"""RecTools' transformers at the settings that were published for them, stopped early by the validation's NDCG.

Each is one trial: its settings are not tuned further. Where more may be learned from before the test than before the
validation, it is fitted again with as many epochs as the validation found.

Source:
    The configurations of github.com/blondered/transformer_benchmark for leave-one-out: those of the Amazon data for
    `beauty` and `games`, those of MovieLens 1M for the others. Theirs sample 256 negatives; ours take the full softmax,
    which is exact, and affordable where it is computed at the positions that have a target alone.
"""

from __future__ import annotations

import copy
import os
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from peers.devices import device, device_name
from peers.exam import Known, Questions
from peers.measure import TUNED_BY, measure
from peers.peer import Axes, Peer, Scores

FIT_S = 1_500.0
"""Seconds after which fitting is stopped at the end of an epoch: of one core, or by the clock where a GPU does it."""

LIMIT = "SHELFWISE_BENCH_FIT_S"
"""Names another number of seconds, where a machine is lent for less."""

WORTH_KEEPING_S = 60.0
"""Less work than this is done again where it was interrupted."""

STOPPING_QUESTIONS = 3_000
"""Validation questions that are asked after each epoch."""

SPARSE: dict[str, Any] = {
    "n_factors": 256,
    "session_max_len": 50,
    "n_blocks": 1,
    "n_heads": 1,
    "dropout_rate": 0.2,
    "patience": 5,
}
DENSE: dict[str, Any] = {
    "n_factors": 64,
    "session_max_len": 200,
    "n_blocks": 2,
    "n_heads": 1,
    "dropout_rate": 0.1,
    "patience": 10,
}
SETTINGS = {"beauty": SPARSE, "games": SPARSE}
TEMPERATURE = 0.05
"""HSTU's cosines are divided by this, as in its authors' published configurations (`temperature` beside `l2_norm`, in
those for MovieLens and Amazon Books of facebookresearch/generative-recommenders). RecTools' own default, 1, leaves the
softmax all but flat."""

MAX_EPOCHS = 200
EPOCHS = "SHELFWISE_BENCH_EPOCHS"
"""Names another number of epochs at most, for a quick look."""


@dataclass(slots=True)
class Progress:
    """How far fitting came.

    Attributes:
        epoch: Epochs done.
        spent_s: Seconds of all of them, validation not counted: of the processor, or by the clock on a GPU.
        best: The validation's best NDCG, after `best_epoch` epochs, with the weights `best_state`.
        taken_up_at: Epochs that were done when an interrupted run was taken up again last; 0: never.
    """

    epoch: int = 0
    spent_s: float = 0.0
    best: float = -1.0
    best_epoch: int = 0
    best_state: dict[str, Any] | None = None
    taken_up_at: int = 0


class _Transformer(Peer):
    """What the three have in common."""

    environment = "rectools"
    libraries = ("rectools", "torch", "pytorch-lightning", "numpy")
    n_trials = 1
    has_times: ClassVar[bool] = False

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        settings = {**SETTINGS.get(data, DENSE), "max_epochs": int(os.environ.get(EPOCHS, MAX_EPOCHS))}
        return {name: (value,) for name, value in settings.items()}

    def _model(self, known: Known, shared: dict[str, Any]) -> Any:
        raise NotImplementedError

    def fit(self, known: Known, validation: Questions | None) -> None:
        import torch
        from pytorch_lightning import seed_everything
        from rectools import Columns
        from rectools.dataset import Dataset

        _be_quiet()
        self._device = device()
        self._clock = time.perf_counter if self._device == "cuda" else time.process_time
        self._limit_s = float(os.environ.get(LIMIT, FIT_S))
        torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "2"))))
        seed_everything(self.seed, verbose=False)
        import pandas as pd

        past, settings = known.past, self.settings
        # Times of one moment are told apart by the order of arrival: RecTools sorts by time alone.
        order = np.arange(len(past))
        table = pd.DataFrame(
            {
                Columns.User: past.user_rows,
                Columns.Item: past.item_rows,
                Columns.Weight: np.ones(len(past), np.float32),
                Columns.Datetime: pd.to_datetime(
                    past.times_ms if self.has_times and known.has_clock else order, unit="ms"
                ),
            }
        )
        names = ("n_factors", "session_max_len", "n_blocks", "n_heads", "dropout_rate")
        shared: dict[str, Any] = {
            **{name: settings[name] for name in names},
            "loss": "softmax",
            "lightning_module_type": _only_targets(),
            "get_trainer_func": _trainer,
            "verbose": 0,
        }
        self._n_items = known.n_items
        self._rectools = self._model(known, shared)
        dataset = Dataset.construct(table)
        progress = Progress()
        if known.unfinished is not None and known.unfinished.exists():
            progress = self._taken_up(dataset, known.unfinished)
        if validation is None:
            self._to_the_end(dataset, progress, settings.get("epochs", settings["max_epochs"]), known)
        else:
            self._to_the_best(dataset, progress, validation.sample(STOPPING_QUESTIONS), known)

    def _to_the_end(self, dataset: Any, progress: Progress, n_epochs: int, known: Known) -> None:
        while progress.epoch < n_epochs:
            self._one_more(dataset, progress)
            self._keep(progress, known.unfinished)
        self._epochs = n_epochs
        self._note = f"fitted for {n_epochs} epochs, as many as the validation found best{self._on_what()}"

    def _to_the_best(self, dataset: Any, progress: Progress, asked: Questions, known: Known) -> None:
        everything = np.ones(known.n_items, bool)
        ended = ""
        while not ended:
            self._one_more(dataset, progress)
            found = measure(self._scores_of_known, asked, known, everything, (TUNED_BY,))
            ndcg = float(found.by_metric[TUNED_BY].mean())
            say(f"epoch {progress.epoch}: {ndcg:.5f} after {progress.spent_s:.0f} s")
            if ndcg > progress.best:
                progress.best, progress.best_epoch = ndcg, progress.epoch
                progress.best_state = copy.deepcopy(self._rectools.torch_model.state_dict())
            self._keep(progress, known.unfinished)
            if progress.epoch - progress.best_epoch >= self.settings["patience"]:
                ended = "early"
            elif progress.epoch >= self.settings["max_epochs"]:
                ended = "at the most epochs"
            elif progress.spent_s * (1 + 1 / progress.epoch) > self._limit_s:
                ended = f"by its time, {self._limit_s / 60:.3g} minutes {self._of_what()}"
        self._rectools.torch_model.load_state_dict(progress.best_state)
        self._epochs = progress.best_epoch
        taken_up = f", taken up again after {progress.taken_up_at}" if progress.taken_up_at else ""
        self._note = (
            f"the best of {progress.epoch} epochs is number {self._epochs}; stopped {ended}{taken_up}{self._on_what()}"
        )

    def _of_what(self) -> str:
        return "by the clock" if self._device == "cuda" else "of one core"

    def _on_what(self) -> str:
        return f"; trained on {device_name(self._device)}" if self._device == "cuda" else ""

    def _one_more(self, dataset: Any, progress: Progress) -> None:
        started = self._clock()
        self._rectools.fit_partial(dataset, min_epochs=1, max_epochs=1)
        progress.epoch += 1
        progress.spent_s += self._clock() - started

    def _keep(self, progress: Progress, path: Path | None) -> None:
        """Write how far it came; a run of an hour may be interrupted."""
        if path is None or progress.spent_s < WORTH_KEEPING_S:
            return
        import torch

        model = self._rectools.lightning_model
        state = {
            "progress": asdict(progress),
            "model": model.torch_model.state_dict(),
            "optimizer": model.optimizer.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, path)

    def _taken_up(self, dataset: Any, path: Path) -> Progress:
        """Go on where a run was interrupted, with its weights and the optimiser's moments; chance starts anew."""
        import torch

        state = torch.load(path, weights_only=True)
        rectools = self._rectools
        rectools._build_model_from_dataset(dataset)
        rectools.fit_trainer = copy.deepcopy(rectools._trainer)
        rectools.is_fitted = True
        model = rectools.lightning_model
        model.is_fitted = True  # or its weights are drawn anew
        model.torch_model.load_state_dict(state["model"])
        model.configure_optimizers().load_state_dict(state["optimizer"])
        progress = Progress(**state["progress"])
        progress.taken_up_at = progress.epoch
        say(f"taken up after epoch {progress.epoch}")
        return progress

    def found(self) -> dict[str, Any]:
        return {"epochs": self._epochs}

    def note(self) -> str:
        return self._note

    def scores(self, questions: Questions) -> Scores:
        import torch

        prepared = self._rectools.data_preparator
        known_rows = np.asarray(prepared.get_known_item_ids(), np.int64)
        n_extra = prepared.n_item_extra_tokens
        token_by_row = np.full(self._n_items, -1, np.int64)
        token_by_row[known_rows] = np.arange(len(known_rows)) + n_extra
        table = np.full((len(questions), self._n_items), -np.inf, np.float32)
        lines, batch = [], []
        for line in range(len(questions)):
            events = questions.history(line)
            tokens = token_by_row[questions.item_rows[events]]
            seconds = questions.times_ms[events][tokens >= 0] // 1_000
            tokens = tokens[tokens >= 0]
            if not len(tokens):
                continue
            extras = {}
            if prepared.add_unix_ts:  # a dummy stands where the answer would
                extras = {"unix_ts": [*seconds.tolist(), int(questions.now_ms[line]) // 1_000]}
                tokens = np.append(tokens, 0)
            lines.append(line)
            batch.append((tokens.tolist(), [1.0] * len(tokens), extras))
        if not batch:
            return table
        model = self._rectools.torch_model.to(self._device)  # fitting brings it back to the processor
        model.eval()
        asked = {name: part.to(self._device) for name, part in prepared._collate_fn_recommend(batch).items()}
        with torch.no_grad():
            items = model.item_model.get_all_embeddings()
            sessions = model.encode_sessions(asked, items)[:, -1, :]
            found = model.similarity_module(sessions, items[n_extra:]).cpu().numpy()  # HSTU's is a cosine
        table[np.array(lines)[:, None], known_rows[None, :]] = found
        return table

    def _scores_of_known(self, questions: Questions) -> Scores:
        """With strangers' items all alike instead of none, as stopping early asks without the popular fallback."""
        table = self.scores(questions)
        table[np.isneginf(table).all(axis=1)] = 0.0
        return table


class SasRec(_Transformer):
    """SASRec with softmax.

    Source:
        Kang & McAuley (2018), Self-Attentive Sequential Recommendation; the loss as in Klenitskiy & Vasilev (2023).
    """

    def _model(self, known: Known, shared: dict[str, Any]) -> Any:
        from rectools.models import SASRecModel

        return SASRecModel(**shared)


class ESasRec(_Transformer):
    """SASRec with LiGR blocks and softmax.

    Source:
        Tikhonovich et al. (2025), eSASRec.
    """

    def _model(self, known: Known, shared: dict[str, Any]) -> Any:
        from rectools.models import SASRecModel
        from rectools.models.nn.transformers.ligr import LiGRLayers

        return SASRecModel(
            **shared,
            transformer_layers_type=LiGRLayers,
            transformer_layers_kwargs={"ff_factors_multiplier": 4},
            use_key_padding_mask=True,
        )


class Hstu(_Transformer):
    """HSTU with relative positions; with relative times too where the log has a clock.

    Source:
        Zhai et al. (2024), Actions Speak Louder than Words.
    """

    has_times = True

    def _model(self, known: Known, shared: dict[str, Any]) -> Any:
        from rectools.models import HSTUModel

        return HSTUModel(
            **shared,
            relative_time_attention=known.has_clock,
            relative_pos_attention=True,
            lightning_module_kwargs={"logits_t": TEMPERATURE},
        )


def say(text: str) -> None:
    """Tell whoever watches."""
    print(text, file=sys.stderr, flush=True)


def _only_targets() -> Any:
    """RecTools' training module with the same loss, computed only at the positions that have a target.

    Most of a batch is padding; RecTools computes the logits there too and then leaves them out.
    """
    import torch
    from rectools.models.nn.transformers.lightning import TransformerLightningModule

    class OnlyTargets(TransformerLightningModule):
        def training_step(self, batch: dict[str, Any], batch_idx: int) -> Any:
            items = self.torch_model.item_model.get_all_embeddings()  # (n + 1, D)
            sessions = self.torch_model.encode_sessions(batch, items)  # (B, T, D)
            has_target = batch["y"] != 0
            with torch.autocast(sessions.device.type, torch.bfloat16):  # three times as many epochs in the same time
                logits = self.torch_model.similarity_module(sessions[has_target], items)  # (P, n + 1)
            return torch.nn.functional.cross_entropy(logits.float() / self.logits_t, batch["y"][has_target])

    return OnlyTargets


def _trainer() -> Any:
    from pytorch_lightning import Trainer

    return Trainer(
        accelerator="gpu" if device() == "cuda" else "cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _be_quiet() -> None:
    import logging

    warnings.filterwarnings("ignore")
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
