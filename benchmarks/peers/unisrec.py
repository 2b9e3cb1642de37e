"""A text-only SASRec in the manner of UniSRec, run beside ours on items that nobody has touched."""

from __future__ import annotations

import copy
import sys
from itertools import pairwise
from typing import Any

import numpy as np

from peers.exam import Known, Questions
from peers.measure import TUNED_BY, measure
from peers.own_models import OWN_LIBRARIES, training_data
from peers.peer import Axes, Peer, Scores
from peers.spent import now
from shelfwise.neural.objective import full_softmax
from shelfwise.neural.run import fast_half

FIT_CPU_S, FOR_EVENTS = 600.0, 150_000
"""Processor time for so many events, and for more in proportion, after which fitting stops at the end of an epoch."""

STOPPING_QUESTIONS = 3_000
EPOCHS_AT_MOST = 60
PATIENCE = 10
EVENTS_PER_STEP = 512
N_HISTORY = 50


class UniSRec(Peer):
    """Item texts, encoded by the same MiniLM that ours reads, through a mixture of whitening experts; no item ids.

    Each expert is `(x - b) W`, mixed by a noisy gate; a causal transformer reads them; the loss is a softmax over the
    cosines to all items, divided by a temperature. Trained on this shop alone, from scratch: the published one is
    trained on other shops first, whose data are not here. The softmax is exact, and asked at every place of a history.

    Source:
        Hou et al. (2022), Towards Universal Sequence Representation Learning for Recommender Systems; its settings:
        8 experts, 2 layers, 2 heads, temperature 0.07; 128 dimensions instead of 300, for the time. The rate was chosen
        on Office's validation; layers are normalised before, not after: otherwise nothing was learned from scratch.
        To its favour: items that nobody touched in training are no wrong answers, or their texts would be pushed away.
    """

    libraries = OWN_LIBRARIES
    reads_texts = True
    n_trials = 1

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {"dropout": (0.2,), "dim": (128,), "n_experts": (8,), "temperature": (0.07,), "rate": (3e-3,)}

    def fit(self, known: Known, validation: Questions | None) -> None:
        import torch

        torch.manual_seed(self.seed)
        random = np.random.default_rng(self.seed)
        texts = torch.from_numpy(_texts(known))
        self._known, self._network = known, _network(texts, self.settings)
        optimiser = torch.optim.AdamW(self._network.parameters(), lr=self.settings["rate"], weight_decay=1e-4)
        sequences = _sequences(known)
        touched = torch.from_numpy(np.unique(known.past.item_rows).astype(np.int64))
        at_most = FIT_CPU_S * max(1.0, len(known.past.item_rows) / FOR_EVENTS)
        began, best, best_state, self._epochs, epoch = now(), -1.0, None, 0, 0
        n_epochs = self.settings.get("epochs", EPOCHS_AT_MOST)
        while epoch < n_epochs and epoch - self._epochs < PATIENCE:
            _epoch(self._network, optimiser, sequences, touched, random, self.settings["temperature"])
            epoch += 1
            if validation is None:
                self._epochs = epoch
                continue
            asked = validation.sample(STOPPING_QUESTIONS)
            everything = np.ones(known.n_items, bool)
            ndcg = float(measure(self.scores, asked, known, everything, (TUNED_BY,)).by_metric[TUNED_BY].mean())
            spent = (now() - began).cpu
            print(f"epoch {epoch}: {ndcg:.5f} after {spent:.0f} CPU s", file=sys.stderr, flush=True)
            if ndcg > best:
                best, self._epochs = ndcg, epoch
                best_state = copy.deepcopy(self._network.state_dict())
            if spent > at_most:
                break
        if best_state is not None:
            self._network.load_state_dict(best_state)
        self._note = f"the best of {epoch} epochs is number {self._epochs}"

    def found(self) -> dict[str, Any]:
        return {"epochs": self._epochs}

    def note(self) -> str:
        return self._note

    def scores(self, questions: Questions) -> Scores:
        import torch

        self._network.eval()
        table = np.zeros((len(questions), self._known.n_items), np.float32)
        histories = [questions.item_rows[questions.history(place)][-N_HISTORY:] for place in range(len(questions))]
        lines = np.array([line for line, history in enumerate(histories) if len(history)], np.int64)
        with torch.no_grad():
            items = self._network.items()
            for part in np.array_split(lines, max(1, len(lines) // 512)):
                if len(part):
                    users = self._network.users(items, *_padded([histories[line] for line in part]))
                    table[part] = (users @ items.T).numpy()
        return table


def _texts(known: Known) -> np.ndarray:
    """The encoder's vectors as they come, not whitened; shape `(n_items, 384)`."""
    _, data, _ = training_data(known, with_texts=True, raw=True)
    if data.raw_vectors is None:
        raise ValueError(f"{known.shop} encodes no text")
    return np.ascontiguousarray(data.raw_vectors, np.float32)


def _sequences(known: Known) -> list[np.ndarray]:
    bounds = np.searchsorted(known.past.user_rows, np.arange(known.n_users + 1))
    found: list[np.ndarray] = []
    for first, end in pairwise(bounds.tolist()):
        # Long histories in pieces that share one event, so that each event is asked for once.
        for start in range(first, end - 1, N_HISTORY):
            found.append(known.past.item_rows[start : min(start + N_HISTORY + 1, end)].astype(np.int64))
    return [one for one in found if len(one) > 1]


def _padded(histories: list[np.ndarray]) -> tuple[Any, Any]:
    """Histories padded at the end, and their lengths."""
    import torch

    lengths = torch.tensor([len(history) for history in histories])
    rows = torch.zeros((len(histories), int(lengths.max())), dtype=torch.long)
    for line, history in enumerate(histories):
        rows[line, : len(history)] = torch.from_numpy(history.astype(np.int64))
    return rows, lengths


def _epoch(
    network: Any, optimiser: Any, sequences: list[np.ndarray], touched: Any, random: Any, temperature: float
) -> None:
    import torch

    network.train()
    by_length = sorted(random.permutation(len(sequences)).tolist(), key=lambda place: len(sequences[place]))
    batches: list[list[int]] = [[]]
    for place in by_length:
        if (len(batches[-1]) + 1) * len(sequences[place]) > EVENTS_PER_STEP and batches[-1]:
            batches.append([])
        batches[-1].append(place)
    place_of = torch.full((network.n_items,), -1)
    place_of[touched] = torch.arange(len(touched))
    scale = torch.tensor(1 / temperature)
    for number in random.permutation(len(batches)):
        rows, lengths = _padded([sequences[place] for place in batches[number]])
        rows = place_of[rows]
        asked = torch.arange(rows.shape[1] - 1)[None, :] < (lengths - 1)[:, None]
        with torch.autocast("cpu", torch.bfloat16):
            items = network.items(touched)
            users = network.states(items, rows[:, :-1].clamp(min=0))[asked]
        loss = full_softmax(users.float(), items.float(), rows[:, 1:][asked], scale, half=fast_half(items.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


def _network(texts: Any, settings: dict[str, Any]) -> Any:
    import torch
    from torch import nn
    from torch.nn import functional

    dim, n_experts, dropout = settings["dim"], settings["n_experts"], settings["dropout"]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = texts.shape[1]
            self.n_items = len(texts)
            # From the texts' mean, not from 0: otherwise hundreds of steps go by until all items stop pointing one way.
            self.shift = nn.Parameter(texts.mean(0).expand(n_experts, 1, width).clone())
            self.expert = nn.Parameter(torch.randn(n_experts, width, dim) / width**0.5)
            self.gate, self.noise = nn.Linear(width, n_experts, bias=False), nn.Linear(width, n_experts, bias=False)
            nn.init.zeros_(self.noise.weight)
            self.places = nn.Embedding(N_HISTORY, dim)
            layer = nn.TransformerEncoderLayer(dim, 2, 4 * dim, dropout, "gelu", batch_first=True, norm_first=True)
            self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(dim), enable_nested_tensor=False)
            self.norm, self.drop = nn.LayerNorm(dim), nn.Dropout(dropout)

        def items(self, rows: Any = slice(None)) -> Any:
            """Vectors of length 1; shape `(n, dim)`."""
            read = texts[rows]
            gates = self.gate(read)
            if self.training:
                gates = gates + torch.randn_like(gates) * (functional.softplus(self.noise(read)) + 1e-2)
            # (x - b) W is x W - b W: one product for all experts.
            at_once = self.drop(read) @ self.expert.permute(1, 0, 2).reshape(-1, n_experts * dim)
            moved = at_once.view(-1, n_experts, dim) - (self.shift @ self.expert).squeeze(1)
            return functional.normalize((gates.softmax(-1).unsqueeze(-1) * moved).sum(1), dim=-1)

        def states(self, items: Any, rows: Any) -> Any:
            """The user's vector after each event; shape `(B, T, dim)`."""
            n = rows.shape[1]
            read = self.drop(self.norm(items[rows] + self.places.weight[:n]))
            later = torch.ones(n, n, dtype=torch.bool).triu(1)
            return functional.normalize(self.layers(read, mask=later), dim=-1)

        def users(self, items: Any, rows: Any, lengths: Any) -> Any:
            """The vector after the last event; shape `(B, dim)`."""
            return self.states(items, rows)[torch.arange(len(rows)), lengths - 1]

    return Network()
