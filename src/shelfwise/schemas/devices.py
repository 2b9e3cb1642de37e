"""Devices by name and by code: what a shopper holds in hands, in the arrays that models read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DeviceCodes = npt.NDArray[np.int8]
"""Codes of devices."""

DEVICES = ("desktop", "mobile", "tablet", "tv", "other")
"""The device with code `i + 1`. The list is closed, so that no model keeps names: append, never reorder."""

UNKNOWN_DEVICE = 0
"""The code of a device that was not said."""

_OTHER_NAMES = {
    "desktop": ("computer", "pc", "laptop", "web", "desktop web"),
    "mobile": ("phone", "smartphone", "mobile phone", "handset", "mobile web", "app", "mobile app", "ios", "android"),
    "tablet": ("ipad",),
    "tv": ("smart tv", "connected tv", "ctv", "television"),
}

_CODE_BY_NAME = {name: code for code, name in enumerate(DEVICES, start=1)} | {
    other: 1 + DEVICES.index(name) for name, others in _OTHER_NAMES.items() for other in others
}


def device_code(name: str | None) -> int:
    """A device's code: by its usual names, whatever their case; `UNKNOWN_DEVICE` for none, else that of "other"."""
    if name is None or not name.strip():
        return UNKNOWN_DEVICE
    return _CODE_BY_NAME.get(name.strip().lower().replace("_", " ").replace("-", " "), 1 + DEVICES.index("other"))


def device_codes(names: Sequence[str | None]) -> DeviceCodes:
    """Each one's code; shape `(len(names),)`."""
    known = {name: device_code(name) for name in set(names)}
    return np.array([known[name] for name in names], np.int8)
