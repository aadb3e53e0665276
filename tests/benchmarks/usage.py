"""What the processes of a service use, from /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import RunningStack

PARTS = ("api", "worker", "postgres", "redis")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the start of each part, and its memory now.

    Memory is RSS; for Postgres, whose processes share their buffers, the sum of PSS, which counts a shared page once.
    """

    at: float
    cpu: dict[str, float]
    kilobytes: dict[str, int]


def usage(running: RunningStack) -> Usage:
    """What each part of a service, with its child processes, has used so far."""
    children = _children()
    cpu, kilobytes = {}, {}
    for part in PARTS:
        family = [running.pid(part)]
        for pid in family:
            family += children.get(pid, ())
        cpu[part] = sum(_cpu(pid) for pid in family)
        kilobytes[part] = sum(_memory(pid, shared=part == "postgres") for pid in family)
    return Usage(time.monotonic(), cpu, kilobytes)


def between(before: Usage, after: Usage) -> dict[str, str]:
    """In words: cores used on average, and memory at the end."""
    seconds = after.at - before.at
    return {
        part: f"{(after.cpu[part] - before.cpu[part]) / seconds:.2f} cores, {after.kilobytes[part] / 1024:.0f} MB"
        for part in PARTS
    }


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, []).append(int(path.parent.name))
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int, *, shared: bool) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    name = "Pss:" if shared else "Rss:"
    return sum(int(line.split()[1]) for line in lines if line.startswith(name))
