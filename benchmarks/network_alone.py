"""The sequence network alone: trained without a funnel around it, and asked many questions at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from peers.exam import Questions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.metrics import gini, ranking_metrics
from shelfwise.neural.settings import NetworkOptions
from shelfwise.schemas.ids import Doubles, Floats, Rows
from shelfwise.track.tracker import Curve, untracked

K = 10
BATCH = 256
MINUTE_MS = 60_000

Row = dict[str, Any]


class NetworkAlone:
    """Where the options' `device` is a GPU, or 'auto' finds one, it is trained and asked there.

    Its scores are those of `shelfwise.retrieve.sequence`, whose graphs answer one request after the other.

    Attributes:
        about: How training went.
    """

    def __init__(self, data: TrainingData, options: NetworkOptions, track: Curve = untracked) -> None:
        """Train.

        Raises:
            ValueError: the log names scenarios, which questions do not.
        """
        import torch

        from shelfwise.neural.fit import fit_network
        from shelfwise.neural.item_inputs import ItemInputs
        from shelfwise.neural.network import Network

        if data.interactions.scenario_names.tell_apart:
            raise ValueError("the log names scenarios; questions of an exam name none")
        fitted = fit_network(data, options, None, lambda *_: None, track)
        device = torch.device(str(fitted.about["device"]))
        options = options.resolved(has_gpu=device.type != "cpu")
        network = Network(options, ItemInputs.of(data, fitted.vocabulary), fitted.vocabulary, 0)
        network.load_state_dict({name: torch.as_tensor(weights) for name, weights in fitted.state.weights.items()})
        self._network, self._history = network.to(device).eval(), options.history
        self._vectors = torch.as_tensor(fitted.vectors).to(device)
        self._has_clock = data.interactions.has_clock
        self.about: dict[str, Any] = fitted.about

    def scores(self, questions: Questions) -> Floats:
        """Every item's cosine to everybody who asks; shape `(B, N)`.

        Raises:
            ValueError: somebody has no history.
        """
        import torch

        from shelfwise.neural.batches import Batch
        from shelfwise.neural.held_out import last_vectors

        lengths = np.minimum(np.diff(questions.starts), self._history)
        if not lengths.all():
            raise ValueError("a question without a history")
        steps = np.arange(lengths.max())
        inside = steps < lengths[:, None]  # (B, T)
        end = questions.starts[1:]
        places = np.where(inside, (end - lengths)[:, None] + steps, (end - 1)[:, None])
        minutes = (questions.times_ms[end - 1][:, None] - questions.times_ms[places]) / MINUTE_MS
        batch = Batch(
            np.where(inside, questions.item_rows[places], 0).astype(np.int64),
            np.where(inside, questions.kinds[places], 0).astype(np.int64),
            (minutes * self._has_clock).astype(np.float32),
            np.zeros(inside.shape, np.int64),
            np.full(inside.shape, -1, np.int64),
        )
        with torch.no_grad():
            users = last_vectors(self._network, self._vectors, batch, lengths)
            found: Floats = (users @ self._vectors.T).cpu().numpy()
        return found


def measured(model: NetworkAlone, questions: Questions) -> tuple[Doubles, Rows]:
    """NDCG@10 of every question, and its first ten items in no order; shapes `(Q,)` and `(Q, 10)`.

    All items are ranked but those of the history.
    """
    ndcg, lists = np.zeros(len(questions)), np.zeros((len(questions), K), np.int32)
    for first in range(0, len(questions), BATCH):
        part = questions.take(np.arange(first, min(first + BATCH, len(questions))))
        grid = model.scores(part)
        grid[part.lines(), part.item_rows] = -np.inf
        relevant = np.zeros(grid.shape, bool)
        relevant[np.repeat(np.arange(len(part)), np.diff(part.relevant_starts)), part.relevant_rows] = True
        ndcg[first : first + BATCH] = ranking_metrics(grid, relevant, K).ndcg
        lists[first : first + BATCH] = np.argpartition(-grid, K, axis=1)[:, :K]
    return ndcg, lists


def asked_all(model: NetworkAlone, validation: Questions, test: Questions, n_items: int) -> Row:
    """What is found on all questions of an exam: on either part NDCG, Gini and items shown; of the test, by user."""
    row: Row = {}
    for part, questions in (("validation", validation), ("test", test)):
        ndcg, lists = measured(model, questions)
        row[part] = {"ndcg": float(ndcg.mean()), "gini": gini(lists, n_items), "shown": len(np.unique(lists))}
        if part == "test":
            row["by_user"] = [round(float(one), 5) for one in ndcg]
    return row


def trained_on(model: NetworkAlone) -> dict[str, str]:
    """The device by its maker's name, and the version of torch."""
    import torch

    from peers.devices import device_name

    return {"device": device_name(str(model.about["device"])), "torch": torch.__version__}
