"""Bars, symbols and quotes of one account, for people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from rubi.domain.candles import Candle
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def candles(
    conn: Connection, account_id: UUID, symbol: str, timeframe: str, *, start: datetime, end: datetime, limit: int
) -> list[Candle]:
    """The newest `limit` stored bars from `start` to below `end`, oldest first."""
    rows = await conn.fetch(SQL["candles"], account_id, symbol, timeframe, start, end, limit)
    return [Candle(*row) for row in rows]


async def first_with_bars(
    conn: Connection, account_id: UUID, symbol: str, timeframes: Sequence[str], *, start: datetime, end: datetime
) -> str | None:
    """The first of `timeframes` of which there is any bar from `start` to below `end`; None when there is none."""
    found: str | None = await conn.fetchval(SQL["first_with_bars"], account_id, symbol, list(timeframes), start, end)
    return found


async def symbols(conn: Connection, account_id: UUID, *, after: str | None, limit: int) -> list[Row]:
    """Specifications in order of name, at most `limit` after the name `after`, each with its last quote."""
    return await conn.fetch(SQL["symbols"], account_id, after, limit)
