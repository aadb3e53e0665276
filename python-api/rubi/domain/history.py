"""How a stretch of an account's history is shown in so many points: from which resolution, in which steps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from rubi.domain.errors import RubiError

Resolution = Literal["raw", "1m", "15m", "1h", "6h", "1d"]
WIDTHS: dict[Resolution, timedelta] = {
    "1m": timedelta(minutes=1),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
}
"""Rollups that are kept, with the width of their buckets; each is made of whole buckets of the one before it."""
SECOND = timedelta(seconds=1)
MOST_POINTS = 5000
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Steps are counted from here, so that a window that moves on shows the same points."""


@dataclass(frozen=True, slots=True)
class View:
    """`start` (included) to `end` (not) in steps of `step`, read from `resolution`: snapshots (`raw`) or rollups."""

    resolution: Resolution
    start: datetime
    end: datetime
    step: timedelta


def choose_view(start: datetime, end: datetime, points: int, *, raw_from: datetime | None = None) -> View:
    """The coarsest resolution that still gives `points`; snapshots themselves where a point is less than a minute.

    Buckets are whole: the first point may begin up to a bucket earlier than asked. `raw_from`: older snapshots are no
    longer kept. At most `points` + 1 points result.

    Raises:
        RubiError: 422 `RANGE_INVALID` when the end is not after the start.

    """
    if end <= start:
        raise RubiError("RANGE_INVALID", f"from {start.isoformat()} is not before to {end.isoformat()}", field="from")
    wanted = (end - start) / points
    resolution: Resolution = "raw"
    if raw_from is not None and start < raw_from:
        resolution = "1m"
    for name, width in WIDTHS.items():
        if width <= wanted:
            resolution = name
    width = WIDTHS.get(resolution, SECOND)
    return View(resolution, start - (start - EPOCH) % width, end, step_of(end - start, points, width))


def step_of(span: timedelta, points: int, width: timedelta = SECOND) -> timedelta:
    """The shortest whole number of `width` that covers `span` in at most `points` steps."""
    return width * max(-(-span // (width * points)), 1)
