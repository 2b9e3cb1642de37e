"""Go on from an earlier network: what it knew stays, what is new begins fresh."""

from __future__ import annotations

import torch

from shelfwise.neural.network import Network
from shelfwise.neural.state import State

BY_ITEM = ("tower.behaviour.deltas", "tower.ids.weight")
BY_NAME = ("tower.attributes.names.weight",)
BY_SCENARIO = ("encoder.scenarios.vectors",)
MAY_GROW = frozenset(BY_ITEM + BY_NAME + BY_SCENARIO)


@torch.no_grad()
def go_on(network: Network, state: State) -> bool:
    """Copy an earlier network's weights into a new one; False where their shapes do not fit, and nothing is copied.

    Tables with a line per item, name or scenario may have grown: their first lines are taken over, and the others keep
    what a new network begins with. So does the table of scenarios where the earlier log did not tell any apart.
    """
    mine = network.state_dict()
    if not set(state.weights) <= set(mine) <= set(state.weights).union(BY_SCENARIO):
        return False
    for name, weights in state.weights.items():
        shape, theirs = tuple(mine[name].shape), weights.shape
        if (shape[1:] != theirs[1:] or shape[:1] < theirs[:1]) if name in MAY_GROW else shape != theirs:
            return False
    for name, weights in state.weights.items():
        theirs, tensor = torch.as_tensor(weights.copy()), mine[name]
        target = tensor[: len(theirs)] if name in MAY_GROW else tensor
        target.copy_(theirs)
    return True
