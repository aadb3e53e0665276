"""The trading day: broker midnight by the offset history, or midnight of a named zone, shifted by a reset time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rubi.domain.clock import BrokerClock
from rubi.domain.risk.policy import BROKER_ZONE, RiskPolicy


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One day of the loss limit, `starts` included, `ends` not. On a clock change it has 23 or 25 hours."""

    day: date
    starts: datetime
    ends: datetime


def wall_clock(moment: datetime, zone: str, clock: BrokerClock) -> datetime:
    """Return the naive wall-clock of a zone, or of the broker."""
    if zone == BROKER_ZONE:
        return clock.wall(moment)
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def trading_day(now: datetime, policy: RiskPolicy, clock: BrokerClock) -> TradingDay:
    """Return the day that `now` belongs to, in the policy's zone with its reset time."""
    reset = timedelta(minutes=policy.day_reset_minutes)
    day = (wall_clock(now, policy.day_zone, clock) - reset).date()
    starts = _starts(day, reset, policy.day_zone, clock)
    if now < starts:  # the clock went back over midnight: the day began at its first midnight
        day -= timedelta(days=1)
        starts = _starts(day, reset, policy.day_zone, clock)
    ends = _starts(day + timedelta(days=1), reset, policy.day_zone, clock)
    if now >= ends:
        day += timedelta(days=1)
        starts, ends = ends, _starts(day + timedelta(days=1), reset, policy.day_zone, clock)
    return TradingDay(day, starts, ends)


def _starts(day: date, reset: timedelta, zone: str, clock: BrokerClock) -> datetime:
    wall = datetime(day.year, day.month, day.day) + reset  # noqa: DTZ001 - a wall-clock, made UTC below
    if zone == BROKER_ZONE:
        return clock.first_utc(wall)
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
