"""From what is known of a shop to everything that a retriever serves by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.neural.export import content_graph, history_graph
from shelfwise.neural.item_inputs import ItemInputs, Vocabulary
from shelfwise.neural.item_tower import ItemTensors
from shelfwise.neural.network import Network
from shelfwise.neural.settings import NetworkOptions
from shelfwise.neural.state import N_PROBES, State
from shelfwise.neural.training import Report, Trained, train
from shelfwise.neural.warm_start import go_on
from shelfwise.schemas.ids import Floats
from shelfwise.track.tracker import Curve, untracked


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """A network as it serves.

    Attributes:
        vectors: Every item's, of length 1; 0 for an item that nothing is known of; shape `(n, D)`.
        deltas: The part of each that was learned from behaviour, before the sum is brought to length 1; shape
            `(n, D)`; None where items have no such part.
        history_graph: ONNX: a history to a user vector.
        content_graph: ONNX: items to vectors without behaviour; None where there is no such thing.
        vocabulary: The meaning of the codes that `content_graph` reads.
        state: To go on from.
        about: How training went.
    """

    vectors: Floats
    deltas: Floats | None
    history_graph: bytes
    content_graph: bytes | None
    vocabulary: Vocabulary
    state: State
    about: dict[str, Any]


def fit_network(
    data: TrainingData, options: NetworkOptions, start: State | None, report: Report, track: Curve = untracked
) -> FittedNetwork:
    """Train, and make everything that serving needs.

    Args:
        data: What may be known.
        options: As the shop set them.
        start: An earlier network to go on from; ignored where it reads another text space or has other sizes.
        report: Told of every step.
        track: Told the figures of every epoch.

    Raises:
        StateError: the shop encodes no text, and the items are to be made of nothing else.
    """
    options = _ready(options)
    network, inputs, vocabulary = _new(data, options, start)
    if start is not None and (reason := _begun(network, inputs, start)) is not None:
        report(f"the earlier network cannot be gone on from: {reason}", None, None)
        start = None
    trained = train(network, data, inputs, options, report, track, start=start)
    return _fitted(trained, data, inputs, vocabulary)


def obstacle(data: TrainingData, options: NetworkOptions, start: State) -> str | None:
    """Why `fit_network` could not go on from an earlier network, as a clause; None where nothing is in the way.

    Raises:
        StateError: as `fit_network`.
    """
    network, inputs, _ = _new(data, _ready(options), start)
    return _begun(network, inputs, start)


def _new(data: TrainingData, options: NetworkOptions, start: State | None) -> tuple[Network, ItemInputs, Vocabulary]:
    raw_text = options.item == "raw-text"
    if options.item in ("text", "raw-text") and (data.raw_vectors if raw_text else data.vectors) is None:
        raise StateError(
            f"items are to be made of text alone (item = '{options.item}'), and there are no such vectors",
            where="retrieve",
            hint="name an encoder in [encode.text], or set item = 'fused'",
        )
    vocabulary = Vocabulary.of(data, None if start is None else start.vocabulary)
    inputs = ItemInputs.of(data, vocabulary, raw_text=raw_text)
    torch.manual_seed(options.seed)
    names = data.interactions.scenario_names
    return Network(options, inputs, vocabulary, len(names) if names.tell_apart else 0), inputs, vocabulary


def _begun(network: Network, inputs: ItemInputs, start: State) -> str | None:
    """Give a new network an earlier one's weights, or say why that cannot be."""
    if not start.reads(inputs.texts):
        return "its text vectors lie in another space"
    return None if go_on(network, start) else "its sizes differ"


def _ready(options: NetworkOptions) -> NetworkOptions:
    has_gpu = torch.cuda.is_available()
    device = ("cuda" if has_gpu else "cpu") if options.device == "auto" else options.device
    return options.resolved(has_gpu=device != "cpu").model_copy(update={"device": device})


@torch.no_grad()
def _fitted(trained: Trained, data: TrainingData, inputs: ItemInputs, vocabulary: Vocabulary) -> FittedNetwork:
    network = trained.network
    vectors = trained.vectors.numpy()
    items = ItemTensors.of(inputs, torch.device("cpu"))
    behaviour = network.tower.behaviour
    if network.tower.ids is not None:  # a line that was never learned says nothing
        vectors = np.where(inputs.n_seen[:, None] > 0, vectors, np.float32(0))
    return FittedNetwork(
        vectors,
        None if behaviour is None else behaviour(items.n_seen).numpy(),
        history_graph(network.encoder),
        content_graph(network.tower),
        vocabulary,
        State(
            {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()},
            vocabulary,
            np.diff(data.interactions.bounds()).astype(np.int32),
            inputs.texts[:N_PROBES].copy(),
        ),
        trained.about,
    )
