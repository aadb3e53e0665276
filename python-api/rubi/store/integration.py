"""What the paths of specs/backend-integration.md read."""

from uuid import UUID

from rubi.store.order_views import Owner
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def signals(conn: Connection, owner: Owner, *, symbol: str | None, limit: int) -> list[Row]:
    """Signals, newest first."""
    return await conn.fetch(SQL["signals"], owner.user_id, owner.only, symbol, limit)


async def latest_signals(conn: Connection, owner: Owner, *, limit: int) -> list[Row]:
    """The newest signal of each symbol."""
    return await conn.fetch(SQL["latest_signals"], owner.user_id, owner.only, limit)


async def account(conn: Connection, user_id: int, account_id: UUID) -> Row | None:
    """An account with its money."""
    return await conn.fetchrow(SQL["account"], user_id, account_id)
