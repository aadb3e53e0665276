"""Answers that are kept under the client's own keys."""

from dataclasses import dataclass
from datetime import datetime

from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered under a key, and to which request."""

    route: str
    body_sha256: bytes
    status: int
    answer: bytes


async def take_turn(conn: Connection, user_id: int, key: str) -> None:
    """Wait until no other transaction works under the key."""
    await conn.execute(SQL["take_turn"], user_id, key)


async def find(conn: Connection, user_id: int, key: str) -> KeptAnswer | None:
    """The answer kept under a key."""
    row = await conn.fetchrow(SQL["find"], user_id, key)
    return None if row is None else KeptAnswer(**row)


async def insert(conn: Connection, user_id: int, key: str, kept: KeptAnswer, now: datetime) -> None:
    """Keep an answer, in the transaction of what it tells."""
    await conn.execute(SQL["insert"], user_id, key, kept.route, kept.body_sha256, kept.status, kept.answer, now)
