"""What people read: sessions, accounts, positions, prices, counts. Every query names its owner."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

Only = UUID | None
"""The account that a token is good for; None: all accounts of the owner."""


async def sessions(
    conn: Connection, user_id: int, only: Only, *, active: bool, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many sessions there are, and the newest of them."""
    rows = [dict(row) for row in await conn.fetch(SQL["sessions"], user_id, only, active, limit)]
    total = rows[0]["total"] if rows else 0
    return total, rows


async def session_account(conn: Connection, user_id: int, only: Only, session_id: UUID) -> UUID | None:
    """The account that a session speaks for; None when there is no such session of this owner."""
    found: UUID | None = await conn.fetchval(SQL["session_account"], user_id, only, session_id)
    return found


async def account(conn: Connection, user_id: int, only: Only, session_id: UUID) -> Row | None:
    """The account of a session; None when there is no such session of this owner."""
    return await conn.fetchrow(SQL["account"], user_id, only, session_id)


async def accounts(conn: Connection, user_id: int, only: Only) -> list[Row]:
    """The money of the owner's accounts."""
    return await conn.fetch(SQL["accounts"], user_id, only)


async def open_positions(conn: Connection, user_id: int, only: Only) -> list[Row]:
    """The open positions, oldest first."""
    return await conn.fetch(SQL["open_positions"], user_id, only)


async def prices(conn: Connection, user_id: int, only: Only, symbols: Sequence[str] | None) -> list[Row]:
    """The newest price of each symbol on each account."""
    return await conn.fetch(SQL["prices"], user_id, only, None if symbols is None else list(symbols))


async def bars(conn: Connection, user_id: int, only: Only, symbol: str, timeframe: str, *, limit: int) -> list[Row]:
    """The newest bars of a symbol, oldest first."""
    return await conn.fetch(SQL["bars"], user_id, only, symbol, timeframe, limit)


async def statistics(conn: Connection, user_id: int, only: Only) -> Row:
    """Counts of signals, sessions and positions."""
    row = await conn.fetchrow(SQL["statistics"], user_id, only)
    assert row is not None, "a SELECT of counts has one row"
    return row
