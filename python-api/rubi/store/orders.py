"""Orders in Postgres: rows to lives, events to rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from rubi.domain.order import NewOrder, OrderKind, OrderLife, OrderState, Transition
from rubi.domain.units import Lots
from rubi.store.decisions import NewDecision
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


Waiting: TypeAlias = Row | Mapping[str, Any]
"""An order that waits, as it was read or as a bell told of it."""


@dataclass(frozen=True, slots=True)
class ParkedCycle:
    """A terminal's cycle that waits for a command, by which its session's row tells whether it is still the last."""

    account_id: UUID
    session_id: UUID
    user_id: int
    instance: str
    epoch: int
    seq: int
    body_sha256: bytes
    only_closes: bool
    """Whether its answer says so already, whatever the account says by now."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An order that has just entered the queue; `told` is what its bell may say of it (`read_told`)."""

    id: int
    told: str


async def insert(conn: Connection, order: NewOrder, *, actor: str, now: datetime) -> Queued | None:
    """Queue a new order; None when this leg of the signal has one already."""
    found = await conn.fetchrow(SQL["insert_order"], *_values(order, actor, now))
    return None if found is None else Queued(found["id"], found["told"])


async def insert_of_signal(conn: Connection, order: NewOrder, decision: NewDecision, *, actor: str) -> Row | None:
    """Queue the first order of a signal with the decision that made it; the signal's row, with `order_id` and `told`.

    None when this leg of the signal has an order already: then nothing was written.
    """
    values = _values(order, actor, decision.decided_at)
    return await conn.fetchrow(
        SQL["insert_order_of_signal"], *values, decision.detail, decision.record_json, decision.record_sha256
    )


def _values(order: NewOrder, actor: str, now: datetime) -> tuple[Any, ...]:
    return (
        order.user_id,
        order.account_id,
        order.signal_id,
        order.leg,
        order.kind,
        order.symbol,
        order.side,
        order.order_type,
        order.volume,
        order.price,
        order.stop_limit,
        order.sl,
        order.tp,
        order.deviation_points,
        order.type_time,
        order.expiration,
        order.magic,
        order.position_ticket,
        order.target_ticket,
        order.target_order_id,
        order.guards,
        order.reserved_risk,
        order.reserved_margin,
        order.not_after,
        now,
        actor,
        order.reserved_price,
    )


async def lock(conn: Connection, order_id: int, dedupe: str | None) -> Row | None:
    """The order's row, locked, with `known`: whether the fact named by `dedupe` is stored already."""
    return await conn.fetchrow(SQL["lock_order"], order_id, dedupe)


def life_of(row: Row) -> OrderLife:
    """What a row says of an order's life; equal to the fold of its events."""
    return OrderLife(
        kind=OrderKind(row["kind"]),
        volume=None if row["volume"] is None else Lots(row["volume"]),
        state=OrderState(row["state"]),
        resume_state=None if row["resume_state"] is None else OrderState(row["resume_state"]),
        filled=Lots(row["filled_volume"]),
        deliveries=row["deliveries"],
        revoke_asked=row["revoke_asked_at"] is not None,
        late_fill=row["late_fill"],
        code=row["code"],
    )


async def store_event(
    conn: Connection,
    row: Row,
    change: Transition,
    *,
    dedupe: str | None,
    actor: str,
    facts: Mapping[str, Any],
    review: str | None,
) -> None:
    """Write one event and what it makes of the order.

    `facts`: retcode, message, order_ticket, position_id, fill_price, as far as this event tells them.
    """
    event, after = change.event, change.after
    number = row["event_n"] + 1
    payload = dict(event.payload)
    if event.volume is not None:
        payload["volume"] = str(event.volume)
    if event.code is not None:
        payload["code"] = event.code
    if not change.legal:
        await conn.execute(
            SQL["store_illegal_event"], row["id"], number, row["state"], event.type, dedupe, payload, actor, event.at
        )
        return
    await conn.execute(
        SQL["settle_event"],
        row["id"],
        number,
        change.before.state,
        after.state,
        event.type,
        True,
        dedupe,
        payload,
        actor,
        event.at,
        after.resume_state,
        after.filled,
        after.deliveries,
        after.late_fill,
        after.code,
        facts.get("retcode"),
        facts.get("message"),
        facts.get("order_ticket"),
        facts.get("position_id"),
        facts.get("fill_price"),
        review,
        after.revoke_asked,
        after.state.final,
    )


async def lock_queue(
    conn: Connection, account_id: UUID, *, only_closes: bool, now: datetime, most: int, legacy: bool = False
) -> list[Row]:
    """Orders that may be handed out to the account's terminal now, locked; `legacy`: those that signals asked for."""
    return await conn.fetch(SQL["lock_queue"], account_id, only_closes, now, most, legacy)


async def lease(
    conn: Connection,
    leases: Sequence[tuple[int, UUID]],
    *,
    epoch: int,
    instance: str,
    expires_at: datetime,
    now: datetime,
    legacy: bool = False,
    kept: tuple[UUID, bytes] | None = None,
) -> None:
    """Mark locked orders as handed out under new leases; `kept` is a session and the answer that it is to keep."""
    session_id, answer = kept or (None, None)
    await conn.execute(
        SQL["lease_orders"],
        [order_id for order_id, _ in leases],
        [lease_id for _, lease_id in leases],
        epoch,
        instance,
        expires_at,
        now,
        legacy,
        answer,
        session_id,
    )


async def read_waiting(
    conn: Connection, parked: ParkedCycle, *, now: datetime, most: int
) -> tuple[int, list[Row]] | None:
    """What could be handed to a parked cycle, and its terminal's poll (ms), read without a lock: a guess.

    None when more is to be looked at than what waits: the session is not fit, or there is something else to tell.
    """
    rows = await conn.fetch(SQL["read_waiting"], *_of_parked(parked, now, most))
    return (rows[0]["poll_ms"], [row for row in rows if row["id"] is not None]) if rows else None


def read_told(told: str) -> dict[str, Any]:
    """What a bell says of an order, with the names and types of its row; `told` is in it, for `lease_waiting`.

    Raises:
        ValueError, TypeError, KeyError: it is not what this version tells.

    """
    row: dict[str, Any] = json.loads(told, parse_float=Decimal)
    for name in ("queued_at", "leased_at", "not_after", "expiration"):
        row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
    return row | {"told": told}


async def lease_waiting(
    conn: Connection,
    parked: ParkedCycle,
    rows: Sequence[Waiting],
    leases: Sequence[tuple[int, UUID]],
    *,
    expires_at: datetime,
    now: datetime,
    most: int,
    answer: bytes,
) -> bool:
    """Hand out rows of `read_waiting` or `read_told` under new leases, and keep the answer; False: others are due.

    One statement that waits for nobody, and commits by itself outside a transaction. When it fails, what became of it
    is unknown: it is not to be repeated, the kept answer tells.
    """
    found = await conn.fetch(
        SQL["lease_waiting"],
        *_of_parked(parked, now, most),
        [order_id for order_id, _ in leases],
        [row["event_n"] for row in rows],
        [lease_id for _, lease_id in leases],
        parked.instance,
        expires_at,
        answer,
        [row.get("told") for row in rows],
    )
    return len(found) == len(leases)


def _of_parked(parked: ParkedCycle, now: datetime, most: int) -> tuple[Any, ...]:
    return (
        parked.account_id,
        parked.session_id,
        parked.user_id,
        parked.epoch,
        parked.seq,
        parked.body_sha256,
        parked.only_closes,
        now,
        most,
    )
