"""Larger candles out of smaller ones, on the broker's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.candles import Candle, bounds_of, resample, smaller, start_of
from rubi.domain.clock import UTC_CLOCK, BrokerClock
from rubi.domain.market import TIMEFRAMES

# Two hours ahead in winter, three from the last Sunday of March on.
SPRING = datetime(2025, 3, 30, 1, tzinfo=UTC)
AUTUMN = datetime(2025, 10, 26, 1, tzinfo=UTC)
BROKER = BrokerClock.of_minutes([(datetime(2024, 10, 27, 1, tzinfo=UTC), 120), (SPRING, 180), (AUTUMN, 120)])


def candle(time, price=1.0, **more):
    return Candle(
        **{"time": time, "open": price, "high": price, "low": price, "close": price}
        | {"tick_volume": 1, "real_volume": 0, "spread": 2}
        | more
    )


@pytest.mark.parametrize(
    ("timeframe", "moment", "start"),
    [
        ("D1", datetime(2025, 1, 15, 21, 59), datetime(2025, 1, 14, 22)),
        ("D1", datetime(2025, 1, 15, 22), datetime(2025, 1, 15, 22)),
        ("D1", datetime(2025, 4, 15, 20, 59), datetime(2025, 4, 14, 21)),
        ("H4", datetime(2025, 1, 15, 1, 59), datetime(2025, 1, 14, 22)),
        ("W1", datetime(2025, 1, 15, 12), datetime(2025, 1, 11, 22)),
        ("W1", datetime(2025, 1, 11, 22), datetime(2025, 1, 11, 22)),
        ("MN1", datetime(2025, 1, 31, 21), datetime(2024, 12, 31, 22)),
        ("MN1", datetime(2025, 1, 31, 22), datetime(2025, 1, 31, 22)),
        ("MN1", datetime(2025, 4, 2), datetime(2025, 3, 31, 21)),
        ("M15", datetime(2025, 1, 15, 12, 44), datetime(2025, 1, 15, 12, 30)),
    ],
)
def test_candles_begin_on_the_wall_clock_of_the_broker(timeframe, moment, start):
    assert start_of(timeframe, moment.replace(tzinfo=UTC), BROKER) == start.replace(tzinfo=UTC)


@given(
    st.sampled_from(list(TIMEFRAMES)),
    st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31), timezones=st.just(UTC)),
)
def test_a_candle_ends_where_the_next_one_begins(timeframe, moment):
    start, end = bounds_of(timeframe, moment, BROKER)
    assert start <= moment
    if timeframe in ("D1", "W1", "MN1"):
        assert moment < end
        assert start_of(timeframe, end, BROKER) == end
        assert start_of(timeframe, end - timedelta(microseconds=1), BROKER) == start


def test_the_day_of_the_change_of_clocks_has_23_hours():
    hours = [candle(datetime(2025, 3, 28, 22, tzinfo=UTC) + timedelta(hours=n)) for n in range(72)]
    days = resample(hours, "D1", BROKER)
    assert [day.tick_volume for day in days] == [24, 23, 24, 1]


def test_the_hour_that_the_clock_repeats_is_two_hours_of_candles():
    start = AUTUMN - timedelta(hours=1)
    halves = [candle(start + timedelta(minutes=30 * n)) for n in range(4)]
    assert [each.time for each in resample(halves, "H1", BROKER)] == [start, AUTUMN]
    assert [each.tick_volume for each in resample(halves, "H4", BROKER)] == [4]


def test_a_gap_stays_a_gap():
    start = datetime(2025, 1, 15, tzinfo=UTC)
    made = resample([candle(start), candle(start + timedelta(hours=5))], "H1", UTC_CLOCK)
    assert [each.time for each in made] == [start, start + timedelta(hours=5)]


def test_weeks_are_made_of_days_and_months_are_not_made_of_weeks():
    assert smaller("M1") == []
    assert smaller("W1")[0] == "D1"
    assert smaller("MN1")[0] == "D1"


price = st.floats(0.5, 2.0)


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), price, price, price, price), unique_by=lambda each: each[0], max_size=80
    ),
    st.sampled_from([name for name in TIMEFRAMES if name != "M1"]),
)
def test_resampling_loses_no_extreme_and_no_volume_and_may_be_done_in_steps(bars, timeframe):
    start = datetime(2025, 3, 25, tzinfo=UTC)
    minutes = [
        Candle(start + timedelta(minutes=minute), a, max(a, b, c, d), min(a, b, c, d), d, minute % 7, 0, minute % 5)
        for minute, a, b, c, d in sorted(bars)
    ]
    made = resample(minutes, timeframe, BROKER)
    assert [each.time for each in made] == sorted({start_of(timeframe, each.time, BROKER) for each in minutes})
    assert sum(each.tick_volume for each in made) == sum(each.tick_volume for each in minutes)
    for each in made:
        inside = [bar for bar in minutes if start_of(timeframe, bar.time, BROKER) == each.time]
        assert (each.open, each.close) == (inside[0].open, inside[-1].close)
        assert (each.high, each.low) == (max(bar.high for bar in inside), min(bar.low for bar in inside))
    if timeframe not in ("M5", "M15"):
        assert resample(resample(minutes, "M15", BROKER), timeframe, BROKER) == made
