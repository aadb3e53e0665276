"""From the POST of a signal to OrderSend in the Expert Advisor, beside the Python terminal in the same run."""

import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from mql5.host.build import build
from tests.benchmarks.lean_client import LeanClient
from tests.benchmarks.report import Report, Result, percentiles
from tests.benchmarks.servers import new_user, service, uvicorn
from tests.benchmarks.signal_latency import bare_round_trips
from tests.ea.driver import entries, running

from rubi.domain.order import comment_of
from rubi.embedded.places import PROJECT_ROOT
from rubi.terminal.broker import Request
from rubi.terminal.broker import Result as Sent
from rubi.terminal.limits import Limits
from rubi.terminal.run import run_client
from rubi.terminal.simulated import AccountTerms, SimulatedBroker

SIGNALS = 50
"""For each terminal."""

PAUSE = (0.1, 2.0)
"""Seconds between two signals, the next one for the other terminal: at random, since a terminal's calls have a rhythm
of their own, and long enough that it comes to rest. A terminal sends at most 60 orders a minute."""

WARM_UP = 10
POLICY = {
    "max_positions": 1000,
    "max_position_size_percent": 50,
    "max_total_exposure_percent": 100,
    "max_daily_loss_percent": None,
    "max_drawdown_percent": None,
    "max_correlated_risk_percent": None,
    "min_risk_reward": None,
    "max_account_age_seconds": 60,
    "max_tick_age_seconds": 60,
}
EA, PYTHON = "8000001", "8000002"


class WatchedBroker(SimulatedBroker):
    """The simulated broker; `sent` has the moment (unix seconds) at which each comment reached it."""

    sent: dict[str, float]

    async def order_send(self, request: Request) -> Sent:
        """Remember when, then do it."""
        self.sent.setdefault(request.comment, time.time())
        return await super().order_send(request)


@contextlib.asynccontextmanager
async def python_terminal(url: str, token: str, folder: Path) -> AsyncIterator[dict[str, float]]:
    """The Python terminal over a broker that ticks as often as the other one's."""
    terms = AccountTerms(login=int(PYTHON))
    broker = WatchedBroker(terms, seed=1, speed=0.01, ledger_path=folder / "broker.sqlite", interval_ms=250)
    broker.sent = {}
    stop = asyncio.Event()
    limits = Limits(max_open_positions=10_000, max_orders_per_minute=100_000)
    running_ = asyncio.create_task(run_client(url, token, broker, data_dir=folder, stop=stop, limits=limits))
    try:
        yield broker.sent
    finally:
        stop.set()
        await running_
        broker.close()


@contextlib.asynccontextmanager
async def expert_advisor(url: str, token: str, folder: Path) -> AsyncIterator[Path]:
    """The EA in its host on the real clock; the path of its broker's ledger."""
    inputs = {"BackendURL": url, "APIToken": token, "MaxOpenPositions": 10_000, "MaxOrdersPerMinute": 100_000}
    account = {"login": int(EA), "server": AccountTerms.server, "balance": 100_000.0}
    settings: dict[str, Any] = {"clock": "real", "allowed_urls": [url], "inputs": inputs, "account": account}
    settings["symbols"] = [{"name": "EURUSD", "bid": 1.085, "ask": 1.08507}]
    executable = build(PROJECT_ROOT / "mql5" / "RubiStudioConnector.mq5", flavour="fast").executable
    async with running(executable, folder, settings) as terminal:
        await terminal.ask("init")

        async def tick() -> None:
            while True:
                await terminal.ask("quote", symbol="EURUSD", bid=1.085, ask=1.08507)
                await asyncio.sleep(0.25)

        ticking = asyncio.create_task(tick())
        try:
            yield folder / "ledger.jsonl"
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)


async def open_doors(database_url: str) -> None:
    """Wait for both accounts and let everything through: what is measured is not what is denied."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        while await conn.fetchval("SELECT count(*) FROM accounts WHERE reconciled_at IS NOT NULL") < 2:
            await asyncio.sleep(0.1)
        for account_id in await conn.fetch("SELECT id FROM accounts"):
            version = 1 + (
                await conn.fetchval("SELECT max(version) FROM risk_policies WHERE account_id = $1", account_id["id"])
                or 0
            )
            await conn.execute(
                "INSERT INTO risk_policies VALUES ($1, $2, $3, 'benchmark', NULL, $4)",
                account_id["id"],
                version,
                POLICY,
                datetime.now(UTC),
            )
    finally:
        await conn.close()


async def first_order(client: LeanClient) -> None:
    """Wait until the worker works: a service that has just begun decides its first signal late."""
    body = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.065, "volume": 0.01, "account": EA}
    signal_id = (await client.post("/api/v1/trading/signals", body))["id"]
    for _ in range(600):
        status, raw = await client.request("GET", f"/api/v1/trading/signals/{signal_id}")
        if status == 200 and json.loads(raw)["status"] != "PENDING":
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"signal {signal_id} was not decided within a minute")


async def post_signals(url: str, access: str) -> dict[str, dict[int, float]]:
    """Signals to both accounts in turn; for each account: signal id → the moment of its POST (unix seconds)."""
    client = LeanClient(url, access)
    await first_order(client)
    posted: dict[str, dict[int, float]] = {EA: {}, PYTHON: {}}
    chance = random.Random(1)  # the same pauses each time
    for number in range(2 * (SIGNALS + WARM_UP)):
        login = (EA, PYTHON)[number % 2]
        body = {
            "symbol": "EURUSD",
            "signal_type": "BUY",
            "stop_loss": 1.065,
            "take_profit": 1.125,
            "volume": 0.01,
            "account": login,
            "comment": f"benchmark {number}",
        }
        begun = time.time()
        answer = await client.post("/api/v1/trading/signals", body)
        posted[login][answer["id"]] = begun
        await asyncio.sleep(chance.uniform(*PAUSE))
    await asyncio.sleep(3)
    await client.close()
    return posted


async def delays(url: str, access: str, posted: dict[int, float], sent: dict[str, float]) -> list[float]:
    """Seconds from the POST to OrderSend, without the first ones; a signal that was never sent is an error."""
    found = []
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {access}"}, trust_env=False) as http:
        for signal_id, begun in list(posted.items())[WARM_UP:]:
            said = (await http.get(f"/api/v1/trading/signals/{signal_id}")).raise_for_status().json()
            if not said["orders"]:
                raise RuntimeError(f"signal {signal_id} has no order: {said}")
            at = sent.get(comment_of(said["orders"][0]["id"]))
            if at is None:
                raise RuntimeError(f"signal {signal_id} was never sent: {said['orders'][0]['code']}")
            found.append(at - begun)
    return found


async def measure(url: str, database_url: str) -> tuple[list[float], list[float]]:
    """Delays of the EA, then of the Python terminal."""
    access = await new_user(url)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {access}"}, trust_env=False) as http:
        answer = await http.post("/api/v1/auth/tokens", json={"name": "benchmark", "scope": "ea"})
        token = answer.raise_for_status().json()["token"]
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "python"
        await asyncio.to_thread(ours.mkdir)
        async with (
            python_terminal(url, token, ours) as by_python,
            expert_advisor(url, token, Path(folder) / "ea") as ledger,
        ):
            await open_doors(database_url)
            await asyncio.sleep(2)
            posted = await post_signals(url, access)
            lines = await asyncio.to_thread(entries, ledger)
            by_ea = {line["request"]["comment"]: line["at_ms"] / 1000 for line in lines if line["t"] == "send"}
            return (
                await delays(url, access, posted[EA], by_ea),
                await delays(url, access, posted[PYTHON], by_python),
            )


def main() -> None:
    with uvicorn() as bare, service() as running_service:
        trips = asyncio.run(bare_round_trips(bare, SIGNALS))
        by_ea, by_python = asyncio.run(measure(running_service.url, running_service.database_url))
        trips += asyncio.run(bare_round_trips(bare, SIGNALS))
    report = Report("ea-latency")
    bare50, bare99 = percentiles(trips)
    report.add(Result("bare uvicorn round trip", bare50, "ms", p50_ms=bare50, p99_ms=bare99))
    for case, taken in (("POST of a signal to OrderSend, EA", by_ea), ("the same, Python terminal", by_python)):
        p50, p99 = percentiles(taken)
        report.add(Result(case, p50, "ms", ratio_to_bare=round(p50 / bare50, 2), p50_ms=p50, p99_ms=p99))
    report.print()


if __name__ == "__main__":
    main()
