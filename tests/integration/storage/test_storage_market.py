"""Candles as they were told, and those that have to be made."""

from datetime import UTC, datetime, timedelta

from tests.desk import NOW

from rubi.domain.clock import BrokerClock
from rubi.flows.read_candles import read_candles

DAY = datetime(2025, 10, 20, 21, tzinfo=UTC)
CLOCK = BrokerClock.of_minutes([(DAY - timedelta(days=100), 180)])


async def tell(ports, account, timeframe, first, count, step, symbol="EURUSD"):
    await ports.pool.execute(
        """INSERT INTO market_data (time, account_id, symbol, timeframe, open, high, low, close, tick_volume, spread,
             received_at)
           SELECT $4::timestamptz + n * $6::interval, $1, $2, $3, n, n + 0.5, n - 0.5, n + 0.25, 2, 3, $7
           FROM generate_series(0, $5 - 1) n""",
        account,
        symbol,
        timeframe,
        first,
        count,
        step,
        NOW,
    )


async def ask(ports, account, timeframe, *, start=DAY - timedelta(days=200), end=NOW, limit=500):
    async with ports.pool.acquire() as conn:
        return await read_candles(conn, account, CLOCK, "EURUSD", timeframe, start=start, end=end, limit=limit)


async def test_what_was_told_is_given_and_not_made(ports, desk):
    await tell(ports, desk.account_id, "H1", DAY, 5, timedelta(hours=1))
    await tell(ports, desk.account_id, "M1", DAY, 500, timedelta(minutes=1))
    found = await ask(ports, desk.account_id, "H1")
    assert found.resampled_from is None
    assert [candle.time for candle in found.candles] == [DAY + timedelta(hours=n) for n in range(5)]


async def test_a_missing_timeframe_is_made_of_the_largest_smaller_one_by_the_day_of_the_broker(ports, desk):
    await tell(ports, desk.account_id, "H1", DAY, 48, timedelta(hours=1))
    await tell(ports, desk.account_id, "M1", DAY, 500, timedelta(minutes=1))
    found = await ask(ports, desk.account_id, "D1")
    assert found.resampled_from == "H1"
    first, second = found.candles
    assert (first.time, second.time) == (DAY, DAY + timedelta(days=1))
    assert (first.open, first.high, first.low, first.close) == (0, 23.5, -0.5, 23.25)
    assert (first.tick_volume, first.spread) == (48, 3)


async def test_pages_meet_and_none_is_told_twice(ports, desk):
    await tell(ports, desk.account_id, "M1", DAY, 3000, timedelta(minutes=1))
    for timeframe, minutes in (("M1", 1), ("M5", 5), ("M15", 15), ("H4", 240)):
        seen, end = [], NOW
        while end is not None:
            page = await ask(ports, desk.account_id, timeframe, end=end, limit=7 if minutes > 1 else 700)
            seen = [candle.time for candle in page.candles] + seen
            end = page.earlier
        assert len(seen) == len(set(seen)) == -(-3000 // minutes)
        assert seen == sorted(seen)


async def test_a_month_is_made_of_minutes(ports, desk):
    september = datetime(2025, 8, 31, 21, tzinfo=UTC)
    await tell(ports, desk.account_id, "M1", september, 75_000, timedelta(minutes=1))
    found = await ask(ports, desk.account_id, "MN1", limit=2)
    assert [candle.time for candle in found.candles] == [september, datetime(2025, 9, 30, 21, tzinfo=UTC)]
    assert found.candles[0].tick_volume == 30 * 1440 * 2


async def test_without_bars_there_are_no_candles(ports, desk):
    found = await ask(ports, desk.account_id, "H4")
    assert (found.candles, found.resampled_from, found.earlier) == ([], None, None)
