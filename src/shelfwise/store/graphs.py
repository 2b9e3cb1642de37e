"""ONNX graphs of a model version, as functions of named arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from shelfwise.schemas.ids import Floats


class Graph:
    """A graph with one answer, run on one thread: a request is too small to share.

    Attributes:
        content: The graph's own bytes, to be written into a version.
        widths: The length of each input's last axis by the input's name; 0 for an input of one axis.
    """

    def __init__(self, content: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.content = content
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        shapes: dict[str, Any] = {one.name: one.shape for one in self._session.get_inputs()}
        self.widths = {name: int(shape[-1]) if len(shape) > 1 else 0 for name, shape in shapes.items()}

    def __call__(self, given: dict[str, np.ndarray[Any, Any]]) -> Floats:
        """Run it; names that the graph does not read are left out."""
        answer: Any = self._session.run(None, {name: given[name] for name in self.widths})[0]
        return answer
