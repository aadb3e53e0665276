"""A year of an account at one snapshot a second: what history costs over HTTP, beside the same from the snapshots.

--rows N: so many snapshots are made (default 30 days of them), and minutes, hours and days for the rest of the year.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from tests.benchmarks.lean_client import LeanClient
from tests.benchmarks.report import Report, Result, percentiles
from tests.benchmarks.servers import new_user, service
from tests.integration.wire import HELLO

from rubi.domain.history import EPOCH
from rubi.embedded import timescale
from rubi.store.rollups import COARSER, DAY, SQL

YEAR = timedelta(days=365)
POINTS = 500
RUNS = 40
NAIVE_RUNS = 3
CASES = (
    ("a year", YEAR),
    ("last 30 days", 30 * DAY),
    ("last 7 days", 7 * DAY),
    ("last 24 h", DAY),
    ("last hour", timedelta(hours=1)),
)
SNAPSHOTS = """
INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit,
                               received_at)
SELECT t, $1, 10000,
       10000 + 900 * sin(extract(epoch FROM t) / 400000) + 40 * sin(extract(epoch FROM t) / 613) + random(),
       0, 0, 0, 0, t
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


async def connect(url: str) -> tuple[LeanClient, str]:
    """A user with a terminal: a client with the token, and the session."""
    client = LeanClient(url, await new_user(url))
    said = await client.post("/api/v1/mt5/connect", HELLO)
    await client.close()  # the server would not keep it open while the year is made
    return client, said["session_id"]


async def fill(conn: asyncpg.Connection, account: UUID, now: datetime, rows: int) -> float:
    """Make the year; seconds from the last snapshot to the last rollup, as the worker of the service makes them."""
    first, snapshots_from = now - YEAR, max(now - YEAR, (now - timedelta(seconds=rows)).replace(second=0))
    await conn.execute(MINUTES, account, first, snapshots_from)
    at = snapshots_from
    while at < now:
        until = min(at + DAY, now)
        await conn.execute(SNAPSHOTS, account, at, until)
        at = until
    begun = time.perf_counter()
    while not await _rolled_up(conn, account, now):
        await asyncio.sleep(0.25)
    seconds = time.perf_counter() - begun
    source = "1m"
    for target, width in COARSER.items():
        start = first - (first - EPOCH) % width
        buckets = [start + width * n for n in range((snapshots_from - start) // width + 1)]
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


async def ask(client: LeanClient, session: str, start: datetime, end: datetime) -> tuple[float, dict]:
    """Seconds, and what was said."""
    span = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}&points={POINTS}"
    begun = time.perf_counter()
    status, body = await client.request("GET", f"/api/v1/mt5/account/{session}/history?{span}")
    taken = time.perf_counter() - begun
    if status != 200:
        raise RuntimeError(f"history: {status} {body[:300]!r}")
    return taken, json.loads(body)


async def measure(url: str, dsn: str, edition: str, report: Report, rows: int) -> None:
    client, session = await connect(url)
    conn = await asyncpg.connect(dsn, command_timeout=900)
    account = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", UUID(session))
    await conn.execute("DELETE FROM account_snapshots WHERE account_id = $1", account)
    now = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    begun = time.perf_counter()
    seconds = await fill(conn, account, now, rows)
    print(f"{edition}: made in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    report.add(Result(f"{edition}: rollups complete after {rows} snapshots", round(seconds, 1), "s"))
    for case, span in CASES:
        naive = []
        for _ in range(NAIVE_RUNS):
            begun = time.perf_counter()
            await conn.fetch(NAIVE, account, now - span, now, span / POINTS)
            naive.append(time.perf_counter() - begun)
        await client.close()  # the server did not keep it open meanwhile
        await ask(client, session, now - span, now)
        taken, said = [], {}
        for _ in range(RUNS):
            seconds, said = await ask(client, session, now - span, now)
            taken.append(seconds)
        p50, p99 = percentiles(taken)
        name = f"{edition}: {case}, {len(said['points'])} points of {said['resolution']}"
        ratio = round(sorted(naive)[len(naive) // 2] * 1000 / p50, 1)
        report.add(Result(name, p50, "ms", ratio_to_naive=ratio, p50_ms=p50, p99_ms=p99))
        print(f"{name}: {p50} ms, ratio to naive {ratio}", file=sys.stderr, flush=True)
    await conn.close()
    await client.close()


def main() -> None:
    arguments = sys.argv[1:]
    rows = int(arguments[arguments.index("--rows") + 1]) if "--rows" in arguments else 30 * 86400
    report = Report("history")
    editions = ["plain"] if timescale.usable() is None else ["plain", "timescale"]
    for edition in editions:
        keep = {"RETENTION_SNAPSHOTS_DAYS": "400", "RUBI_TIMESCALE": "0" if edition == "plain" else "1"}
        with service(**keep) as running:
            asyncio.run(measure(running.url, running.database_url, edition, report, rows))
    report.print()


if __name__ == "__main__":
    main()
