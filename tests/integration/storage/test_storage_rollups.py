"""Minutes, hours and days of an account are what its snapshots say, in whatever order and however late they come."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.storage.snapshots import expected, insert, new_account, stored

from rubi.flows.roll_up_metrics import rebuild_metrics, roll_up_metrics

START = datetime(2025, 10, 25, 22, 30, tzinfo=UTC)
NEW = """INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level, profit,
           received_at) VALUES ($2, $1, 100, $3, 0, 0, 0, 0, $2)"""

sample = st.tuples(
    # A few hours around midnight, dense enough that buckets hold several and the same moment comes twice.
    st.integers(0, 5 * 3600).map(lambda seconds: START + timedelta(seconds=seconds - seconds % 7)),
    st.integers(-200, 5000).map(float),
    st.integers(0, 3000).map(float),
)


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, figures in wanted.items():
        assert found[key] == pytest.approx(figures, rel=1e-12, abs=1e-12), key


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.lists(sample, min_size=1, max_size=60), data=st.data())
async def test_rollups_are_the_snapshots_whatever_the_order_of_their_arrival(ports, samples, data):
    account, so_far = new_account(), []
    arriving = data.draw(st.permutations(samples))
    while arriving:
        count = data.draw(st.integers(1, len(arriving)))
        batch, arriving = arriving[:count], arriving[count:]
        await insert(ports.pool, account, batch)
        so_far += batch
        await roll_up_metrics(ports)
        same(await stored(ports.pool, account), expected(so_far))


async def test_a_late_snapshot_corrects_its_minute_hour_and_day_alone(ports):
    account, other = new_account(), new_account()
    samples = [(START + timedelta(seconds=20 * n), 1000.0 + n, 1000.0) for n in range(600)]
    await insert(ports.pool, account, samples)
    await insert(ports.pool, other, samples)
    await roll_up_metrics(ports)
    late = (START + timedelta(seconds=1003), 17.0, 1000.0)
    await insert(ports.pool, account, [late])
    assert await roll_up_metrics(ports) == 1
    same(await stored(ports.pool, account), expected([*samples, late]))
    same(await stored(ports.pool, other), expected(samples))


async def test_a_pass_without_news_does_nothing(ports):
    await insert(ports.pool, new_account(), [(START, 1.0, 1.0)])
    assert await roll_up_metrics(ports) == 1
    assert await roll_up_metrics(ports) == 0


async def test_a_snapshot_committed_after_a_younger_one_is_not_missed(ports, dsn):
    account = new_account()
    # Whoever makes a chunk holds others up until it commits.
    await insert(ports.pool, new_account(), [(START, 1.0, 1.0)])
    slow = await asyncpg.connect(dsn)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(NEW, account, START, 50.0)
        await insert(ports.pool, account, [(START + timedelta(minutes=5), 90.0, 100.0)])
        await roll_up_metrics(ports)
        await transaction.commit()
    finally:
        await slow.close()
    await roll_up_metrics(ports)
    same(
        await stored(ports.pool, account),
        expected([(START, 50.0, 100.0), (START + timedelta(minutes=5), 90.0, 100.0)]),
    )


async def test_passes_at_once_and_writers_beside_them_leave_every_bucket_right(ports):
    accounts = [new_account() for _ in range(4)]
    samples = {
        account: [(START + timedelta(seconds=9 * n), 1000.0 + (n * 37 + i) % 91, 1000.0) for n in range(200)]
        for i, account in enumerate(accounts)
    }

    async def write(account):
        for at in range(0, 200, 20):
            await insert(ports.pool, account, samples[account][at : at + 20])

    async def roll():
        for _ in range(15):
            await roll_up_metrics(ports)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(write(account) for account in accounts), roll(), roll())
    await roll_up_metrics(ports)
    for account in accounts:
        same(await stored(ports.pool, account), expected(samples[account]))


async def test_a_rebuild_repairs_what_was_damaged(ports, desk):
    samples = [(START + timedelta(minutes=7 * n), 1000.0 - n, 1000.0) for n in range(400)]
    await insert(ports.pool, desk.account_id, samples)
    await roll_up_metrics(ports)
    await ports.pool.execute("DELETE FROM account_metrics WHERE resolution <> '1d'")
    await ports.pool.execute("UPDATE account_metrics SET max_drawdown = 0.9")
    assert await rebuild_metrics(ports) == 400
    same(await stored(ports.pool, desk.account_id), expected(samples))


async def test_a_database_restored_into_a_younger_server_is_rolled_up_again(ports):
    account = new_account()
    await roll_up_metrics(ports)
    await ports.pool.execute("UPDATE series_progress SET rolled_up_to = 9e15")
    await insert(ports.pool, account, [(START, 5.0, 5.0)])
    assert await roll_up_metrics(ports) >= 1
    same(await stored(ports.pool, account), expected([(START, 5.0, 5.0)]))


async def test_a_pass_that_runs_out_of_time_leaves_the_rest_to_the_next(ports):
    account = new_account()
    samples = [(START + timedelta(minutes=n), 100.0, 100.0) for n in range(30)]
    await insert(ports.pool, account, samples)
    assert await roll_up_metrics(ports, budget=timedelta(0)) == 0
    assert await ports.pool.fetchval("SELECT count(*) FROM account_metrics_dirty") == 30
    await roll_up_metrics(ports)
    same(await stored(ports.pool, account), expected(samples))
