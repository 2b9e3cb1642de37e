"""Processes that do the same work: started, replaced when they die, stopped together."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType, ModuleType

from shelfwise.errors import ServiceError

STOP_TIMEOUT_S = 10
"""How long requests that are being answered may take once the server is told to stop."""

CLOSING_S = 5
"""How much longer a worker may take to close what it has open, before it is killed."""

REPLACED_AFTER_S = 1.0
"""Between two starts in one place: what dies at once is not started as fast as the machine can."""

STOPPING = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("shelfwise.serve")


def supervise(work: Callable[[], None], n_workers: int) -> None:
    """Run `n_workers` processes until this one is told to stop (SIGINT, SIGTERM); then stop them in good order.

    Args:
        work: What each does, until SIGTERM; picklable.
        n_workers: How many. Each of several that dies is replaced; a lone one's death is the end, so that whoever
            supervises this process hears of it.

    Raises:
        ServiceError: the lone worker died.
        ValueError: this is not the process's main thread, which alone hears signals.
    """
    with _told_to_stop() as told:
        places = [_Place(work) for _ in range(n_workers)]
        try:
            while not told():
                for place in places:
                    place.fill()
                sentinels = [place.worker.sentinel for place in places if place.worker]
                if told.hears in wait([told.hears, *sentinels], _until_due(places)):
                    told.hears.recv(64)  # of signals that mean nothing to us, too
                for place in places:
                    place.look()
                if n_workers == 1 and places[0].worker is None and not told():
                    raise ServiceError(
                        "the server's worker stopped unexpectedly",
                        hint="its last words are in the log",
                        code="worker_died",
                    )
        finally:
            _stop([place.worker for place in places if place.worker])


@contextmanager
def fresh_workers() -> Generator[None]:
    """Workers that are started within do not run the caller's script again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Place:
    """Where one worker runs, after another if need be."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.worker: SpawnProcess | None = None
        self.due = 0.0
        """When the next may start, by the monotonic clock."""

    def fill(self) -> None:
        """Start a worker where there is none, once that is due."""
        now = time.monotonic()
        if self.worker is not None or now < self.due:
            return
        # A fork would inherit whatever the caller has loaded (torch, say), without the threads that belong to it.
        worker = multiprocessing.get_context("spawn").Process(target=self._work)
        self.due = now + REPLACED_AFTER_S
        try:
            worker.start()
        except OSError as error:  # no process to be had
            log.error("a worker cannot be started: %s", error)
        else:
            self.worker = worker

    def look(self) -> None:
        """Take out a worker that died."""
        if self.worker is not None and not self.worker.is_alive():
            log.error("the worker %s died (%s)", self.worker.pid, _how(self.worker.exitcode))
            self.worker = None


class _Told:
    """Whether a signal asked this process to stop; `hears` is readable once one did."""

    def __init__(self, hears: socket.socket) -> None:
        self.hears = hears
        self._is_told = False

    def note(self, _: int, __: FrameType | None) -> None:
        self._is_told = True

    def __call__(self) -> bool:
        return self._is_told


@contextmanager
def _told_to_stop() -> Generator[_Told]:
    """Hear the signals that stop a process, instead of ending at once."""
    hears, wakes = socket.socketpair()
    wakes.setblocking(False)
    told = _Told(hears)
    with hears, wakes:
        # Waiting goes on after a handler returns: the byte that Python writes here is what ends it.
        before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        handlers = {one: signal.signal(one, told.note) for one in STOPPING}
        try:
            yield told
        finally:
            for one, handler in handlers.items():
                signal.signal(one, handler)
            signal.set_wakeup_fd(before)


def _until_due(places: list[_Place]) -> float | None:
    """Seconds until the next worker may be started; None where none is missing."""
    empty = [place.due for place in places if place.worker is None]
    return max(0.0, min(empty) - time.monotonic()) if empty else None


def _stop(workers: list[SpawnProcess]) -> None:
    """Tell all, wait for all, kill who does not end."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S + CLOSING_S
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        if worker.is_alive():
            log.error("the worker %s does not end and is killed", worker.pid)
            worker.kill()
            worker.join()


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"by signal {-exit_code}"
    return f"exit code {exit_code}"
