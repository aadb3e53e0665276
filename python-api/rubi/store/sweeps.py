"""What only the passing of time changes, in batches; two sweeps at once take different rows."""

from datetime import datetime, timedelta

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def silence_sessions(
    conn: Connection, *, now: datetime, patience: timedelta, legacy_patience: timedelta, limit: int
) -> list[Row]:
    """Mark sessions that have not called for long as SILENT; they are ACTIVE again with their next call."""
    return await conn.fetch(SQL["silence_sessions"], now, patience, legacy_patience, limit)


async def forget_keys(conn: Connection, *, before: datetime, limit: int) -> int:
    """Delete old answers to repeated requests; how many."""
    status = await conn.execute(SQL["forget_keys"], before, limit)
    return int(status.rpartition(" ")[2])
