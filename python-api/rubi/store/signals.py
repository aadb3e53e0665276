"""Signals as they are kept: one row is one wish, found again by its key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.errors import ConflictError
from rubi.domain.signal import Signal, SignalStatus, SignalType
from rubi.store.account_choices import normal_name
from rubi.store.decisions import NewDecision
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class Received:
    """A signal that is kept; `new` is false when its key was known."""

    id: int
    new: bool
    row: Row


@dataclass(frozen=True, slots=True)
class SignalFilter:
    """Which signals a reader wants; None asks for all."""

    symbol: str | None = None
    status: SignalStatus | None = None
    account_id: UUID | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class OtherKeys:
    """Other keys under which the same wish may have been kept; they count when that was after `since`."""

    keys: tuple[str, ...]
    since: datetime


async def insert(
    conn: Connection,
    signal: Signal,
    *,
    received_at: datetime,
    body_sha256: bytes | None = None,
    other: OtherKeys | None = None,
) -> Received:
    """Keep a signal inside the caller's transaction; a repeated key gives the row that is there.

    `body_sha256` is what tells two wishes under one key apart; by default it covers everything the signal says.

    Raises:
        ConflictError: `IDEMPOTENCY_KEY_CONFLICT`, the key was used for another wish. The transaction stays usable.

    """
    body = body_sha256 or signal.body_sha256()
    row = await conn.fetchrow(SQL["insert"], *_values(signal, received_at, body, other), False, None, None)
    if row is not None:
        return Received(row["id"], new=True, row=row)
    known = await find(conn, signal.user_id, signal.source, signal.dedupe_key, other=other)
    if known is None:
        raise RuntimeError(f"signal {signal.source}/{signal.dedupe_key} neither inserted nor found")
    return repeated(known, body)


async def insert_for_only_account(
    conn: Connection,
    signal: Signal,
    *,
    named: str | None,
    bound: UUID | None,
    received_at: datetime,
    body_sha256: bytes,
) -> Received | None:
    """Keep a signal of no account for the only one that may be meant, by the rules of `account_choices.find`.

    None, and nothing was kept, when none or several may be, and when its key is known.
    """
    values = _values(signal, received_at, body_sha256, None)
    row = await conn.fetchrow(SQL["insert"], *values, True, normal_name(named), bound)
    return None if row is None else Received(row["id"], new=True, row=row)


def _values(signal: Signal, received_at: datetime, body_sha256: bytes, other: OtherKeys | None) -> tuple[Any, ...]:
    return (
        signal.user_id,
        signal.account_id,
        signal.source,
        signal.dedupe_key,
        body_sha256,
        signal.symbol,
        signal.signal_type,
        signal.order_type,
        signal.entry_price,
        signal.stop_loss,
        signal.take_profit,
        signal.volume,
        signal.timeframe,
        signal.confidence,
        signal.risk_mode,
        signal.risk_value,
        signal.magic,
        signal.comment,
        signal.details,
        signal.signal_time,
        received_at,
        received_at + signal.expires_in,
        None if other is None else other.keys,
        None if other is None else other.since,
    )


async def find(
    conn: Connection, user_id: int, source: str, dedupe_key: str, *, other: OtherKeys | None = None
) -> Row | None:
    """The signal of a key, or of one of the other keys."""
    if other is not None:
        found = await conn.fetchrow(SQL["by_other_keys"], user_id, source, other.keys, other.since)
        if found is not None:
            return found
    return await conn.fetchrow(SQL["by_key"], user_id, source, dedupe_key)


def repeated(known: Row, body_sha256: bytes) -> Received:
    """The known signal, when it is the same wish.

    Raises:
        ConflictError: `IDEMPOTENCY_KEY_CONFLICT`.

    """
    if bytes(known["body_sha256"]) != body_sha256:
        raise ConflictError(
            "IDEMPOTENCY_KEY_CONFLICT",
            f"this key was used for signal {known['id']} with another body; send a new key for a new wish, "
            "or the same body to repeat the old one",
            signal_id=known["id"],
        )
    return Received(known["id"], new=False, row=known)


async def get(conn: Connection, user_id: int, signal_id: int) -> Row | None:
    """A user's signal."""
    return await conn.fetchrow(SQL["by_id"], signal_id, user_id)


async def page(conn: Connection, user_id: int, wanted: SignalFilter) -> tuple[int, list[Row]]:
    """How many signals match (whatever the page), and one page of them, newest first."""
    status = None if wanted.status is None else str(wanted.status)
    rows = await conn.fetch(SQL["page"], user_id, wanted.symbol, status, wanted.before, wanted.account_id, wanted.limit)
    if wanted.before is None and len(rows) < wanted.limit:
        return len(rows), rows
    total = await conn.fetchval(SQL["count"], user_id, wanted.symbol, status, wanted.account_id)
    return int(total), rows


async def orders_of(conn: Connection, user_id: int, signal_id: int) -> list[Row]:
    """The orders of a signal, each with its events."""
    return await conn.fetch(SQL["orders_of"], signal_id, user_id)


async def undecided_closes(conn: Connection, account_id: UUID, *, now: datetime) -> dict[tuple[str, SignalType], int]:
    """The signals of an account that close and wait for their decision, by what they close."""
    rows = await conn.fetch(SQL["undecided_closes"], account_id, now)
    return {(row["symbol"], SignalType(row["signal_type"])): row["id"] for row in rows}


async def take_undecided(conn: Connection, signal_id: int) -> Row | None:
    """Take a signal that waits for its decision, and the turn of its account; None when it is decided or taken.

    The row has `meant_account_id`, too: the account that it names, else the only one of its user.
    """
    return await conn.fetchrow(SQL["take_undecided"], signal_id)


async def settle(
    conn: Connection, signal_id: int, decision: NewDecision, *, status: SignalStatus, detail_status: str
) -> Row:
    """Keep the decision on a signal and what it makes of it, inside the caller's transaction; the signal's new row."""
    row = await conn.fetchrow(
        SQL["settle"],
        signal_id,
        decision.decided_at,
        decision.user_id,
        decision.account_id,
        decision.order_id,
        decision.approved,
        decision.code,
        decision.detail,
        decision.record_json,
        decision.record_sha256,
        status,
        detail_status,
    )
    if row is None:
        raise RuntimeError(f"signal {signal_id} is not there")
    return row


async def ring_again(conn: Connection, *, now: datetime, silent_for: timedelta, limit: int) -> list[int]:
    """The undecided signals whose bell was rung more than `silent_for` ago, marked as rung now."""
    rows = await conn.fetch(SQL["undecided_unrung"], now, now - silent_for, limit)
    return [row["id"] for row in rows]


async def lock_expired(conn: Connection, *, now: datetime, limit: int) -> list[Row]:
    """Take undecided signals whose life is over."""
    return await conn.fetch(SQL["undecided_expired"], now, limit)
