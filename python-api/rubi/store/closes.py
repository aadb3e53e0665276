"""Closes and ranges of bars, as the risk engine reads them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from rubi.domain.risk.volatility import PERIOD, Range
from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)

Closes = dict[datetime, float]
"""Close by the start of its bar."""


async def closes(
    conn: Connection, account_id: UUID, symbols: Sequence[str], timeframe: str, count: int
) -> dict[str, Closes]:
    """The newest `count` closes of each symbol."""
    found: dict[str, Closes] = {symbol: {} for symbol in symbols}
    for row in await conn.fetch(SQL["closes"], account_id, list(symbols), timeframe, count):
        found[row["symbol"]][row["time"]] = row["close"]
    return found


async def hours_of_minutes(
    conn: Connection, account_id: UUID, symbols: Sequence[str], since: datetime
) -> dict[str, Closes]:
    """Hourly closes since a moment, out of one-minute bars."""
    found: dict[str, Closes] = {symbol: {} for symbol in symbols}
    for row in await conn.fetch(SQL["hours_of_minutes"], account_id, list(symbols), since):
        found[row["symbol"]][row["hour"]] = row["close"]
    return found


async def hour_ranges(conn: Connection, account_id: UUID, symbol: str, now: datetime) -> list[Range]:
    """The newest hours, oldest first, enough for an average true range where there are as many."""
    rows = await conn.fetch(SQL["hours"], account_id, symbol, PERIOD + 1)
    rows.reverse()
    if len(rows) <= PERIOD:
        # Twice the hours of a weekend and the window itself.
        since = now - timedelta(hours=48 + 2 * PERIOD)
        rows = (await conn.fetch(SQL["hours_of_minutes"], account_id, [symbol], since))[-(PERIOD + 1) :]
    return [Range(*(Decimal(str(row[name])) for name in ("high", "low", "close"))) for row in rows]
