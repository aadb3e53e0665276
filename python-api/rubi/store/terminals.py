"""Terminals in Postgres: the accounts they speak for, their sessions, the broker's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from rubi.domain.clock import BrokerClock
from rubi.domain.errors import NotFoundError
from rubi.domain.market import TIMEFRAMES
from rubi.store.pool import Connection, Pool, Row
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A session, the account it speaks for, and the clock its times are read by."""

    session_id: UUID
    user_id: int
    account_id: UUID
    instance: str
    epoch: int
    protocol: int
    state: str
    poll_ms: int
    clock: BrokerClock

    @property
    def legacy(self) -> bool:
        """Whether it speaks the specification's own calls only."""
        return self.protocol < 2


async def find(conn: Connection | Pool, session_id: UUID, user_id: int) -> Terminal:
    """The user's terminal behind a session.

    Raises:
        NotFoundError: no such session, or another user's.

    """
    found = (await find_all(conn, [session_id])).get(session_id)
    if found is None or found.user_id != user_id:
        raise unknown(session_id)
    return found


async def find_all(conn: Connection | Pool, session_ids: Sequence[UUID]) -> dict[UUID, Terminal]:
    """The terminals behind sessions of anybody, those that there are."""
    return {row["id"]: _terminal(row) for row in await conn.fetch(SQL["terminal"], session_ids)}


async def newest_bars(conn: Connection | Pool, account_id: UUID) -> dict[str, dict[str, int]]:
    """Symbol → timeframe → opening of the newest bar that is kept, in seconds of the broker's wall clock."""
    clock = BrokerClock.of_minutes(
        (row["from_at"], row["minutes"]) for row in await conn.fetch(SQL["offsets"], account_id)
    )
    found: dict[str, dict[str, int]] = {}
    for row in await conn.fetch(SQL["newest_bars"], account_id, list(TIMEFRAMES)):
        opened = int(clock.wall(row["time"]).replace(tzinfo=UTC).timestamp())
        found.setdefault(row["symbol"], {})[row["timeframe"]] = opened
    return found


def unknown(session_id: UUID) -> NotFoundError:
    """What a session that is not there, or not the caller's, answers."""
    return NotFoundError(
        "SESSION_NOT_FOUND", f"session {session_id} is not known; connect again", session_id=str(session_id)
    )


def _terminal(row: Row) -> Terminal:
    offsets = zip(row["offset_from"], row["offset_minutes"], strict=True)
    return Terminal(
        session_id=row["id"],
        user_id=row["user_id"],
        account_id=row["account_id"],
        instance=row["terminal_instance_id"],
        epoch=row["epoch"],
        protocol=row["protocol"],
        state=row["state"],
        poll_ms=row["poll_ms"],
        clock=BrokerClock.of_minutes(offsets),
    )
