from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.clock import UTC_CLOCK, BrokerClock, parse_time
from rubi.domain.errors import RubiError

TEN = datetime(2025, 10, 23, 10, 0, tzinfo=UTC)
SUMMER = timedelta(hours=3)
WINTER = timedelta(hours=2)
CHANGE = datetime(2025, 10, 26, 1, 0, tzinfo=UTC)
BROKER = BrokerClock.of_minutes(((datetime(2025, 3, 30, 1, 0, tzinfo=UTC), 180), (CHANGE, 120)))
moments = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "2025-10-23T10:00:00Z",
        "2025-10-23T12:00:00+02:00",
        "2025-10-23 10:00:00",
        "2025-10-23T10:00:00.000",
        1761213600,
        1761213600.0,
        "1761213600",
        1761213600000,
        "1761213600000",
        Decimal(1761213600),
        "2025.10.23 10:00",
        "2025.10.23 10:00:00",
        " 2025.10.23 10:00:00.000 ",
        TEN,
    ],
)
def test_every_accepted_form_is_the_same_moment(value):
    assert parse_time(value) == TEN


def test_only_the_terminals_own_form_is_broker_wall_clock():
    assert parse_time("2025.10.23 13:00", BROKER) == TEN
    assert parse_time("2025-10-23T13:00:00", BROKER) == TEN + timedelta(hours=3)
    assert parse_time(1761213600, BROKER) == TEN


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "20251023", "2025.13.01 10:00", "2025.10.23 25:00", True, None, [], {}, float("nan"),
     float("inf"), -5, 0, 12345, 10**30, "99999999999999", "1970-01-01", "2025-10-23T10:00:00+99:00",
     "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_anything_else_names_the_field_and_the_forms(value):
    with pytest.raises(RubiError) as refused:
        parse_time(value, field="signal_time")
    assert refused.value.code == "TIME_INVALID"
    assert refused.value.context["field"] == "signal_time"
    assert "ISO 8601" in refused.value.detail


def test_the_offset_is_the_one_in_force_then():
    assert BROKER.offset_at(CHANGE - timedelta(seconds=1)) == SUMMER
    assert BROKER.offset_at(CHANGE) == WINTER
    assert BROKER.offset_at(datetime(2020, 1, 1, tzinfo=UTC)) == SUMMER
    assert UTC_CLOCK.offset_at(CHANGE) == timedelta(0)


def test_the_repeated_hour_means_the_later_one_and_the_skipped_hour_has_a_meaning():
    repeated = datetime(2025, 10, 26, 3, 30, tzinfo=UTC)
    assert BROKER.to_utc(repeated) == CHANGE + timedelta(minutes=30)
    spring = BrokerClock.of_minutes(
        ((datetime(2024, 10, 27, 1, tzinfo=UTC), 120), (datetime(2025, 3, 30, 1, tzinfo=UTC), 180))
    )
    skipped = datetime(2025, 3, 30, 3, 30, tzinfo=UTC)
    assert spring.to_utc(skipped) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


@given(moments)
def test_wall_clock_and_back_is_the_same_moment_outside_the_repeated_hour(moment):
    if CHANGE - timedelta(hours=1) <= moment < CHANGE or moment < BROKER.changes[0].since:
        return
    wall = BROKER.wall(moment)
    assert BROKER.to_utc(wall) == moment
    milliseconds = (wall.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert abs(BROKER.from_msc(milliseconds) - moment) < timedelta(milliseconds=1)


@given(moments)
def test_what_is_written_is_read_again(moment):
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(moment.timestamp()) - moment < timedelta(milliseconds=1)
    assert parse_time(moment.strftime("%Y.%m.%d %H:%M:%S")) == moment.replace(microsecond=0)
