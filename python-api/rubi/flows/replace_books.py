"""The whole list of positions, or of working orders, replaces what was known: the broker is the truth."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.order import OrderEvent, OrderEventType, OrderState, order_id_of
from rubi.domain.position import BrokerPosition, WorkingOrder
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import books, orders
from rubi.store.pool import Connection, Row

SAMPLE_EVERY = timedelta(seconds=10)
"""Positions enter their series this often, and at every change of volume, stop or target."""
POSITION_PATIENCE = timedelta(seconds=2)
"""A fill whose position is in no list after this long was closed again: its reservation ends."""
CANCEL_PATIENCE = timedelta(seconds=10)
"""A book that still shows an order this long after its cancel was carried out is no older than the cancel."""

_HISTORY = {
    "CANCELED": OrderEventType.HISTORY_CANCELED,
    "CANCELLED": OrderEventType.HISTORY_CANCELED,
    "EXPIRED": OrderEventType.HISTORY_EXPIRED,
    "REJECTED": OrderEventType.HISTORY_REJECTED,
}
_FILLED = frozenset({"FILLED", "PARTIAL"})


async def replace_positions(
    conn: Connection,
    *,
    user_id: int,
    account_id: UUID,
    positions: Sequence[BrokerPosition],
    taken_at: datetime,
    now: datetime,
) -> list[Event]:
    """Write the list; what to publish. A list older than the stored one says nothing."""
    accepted = await conn.fetchrow(books.SQL["accept_positions"], account_id, taken_at, now - SAMPLE_EVERY)
    if accepted is None:
        return []
    before = {row["position_id"]: row for row in await conn.fetch(books.SQL["open_positions"], account_id)}
    if positions:
        await books.upsert_positions(conn, account_id, positions, taken_at)
    open_ids = [position.position_id for position in positions]
    closed: list[Row] = []
    if set(before) - set(open_ids):
        closed = await books.close_missing(conn, account_id, open_ids, taken_at=taken_at, now=now)
    changed = [p.position_id for p in positions if _changed(before.get(p.position_id), p)]
    sampled = open_ids if accepted["sample_due"] else changed
    if sampled:
        await conn.execute(books.SQL["sample_positions"], account_id, now, sampled)
    long_ago = now - POSITION_PATIENCE
    await conn.execute(orders.SQL["release_reservations"], account_id, now, open_ids, long_ago, taken_at)
    events = [Event("POSITION_UPDATE", user_id, account_id, position_frame(p)) for p in positions]
    events += [Event("POSITION_UPDATE", user_id, account_id, _closed_frame(row)) for row in closed]
    return events


async def replace_orders(
    conn: Connection,
    *,
    account_id: UUID,
    working: Sequence[WorkingOrder],
    taken_at: datetime,
    actor: str,
    now: datetime,
) -> list[Event]:
    """Write the broker's book; orders of ours that are in it have been accepted, also those that had ended for us."""
    if not await conn.fetchval(books.SQL["accept_orders"], account_id, taken_at):
        return []
    await books.replace_working(conn, account_id, working, taken_at)
    if not working:
        return []
    events: list[Event] = []
    by_ticket = {order.ticket: order for order in working}
    by_id = {said: order for order in working if (said := order_id_of(order.comment)) is not None}
    rows = await conn.fetch(books.SQL["not_yet_seen"], account_id, list(by_ticket), list(by_id), now - CANCEL_PATIENCE)
    for row in rows:
        seen = by_ticket.get(row["order_ticket"]) or by_id.get(row["id"])
        ended = OrderState(row["state"]).final
        if seen is None or seen.symbol != row["symbol"] or (ended and not _is(seen, row)):
            continue
        settled = await settle(
            conn,
            row["id"],
            OrderEvent(OrderEventType.SEEN_WORKING, now, payload={"ticket": str(seen.ticket)}),
            actor=actor,
            dedupe=f"seen:{seen.ticket}:{row['event_n']}" if ended else f"seen:{seen.ticket}",
            facts={"order_ticket": seen.ticket},
        )
        events += [] if settled is None else settled.events
    return events


def _is(seen: WorkingOrder, row: Row) -> bool:
    """Whether an order of the book is the one that had ended: a comment alone could be another bridge's."""
    same_number = row["order_ticket"] == seen.ticket
    alike = row["order_ticket"] is None and row["magic"] == seen.magic and seen.type.startswith(row["side"])
    return same_number or alike


async def record_order_history(
    conn: Connection, *, account_id: UUID, left: Sequence[WorkingOrder], actor: str, now: datetime
) -> list[Event]:
    """Orders that left the broker's book: cancelled, expired, rejected ones have ended, filled ones wait for deals."""
    filled = [order.ticket for order in left if order.state in _FILLED]
    if filled:
        await conn.execute(orders.SQL["note_left_book"], account_id, filled, now)
    ended = [order for order in left if order.state in _HISTORY]
    if not ended:
        return []
    events: list[Event] = []
    tickets = [order.ticket for order in ended]
    said = [order_id for order in ended if (order_id := order_id_of(order.comment)) is not None]
    rows = await conn.fetch(orders.SQL["find_orders_of_deals"], account_id, tickets, said)
    for order in ended:
        for row in rows:
            by_comment = (
                row["order_ticket"] is None
                and row["id"] == order_id_of(order.comment)
                and row["symbol"] == order.symbol
            )
            if row["order_ticket"] != order.ticket and not by_comment:
                continue
            settled = await settle(
                conn,
                row["id"],
                OrderEvent(
                    _HISTORY[order.state], now, code=f"BROKER_{order.state}", payload={"ticket": str(order.ticket)}
                ),
                actor=actor,
                dedupe=f"history:{order.ticket}",
                facts={"order_ticket": order.ticket},
            )
            events += [] if settled is None else settled.events
    return events


def position_frame(position: BrokerPosition) -> dict[str, Any]:
    """A position as WebSocket readers get it (the names of both specifications)."""
    return {
        "ticket": str(position.ticket),
        "position_id": str(position.position_id),
        "symbol": position.symbol,
        "type": position.side,
        "volume": float(position.volume),
        "entry": float(position.open_price),
        "open_price": float(position.open_price),
        "current": float(position.current_price),
        "current_price": float(position.current_price),
        "sl": None if position.sl is None else float(position.sl),
        "tp": None if position.tp is None else float(position.tp),
        "pnl": float(position.profit + position.swap + position.commission),
        "profit": float(position.profit),
        "swap": float(position.swap),
        "commission": float(position.commission),
        "status": "OPEN",
    }


def _closed_frame(row: Row) -> dict[str, Any]:
    return {
        "ticket": str(row["ticket"]),
        "position_id": str(row["position_id"]),
        "symbol": row["symbol"],
        "type": row["side"],
        "volume": float(row["volume"]),
        "status": "CLOSED",
        "closed_at": row["closed_at"].isoformat(),
        "close_reason": row["close_reason"],
    }


def _changed(before: Row | None, position: BrokerPosition) -> bool:
    return before is None or (before["volume"], before["sl"], before["tp"]) != (
        position.volume,
        position.sl,
        position.tp,
    )
