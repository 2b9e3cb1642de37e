"""What every request does most, compiled from C.

Where it could not be compiled, for want of a compiler, `compiled` is None and NumPy does the same more slowly: each
kernel stands beside the code that it replaces, and both give the same answers.
"""

from __future__ import annotations

try:
    from shelfwise.kernels import _compiled as compiled
except ImportError:  # an install without a compiler
    compiled = None

__all__ = ["compiled"]
