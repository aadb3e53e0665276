"""Deals and round trips of a time range."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rubi.store.order_views import Owner
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the time, the account and the number of its last row."""

    at: datetime
    account_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Range:
    """A range of time (`to` is outside), and one symbol or all."""

    since: datetime
    to: datetime
    symbol: str | None = None
    after: Place | None = None
    limit: int = 100


async def deals(conn: Connection, owner: Owner, wanted: Range) -> list[Row]:
    """Deals, newest first."""
    return await _page(conn, "deals", owner, wanted)


async def trips(conn: Connection, owner: Owner, wanted: Range) -> list[Row]:
    """Closed positions, the last closed first."""
    return await _page(conn, "trips", owner, wanted)


async def _page(conn: Connection, name: str, owner: Owner, wanted: Range) -> list[Row]:
    place = wanted.after
    return await conn.fetch(
        SQL[name],
        owner.user_id,
        owner.only,
        wanted.since,
        wanted.to,
        wanted.symbol,
        None if place is None else place.at,
        None if place is None else place.account_id,
        None if place is None else place.number,
        wanted.limit,
    )
