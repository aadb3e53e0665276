"""The trading day: broker midnight by the offset history, or midnight of a named zone, shifted by a reset time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rubi.domain.risk.policy import BROKER_ZONE, RiskPolicy


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """From `since` on the broker's wall-clock is UTC plus `seconds`."""

    since: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class BrokerClock:
    """The broker's offset history, oldest first. Without one the broker is taken to live in UTC."""

    changes: tuple[OffsetChange, ...] = ()
    suspect: bool = False
    """The learned offset and the terminal's statements disagree."""

    def offset_at(self, moment: datetime) -> timedelta:
        """Return the offset in force at a UTC moment; before the history begins, its first one."""
        seconds = self.changes[0].seconds if self.changes else 0
        for change in self.changes:
            if change.since > moment:
                break
            seconds = change.seconds
        return timedelta(seconds=seconds)

    def wall(self, moment: datetime) -> datetime:
        """Return the broker's wall-clock (naive) at a UTC moment."""
        return moment.astimezone(UTC).replace(tzinfo=None) + self.offset_at(moment)

    def utc(self, wall: datetime) -> datetime:
        """Return the first UTC moment at which the broker's clock shows `wall`, or has just jumped over it."""
        if not self.changes:
            return wall.replace(tzinfo=UTC)
        for n, change in enumerate(self.changes):
            moment = wall.replace(tzinfo=UTC) - timedelta(seconds=change.seconds)
            last = n + 1 == len(self.changes)
            if last or moment < self.changes[n + 1].since:
                return moment if n == 0 else max(moment, change.since)
        raise AssertionError("the last offset has no end")


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
        return clock.utc(wall)
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
