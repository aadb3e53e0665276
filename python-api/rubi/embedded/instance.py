"""Folders under `.rubi/`, one per running stack, each held by one supervisor at a time."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from rubi.embedded import process
from rubi.embedded.places import PROJECT_ROOT
from rubi.embedded.process import Record

# Stopped in this order: first who asks for work, last what holds it.
STOP_ORDER = ("terminal", "beat", "worker", "api", "redis", "postgres")


def home() -> Path:
    """Return the folder of all instances: `.rubi` of the clone, or what RUBI_HOME names."""
    return Path(os.environ.get("RUBI_HOME") or PROJECT_ROOT / ".rubi")


class InstanceTakenError(RuntimeError):
    """Another supervisor holds the instance."""


@dataclass(slots=True)
class Instance:
    """A claimed folder. The claim is a lock of the kernel: it is gone with the process, also after a `kill -9`."""

    folder: Path
    lock: int
    records: dict[str, Record] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def logs(self) -> Path:
        """The folder of what the children print."""
        return self.folder / "logs"

    def started(self, name: str, pid: int) -> None:
        """Write down a child, so that a later start finds it should we be killed."""
        self.records[name] = process.record(name, pid)
        self._write()

    def ended(self, name: str) -> None:
        """Strike a child off the list."""
        if self.records.pop(name, None) is not None:
            self._write()

    def say(self, **state: Any) -> None:
        """Leave word for `rubi status`."""
        _replace(self.folder / "state.json", json.dumps(state, default=str))

    def release(self) -> None:
        """Give the folder back."""
        (self.folder / "state.json").unlink(missing_ok=True)
        os.close(self.lock)

    def _write(self) -> None:
        process.write_records(self.folder / "processes.json", self.records.values())


def claim(name: str, *, next_free: bool = False) -> Instance:
    """Take the instance `name`, or with `next_free` the first free of `name`, `name-2` and so on.

    Children that outlived a killed supervisor are ended first. Raises InstanceTakenError.
    """
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in count(1):
        folder = home() / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = _try_lock(folder)
        if lock is not None:
            instance = Instance(folder, lock)
            instance.logs.mkdir(mode=0o700, exist_ok=True)
            end_leftovers(folder)
            return instance
        if not next_free:
            running = read_state(folder)
            raise InstanceTakenError(
                f"it runs already (process {running.get('pid', '?')}, {running.get('url', 'still starting')}). "
                "Stop that one first, or use its address"
            )
    raise AssertionError("unreachable")


def end_leftovers(folder: Path) -> list[Record]:
    """End, in order, the children a killed supervisor left running; return them."""
    path = folder / "processes.json"
    rank = {name: place for place, name in enumerate(STOP_ORDER)}
    known = sorted(process.read_records(path), key=lambda each: rank.get(each.name, len(rank)))
    ended = process.end_recorded(known)
    path.unlink(missing_ok=True)
    return ended


@dataclass(frozen=True, slots=True)
class Seen:
    """What `rubi status` sees of an instance from outside."""

    name: str
    running: bool
    state: dict[str, Any]
    processes: list[Record]


def instances() -> Iterator[Seen]:
    """Yield every instance there is a folder of."""
    for folder in sorted(home().glob("*/")):
        if not (folder / "lock").exists():
            continue
        lock = _try_lock(folder)
        if lock is not None:
            os.close(lock)
        living = [each for each in process.read_records(folder / "processes.json") if process.alive(each)]
        yield Seen(folder.name, lock is None, read_state(folder), living)


def read_state(folder: Path) -> dict[str, Any]:
    """Return what the supervisor of a folder said last, empty when it said nothing."""
    with suppress(OSError, ValueError):
        state = json.loads((folder / "state.json").read_text())
        if isinstance(state, dict):
            return state
    return {}


def _try_lock(folder: Path) -> int | None:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.chmod(0o600)
    temporary.replace(path)


def started_at(state: dict[str, Any]) -> datetime | None:
    """Return when the stack of a state file became ready."""
    with suppress(KeyError, ValueError, TypeError):
        return datetime.fromisoformat(state["started_at"])
    return None
