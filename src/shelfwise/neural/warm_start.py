"""Go on from an earlier network: what it knew stays, what is new begins fresh."""

from __future__ import annotations

import torch

from shelfwise.neural.network import Network
from shelfwise.neural.state import State

BY_ITEM = ("tower.behaviour.deltas", "tower.ids.weight")
BY_NAME = ("tower.attributes.names.weight",)


@torch.no_grad()
def go_on(network: Network, state: State) -> bool:
    """Copy an earlier network's weights into a new one; False where their shapes do not fit, and nothing is copied.

    Tables with a line per item or per name may have grown: their first lines are taken over, and the others keep what
    a new network begins with.
    """
    mine = network.state_dict()
    if set(mine) != set(state.weights):
        return False
    for name, tensor in mine.items():
        shape, theirs = tuple(tensor.shape), state.weights[name].shape
        may_grow = name in BY_ITEM + BY_NAME
        if (shape[1:] != theirs[1:] or shape[:1] < theirs[:1]) if may_grow else shape != theirs:
            return False
    for name, tensor in mine.items():
        theirs = torch.as_tensor(state.weights[name].copy())
        target = tensor[: len(theirs)] if name in BY_ITEM + BY_NAME else tensor
        target.copy_(theirs)
    return True
