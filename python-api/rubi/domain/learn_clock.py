"""How the broker's offset from UTC is learned, and when what a terminal says of the time is not to be believed.

A fresh tick carries the broker's own wall clock; against ours it tells the offset. One tick may be late or odd, so an
offset is taken when three ticks in a row agree on it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NEEDED = 3
"""Fresh ticks that must agree."""
TOLERANCE = timedelta(minutes=2)
"""How far two clocks may be apart; a tick that is farther from every quarter of an hour is old."""
QUARTER = 15
LARGEST_OFFSET = 14 * 60

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimesSaid:
    """A terminal's clocks at one moment: its UTC, and two of the broker's wall clock (taken as if they were UTC)."""

    gmt: datetime | None = None
    """`TimeGMT()`."""
    server: datetime | None = None
    """`TimeTradeServer()`: what the terminal computes the broker's clock to be."""
    tick_msc: int | None = None
    """Broker wall clock of the last tick, milliseconds."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offset (minutes) that is not in force, how many ticks agree on it, and the last of them."""

    minutes: int
    agreeing: int
    tick_msc: int

    @property
    def learned(self) -> bool:
        """Whether enough ticks agree."""
        return self.agreeing >= NEEDED


def offset_minutes(wall: datetime, now: datetime) -> int | None:
    """Return the offset in quarters of an hour that makes `wall` the present; None when none does."""
    apart = wall - now
    minutes = round(apart / timedelta(minutes=QUARTER)) * QUARTER
    if abs(minutes) > LARGEST_OFFSET or abs(apart - timedelta(minutes=minutes)) > TOLERANCE:
        return None
    return minutes


def hear(candidate: Candidate | None, said: TimesSaid, in_force: int | None, now: datetime) -> Candidate | None:
    """Return the candidate after what a terminal said; None when the offset in force is confirmed.

    A tick that was heard before, or that is old, says nothing.
    """
    if said.tick_msc is None or (candidate is not None and said.tick_msc <= candidate.tick_msc):
        return candidate
    minutes = offset_minutes(_EPOCH + timedelta(milliseconds=said.tick_msc), now)
    if minutes is None:
        return candidate
    if minutes == in_force:
        return None
    if candidate is not None and candidate.minutes == minutes:
        return Candidate(minutes, candidate.agreeing + 1, said.tick_msc)
    return Candidate(minutes, 1, said.tick_msc)


def doubt(said: TimesSaid, in_force: int | None, now: datetime) -> str | None:
    """Say why the time cannot be trusted; None when what the terminal said agrees with us and with itself."""
    if said.gmt is not None and abs(said.gmt - now) > TOLERANCE:
        return f"the terminal's UTC clock is {_apart(said.gmt - now)} ours; set its computer's clock, or this server's"
    if said.server is None or in_force is None:
        return None
    apart = said.server - now - timedelta(minutes=in_force)
    if abs(apart) > TOLERANCE:
        return (
            f"the terminal takes the broker's clock to be {_apart(apart)} what its ticks have shown"
            f" (UTC {in_force:+d} min)"
        )
    return None


def _apart(apart: timedelta) -> str:
    seconds = abs(apart.total_seconds())
    return f"{seconds:.0f} s {'ahead of' if apart > timedelta(0) else 'behind'}"
