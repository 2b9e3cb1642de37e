"""Gradient-boosted trees of each objective, as one more voice beside the networks.

Trees cut where a network bends: the two err differently on the same candidates, and their mean errs less than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit

from shelfwise.errors import MissingExtraError
from shelfwise.rank.objective_values import log_odds
from shelfwise.rank.ranker import RankingTable
from shelfwise.rank.trees import trees_to_onnx
from shelfwise.schemas.ids import Floats
from shelfwise.store.graphs import Graph

N_LEAVES, RATE = 15, 0.05
FEWEST_IN_LEAF = 50


class ObjectiveTrees:
    """One ensemble of trees for each objective that happens or not; what is measured is left to the networks."""

    def __init__(self, graphs: Sequence[Graph | None]) -> None:
        """Take a graph `features -> log-odds` for each objective, or None where it has none; length K."""
        self._graphs = list(graphs)

    @classmethod
    def fit(cls, table: RankingTable, weights: Floats, n_trees: int, seed: int) -> Self:
        """Grow trees on what became of every candidate, whatever request it belongs to.

        They are told where it stood in the list shown, so that no other feature has to stand for that; when they
        predict, all stand at the same place. An objective of which hardly anything is known gets none.

        Args:
            table: What is learned from.
            weights: How many candidates each stands for; shape `(N,)`.
            n_trees: For each objective.
            seed: Of the sampling of lines and columns.

        Raises:
            MissingExtraError: lightgbm is not installed.
        """
        try:
            import lightgbm
        except ImportError as cause:
            raise MissingExtraError(
                "lightgbm is not installed", where="rank.n_trees", hint="pip install 'shelfwise[train]'"
            ) from cause
        parameters = {
            "objective": "binary",
            "num_leaves": N_LEAVES,
            "learning_rate": RATE,
            "min_data_in_leaf": FEWEST_IN_LEAF,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "max_bin": 127,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        graphs: list[Graph | None] = []
        features = _placed(table.features, table.positions if len(table.positions) else 0)
        for column, spec in enumerate(table.objectives.values()):
            known = ~np.isnan(table.outcomes[:, column])
            if spec.measure == "seconds" or known.sum() < 2 * FEWEST_IN_LEAF:
                graphs.append(None)
                continue
            data = lightgbm.Dataset(
                features[known], (table.outcomes[known, column] > 0).astype(np.int8), weight=weights[known]
            )
            booster = lightgbm.train(parameters, data, n_trees)
            graphs.append(Graph(trees_to_onnx(booster, features.shape[1])))
        return cls(graphs)

    def save(self, folder: Path) -> None:
        """Write one file for each objective that has trees."""
        for column, graph in enumerate(self._graphs):
            if graph is not None:
                (folder / _file(column)).write_bytes(graph.content)

    @classmethod
    def load(cls, folder: Path, n_objectives: int) -> Self:
        """Read what `save` wrote."""
        files = [folder / _file(column) for column in range(n_objectives)]
        return cls([Graph(file.read_bytes()) if file.exists() else None for file in files])

    def beside(self, predicted: Floats, features: Floats, n_networks: int, position: int) -> Floats:
        """The mean log-odds of the networks and these trees, which count as one more network.

        Args:
            predicted: What the networks say, see `RankingNetwork.forward`; shape `(N, K)`.
            features: As the trees learned them; shape `(N, F)`.
            n_networks: Whose mean `predicted` is.
            position: In a list, at which every candidate is judged; 0: in none.

        Returns:
            Log-probabilities, as `predicted`; what is measured stays as it is; shape `(N, K)`.
        """
        found, told = predicted.copy(), _placed(features, position)
        for column, graph in enumerate(self._graphs):
            if graph is not None and len(features):
                odds = n_networks * log_odds(predicted[:, column]) + graph({"features": told}).ravel()
                found[:, column] = log_expit(odds / (n_networks + 1))
        return found


def _placed(features: Floats, positions: npt.NDArray[np.int32] | int) -> Floats:
    """Features with the place in the list that was shown as one more; shape `(N, F + 1)`."""
    column = np.broadcast_to(np.asarray(positions, np.float32), len(features))
    return np.column_stack([features, column]).astype(np.float32, copy=False)


def _file(column: int) -> str:
    return f"trees-{column + 1}.onnx"
