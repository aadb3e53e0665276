"""Processes we start: tied to our own life, known by pid and birth, stopped as a group."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Record:
    """A process as it is written down: a pid alone may have been given to somebody else since."""

    name: str
    pid: int
    born: str


def spawn(
    command: Sequence[str | Path],
    *,
    log: IO[bytes] | int | None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: int | None = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own; `death_signal` reaches it when the calling thread is gone."""
    wrapper = [sys.executable, "-I", "-S", str(CHILD), death_signal.name, str(os.getpid()), user or "-", "--"]
    return subprocess.Popen(  # noqa: S603
        [*wrapper, *map(str, command)],
        stdin=stdin,
        stdout=log,
        stderr=subprocess.STDOUT if log is not None else None,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,  # Ctrl-C of the terminal must reach us alone: we stop the children in order
        pass_fds=pass_fds,
    )


def stop(process: subprocess.Popen[bytes], *, first: signal.Signals = signal.SIGTERM, patience: float = 10.0) -> None:
    """End `process` and its group: `first`, and SIGKILL after `patience` seconds."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    _kill_group(process.pid)  # what the process itself left behind
    process.wait()


def born(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid, None when there is none alive."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    seen = subprocess.run(  # noqa: S603
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return seen.stdout.strip() or None


def record(name: str, pid: int) -> Record:
    """Describe a living process so that a later start can recognise it."""
    return Record(name, pid, born(pid) or "")


def alive(known: Record) -> bool:
    """Tell whether the recorded process, and not a successor of its pid, still runs."""
    return known.born != "" and born(known.pid) == known.born


def end_recorded(known: Iterable[Record], *, patience: float = 10.0) -> list[Record]:
    """End recorded processes that outlived their supervisor, in the given order; return those that were alive."""
    left = [process for process in known if alive(process)]
    for process in left:
        # SIGINT is the fast shutdown of Postgres: SIGTERM would wait for every client.
        os.kill(process.pid, signal.SIGINT if process.name == "postgres" else signal.SIGTERM)
        deadline = time.monotonic() + patience
        while alive(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        if alive(process):
            _kill_group(process.pid)
    return left


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Replace the list of living children."""
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps([asdict(each) for each in records]))
    temporary.replace(path)


def read_records(path: Path) -> list[Record]:
    """Return the children written down last, none when the file is missing or torn."""
    try:
        return [Record(**each) for each in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
