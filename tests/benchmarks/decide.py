"""One decision with 20 positions and 5 correlated symbols: the pure part, and the whole task from bell to commit.

The processor's time of the pure part is told beside its wall time: on a machine that does other work it is what the
decision itself costs.
"""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.benchmarks.report import Report, Result, machine, percentiles
from tests.benchmarks.servers import service
from tests.desk import Desk, open_ports, seat

from rubi.domain.risk import gates
from rubi.domain.risk.case import RiskCase
from rubi.flows.decide_signal import decide_signal
from rubi.flows.watch_limits import watch_limits
from rubi.queue import DECIDE_SIGNAL, Doorbell

SYMBOLS = {
    "EURUSD": ("EUR", "USD"), "GBPUSD": ("GBP", "USD"), "AUDUSD": ("AUD", "USD"), "NZDUSD": ("NZD", "USD"),
    "EURGBP": ("EUR", "GBP"),
}  # fmt: skip
POSITIONS = 20
TASKS = 200
PURE = 400
WARM_UP = 20
BARS = """
INSERT INTO market_data (time, account_id, symbol, timeframe, open, high, low, close, received_at)
SELECT $3::timestamptz - n * interval '1 day', $1, $2, 'D1', 1.1, 1.11, 1.09, 1.1 + 0.01 * random(), $3
FROM generate_series(1, 120) n
"""
CLEAR = """
UPDATE trading_orders SET state = 'CANCELED', released_at = now(), final_at = now()
WHERE account_id = $1 AND released_at IS NULL
"""


async def prepare(desk: Desk, now: datetime) -> None:
    await desk.policy(
        sizing_mode="FIXED_LOTS", sizing_value="0.01", max_positions=100, max_total_exposure_percent="100",
        max_daily_loss_percent="100", max_drawdown_percent="100", max_correlated_risk_percent="100",
        max_portfolio_risk_percent="100",
    )  # fmt: skip
    for symbol, (base, profit) in SYMBOLS.items():
        await desk.describe(symbol, at=now, currency_base=base, currency_profit=profit)
        await desk.execute(BARS, desk.account_id, symbol, now)
    async with desk.ports.pool.acquire() as conn, conn.transaction():
        await watch_limits(conn, desk.account_id, now=now)
    names = list(SYMBOLS)
    for n in range(POSITIONS):
        await desk.position(n + 1, symbol=names[n % len(names)], side="BUY" if n % 3 else "SELL", volume="0.02",
                            sl="1.095" if n % 3 else "1.105")  # fmt: skip


async def fresh(desk: Desk) -> int:
    """Figures of this second, nothing reserved, and a signal that waits; its id."""
    now = datetime.now(UTC)
    await desk.execute(CLEAR, desk.account_id)
    await desk.report(at=now, margin=100, margin_free=9900)
    await desk.quote(at=now)
    return await desk.signal(received_at=now, signal_time=now, expires_in=timedelta(minutes=5))


async def in_process(desk: Desk) -> tuple[list[float], list[float]]:
    """Seconds of `decide_signal`, one transaction with its commit and the publishing after it; and this process's."""
    taken, worked = [], []
    for _ in range(TASKS + WARM_UP):
        signal_id = await fresh(desk)
        begun, worked_before = time.perf_counter(), time.process_time()
        decided = await decide_signal(desk.ports, signal_id, now=datetime.now(UTC))
        taken.append(time.perf_counter() - begun)
        worked.append(time.process_time() - worked_before)
        if decided is None or not decided.approved:
            raise RuntimeError(f"the signal of the benchmark was not approved: {decided}")
    return taken[WARM_UP:], worked[WARM_UP:]


async def by_bell(desk: Desk) -> list[float]:
    """Seconds from the bell to the news of the decision: Celery, the worker's transaction, its commit, the live bus."""
    bell, heard, taken = Doorbell(desk.ports.bus.line.say), asyncio.Event(), []

    def listen(event) -> None:
        if event.type == "SIGNAL_UPDATE":
            heard.set()

    async with desk.ports.bus.running() as bus:
        await bus.connected.wait()
        with bus.listen(listen):
            for _ in range(TASKS + WARM_UP):
                signal_id = await fresh(desk)
                heard.clear()
                begun = time.perf_counter()
                bell.ring(DECIDE_SIGNAL, signal_id)
                async with asyncio.timeout(10):
                    await heard.wait()
                taken.append(time.perf_counter() - begun)
    return taken[WARM_UP:]


def pure(case: RiskCase, now: datetime, clock: Callable[[], float]) -> list[float]:
    taken = []
    for _ in range(PURE + WARM_UP):
        begun = clock()
        decision = gates.decide(case, now=now)
        taken.append(clock() - begun)
        if not decision.approved:
            raise RuntimeError(f"the case of the benchmark was denied: {decision.code} {decision.detail}")
    return taken[WARM_UP:]


def recorded(case: RiskCase, now: datetime) -> list[float]:
    taken = []
    for _ in range(PURE + WARM_UP):
        decision = gates.decide(case, now=now)
        begun = time.perf_counter()
        gates.decision_record(case, decision)
        taken.append(time.perf_counter() - begun)
    return taken[WARM_UP:]


async def stored_case(desk: Desk) -> tuple[RiskCase, datetime]:
    record = await desk.value(
        "SELECT record FROM decisions WHERE account_id = $1 AND approved ORDER BY id DESC LIMIT 1", desk.account_id
    )
    case = RiskCase.from_record(record["case"])
    if len(case.positions) != POSITIONS or len(case.correlations) != 10:
        raise RuntimeError(f"{len(case.positions)} positions and {len(case.correlations)} pairs were measured")
    return case, datetime.fromisoformat(record["decision"]["decided_at"])


async def measure(database_url: str, redis_url: str) -> dict[str, list[float]]:
    ports, _, client = await open_ports(database_url, redis_url)
    now = datetime.now(UTC)
    desk = await seat(ports, now=now)
    await prepare(desk, now)
    taken, worked = await in_process(desk)
    found = {"whole task in the worker's loop, with commit": taken, "its processor's time in the worker": worked}
    found["bell to news of the decision, by Celery"] = await by_bell(desk)
    case, at = await stored_case(desk)
    found["pure decision, 24 gates"] = pure(case, at, time.perf_counter)
    found["pure decision, processor's time"] = pure(case, at, time.process_time)
    found["its record as JSON, with digest"] = recorded(case, at)
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()
    return found


def main() -> None:
    with service() as running:
        found = asyncio.run(measure(running.database_url, running.redis_url))
    report = Report("decide")
    for case, taken in found.items():
        p50, p99 = percentiles(taken)
        report.add(Result(case, p50, "ms", p50_ms=p50, p99_ms=p99))
    print(f"load average {', '.join(f'{one:.1f}' for one in os.getloadavg())} on {machine()}")
    report.print()


if __name__ == "__main__":
    main()
