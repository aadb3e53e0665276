"""Kill switches at their levels, and the session that holds an account."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from rubi.store.order_views import Owner
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def account(conn: Connection, owner: Owner, account_id: UUID) -> Row | None:
    """An account of this owner."""
    return await conn.fetchrow(SQL["account"], owner.user_id, owner.only, account_id)


async def accounts(conn: Connection, user_id: int) -> list[UUID]:
    """All accounts of a user, in the order in which they are locked."""
    return [row["id"] for row in await conn.fetch(SQL["accounts"], user_id)]


async def set_account(conn: Connection, account_id: UUID, state: str, reason: str) -> None:
    """Set the state of a whole account."""
    await conn.execute(SQL["set_account"], account_id, state, reason)


async def set_switch(
    conn: Connection,
    user_id: int,
    account_id: UUID | None,
    symbol: str | None,
    state: str | None,
    *,
    reason: str,
    now: datetime,
) -> bool:
    """Set the switch of a level; `state` None takes it away. Whether there was one before."""
    before = await conn.fetchval(SQL["clear"], user_id, account_id, symbol, now)
    if state is not None:
        await conn.execute(SQL["insert"], user_id, account_id, symbol, state, reason, now)
    return before is not None


async def ask_flatten(
    conn: Connection, account_id: UUID, symbol: str | None, user_id: int, *, reason: str, now: datetime
) -> None:
    """Remember that an account, or a symbol on it, is to be flat."""
    await conn.execute(SQL["ask_flatten"], account_id, symbol, user_id, reason, now)


async def forget_flatten(conn: Connection, account_ids: Sequence[UUID], symbol: str | None) -> None:
    """What is open may stay open."""
    await conn.execute(SQL["forget_flatten"], account_ids, symbol)


async def in_force(conn: Connection, user_id: int, account_id: UUID | None) -> list[Row]:
    """The switches that hold a user's trading back, or one account's."""
    return await conn.fetch(SQL["in_force"], user_id, account_id)


async def end_session(conn: Connection, account_id: UUID, now: datetime) -> Row | None:
    """End the session that holds the account; None when none does."""
    return await conn.fetchrow(SQL["end_session"], account_id, now)
