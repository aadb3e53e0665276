"""Every scenario by name, with a size for each change and one for the whole proof."""

import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.processes import servers, storage, terminals, traffic
from tests.faults.processes.report import Result
from tests.faults.processes.stage import Stage


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way in which things break. `short` runs at every change, `full` by hand."""

    name: str
    play: Callable[..., Awaitable[None]]
    short: Mapping[str, Any]
    full: Mapping[str, Any]

    @property
    def about(self) -> str:
        return (self.play.__doc__ or "").partition("\n")[0]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "signals",
            traffic.signals,
            {"runs": 1, "count": 400, "accounts": 2},
            {"runs": 5, "count": 10_000, "accounts": 4},
        ),
        Scenario(
            "terminal-kills",
            terminals.terminal_kills,
            {"each": 2, "accounts": 4, "unknown_for": 5},
            # No multiple of the six points: an account that always dies at the one that leaves orders of unknown fate
            # has soon no symbol left that may be traded.
            {"each": 100, "accounts": 11, "unknown_for": 150},
        ),
        Scenario("same-key", traffic.same_key, {"keys": 4, "copies": 50}, {"keys": 200, "copies": 50}),
        Scenario("two-terminals", terminals.two_terminals, {"seconds": 5}, {"seconds": 60}),
        Scenario("wrong-clock", terminals.wrong_clock, {"minutes": 10, "seconds": 5}, {"minutes": 10, "seconds": 60}),
        Scenario("slow-answers", traffic.slow_answers, {"seconds": 8}, {"seconds": 120}),
        Scenario("partition", traffic.partition, {"runs": 1, "seconds": 3}, {"runs": 2, "seconds": 30}),
        Scenario(
            "rolling-restart", traffic.rolling_restart, {"runs": 1, "terminals": 10}, {"runs": 20, "terminals": 50}
        ),
        Scenario("postgres-away", servers.postgres_away, {}, {}),
        Scenario("pool-exhausted", storage.pool_exhausted, {"at_once": 30}, {"at_once": 60}),
        Scenario("read-only", storage.read_only, {"at_once": 10}, {"at_once": 50}),
        Scenario("commit-fails", storage.commit_fails, {"at_once": 10}, {"at_once": 50}),
        Scenario("disk-full", storage.disk_full, {}, {}),
        Scenario("api-kills", servers.api_kills, {"kills": 2}, {"kills": 200}),
        Scenario("postgres-kills", servers.postgres_kills, {"kills": 2}, {"kills": 100}),
        Scenario("redis-kills", servers.redis_kills, {"kills": 1, "flushes": 1}, {"kills": 50, "flushes": 20}),
        Scenario("worker-kills", servers.worker_kills, {"kills": 1}, {"kills": 100}),
        Scenario("beat-kills", servers.beat_kills, {"kills": 1}, {"kills": 20}),
    )
}


async def play(stage: Stage, scenario: Scenario, *, full: bool = False, **changes: Any) -> Result:
    """Run one scenario, with `changes` of its size; a harness that stumbles is a violation too, never silence."""
    result = Result(scenario.name)
    begun, crashes = time.monotonic(), len(stage.crashes())
    try:
        await scenario.play(stage, result, **{**(scenario.full if full else scenario.short), **changes})
    except Exception as error:  # the other scenarios go on, and the report tells
        trace = traceback.extract_tb(error.__traceback__)[-1]
        result.violations.append(f"the run broke off: {type(error).__name__}: {error} ({trace.name}:{trace.lineno})")
    finally:
        stage.close_desks()
    result.violations += [f"the API met a fault of its own: {each}" for each in stage.crashes()[crashes:]]
    result.seconds = round(time.monotonic() - begun, 1)
    return result
