"""What holds for all tests."""

from __future__ import annotations

import os

# As the command line does: OpenMP's threads that spin while they wait cost test processes side by side most of
# their time. Read when the first OpenMP runtime is loaded, so before NumPy comes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from hypothesis import settings

settings.register_profile("same-every-time", derandomize=True, deadline=None)
settings.load_profile("same-every-time")
