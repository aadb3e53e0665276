"""Candles of a larger timeframe out of smaller ones, with the boundaries of the broker's own day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rubi.domain.clock import BrokerClock
from rubi.domain.market import TIMEFRAMES

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Candle:
    """`time` is the start in UTC; prices in the quote currency, spread in points (the widest inside)."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    real_volume: int
    spread: int


def smaller(timeframe: str) -> list[str]:
    """The timeframes that whole candles of `timeframe` are made of, the largest first."""
    names = list(TIMEFRAMES)
    below = names[: names.index(timeframe)]
    # A month does not begin with a week.
    return [name for name in reversed(below) if not (timeframe == "MN1" and name == "W1")]


def bounds_of(timeframe: str, moment: datetime, clock: BrokerClock) -> tuple[datetime, datetime]:
    """The start (included) and the end of the candle that a moment belongs to, UTC.

    As MetaTrader counts on the broker's wall clock: hours from midnight, weeks from Sunday, months from the first.
    """
    width = TIMEFRAMES[timeframe]
    wall = clock.wall(moment)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if timeframe == "MN1":
        start = midnight.replace(day=1)
        end = (start + width).replace(day=1)
    elif timeframe == "W1":
        start = midnight - timedelta(days=(midnight.weekday() + 1) % 7)
        end = start + width
    else:
        start = wall - (wall - midnight) % width
        end = start + width
    if width <= HOUR:
        # Clocks change by whole hours: an hour that the broker's clock repeats is two hours of candles.
        begin = moment - (wall - start)
        return begin, begin + width
    return clock.first_utc(start), clock.first_utc(end)


def start_of(timeframe: str, moment: datetime, clock: BrokerClock) -> datetime:
    """The start (UTC) of the candle that a moment belongs to."""
    return bounds_of(timeframe, moment, clock)[0]


def resample(candles: Iterable[Candle], timeframe: str, clock: BrokerClock) -> list[Candle]:
    """Candles of `timeframe` out of smaller ones that are given in order of time; gaps stay gaps.

    What begins before the last candle does (the clock was put back over its start) belongs to that candle.
    """
    made: list[Candle] = []
    for each in candles:
        start = start_of(timeframe, each.time, clock)
        if not made or start > made[-1].time:
            made.append(
                Candle(
                    start,
                    each.open,
                    each.high,
                    each.low,
                    each.close,
                    each.tick_volume,
                    each.real_volume,
                    each.spread,
                )
            )
            continue
        last = made[-1]
        made[-1] = Candle(
            last.time,
            last.open,
            max(last.high, each.high),
            min(last.low, each.low),
            each.close,
            last.tick_volume + each.tick_volume,
            last.real_volume + each.real_volume,
            max(last.spread, each.spread),
        )
    return made
