"""Where networks are trained: on a GPU where torch finds one."""

from __future__ import annotations


def device() -> str:
    """What torch calls it."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name(name: str) -> str:
    """For readers: a GPU by its maker's name."""
    import torch

    return torch.cuda.get_device_name(name) if name.startswith("cuda") else "the processor"
