"""Whether another shop's server listens: a page must not ask other origins, and a dead link helps nobody."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

PATIENCE_S = 0.5
_PORTS = {"http": 80, "https": 443}


async def is_open(url: str) -> bool:
    """Whether something listens at the address that the shop's configuration names."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS.get(parts.scheme, 80))
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return True
