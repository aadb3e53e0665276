"""A year of an account at one snapshot a second: what history costs over HTTP, beside the same from the snapshots.

--rows N: so many snapshots are made (default 30 days of them), and minutes, hours and days for the rest of the year.
--home FOLDER: the year is made there once and measured again by the next run. --edition NAME: only that one.
--naive no: without the queries over the snapshots, which take seconds each.
"""

import argparse
import asyncio
import json
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
from tests.benchmarks.lean_client import LeanClient
from tests.benchmarks.report import Report, Result, percentiles, progress
from tests.benchmarks.servers import service, terminal_tokens
from tests.conftest import RunningStack, start_stack
from tests.integration.wire import HELLO

from rubi.domain.history import EPOCH, choose_view
from rubi.embedded import timescale
from rubi.store.history import points as read_points
from rubi.store.rollups import COARSER, DAY, MINUTE, SQL

YEAR = timedelta(days=365)
BY_WORKER = 30 * DAY
"""So much of the snapshots is rolled up by the worker of the service; what is older by the same statements, here."""
RUNS = 40
NAIVE_RUNS = 3
CASES = (
    ("a year", YEAR, 500),
    ("a year's max drawdown", YEAR, 1),
    ("last 30 days", 30 * DAY, 500),
    ("last 7 days", 7 * DAY, 500),
    ("last 24 h", DAY, 500),
    ("last 24 h per minute", DAY, 1440),
    ("last hour", timedelta(hours=1), 500),
)
SNAPSHOTS = """
INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit,
                               received_at, written_by)
SELECT t, $1, 10000,
       10000 + 900 * sin(extract(epoch FROM t) / 400000) + 40 * sin(extract(epoch FROM t) / 613) + random(),
       0, 0, 0, 0, t, coalesce($4, (pg_current_xact_id()::text)::bigint)
FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 second', interval '1 second') t
"""
MINUTES = """
INSERT INTO account_metrics
SELECT $1, '1m', t, e, e + 1, e - 1, e, 10000, 10000, 10000, 10000, 2 / (e + 1), 60
FROM (SELECT t, 10000 + 900 * sin(extract(epoch FROM t) / 400000) + 40 * sin(extract(epoch FROM t) / 613) AS e
      FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 minute', interval '1 minute') t) s
"""
NAIVE = """
SELECT date_bin($4, time, $2) AS at, (array_agg(equity ORDER BY time DESC))[1], max(equity), min(equity)
FROM account_snapshots WHERE account_id = $1 AND time >= $2 AND time < $3 GROUP BY at ORDER BY at
"""


DRAWDOWN = """
SELECT max((peak - equity) / peak) FROM (
    SELECT equity, max(equity) OVER (ORDER BY time) AS peak
    FROM account_snapshots WHERE account_id = $1 AND time >= $2 AND time < $3) s
"""


@dataclass(frozen=True, slots=True)
class Year:
    """A year that was made: whose it is, and its end (POSIX seconds)."""

    token: str
    session: str
    account: str
    end: int
    rows: int

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.end, UTC)


async def make(url: str, conn: asyncpg.Connection, rows: int, edition: str, report: Report) -> Year:
    """A user with a terminal, and the year of its account."""
    (token,) = await terminal_tokens(url, 1)
    client = LeanClient(url, token)
    session = (await client.post("/api/v1/mt5/connect", HELLO))["session_id"]
    await client.close()
    account = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", UUID(session))
    await conn.execute("DELETE FROM account_snapshots WHERE account_id = $1", account)
    now = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    begun = time.perf_counter()
    seconds = await fill(conn, account, now, rows)
    progress(f"{edition}: made in seconds", round(time.perf_counter() - begun))
    worked = min(rows, int(BY_WORKER.total_seconds()))
    report.add(Result(f"{edition}: rollups complete after {worked} snapshots", round(seconds, 1), "s"))
    return Year(token, session, str(account), int(now.timestamp()), rows)


async def fill(conn: asyncpg.Connection, account: UUID, now: datetime, rows: int) -> float:
    """Make the year; seconds from the last snapshot to the last rollup, as the worker of the service makes them."""
    first = now - YEAR
    snapshots_from = max(first, (now - timedelta(seconds=rows)).replace(second=0))
    by_worker_from = max(snapshots_from, now - BY_WORKER)
    await conn.execute(MINUTES, account, first, snapshots_from)
    at = snapshots_from
    while at < by_worker_from:
        until = min(at + DAY, by_worker_from)
        await conn.execute(SNAPSHOTS, account, at, until, 0)  # a number that the worker has passed
        minutes = [at + MINUTE * n for n in range((until - at) // MINUTE)]
        await conn.execute(SQL["minutes"], [account] * len(minutes), minutes, at, until)
        at = until
        progress("snapshots made up to", at)
    while at < now:
        until = min(at + DAY, now)
        await conn.execute(SNAPSHOTS, account, at, until, None)
        at = until
    begun = time.perf_counter()
    while not await _rolled_up(conn, account, now):
        await asyncio.sleep(0.25)
    seconds = time.perf_counter() - begun
    source = "1m"
    for target, width in COARSER.items():
        start = first - (first - EPOCH) % width
        buckets = [start + width * n for n in range((now - start) // width + 1)]
        for at in range(0, len(buckets), 500):
            part = buckets[at : at + 500]
            await conn.execute(SQL["coarser"], [account] * len(part), part, source, target, width)
        source = target
    await conn.execute("VACUUM ANALYZE account_snapshots")
    await conn.execute("VACUUM ANALYZE account_metrics")
    return seconds


async def _rolled_up(conn: asyncpg.Connection, account: UUID, now: datetime) -> bool:
    newest = await conn.fetchval(
        "SELECT max(bucket) FROM account_metrics WHERE account_id = $1 AND resolution = '1m'", account
    )
    left = await conn.fetchval("SELECT count(*) FROM account_metrics_dirty WHERE account_id = $1", account)
    return left == 0 and newest is not None and newest >= now - timedelta(minutes=1)


async def ask(client: LeanClient, year: Year, span: timedelta, points: int) -> tuple[float, dict]:
    """Seconds, and what was said."""
    start, end = year.now - span, year.now
    query = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}&points={points}"
    begun = time.perf_counter()
    status, body = await client.request("GET", f"/api/v1/mt5/account/{year.session}/history?{query}")
    taken = time.perf_counter() - begun
    if status != 200:
        raise RuntimeError(f"history: {status} {body[:300]!r}")
    return taken, json.loads(body)


async def naive(conn: asyncpg.Connection, year: Year, span: timedelta, points: int) -> float:
    """Seconds of one query over the snapshots; the middle of three unless it takes long."""
    start, taken = year.now - span, []
    while len(taken) < NAIVE_RUNS and sum(taken) < 5:
        begun = time.perf_counter()
        if points == 1:
            await conn.fetch(DRAWDOWN, UUID(year.account), start, year.now)
        else:
            await conn.fetch(NAIVE, UUID(year.account), start, year.now, span / points)
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[len(taken) // 2]


async def parts(conn: asyncpg.Connection, year: Year, span: timedelta, points: int) -> dict[str, float]:
    """Milliseconds of the statement with its rows, and of their JSON: the best of some."""
    view = choose_view(year.now - span, year.now, points)
    best = {"statement": 1e9, "encoding": 1e9}
    for _ in range(RUNS):
        begun = time.perf_counter()
        rows = await read_points(conn, UUID(year.account), view)
        read = time.perf_counter()
        msgspec.json.encode([dict(row) for row in rows])
        encoded = time.perf_counter()
        best["statement"] = min(best["statement"], (read - begun) * 1000)
        best["encoding"] = min(best["encoding"], (encoded - read) * 1000)
    return {name: round(value, 2) for name, value in best.items()}


async def measure(running: RunningStack, edition: str, report: Report, said: argparse.Namespace) -> None:
    conn = await asyncpg.connect(running.database_url, command_timeout=3600)
    kept = running.home / "year.json"
    if kept.exists():
        year = Year(**json.loads(kept.read_text()))
    else:
        year = await make(running.url, conn, said.rows, edition, report)
        kept.write_text(json.dumps(asdict(year)))
    client = LeanClient(running.url, year.token)
    for case, span, points in CASES:
        slow = await naive(conn, year, span, points) if said.naive == "yes" else None
        inside = await parts(conn, year, span, points)
        await client.close()  # the server did not keep it open meanwhile
        for _ in range(3):
            await ask(client, year, span, points)
        taken, told = [], {}
        for _ in range(RUNS):
            seconds, told = await ask(client, year, span, points)
            taken.append(seconds)
        p50, p99 = percentiles(taken)
        name = f"{edition}: {case}, {len(told['points'])} points of {told['resolution']}"
        ratio = None if slow is None else round(slow * 1000 / p50, 1)
        report.add(Result(name, p50, "ms", ratio_to_naive=ratio, p50_ms=p50, p99_ms=p99))
        progress(name, f"{p50} ms, best {min(taken) * 1000:.1f}, ratio to naive {ratio}, of it {inside}")
    await conn.close()
    await client.close()


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=30 * 86400)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--edition", choices=("plain", "timescale"))
    parser.add_argument("--naive", choices=("yes", "no"), default="yes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def place(home: Path | None, edition: str) -> AbstractContextManager[RunningStack]:
    """The service on one edition: with data that stays, or with data of this run."""
    keep = {"RETENTION_SNAPSHOTS_DAYS": "400", "RUBI_TIMESCALE": "0" if edition == "plain" else "1"}
    if home is None:
        return service(**keep)
    folder = home.resolve() / edition
    folder.mkdir(parents=True, exist_ok=True)
    return start_stack(folder, **keep)


def main() -> None:
    said = options()
    report = Report("history")
    editions = ["plain"] if timescale.usable() is None else ["plain", "timescale"]
    for edition in [said.edition] if said.edition else editions:
        with place(said.home, edition) as running:
            asyncio.run(measure(running, edition, report, said))
    report.print()


if __name__ == "__main__":
    main()
