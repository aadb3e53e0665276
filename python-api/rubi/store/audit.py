"""Who did what: one chain per owner, each entry carrying the hash of the one before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rubi.store.pool import Connection
from rubi.store.sql import statements

_SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done."""

    user_id: int
    actor: str
    action: str
    object: str
    object_id: str
    payload: dict[str, Any]
    request_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place in the chain."""

    id: int
    entry: Entry
    prev_hash: bytes
    hash: bytes


async def lock_chain(conn: Connection, user_id: int) -> bytes | None:
    """Hold a chain until the transaction ends; the hash of its last entry, None when it is empty."""
    await conn.execute(_SQL["lock_chain"], user_id)
    last: bytes | None = await conn.fetchval(_SQL["last_hash"], user_id)
    return last


async def append(conn: Connection, entry: Entry, *, prev_hash: bytes, digest: bytes) -> int:
    """Add an entry to a chain that is held; returns its number."""
    number: int = await conn.fetchval(
        _SQL["append"],
        entry.user_id,
        entry.actor,
        entry.action,
        entry.object,
        entry.object_id,
        entry.payload,
        entry.request_id,
        entry.at,
        prev_hash,
        digest,
    )
    return number


async def chain(conn: Connection, user_id: int, *, after: int = 0) -> list[Link]:
    """The next thousand entries of a chain, oldest first."""
    links = []
    for row in await conn.fetch(_SQL["chain"], user_id, after):
        said = dict(row)
        number, prev_hash, digest = said.pop("id"), said.pop("prev_hash"), said.pop("hash")
        links.append(Link(number, Entry(**said), prev_hash, digest))
    return links
