"""Account metrics from the minute to the day, and which minutes have to be made anew."""

from datetime import datetime
from uuid import UUID

import asyncpg

from rubi.domain.history import EPOCH, WIDTHS
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

MINUTE, DAY = WIDTHS["1m"], WIDTHS["1d"]
COARSER = {name: width for name, width in WIDTHS.items() if name != "1m"}
"""Resolutions that are made of the one before them."""

Bucket = tuple[datetime, UUID]
"""Start of a bucket and its account."""


async def take_turn(conn: Connection) -> Row | None:
    """How far the rollups are, locked for this transaction; None while somebody else works on them."""
    row = await conn.fetchrow(SQL["take_turn"])
    if row is None:
        await conn.execute(SQL["begin"])
        row = await conn.fetchrow(SQL["take_turn"])
    return row


async def summarize(conn: Connection) -> bool:
    """Bring the index that `capture` reads up to date; False when somebody maintains the table just now."""
    try:
        async with conn.transaction():
            await conn.execute("SET LOCAL lock_timeout = '100ms'")
            await conn.execute(SQL["summarize"])
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def capture(conn: Connection, turn: Row) -> int:
    """Note every minute that was written to since the last capture; how many of them were not noted yet."""
    up_to: int = await conn.fetchval(SQL["decided_up_to"])
    since: int = turn["rolled_up_to"]
    if since == up_to:
        return 0
    if since > up_to:  # the database was restored into a younger server, whose transactions are counted anew
        since = 0
    told: str = await conn.execute(SQL["capture"], since, up_to, turn["kept_from"])
    await conn.execute(SQL["advance"], up_to)
    return int(told.rpartition(" ")[2])


async def waiting(conn: Connection, limit: int) -> list[Bucket]:
    """Minutes that have to be made anew, the newest first."""
    return [(row["bucket"], row["account_id"]) for row in await conn.fetch(SQL["waiting"], limit)]


async def make(conn: Connection, minutes: list[Bucket]) -> None:
    """Make these minutes anew from the snapshots, then the coarser buckets they belong to, each from the finer ones."""
    starts = [start for start, _ in minutes]
    accounts = [account for _, account in minutes]
    await conn.execute(SQL["minutes"], accounts, starts, min(starts), max(starts) + MINUTE)
    source = "1m"
    for target, width in COARSER.items():
        ordered = sorted({(start - (start - EPOCH) % width, account) for start, account in minutes})
        buckets = [account for _, account in ordered], [start for start, _ in ordered]
        await conn.execute(SQL["coarser"], *buckets, source, target, width)
        source = target
    await conn.execute(SQL["done"], accounts, starts)


async def mark(conn: Connection, account_id: UUID, start: datetime, end: datetime) -> int:
    """Have the minutes of an account between two times made anew; how many there are."""
    told: str = await conn.execute(SQL["mark"], account_id, start, end)
    return int(told.rpartition(" ")[2])


async def span(conn: Connection, account_id: UUID | None) -> list[Row]:
    """The oldest and the newest snapshot of each account that has any."""
    return await conn.fetch(SQL["span"], account_id)
