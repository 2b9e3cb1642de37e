"""Gradient-boosted trees by LightGBM, and their way into an ONNX graph. Needed for training only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from shelfwise.errors import MissingExtraError
from shelfwise.rank.ranker import RankingTable


class TreeOptions(Protocol):
    """The options that matter here."""

    @property
    def n_trees(self) -> int: ...

    @property
    def n_leaves(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...


def fit_trees(
    table: RankingTable,
    held_out: RankingTable | None,
    options: TreeOptions,
    seed: int,
    on_tree: Callable[[float, int], None] = lambda loss, n_trees: None,
) -> Any:
    """A LightGBM booster that tells right answers from wrong ones.

    The loss is logistic, per candidate. LambdaRank was no better at the top of the list and noisier on few requests
    (`docs/experiments.md`).

    Args:
        table: Requests with a right answer among their candidates.
        held_out: Requests on which growing stops early; None: grow all trees.
        options: Sizes.
        seed: Of the sampling of lines and columns.
        on_tree: Told, after every tree, the loss on the held-out requests and the trees so far.
    """
    try:
        import lightgbm
    except ImportError as cause:
        raise MissingExtraError(
            "lightgbm is not installed", where="rank", hint="pip install 'shelfwise[train]'"
        ) from cause
    parameters = {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": options.n_leaves,
        "learning_rate": options.learning_rate,
        "min_data_in_leaf": 200,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "max_bin": 127,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(table.features, table.labels, feature_name=table.feature_names)
    if held_out is None or not len(held_out.groups):
        return lightgbm.train(parameters, data, options.n_trees)
    check = lightgbm.Dataset(held_out.features, held_out.labels, reference=data)
    stop = lightgbm.early_stopping(20, verbose=False)

    def told(state: Any) -> None:
        on_tree(float(state.evaluation_result_list[0][2]), state.iteration + 1)

    return lightgbm.train(parameters, data, options.n_trees, valid_sets=[check], callbacks=[told, stop])


def trees_to_onnx(booster: Any, n_features: int, begin: int = 0, n_trees: int = -1) -> bytes:
    """Trees as an ONNX graph `features (N, F) -> scores (N, 1)`: log-odds, before the logistic function.

    Args:
        booster: LightGBM's.
        n_features: F.
        begin: The first of the trees that are summed.
        n_trees: How many; below 0 all from there on.

    Raises:
        RuntimeError: the graph does not give the booster's own scores.
    """
    import lightgbm
    import onnxruntime
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    # The converter would turn a binary booster into a classifier with labels; its sums are all that ranking needs.
    text = booster.model_to_string(start_iteration=begin, num_iteration=n_trees)
    sums = lightgbm.Booster(model_str=text.replace("objective=binary", "objective=regression"))
    sums.params["objective"] = "regression"
    converted = convert_lightgbm(sums, initial_types=[("features", FloatTensorType([None, n_features]))])
    graph: bytes = converted.SerializeToString()
    probe = np.random.default_rng(0).normal(size=(64, n_features)).astype(np.float32)
    probe[np.random.default_rng(1).random(probe.shape) < 0.2] = np.nan
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    answer: Any = session.run(None, {"features": probe})[0]
    expected = booster.predict(probe, raw_score=True, start_iteration=begin, num_iteration=n_trees)
    if not np.allclose(answer.ravel(), expected, atol=1e-4):
        raise RuntimeError("the exported trees differ from the booster")
    return graph


def count_trees(graph: bytes) -> int:
    """How many trees a graph of `trees_to_onnx` sums."""
    import onnx

    nodes = onnx.load_model_from_string(graph).graph.node
    return sum(len(set(one.ints)) for node in nodes for one in node.attribute if one.name == "nodes_treeids")
