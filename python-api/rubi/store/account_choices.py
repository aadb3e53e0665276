"""Which of a user's accounts a request may mean."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rubi.domain.clock import BrokerClock
from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """An account with what a signal needs of it. `clock` None: the broker's offset is not learned yet."""

    id: UUID
    login: str
    server: str
    clock: BrokerClock | None


async def find(
    conn: Connection, user_id: int, *, named: str | None = None, only: UUID | None = None, turn: str | None = None
) -> list[AccountChoice]:
    """The user's accounts, at most 50; `named` is a login or an id, `only` the account that a token is bound to.

    With a `turn` it waits until no other transaction has that turn, and keeps it to the end of its own.
    """
    rows = await conn.fetch(SQL["find"], user_id, normal_name(named), only, turn)
    return [
        AccountChoice(row["id"], row["login"], row["server"], _clock(row["offsets"]))
        for row in rows
        if row["id"] is not None
    ]


def normal_name(named: str | None) -> str | None:
    """A login or an id as the statements compare it."""
    return None if named is None else named.strip().lower()


def _clock(offsets: list[tuple[str, int]] | None) -> BrokerClock | None:
    if not offsets:
        return None
    return BrokerClock.of_minutes((datetime.fromisoformat(since), minutes) for since, minutes in offsets)
