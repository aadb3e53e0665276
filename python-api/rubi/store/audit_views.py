"""The audit log as its owners read it."""

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def page(conn: Connection, user_id: int, *, before: int | None, limit: int) -> list[Row]:
    """An owner's entries, newest first."""
    return await conn.fetch(SQL["page"], user_id, before, limit)


async def owners(conn: Connection, username: str | None = None) -> list[Row]:
    """Whose chains there are, and how many entries each has."""
    return await conn.fetch(SQL["owners"], username)
