"""Locks in Postgres."""

from datetime import datetime
from uuid import UUID

from rubi.domain.risk.protections import Lock
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def live(conn: Connection, account_id: UUID, now: datetime) -> list[Row]:
    """The locks that hold now."""
    return await conn.fetch(SQL["live"], account_id, now)


async def insert(conn: Connection, account_id: UUID, lock: Lock, now: datetime) -> int | None:
    """Keep a lock; its id, or None when it is kept already."""
    found: int | None = await conn.fetchval(
        SQL["insert"], account_id, lock.scope, lock.symbol, lock.side, lock.code, lock.reason, now, lock.until
    )
    return found


async def release(
    conn: Connection, account_id: UUID, lock_id: int, *, user_id: int, reason: str, now: datetime
) -> Row | None:
    """Take a lock away; None when no such lock holds."""
    return await conn.fetchrow(SQL["release"], lock_id, account_id, now, user_id, reason)
