"""Keep who did what, so that a changed or missing entry shows: each entry's hash covers the one before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rubi.domain.auth import Principal
from rubi.flows.ports import Connection
from rubi.store import audit as store
from rubi.store.audit import Entry

_FIRST = bytes(32)


async def audit(
    conn: Connection,
    who: Principal | int,
    action: str,
    obj: str,
    object_id: object,
    payload: Mapping[str, Any],
    *,
    request_id: str | None = None,
    now: datetime,
) -> int:
    """Add an entry to the owner's chain, inside the transaction of what it tells; returns its number.

    `who` is a principal, or a user's number when the service acts for its owner. Call it last in the transaction: the
    chain is held until the commit. Never put a secret in the payload.
    """
    user_id, actor = (who.user_id, who.actor) if isinstance(who, Principal) else (who, "service")
    plain = {str(key): _plain(value) for key, value in payload.items()}
    entry = Entry(user_id, actor, action, obj, str(object_id), plain, request_id, now.astimezone(UTC))
    prev_hash = await store.lock_chain(conn, user_id) or _FIRST
    return await store.append(conn, entry, prev_hash=prev_hash, digest=_digest(prev_hash, entry))


async def verify_chain(conn: Connection, user_id: int) -> int | None:
    """The number of the first entry that does not fit the one before it or its own hash; None when all do.

    Entries cut off at the end cannot be seen from the chain alone.
    """
    expected, after = _FIRST, 0
    while links := await store.chain(conn, user_id, after=after):
        for link in links:
            if link.prev_hash != expected or link.hash != _digest(expected, link.entry):
                return link.id
            expected, after = link.hash, link.id
    return None


def _digest(prev_hash: bytes, entry: Entry) -> bytes:
    said = {
        "user_id": entry.user_id,
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "object_id": entry.object_id,
        "payload": entry.payload,
        "request_id": entry.request_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(prev_hash + canonical.encode()).digest()


def _plain(value: object) -> Any:
    """JSON that jsonb gives back unchanged: it rewrites numbers with a fraction or an exponent, so those are text."""
    match value:
        case None | bool() | int():
            return value
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return str(value)
