"""Dropping what is older than it has to be kept."""

from datetime import datetime
from typing import Literal

import asyncpg

from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)

Series = Literal["account_snapshots", "position_snapshots", "ticks"]
COMPRESSED: dict[Series, tuple[str, str]] = {
    "account_snapshots": ("account_id", "time DESC"),
    "position_snapshots": ("account_id, position_id", "time DESC"),
    "ticks": ("account_id, symbol", "time DESC, bid, ask"),
}
"""How chunks are laid out where TimescaleDB may compress them: what belongs together, in which order."""


async def take_turn(conn: Connection, series: Series) -> int | None:
    """Lock the clearing of a series for this transaction: where it goes on; None while somebody else does it."""
    await conn.execute(SQL["begin"], series)
    found: int | None = await conn.fetchval(SQL["take_turn"], series)
    return found


async def kept_from(conn: Connection, series: Series) -> datetime | None:
    """The time before which rows of a series may be gone; None: nothing was dropped so far."""
    found: datetime | None = await conn.fetchval(SQL["kept_from"], series)
    return found


async def is_hypertable(conn: Connection, series: Series) -> bool:
    """Whether a series is kept in chunks."""
    return bool(await conn.fetchval(SQL["is_hypertable"], series))


async def drop_chunks(conn: Connection, series: Series, before: datetime) -> int:
    """Drop the chunks that hold nothing but older rows; how many."""
    rows = await conn.fetch("SELECT drop_chunks($1::text::regclass, older_than => $2::timestamptz)", series, before)
    return len(rows)


async def delete_from_blocks(conn: Connection, series: Series, first: int, count: int, before: datetime) -> int:
    """Delete the older rows among `count` blocks of a plain table; how many. Needs no index and no long lock."""
    told: str = await conn.execute(
        f"DELETE FROM {series} WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND time < $3",  # noqa: S608 - a name of `Series`
        f"({first},0)",
        f"({first + count},0)",
        before,
    )
    return int(told.rpartition(" ")[2])


async def compress_after(conn: Connection, series: Series, days: int) -> bool:
    """Have TimescaleDB compress chunks older than `days`; False where its licence does not allow it (0A000)."""
    segment, order = COMPRESSED[series]
    try:
        async with conn.transaction():
            await conn.execute(
                f"ALTER TABLE {series} SET (timescaledb.compress, timescaledb.compress_segmentby = '{segment}', "
                f"timescaledb.compress_orderby = '{order}')"
            )
            await conn.execute(
                "SELECT add_compression_policy($1::text::regclass, make_interval(days => $2), if_not_exists => true)",
                series,
                days,
            )
    except asyncpg.FeatureNotSupportedError:
        return False
    return True
