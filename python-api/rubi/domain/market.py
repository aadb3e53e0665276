"""Quotes and bars as they come from a terminal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rubi.domain.units import Price

TIMEFRAMES: dict[str, timedelta] = {
    "M1": timedelta(minutes=1),
    "M5": timedelta(minutes=5),
    "M15": timedelta(minutes=15),
    "M30": timedelta(minutes=30),
    "H1": timedelta(hours=1),
    "H4": timedelta(hours=4),
    "D1": timedelta(days=1),
    "W1": timedelta(weeks=1),
    "MN1": timedelta(days=31),
}
"""Timeframes of bars that are kept, with their (longest) duration."""


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """A quote; `time_msc` is broker wall clock, `time` UTC."""

    symbol: str
    bid: Price
    ask: Price
    last: Decimal
    volume: Decimal
    time_msc: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `time` is its start in UTC."""

    symbol: str
    timeframe: str
    time: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    tick_volume: int
    real_volume: int
    spread: int
