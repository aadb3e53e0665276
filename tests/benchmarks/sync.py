"""Terminals that each sync once a second with 5 positions; then how many there may be until p99 passes 250 ms.

Latency counts from the moment a cycle was due. CPU and memory of the parts are printed.
--terminals N (2500), --seconds N (300), --knee-seconds N of each step (20; 0: no search), --most N (10000).
"""

import argparse
import asyncio
from typing import Any

from tests.benchmarks.load import Load, load
from tests.benchmarks.report import Report, Result, progress
from tests.benchmarks.servers import allow_connections, service, terminal_tokens
from tests.benchmarks.usage import between, usage
from tests.conftest import RunningStack

POSITIONS = 5
LIMIT_MS = 250
FINE = 1.1
"""The search ends when the highest number that holds and the lowest that does not are this near."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--terminals", type=int, default=2500)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--knee-seconds", type=float, default=20)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class Field:
    """The service and the terminals that are connected to it so far."""

    def __init__(self, running: RunningStack, generator: Load) -> None:
        self.running, self.generator = running, generator
        self.connected = 0

    def syncing(self, terminals: int, seconds: float) -> tuple[dict[str, Any], dict[str, str]]:
        """What the terminals saw, and what the parts used meanwhile."""
        if terminals > self.connected:
            tokens = asyncio.run(terminal_tokens(self.running.url, terminals - self.connected))
            said = self.generator.ask("connect", url=self.running.url, tokens=tokens, positions=POSITIONS)
            self.connected = terminals
            progress("connected", said)
        before = usage(self.running)
        found = self.generator.ask(
            "open", kind="sync", rate=terminals, seconds=seconds, positions=POSITIONS, terminals=terminals
        )
        used = between(before, usage(self.running))
        progress(f"{terminals} terminals", found | used)
        return found, used

    def knee(self, seconds: float, holds: int, most: int) -> tuple[int, int | None]:
        """The highest number of terminals seen to hold, and the lowest that does not; doubled first, then halved."""
        fails: int | None = None
        while fails is None or fails > max(holds * FINE, holds + 10):
            number = min(holds * 2, most) if fails is None else (holds + fails) // 2
            if number == holds:
                break
            if good(self.syncing(number, seconds)[0]):
                holds = number
            else:
                fails = number
        return holds, fails


def good(found: dict[str, Any]) -> bool:
    return found["p99_ms"] < LIMIT_MS and not found["failed"] and not found["late"]


def main() -> None:
    said = options()
    files = allow_connections(max(said.terminals, said.most if said.knee_seconds else 0))
    progress("open files allowed (RLIMIT_NOFILE)", files)
    report = Report("sync")
    with service() as running, load() as generator:
        field = Field(running, generator)
        found, used = field.syncing(said.terminals, said.seconds)
        case = f"{said.terminals} terminals, {said.seconds:.0f} s"
        report.add(Result(case, round(found["per_second"]), "syncs/s", p50_ms=found["p50_ms"], p99_ms=found["p99_ms"]))
        wrong = sum(found["failed"].values()) + found["late"]
        report.add(Result(f"{case}: refused, cut or unanswered", wrong, "syncs"))
        for part, words in used.items():
            print(f"{case}: {part} {words}")
        if said.knee_seconds:
            holds, fails = field.knee(said.knee_seconds, said.terminals if good(found) else 10, said.most)
            report.add(Result(f"p99 stays below {LIMIT_MS} ms up to", holds, "terminals"))
            if fails is not None:
                report.add(Result("and no longer at", fails, "terminals"))
    report.print()


if __name__ == "__main__":
    main()
