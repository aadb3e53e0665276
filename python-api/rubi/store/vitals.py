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
LOSS_LIMITS = ("daily_loss", "drawdown")
LOSS_LEVELS = ("OK", "WARN", "REDUCING", "HALTED")


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


async def money(conn: Connection, now: datetime) -> list[Row]:
    """Balance, equity and floating profit of the accounts heard in the last week, by currency: the twenty commonest."""
    found: list[Row] = await conn.fetch(SQL["money"], now)
    return found


async def loss_levels(conn: Connection, now: datetime) -> dict[tuple[str, str], int]:
    """How many accounts have reached which level of which loss limit: `(limit, level)`."""
    found = {(row["limit"], row["level"]): row["accounts"] for row in await conn.fetch(SQL["loss_levels"], now)}
    return {(limit, level): found.get((limit, level), 0) for limit in LOSS_LIMITS for level in LOSS_LEVELS}


async def orders_alive(conn: Connection) -> dict[str, int]:
    """How many orders are in each state that is not an end."""
    found = {row["state"]: row["orders"] for row in await conn.fetch(SQL["orders_alive"])}
    return {state: found.get(state, 0) for state in ALIVE}


async def sessions_alive(conn: Connection, now: datetime) -> dict[str, int]:
    """How many sessions are active, and how many have fallen silent and are not gone for good."""
    found = {row["state"]: row["sessions"] for row in await conn.fetch(SQL["sessions_alive"], now)}
    return {state: found.get(state, 0) for state in ("ACTIVE", "SILENT")}
