"""What monitoring reads of the whole house: no owner's data, only counts and ages."""

from datetime import datetime

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

ALIVE = (
    *("QUEUED", "LEASED", "ACKED", "SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED"),
    *("PENDING_MODIFY", "PENDING_CANCEL", "UNKNOWN"),
)
"""States of orders that have not ended."""


async def timescaledb(conn: Connection) -> str:
    """The edition of TimescaleDB: `community 2.17.2`, `apache 2.17.2`, or `absent`."""
    row = await conn.fetchrow(SQL["timescaledb"])
    if row is None:
        return "absent"
    return f"{'community' if row['license'] == 'timescale' else 'apache'} {row['version']}"


async def gauges(conn: Connection, now: datetime) -> Row:
    """Counts and ages (seconds) as they are at `now`."""
    row = await conn.fetchrow(SQL["gauges"], now)
    assert row is not None, "a SELECT of counts has one row"
    return row


async def orders_alive(conn: Connection) -> dict[str, int]:
    """How many orders are in each state that is not an end."""
    found = {row["state"]: row["orders"] for row in await conn.fetch(SQL["orders_alive"])}
    return {state: found.get(state, 0) for state in ALIVE}


async def sessions_alive(conn: Connection) -> dict[str, int]:
    """How many sessions are active, and how many have fallen silent."""
    found = {row["state"]: row["sessions"] for row in await conn.fetch(SQL["sessions_alive"])}
    return {state: found.get(state, 0) for state in ("ACTIVE", "SILENT")}
