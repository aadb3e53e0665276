"""Terminals that are always in a long-poll: what each costs in memory, and how soon a command wakes one.

A wake-up counts from the publishing of a queued order to its command in the hands of the terminal, one at a time.
--polls N (5000), --wakes N (300).
"""

import argparse
import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import redis.asyncio as redis
from tests.benchmarks.disk import kept_writes
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Result, percentiles, progress
from tests.benchmarks.servers import allow_connections, service, terminal_tokens
from tests.benchmarks.usage import between, usage

from rubi.domain.order import NewOrder, OrderKind
from rubi.domain.units import Lots, Side
from rubi.flows.queue_order import command_waits, queue_order
from rubi.live.bus import Bus
from rubi.store.pool import open_pool

SETTLE = 15.0
"""Seconds that all polls are parked before the first command, and before memory is read."""
PAUSE = 0.05
"""Seconds between two commands."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--polls", type=int, default=5000)
    parser.add_argument("--wakes", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


async def wake(database_url: str, redis_url: str, accounts: Iterable[str]) -> dict[int, float]:
    """Queue a close for each account, one after the other, as the flows do it; when each was published."""
    published = {}
    pool = await open_pool(database_url, size=2, application="bench", planned_once=True)
    async with pool, redis.from_url(redis_url) as client:
        bus = Bus(client)
        users = {row["id"]: row["user_id"] for row in await pool.fetch("SELECT id, user_id FROM accounts")}
        for account_id in map(UUID, accounts):
            order = NewOrder(
                user_id=users[account_id], account_id=account_id, kind=OrderKind.CLOSE_POSITION, symbol="EURUSD",
                side=Side.SELL, volume=Lots(Decimal("0.1")), position_ticket=900_000_001,
            )  # fmt: skip
            async with pool.acquire() as conn, conn.transaction():
                queued = await queue_order(conn, order, actor="bench", now=datetime.now(UTC))
            published[queued.id] = time.perf_counter()
            await bus.publish([command_waits(order.user_id, account_id, queued)])
            await asyncio.sleep(PAUSE)
        await bus.close()
    return published


def main() -> None:
    said = options()
    progress("open files allowed (RLIMIT_NOFILE)", allow_connections(said.polls))
    disk = kept_writes()
    with service() as running, load() as generator:
        before = usage(running)
        tokens = asyncio.run(terminal_tokens(running.url, said.polls))
        progress("connected", generator.ask("connect", url=running.url, tokens=tokens, positions=0))
        time.sleep(6)  # the service closes lines that are silent for five seconds
        idle = usage(running)
        accounts = generator.ask("accounts")["accounts"]
        chosen = [accounts[n * 7919 % said.polls] for n in range(said.wakes)]
        ramp, seconds = said.polls / 250, SETTLE + said.wakes * (PAUSE + 0.01) + 3
        generator.start("park", polls=said.polls, seconds=seconds, ramp=ramp)
        time.sleep(ramp + SETTLE)
        parked = usage(running)
        published = asyncio.run(wake(running.database_url, running.redis_url, chosen))
        found = generator.finish()
        progress("used while parked", between(idle, usage(running)))
    report = Report("longpoll")
    report.add(disk)
    arrived = {int(order_id): at for order_id, at in found["arrived"].items()}
    report.add(Result(f"{said.polls} polls: parked at one time", found["parked"], "polls"))
    wrong = sum(found["failed"].values())
    report.add(Result("polls refused or cut", wrong, "polls"))
    report.add(
        Result("an empty poll comes back later than its time by", found["p50_ms"], "ms",
               p50_ms=found["p50_ms"], p99_ms=found["p99_ms"])
    )  # fmt: skip
    each = (parked.kilobytes["api"] - idle.kilobytes["api"]) / max(found["parked"], 1)
    report.add(Result("memory of the API for each parked poll", round(each, 1), "KB"))
    whole = (parked.kilobytes["api"] - before.kilobytes["api"]) / said.polls
    report.add(Result("the same, with what it keeps of each terminal", round(whole, 1), "KB"))
    delays = [arrived[order_id] - at for order_id, at in published.items() if order_id in arrived]
    report.add(Result("commands that did not arrive", len(published) - len(delays), "commands"))
    if len(delays) > 1:
        p50, p99 = percentiles(delays)
        report.add(Result("a command wakes its poll", p50, "ms", p50_ms=p50, p99_ms=p99))
    report.print()


if __name__ == "__main__":
    main()
