"""The training loop. Needs torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shelfwise.config.tune import TuneSpec
from shelfwise.encode.whitening import Whitening
from shelfwise.pipeline.fitted import Progress
from shelfwise.schemas.ids import Floats, Rows
from shelfwise.track.tracker import Curve, untracked
from shelfwise.train.pooled_encoder import PooledEncoder
from shelfwise.train.tuning import checkpoint
from shelfwise.train.tuning.batches import Numbers, batch_of, packed
from shelfwise.train.tuning.checkpoint import State
from shelfwise.train.tuning.losses import info_nce, log_frequency
from shelfwise.train.tuning.methods import Prepared
from shelfwise.train.tuning.pairs import Pairs

TEXTS_AT_A_TIME = 128
"""Encoded side by side where nothing is learned."""

TIMED_STEPS = 8
"""Steps whose time says how many fit into the minutes allowed; the first of all is slower and not counted."""

RESERVE = 0.85
"""Share of the minutes that is planned with: the rest is for checks and slower hours."""

Check = Callable[[Callable[[Rows], Floats]], float]
"""The held-out figure of an encoder, higher is better, given what encodes items by row."""

OnCheck = Callable[[int, float], None]
"""Told the step and figure of every check; what it raises ends the loop."""


class Texts:
    """Texts cut into tokens once, and their vectors by number."""

    def __init__(self, texts: Sequence[str], tokenizer: Any, max_tokens: int, *, bf16: bool) -> None:
        self._ids: list[list[int]] = (
            tokenizer(list(texts), truncation=True, max_length=max_tokens)["input_ids"] if len(texts) else []
        )
        self._padding = tokenizer.pad_token_id or 0
        self._bf16 = bf16

    def pooled(self, encoder: PooledEncoder, numbers: Numbers) -> Tensor:
        """Mean states, before a head; shape `(len(numbers), D)`."""
        lists = [self._ids[number] for number in numbers.tolist()]
        device = next(encoder.parameters()).device
        ids = torch.full((len(lists), max(2, *map(len, lists))), self._padding, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for line, tokens in enumerate(lists):
            ids[line, : len(tokens)] = torch.tensor(tokens)
            mask[line, : len(tokens)] = 1
        with torch.autocast(device.type, torch.bfloat16, enabled=self._bf16):
            return encoder.pooled(ids.to(device), mask.to(device)).float()

    def vectors(self, encoder: PooledEncoder, numbers: Numbers) -> Floats:
        """Finished vectors without learning anything, in eval mode; shape `(len(numbers), D)`."""
        by_length = np.argsort([len(self._ids[number]) for number in numbers.tolist()], kind="stable")
        found: Floats | None = None
        was_training = encoder.training
        encoder.eval()
        with torch.no_grad():
            for start in range(0, len(numbers), TEXTS_AT_A_TIME):
                places = by_length[start : start + TEXTS_AT_A_TIME]
                block = encoder.finished(self.pooled(encoder, numbers[places])).cpu().numpy()
                if found is None:
                    found = np.empty((len(numbers), block.shape[1]), np.float32)
                found[places] = block
        encoder.train(was_training)
        return np.empty((0, 0), np.float32) if found is None else found


@dataclass
class _Kept:
    """Mean states of a transformer that does not change, computed once."""

    vectors: Tensor
    known: Tensor


class Loop:
    """One tuning, from a fresh start or a checkpoint to its end.

    Similarity is measured where it will be used: in the space to which the untuned vectors are whitened.

    Every random choice follows from the seed and the number of the step, so that a run that was interrupted ends as it
    would have without.
    """

    def __init__(
        self, prepared: Prepared, texts: Texts, pairs: Pairs, hard: Rows | None, whitening: Whitening, spec: TuneSpec
    ) -> None:
        self.prepared, self.texts, self.pairs, self.hard, self.spec = prepared, texts, pairs, hard, spec
        self.device = next(prepared.encoder.parameters()).device
        self.mean = torch.from_numpy(whitening.mean).to(self.device)
        self.directions = torch.from_numpy(whitening.directions).to(self.device)
        self.log_q = log_frequency(torch.from_numpy(pairs.n_positive).float()).to(self.device)
        self.optimiser = torch.optim.AdamW(_decayed(prepared, spec.weight_decay), lr=spec.peak_lr, betas=(0.9, 0.98))
        self.state = State()
        self.best: dict[str, Tensor] = {}
        self._epoch: tuple[int, list[Numbers]] = (-1, [])
        self._kept: _Kept | None = None
        self.n_batches = len(self._batches(0))
        self.wanted_steps = max(1, math.ceil(spec.epochs * self.n_batches / spec.accumulate))

    def run(
        self,
        before: float,
        check: Check,
        folder: Path,
        progress: Progress,
        on_check: OnCheck,
        track: Curve = untracked,
    ) -> State:
        """Tune until the steps, the time or the patience is used up; the encoder is left with its best weights.

        Args:
            before: The held-out figure of the untuned encoder, which has to be beaten.
            check: Asked `n_checks` times.
            folder: Of the checkpoints; one that is there is gone on from.
            progress: Told of every step.
            on_check: Told of every check.
            track: Told loss and learning rate of every step, and the figure of every check.

        Returns:
            `best_step` is 0 where nothing was better than the untuned encoder: then the weights are of no use.
        """
        restored = checkpoint.restore(folder, self.prepared, self.optimiser)
        if restored is not None:
            self.state, self.best = restored
        else:
            self.state.best = before
        state = self.state
        if state.n_steps:
            self.prepared.plan(state.n_steps)
        started, loss_sum, n_losses = time.perf_counter() - state.seconds, 0.0, 0
        timed = 0.0
        while not self._is_done():
            loss = self._step(state.step)
            track("loss", loss, state.step + 1)
            track("learning_rate", self._lr(state.step), state.step + 1)
            loss_sum += loss
            n_losses += 1
            state.step += 1
            state.seconds = time.perf_counter() - started
            if not state.n_steps:
                if state.step == 1:
                    timed = state.seconds
                if state.step > TIMED_STEPS or state.step == self.wanted_steps:
                    self._plan((state.seconds - timed) / max(state.step - 1, 1))
            progress(f"tuning the encoder ({self.spec.method})", state.step, state.n_steps or self.wanted_steps)
            if self._is_time_to_check():
                figure = check(lambda rows: self.texts.vectors(self.prepared.encoder, rows.astype(np.int64)))
                state.seconds = time.perf_counter() - started
                track("held_out_mrr", figure, state.step)
                self._note(figure, loss_sum / n_losses)
                loss_sum, n_losses = 0.0, 0
                checkpoint.save(folder, self.prepared, self.optimiser, self.best, state)
                on_check(state.step, figure)
        if self.best:
            checkpoint.put(self.prepared, self.best)
        return state

    def _plan(self, seconds_per_step: float) -> None:
        fit = int(RESERVE * self.spec.minutes * 60 / max(seconds_per_step, 1e-9))
        self.state.n_steps = min(self.wanted_steps, max(fit, self.state.step))
        self.prepared.plan(self.state.n_steps)

    def _is_done(self) -> bool:
        state = self.state
        if state.n_steps and state.step >= state.n_steps:
            return True
        return state.n_worse >= self.spec.patience or (
            # Slower than it looked at first: what was checked last counts.
            bool(state.checks) and state.step == state.checks[-1]["step"] and state.seconds > self.spec.minutes * 60
        )

    def _is_time_to_check(self) -> bool:
        state = self.state
        if not state.n_steps:
            return False
        # n_checks evenly spaced, the last one at the last step.
        part = self.spec.n_checks / state.n_steps
        due = int(state.step * part + 1e-9) > int((state.step - 1) * part + 1e-9)
        return due or state.seconds > self.spec.minutes * 60

    def _note(self, figure: float, loss: float) -> None:
        state = self.state
        entry = {
            "step": state.step,
            "figure": round(figure, 6),
            "loss": round(loss, 5),
            "lr": self._lr(state.step),
            "seconds": round(state.seconds, 1),
        }
        state.checks.append(entry)
        if figure > state.best:
            state.best, state.best_step, state.n_worse = figure, state.step, 0
            self.best = checkpoint.snapshot(self.prepared)
        else:
            state.n_worse += 1

    def _lr(self, step: int) -> float:
        n_steps = self.state.n_steps or self.wanted_steps
        n_warm = max(1, int(self.spec.warmup * n_steps))
        if step < n_warm:
            return self.spec.peak_lr * (step + 1) / (n_warm + 1)
        done = min(1.0, (step - n_warm) / max(1, n_steps - n_warm))
        falling = 0.5 * (1 + math.cos(math.pi * done)) if self.spec.schedule == "cosine" else 1 - done
        return self.spec.peak_lr * falling

    def _step(self, step: int) -> float:
        spec, prepared = self.spec, self.prepared
        torch.manual_seed(spec.seed * 1_000_003 + step)
        for group in self.optimiser.param_groups:
            group["lr"] = self._lr(step)
        prepared.encoder.train()
        if prepared.is_frozen:
            prepared.encoder.model.eval()
        total = 0.0
        for part in range(spec.accumulate):
            loss = self._loss(step * spec.accumulate + part) / spec.accumulate
            loss.backward()
            total += float(loss.detach())
        nn.utils.clip_grad_norm_(prepared.trainable().values(), spec.clip)
        self.optimiser.step()
        if self.state.n_steps:
            prepared.after_step(step)
        self.optimiser.zero_grad(set_to_none=True)
        return total

    def _loss(self, number: int) -> Tensor:
        epoch, place = divmod(number, self.n_batches)
        batches = self._batches(epoch)  # of another epoch there may be one more or less
        batch = batch_of(
            self.pairs, batches[place % len(batches)], self.hard, self.spec.hard_negatives, self.spec.seed, number
        )
        n_items = self.pairs.n_items
        longer = batch.anchors[batch.anchors >= n_items]  # histories and searches: apart, since they are longer
        candidates = self._vectors(batch.candidates.astype(np.int64))
        place_of = np.searchsorted(batch.candidates, batch.anchors[: len(batch.anchors) - len(longer)])
        anchors = candidates[torch.from_numpy(place_of).to(self.device)]
        if len(longer):
            anchors = torch.cat([anchors, self._vectors(longer)])
        loss = info_nce(
            anchors @ candidates.T,
            torch.from_numpy(batch.lines).to(self.device),
            torch.from_numpy(batch.columns).to(self.device),
            torch.from_numpy(batch.weights).to(self.device),
            torch.from_numpy(batch.blocked).to(self.device),
            temperature=self.spec.temperature,
            log_q=self.log_q[torch.from_numpy(batch.candidates.astype(np.int64)).to(self.device)],
            symmetric=self.spec.symmetric,
        )
        return loss + self.prepared.penalty().to(self.device)

    def _batches(self, epoch: int) -> list[Numbers]:
        if self._epoch[0] != epoch:
            self._epoch = (epoch, packed(self.pairs, self.spec.batch_texts, self.spec.seed, epoch))
        return self._epoch[1]

    def _vectors(self, numbers: Numbers) -> Tensor:
        """Whitened vectors of length 1, to be learned through; shape `(len(numbers), D)`."""
        encoder = self.prepared.encoder
        pooled = self._kept_pooled(numbers) if self.prepared.is_frozen else self.texts.pooled(encoder, numbers)
        whitened = (encoder.finished(pooled) - self.mean) @ self.directions
        return nn.functional.normalize(whitened, dim=1)

    def _kept_pooled(self, numbers: Numbers) -> Tensor:
        encoder = self.prepared.encoder
        if self._kept is None:
            n = len(self.pairs.texts)
            dim = encoder.heads[0].linear.in_features
            self._kept = _Kept(torch.empty(n, dim, device=self.device), torch.zeros(n, dtype=torch.bool))
        new = numbers[~self._kept.known[torch.from_numpy(numbers)].numpy()]
        if len(new):
            with torch.no_grad():
                self._kept.vectors[torch.from_numpy(new)] = self.texts.pooled(encoder, new)
            self._kept.known[torch.from_numpy(new)] = True
        return self._kept.vectors[torch.from_numpy(numbers)]


def _decayed(prepared: Prepared, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: matrices are pulled towards 0, biases, norms and what starts at the identity are not."""
    # Checkpoints name the optimiser's entries by the order of all trainable weights: it must be that of the groups.
    groups: list[dict[str, Any]] = []
    for name, weight in prepared.trainable().items():
        is_matrix = weight.ndim >= 2 and not name.startswith("head.") and "norm" not in name.lower()
        groups.append({"params": [weight], "weight_decay": weight_decay if is_matrix else 0.0})
    return groups
