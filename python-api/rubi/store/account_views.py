"""Accounts as people see them, and their brokers' clocks."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from rubi.domain.clock import BrokerClock
from rubi.store.order_views import Owner
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def accounts(conn: Connection, owner: Owner, account_id: UUID | None = None) -> list[Row]:
    """The owner's accounts, oldest first; or one of them."""
    return await conn.fetch(SQL["accounts"], owner.user_id, owner.only, account_id)


async def reconciliations(conn: Connection, account_id: UUID, *, before: int | None, limit: int) -> list[Row]:
    """What comparing the account with its broker found, newest first."""
    return await conn.fetch(SQL["reconciliations"], account_id, before, limit)


async def clocks(conn: Connection, owner: Owner) -> dict[UUID, BrokerClock]:
    """The broker's clock of each account whose offset is learned."""
    found: dict[UUID, list[tuple[datetime, int]]] = defaultdict(list)
    for row in await conn.fetch(SQL["offsets"], owner.user_id, owner.only):
        found[row["account_id"]].append((row["from_at"], row["minutes"]))
    return {account_id: BrokerClock.of_minutes(offsets) for account_id, offsets in found.items()}
