"""Old rows go, young ones stay, rollups outlive the snapshots they were made from."""

from datetime import UTC, datetime, timedelta

from tests.integration.storage.snapshots import expected, insert, new_account, stored

from rubi.flows.drop_old_series import BLOCKS, Kept, drop_old_series
from rubi.flows.roll_up_metrics import roll_up_metrics

NOW = datetime(2025, 10, 23, 10, 0, tzinfo=UTC)
KEPT = Kept(snapshots=90, ticks=30)
OLD, YOUNG = NOW - timedelta(days=100), NOW - timedelta(days=80)


async def count(ports, table="account_snapshots"):
    return await ports.pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_the_series_are_hypertables_where_they_can_be(ports, edition):
    found = await ports.pool.fetchval("SELECT count(*) FROM pg_trigger WHERE tgname = 'ts_insert_blocker'")
    assert (edition, found) in {("plain", 0), ("timescale", 4)}


async def test_old_snapshots_go_and_their_rollups_stay(ports):
    account = new_account()
    samples = [(at + timedelta(seconds=30 * n), 100.0 + n, 100.0) for at in (OLD, YOUNG) for n in range(50)]
    await insert(ports.pool, account, samples)
    await roll_up_metrics(ports)
    before = await stored(ports.pool, account)
    dropped = await drop_old_series(ports, KEPT, now=NOW)
    assert dropped["account_snapshots"] > 0
    assert await count(ports) == 50
    assert await stored(ports.pool, account) == before
    assert await drop_old_series(ports, KEPT, now=NOW) == dict.fromkeys(dropped, 0)


async def test_snapshots_wait_for_their_rollup(ports):
    account = new_account()
    await insert(ports.pool, account, [(OLD, 1.0, 1.0)])
    await roll_up_metrics(ports, budget=timedelta(0))
    await drop_old_series(ports, KEPT, now=NOW)
    assert await count(ports) == 1
    await roll_up_metrics(ports)
    await drop_old_series(ports, KEPT, now=NOW)
    assert await count(ports) == 0
    assert len(await stored(ports.pool, account)) == 5


async def test_what_comes_later_than_it_would_be_kept_does_not_spoil_the_rollup(ports):
    account = new_account()
    samples = [(OLD, 1000.0, 1000.0), (OLD + timedelta(seconds=5), 900.0, 1000.0)]
    await insert(ports.pool, account, samples)
    await roll_up_metrics(ports)
    await drop_old_series(ports, KEPT, now=NOW)
    await insert(ports.pool, account, [(OLD + timedelta(seconds=9), 1.0, 1.0)])
    assert await roll_up_metrics(ports) == 0
    assert await stored(ports.pool, account) == expected(samples)


async def test_ticks_and_positions_have_their_own_time(ports):
    account = new_account()
    for days in (100, 40, 10):
        at = NOW - timedelta(days=days)
        await ports.pool.execute(
            "INSERT INTO ticks (time, account_id, symbol, time_msc, bid, ask) VALUES ($1, $2, 'EURUSD', 1, 1, 1)",
            at,
            account,
        )
        await ports.pool.execute(
            """INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price,
                 profit, swap) VALUES ($1, $2, 1, 'EURUSD', 'BUY', 1, 1, 0, 0)""",
            at,
            account,
        )
    await drop_old_series(ports, KEPT, now=NOW)
    assert (await count(ports, "ticks"), await count(ports, "position_snapshots")) == (1, 2)


async def test_a_large_plain_table_is_cleared_in_several_runs(ports, edition):
    if edition == "timescale":
        return  # chunks go at once
    account = new_account()
    await ports.pool.execute(
        """INSERT INTO account_snapshots SELECT $2::timestamptz + n * interval '1 s', $1, 1, 1, 1, 1, 1, 1, $2
           FROM generate_series(1, 200000) n""",
        account,
        OLD,
    )
    blocks = await ports.pool.fetchval("SELECT pg_relation_size('account_snapshots') / 8192")
    assert blocks > BLOCKS
    first = await drop_old_series(ports, KEPT, now=NOW, budget=timedelta(microseconds=1))
    assert first["account_snapshots"] == 0
    while await count(ports):
        assert (await drop_old_series(ports, KEPT, now=NOW, budget=timedelta(seconds=5)))["account_snapshots"] > 0
