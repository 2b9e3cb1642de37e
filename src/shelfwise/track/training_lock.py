"""One training at a time: a lock that lives exactly as long as the process that trains.

The lock is the kernel's (`flock`): it ends with the last process that holds the open file, however that process ended.
A server that starts a training takes the lock itself and hands the open file on to the child, so that there is no
moment between the two in which somebody else could begin.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple, Self

from shelfwise.errors import ServiceError, StateError

FILE = "lock"
HANDED_OVER = "SHELFWISE_TRAINING"
"""Environment variable of a training that a server started: its name, a colon, and the open lock's number."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROCESS_NUMBERS = Path("/proc/self/ns/pid")
"""Links to the list in which this process has its number: containers of one machine have lists of their own."""

TRIES, PAUSE_S = 20, 0.02
"""Whoever only looks holds the lock too, for a moment; so it is tried again."""


class Holder(NamedTuple):
    """Who holds the lock.

    Attributes:
        name: Of the training.
        process: Its process id; 0 in the moment before it is known.
        place: Where that number names the process, as `this_place` tells it; empty where nobody wrote it down.
    """

    name: str
    process: int
    place: str


class TrainingLock:
    """Held from `take` or `handed_over` until `release`, or until the process ends."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor, self.name = descriptor, name

    @classmethod
    def take(cls, folder: Path, name: str) -> Self:
        """Take the lock for the training of a name.

        Raises:
            StateError: another training holds it.
            ServiceError: the folder cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise ServiceError(
                f"the record of trainings cannot be written: {cause.strerror}", where=str(folder)
            ) from cause
        for _ in range(TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(PAUSE_S)
                continue
            lock = cls(descriptor, name)
            lock.belongs_to(0)
            return lock
        os.close(descriptor)
        running = holder(folder)
        raise StateError(
            "another training is running" if running is None else f"training {running.name} is running",
            hint="wait for it, or stop it",
            code="training_runs",
        )

    @classmethod
    def handed_over(cls) -> Self | None:
        """The lock that the server which started this process gave it; None where nobody did.

        It is given once: a second training of this process takes the lock itself.
        """
        name, _, number = os.environ.pop(HANDED_OVER, "").rpartition(":")
        if not name or not number.isdigit():
            return None
        os.set_inheritable(int(number), False)  # what the training starts must not outlive it with the lock
        return cls(int(number), name)

    def belongs_to(self, process: int) -> None:
        """Note whose it is, for whoever wants to stop that process."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{self.name} {process} {this_place()}".encode(), 0)

    def release(self) -> None:
        """Let the next one begin, unless a child holds the lock too."""
        os.close(self.descriptor)


def holder(folder: Path) -> Holder | None:
    """The training that is running; None where none is."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # A shared lock: those who look do not stop each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        name, process, place = f"{os.pread(descriptor, 1_024, 0).decode()}  ".split(" ", 2)
        return Holder(name, int(process) if process.isdigit() else 0, place.strip()) if name else None
    finally:
        os.close(descriptor)
    return None


def this_place() -> str:
    """Names where this process's id is one: the machine since it started, and the container.

    The shop's folder may lie on a disk of several machines, and each of them counts its processes from 1.
    """
    try:
        return f"{BOOT_ID.read_text(encoding='ascii').strip()}/{PROCESS_NUMBERS.readlink()}"
    except OSError:  # not Linux
        return socket.gethostname()
