"""Orders, positions and working orders as people and programs ask for them; every query names its owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from rubi.domain.symbol import SymbolSpec
from rubi.store.books import spec_of
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks: a user, and the account that the token is good for (None: all of the user's)."""

    user_id: int
    only: UUID | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders a reader wants; None asks for all."""

    states: Sequence[str] | None = None
    symbol: str | None = None
    before: int | None = None
    limit: int = 100


async def page(conn: Connection, owner: Owner, wanted: OrderFilter) -> list[Row]:
    """One page of orders, newest first."""
    states = None if wanted.states is None else list(wanted.states)
    return await conn.fetch(SQL["page"], owner.user_id, owner.only, states, wanted.symbol, wanted.before, wanted.limit)


async def one(conn: Connection, owner: Owner, order_id: int) -> Row | None:
    """An order of this owner."""
    return await conn.fetchrow(SQL["one"], owner.user_id, owner.only, order_id)


async def several(conn: Connection, owner: Owner, order_ids: Sequence[int]) -> list[Row]:
    """Orders by their ids, in that order."""
    return await conn.fetch(SQL["by_ids"], owner.user_id, owner.only, list(order_ids))


async def by_ticket(conn: Connection, owner: Owner, ticket: int, account_id: UUID | None = None) -> list[Row]:
    """Our orders behind a broker's ticket: two when two accounts know it."""
    return await conn.fetch(SQL["by_ticket"], owner.user_id, owner.only, ticket, account_id)


async def events(conn: Connection, order_id: int) -> list[Row]:
    """The events of an order, oldest first."""
    return await conn.fetch(SQL["events"], order_id)


async def decision(conn: Connection, order_id: int) -> Row | None:
    """The decision behind an order; a signal's later legs share the first one's."""
    return await conn.fetchrow(SQL["decision"], order_id)


async def instructions(conn: Connection, order_id: int) -> list[Row]:
    """The modifications and cancels of an order."""
    return await conn.fetch(SQL["instructions"], order_id)


async def working(conn: Connection, owner: Owner, ticket: int, account_id: UUID | None = None) -> list[Row]:
    """Orders of a ticket in the broker's books: two when two accounts have it."""
    return await conn.fetch(SQL["working"], owner.user_id, owner.only, ticket, account_id)


async def working_of_account(conn: Connection, account_id: UUID, symbol: str | None) -> list[Row]:
    """The broker's book of an account."""
    return await conn.fetch(SQL["working_of_account"], account_id, symbol)


async def position(conn: Connection, owner: Owner, ticket: int) -> list[Row]:
    """The open position of a ticket: two when two accounts have it."""
    return await conn.fetch(SQL["position"], owner.user_id, owner.only, ticket)


async def positions(
    conn: Connection, owner: Owner, *, symbol: str | None = None, side: str | None = None, magic: int | None = None
) -> list[Row]:
    """The open positions that match, each account's oldest first."""
    return await conn.fetch(SQL["positions"], owner.user_id, owner.only, symbol, side, magic)


async def live_closes(conn: Connection, account_id: UUID) -> list[Row]:
    """Closes under way."""
    return await conn.fetch(SQL["live_closes"], account_id)


async def live_change(
    conn: Connection, account_id: UUID, *, position_ticket: int | None = None, order_ticket: int | None = None
) -> Row | None:
    """A modification or cancel under way."""
    return await conn.fetchrow(SQL["live_change"], account_id, position_ticket, order_ticket)


async def unsent_opens(conn: Connection, account_id: UUID, symbol: str | None) -> list[Row]:
    """Openings that the broker has not confirmed."""
    return await conn.fetch(SQL["unsent_opens"], account_id, symbol)


async def symbol_spec(conn: Connection, account_id: UUID, symbol: str) -> SymbolSpec | None:
    """The symbol as the account's broker trades it."""
    row = await conn.fetchrow(SQL["symbol_spec"], account_id, symbol)
    return None if row is None else spec_of(row["name"], row["spec"], row["received_at"])


async def desk(conn: Connection, account_id: UUID) -> Row:
    """What an instruction has to know of its account."""
    row = await conn.fetchrow(SQL["desk"], account_id)
    if row is None:
        raise RuntimeError(f"account {account_id} is not there")
    return row
