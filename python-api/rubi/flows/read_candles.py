"""Candles of a timeframe: as the terminal told them, or out of the largest smaller timeframe it told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rubi.domain.candles import Candle, bounds_of, resample, smaller
from rubi.domain.clock import UTC_CLOCK, BrokerClock
from rubi.domain.market import TIMEFRAMES
from rubi.store import market
from rubi.store.pool import Connection

MOST_SOURCES = 20_000
"""Bars that one answer is made of, as a rule; what does not fit is on the next page."""
LEAST_CANDLES = 3
"""However many bars a candle takes: one page has at least two whole ones."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles oldest first. `resampled_from` None: as they were told. `earlier`: ask for what is before this time."""

    candles: Sequence[Candle]
    resampled_from: str | None
    earlier: datetime | None


async def read_candles(
    conn: Connection,
    account_id: UUID,
    clock: BrokerClock | None,
    symbol: str,
    timeframe: str,
    *,
    start: datetime,
    end: datetime,
    limit: int,
) -> Candles:
    """The newest `limit` candles that begin from `start` to below `end`. Days, weeks and months are the broker's."""
    source = await market.first_with_bars(conn, account_id, symbol, [timeframe], start=start, end=end)
    if source is not None:
        found = await market.candles(conn, account_id, symbol, timeframe, start=start, end=end, limit=limit + 1)
        return _page(found, limit, None)
    known = clock or UTC_CLOCK
    # A candle that begins in the range may end after it.
    _, last = bounds_of(timeframe, end - timedelta(microseconds=1), known)
    source = await market.first_with_bars(conn, account_id, symbol, smaller(timeframe), start=start, end=last)
    if source is None:
        return Candles([], None, None)
    each = int(TIMEFRAMES[timeframe] / TIMEFRAMES[source])
    wanted = max(min((limit + 2) * each, MOST_SOURCES), LEAST_CANDLES * each)
    bars = await market.candles(conn, account_id, symbol, source, start=start, end=last, limit=wanted)
    made = resample(bars, timeframe, known)
    if len(bars) == wanted:
        made = made[1:]  # its beginning may lie before what was read
    inside = [candle for candle in made if start <= candle.time < end]
    if len(bars) == wanted and inside:
        return Candles(inside[-limit:], source, inside[-limit:][0].time)
    return _page(inside, limit, source)


def _page(found: Sequence[Candle], limit: int, source: str | None) -> Candles:
    if len(found) <= limit:
        return Candles(found, source, None)
    kept = found[-limit:]
    return Candles(kept, source, kept[0].time)
