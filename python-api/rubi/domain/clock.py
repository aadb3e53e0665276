"""Times on the wire: ISO 8601, unix seconds or milliseconds, and MT5's broker wall clock."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

from rubi.domain.errors import RubiError

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 100_000_000_000
"""A unix time at least this large counts milliseconds: as seconds it would be the year 5138."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[0-9]{9,14}(\.[0-9]{1,9})?")
_MT5 = re.compile(
    r"(?P<year>\d{4})\.(?P<month>\d\d)\.(?P<day>\d\d)"
    r"(?:[ T](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<milli>\d{1,3}))?)?)?"
)


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """From `since` on the broker's wall clock is UTC plus `seconds`."""

    since: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class BrokerClock:
    """The history of the broker's offset from UTC, oldest first. Without one the broker is taken to live in UTC."""

    changes: tuple[OffsetChange, ...] = ()
    suspect: bool = False
    """What the terminal says of the time contradicts itself, or our own clock."""

    @classmethod
    def of_minutes(cls, history: Iterable[tuple[datetime, int]], *, suspect: bool = False) -> Self:
        """The clock of a history as it is stored: (from when in UTC, minutes ahead of UTC), oldest first."""
        return cls(tuple(OffsetChange(since, minutes * 60) for since, minutes in history), suspect)

    def offset_at(self, moment: datetime) -> timedelta:
        """The offset in force at a moment; before the history begins, its first one."""
        seconds = self.changes[0].seconds if self.changes else 0
        for change in self.changes:
            if change.since > moment:
                break
            seconds = change.seconds
        return timedelta(seconds=seconds)

    def wall(self, moment: datetime) -> datetime:
        """The broker's wall clock at a moment of UTC, without a zone."""
        return moment.astimezone(UTC).replace(tzinfo=None) + self.offset_at(moment)

    def to_utc(self, wall: datetime) -> datetime:
        """UTC of a wall-clock time (its zone is ignored); of the hour that the clock repeats, the later one."""
        naive = wall if wall.tzinfo is UTC else wall.replace(tzinfo=UTC)
        if not self.changes:
            return naive
        for change in reversed(self.changes):
            moment = naive - timedelta(seconds=change.seconds)
            if moment >= change.since:
                return moment
        return naive - timedelta(seconds=self.changes[0].seconds)

    def first_utc(self, wall: datetime) -> datetime:
        """The first moment at which the broker's clock shows `wall`, or has just jumped over it."""
        if not self.changes:
            return wall.replace(tzinfo=UTC)
        for n, change in enumerate(self.changes):
            moment = wall.replace(tzinfo=UTC) - timedelta(seconds=change.seconds)
            last = n + 1 == len(self.changes)
            if last or moment < self.changes[n + 1].since:
                return moment if n == 0 else max(moment, change.since)
        raise AssertionError("the last offset has no end")

    def from_msc(self, milliseconds: int) -> datetime:
        """UTC of MT5's `time_msc`, milliseconds of broker wall clock."""
        return self.to_utc(_EPOCH + timedelta(milliseconds=milliseconds))


UTC_CLOCK = BrokerClock()


def parse_time(value: object, clock: BrokerClock = UTC_CLOCK, *, field: str = "time") -> datetime:
    """Return the UTC moment that `value` means.

    ISO 8601 (without a zone: UTC), unix seconds or milliseconds as a number or digits, or `YYYY.MM.DD[ HH:MM[:SS]]`,
    which is broker wall clock and goes through `clock`.

    Raises:
        RubiError: 422 `TIME_INVALID` with the field, for anything else and for years outside 2000–2099.

    """
    try:
        moment = _moment(value, clock)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not EARLIEST <= moment < LATEST:
        raise RubiError(
            "TIME_INVALID",
            f"{field} is {_shown(value)}; use ISO 8601 such as 2025-10-23T10:00:00Z, unix seconds or milliseconds, "
            "or MT5's 2025.10.23 10:00:00",
            field=field,
        )
    return moment


def _moment(value: object, clock: BrokerClock) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return _unix(Decimal(str(value)))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _unix(Decimal(text))
    if match := _MT5.fullmatch(text):
        part = {name: int(digits) for name, digits in match.groupdict("0").items() if name != "milli"}
        milli = int((match["milli"] or "0").ljust(3, "0"))
        return clock.to_utc(datetime(**part, microsecond=milli * 1000, tzinfo=UTC))
    if "-" not in text:
        return None
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _unix(number: Decimal) -> datetime | None:
    if not number.is_finite():
        return None
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
