"""How far a symbol usually moves within one bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

PERIOD = 14


@dataclass(frozen=True, slots=True)
class Range:
    """A bar's extremes and its close, in price."""

    high: Decimal
    low: Decimal
    close: Decimal


def average_true_range(bars: Sequence[Range], period: int = PERIOD) -> Decimal | None:
    """Return the mean true range of the last `period` bars, in price; None with fewer than `period + 1` bars.

    The true range of a bar is the largest of high - low, |high - previous close| and |low - previous close| (Wilder
    1978); the plain mean of the window, so that the same bars give the same value however far the history reaches.
    """
    if len(bars) < period + 1:
        return None
    window = bars[-(period + 1) :]
    ranges = [
        max(now.high - now.low, abs(now.high - before.close), abs(now.low - before.close))
        for before, now in pairwise(window)
    ]
    return sum(ranges, Decimal(0)) / period
