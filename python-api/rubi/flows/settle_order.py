"""One fact about an order becomes one event; state, reservation and signal follow in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from rubi.domain.order import (
    OrderEvent,
    OrderEventType,
    OrderKind,
    OrderLife,
    OrderState,
    Transition,
    signal_outcome,
    transition,
)
from rubi.flows.raise_alert import raise_alert
from rubi.live.bus import Event
from rubi.observability.metrics import ORDER_TRANSITIONS, observe_order
from rubi.store import orders, plans
from rubi.store.orders import SQL
from rubi.store.pool import Connection, Row


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a fact: `known` facts change nothing, `events` are to be published after the commit."""

    order_id: int
    known: bool
    legal: bool
    state: OrderState
    events: list[Event] = field(default_factory=list)


async def settle(
    conn: Connection,
    order_id: int,
    event: OrderEvent,
    *,
    actor: str,
    dedupe: str | None = None,
    facts: Mapping[str, Any] | None = None,
    account_id: UUID | None = None,
) -> Settled | None:
    """Apply a fact to an order, inside the caller's transaction.

    `dedupe` names the fact: told again, it changes nothing. `facts` are columns that it fills (retcode, message,
    order_ticket, position_id, fill_price). `account_id`: whose order it must be. None: no such order.
    """
    row = await orders.lock(conn, order_id, dedupe)
    if row is None or (account_id is not None and row["account_id"] != account_id):
        return None
    before = orders.life_of(row)
    if row["known"]:
        return Settled(order_id, known=True, legal=True, state=before.state)
    change = transition(before, event)
    review = _review(change, event) if change.legal else f"ILLEGAL_{event.type}"
    await orders.store_event(conn, row, change, dedupe=dedupe, actor=actor, facts=facts or {}, review=review)
    said: list[Event] = []
    if review is not None:
        said += await raise_alert(
            conn,
            user_id=row["user_id"],
            account_id=row["account_id"],
            code=review,
            severity="critical" if _is_critical(change.after, review) else "warning",
            object_="order",
            object_id=str(order_id),
            detail=(
                f"order {order_id} ({row['kind']} {row['symbol']}) in {before.state}:"
                f" {event.type} {event.code or ''}".rstrip()
            ),
            now=event.at,
        )
    if change.legal and before.state.final and (event.type is OrderEventType.DEAL or not change.after.state.final):
        await plans.revive(conn, order_id, row["final_at"])
    if change.legal:
        _measure(row, before, change.after, event)
    if change.legal and (change.after != before or event.type is OrderEventType.DEAL):
        said.append(_order_update(row, change.after, event, facts or {}))
        if row["signal_id"] is not None:
            said += await _settle_signal(conn, row, change.after, event)
        ended = change.after.state.final and not before.state.final and "replaced_by" not in event.payload
        if row["target_order_id"] is not None and ended:
            said += await _settle_target(conn, row, change.after, event, actor)
    return Settled(order_id, known=False, legal=change.legal, state=change.after.state, events=said)


def _measure(row: Row, before: OrderLife, after: OrderLife, event: OrderEvent) -> None:
    """Count the state an order entered, and the time it spent on its way there."""
    if after.state is not before.state:
        ORDER_TRANSITIONS.labels(after.state).inc()
    if after.state is OrderState.ACKED and row["acked_at"] is None and row["leased_at"] is not None:
        observe_order("terminal", (event.at - row["leased_at"]).total_seconds())
    if event.type is OrderEventType.DEAL and row["filled_at"] is None:
        sent_at = row["acked_at"] or row["leased_at"]
        if sent_at is not None:
            observe_order("broker", (event.at - sent_at).total_seconds())
        observe_order("total", (event.at - row["created_at"]).total_seconds())


_CLAIMS = frozenset({OrderEventType.INTENT, OrderEventType.PLACED, OrderEventType.REPORTED_EXECUTED})
"""What a terminal says of an order that it has sent, or is about to send."""
_WITHOUT_THE_BROKER = frozenset({OrderState.REJECTED, OrderState.CANCELED, OrderState.EXPIRED})


def _review(change: Transition, event: OrderEvent) -> str | None:
    """Why a person should look at the order, if so."""
    before, after = change.before, change.after
    if after.late_fill and event.type is OrderEventType.DEAL:
        return "LATE_FILL"
    if before.state.final and event.type is OrderEventType.SEEN_WORKING and not after.state.final:
        return "LATE_WORKING"
    if before.state in _WITHOUT_THE_BROKER and event.type in _CLAIMS and not _is_echo(before, event):
        return "LATE_REPORT"
    if event.type in (OrderEventType.NOT_FOUND, OrderEventType.AMBIGUOUS):
        return f"ORDER_{event.type}"
    if after.state is OrderState.UNKNOWN and event.type is not OrderEventType.INTENT:
        return "ORDER_UNKNOWN"
    return None


def _is_echo(before: OrderLife, event: OrderEvent) -> bool:
    """Whether the claim repeats what led to the end: a second delivery, or what the broker's history told first."""
    by_history = (before.code or "").startswith("BROKER_")
    return by_history or event.payload.get("outcome") == "DUPLICATE"


def _is_critical(after: OrderLife, review: str) -> bool:
    return after.state is OrderState.UNKNOWN or after.late_fill or review in ("LATE_WORKING", "LATE_REPORT")


def _order_update(row: Row, after: OrderLife, event: OrderEvent, facts: Mapping[str, Any]) -> Event:
    data = {
        "id": row["id"],
        "signal_id": row["signal_id"],
        "kind": row["kind"],
        "symbol": row["symbol"],
        "side": row["side"],
        "volume": None if row["volume"] is None else float(row["volume"]),
        "filled_volume": float(after.filled),
        "state": after.state,
        "code": after.code,
        "event": event.type,
        "retcode": facts.get("retcode") or row["retcode"],
        "price": None if facts.get("fill_price") is None else float(facts["fill_price"]),
        "at": event.at.isoformat(),
    }
    return Event("ORDER_UPDATE", row["user_id"], row["account_id"], data)


async def _settle_signal(conn: Connection, row: Row, after: OrderLife, event: OrderEvent) -> list[Event]:
    legs = await conn.fetch(SQL["order_states_of_signal"], row["signal_id"])
    status, detail = signal_outcome((OrderState(leg["state"]), leg["filled"]) for leg in legs)
    message = event.payload.get("message")
    changed = await conn.fetchrow(
        SQL["signal_of_order"], row["signal_id"], status, detail, after.code, message, event.at
    )
    if changed is None:
        return []
    data = {
        "id": changed["id"],
        "symbol": changed["symbol"],
        "signal_type": changed["signal_type"],
        "status": status,
        "detail_status": detail,
        "code": changed["code"],
    }
    return [Event("SIGNAL_UPDATE", row["user_id"], row["account_id"], data)]


async def _settle_target(conn: Connection, row: Row, after: OrderLife, event: OrderEvent, actor: str) -> list[Event]:
    """A modification or a cancel has ended: the order that it was for goes on, or is gone."""
    done = after.state is OrderState.DONE
    if row["kind"] == OrderKind.CANCEL_PENDING and done:
        what = OrderEventType.HISTORY_CANCELED
    else:
        what = OrderEventType.ASK_DONE if done else OrderEventType.ASK_FAILED
    if row["kind"] == OrderKind.MODIFY_PENDING and done:
        await conn.execute(SQL["take_terms"], row["target_order_id"], row["id"])
    told = OrderEvent(what, event.at, payload={"by_order": row["id"], "code": after.code})
    settled = await settle(conn, row["target_order_id"], told, actor=actor, dedupe=f"asked:{row['id']}")
    return [] if settled is None else settled.events
