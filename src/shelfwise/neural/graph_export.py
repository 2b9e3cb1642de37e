"""A module as an ONNX graph, compared with what torch computes before anybody may use it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from shelfwise.errors import ShelfwiseError
from shelfwise.store.graphs import Graph

TOLERANCE = 1e-4
"""Largest difference of any number from torch's; of numbers above 1, relative to them."""


def exported(
    module: nn.Module,
    example: tuple[Tensor, ...],
    probes: Sequence[tuple[Tensor, ...]],
    inputs: Sequence[str],
    output: str,
    open_axes: Mapping[str, str] | None = None,
    *,
    where: str = "retrieve",
) -> bytes:
    """The module as a graph.

    Args:
        module: In evaluation mode, with one answer.
        example: Inputs that it is traced with.
        probes: Inputs that the graph must answer as the module does, of other lengths than the example.
        inputs: Names of the inputs.
        output: Name of the answer.
        open_axes: Name of each input's first axis where that is of any length; None: all of them, together.
        where: Part of the shop, for the error.

    Raises:
        ShelfwiseError: the graph answers otherwise.
    """
    axes = dict.fromkeys(inputs, "n") if open_axes is None else open_axes
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing: forty times as fast as the one by torch.export, which a test of this size feels.
        # It is announced to go; torch is pinned, and every graph is compared below.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            file,
            dynamo=False,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={name: {0: axis} for name, axis in axes.items()},
        )
    graph = file.getvalue()
    running = Graph(graph)
    for probe in probes:
        with torch.no_grad():
            original = module(*probe).numpy()
        given = {name: tensor.numpy() for name, tensor in zip(inputs, probe, strict=True)}
        answer = running(given)
        if not np.allclose(answer, original, rtol=TOLERANCE, atol=TOLERANCE):
            raise ShelfwiseError(
                f"the exported {output} graph differs from the network by {np.abs(answer - original).max():.2g}",
                expected=f"at most {TOLERANCE:g}",
                where=where,
                hint="report this with the versions of torch and onnxruntime",
                code="bad_export",
            )
    return graph
