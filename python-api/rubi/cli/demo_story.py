"""What the demo has done so far, read back from Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Story:
    """The rows a screen shows."""

    account: asyncpg.Record | None
    positions: Sequence[asyncpg.Record]
    orders: Sequence[asyncpg.Record]
    signals: Sequence[asyncpg.Record]


async def read_story(dsn: str, user_id: int) -> Story:
    """Return the newest rows of a user."""
    conn = await asyncpg.connect(dsn, timeout=3)
    try:
        return Story(
            await conn.fetchrow(SQL["account"], user_id),
            await conn.fetch(SQL["positions"], user_id),
            await conn.fetch(SQL["orders"], user_id),
            await conn.fetch(SQL["signals"], user_id),
        )
    finally:
        await conn.close()


async def read_summary(dsn: str, user_id: int, since: datetime) -> dict[str, object]:
    """Return the figures of a user since a moment; `first_fill_seconds` is None when nothing was filled."""
    conn = await asyncpg.connect(dsn, timeout=10)
    try:
        row = await conn.fetchrow(SQL["counts"], user_id, since)
        return dict(row or {})
    finally:
        await conn.close()
