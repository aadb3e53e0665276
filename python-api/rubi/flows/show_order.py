"""An order as readers see it: on REST, and on the WebSocket when it is made."""

from datetime import datetime
from typing import Any

from rubi.domain.order import NewOrder, OrderEventType, OrderState
from rubi.flows.show_signal import shown
from rubi.live.bus import Event
from rubi.store.pool import Row

_SHOWN = (
    "id", "account_id", "signal_id", "kind", "symbol", "side", "order_type", "volume", "filled_volume", "price",
    "stop_limit", "sl", "tp", "deviation_points", "type_time", "expiration", "magic", "position_ticket",
    "target_ticket", "target_order_id", "order_ticket", "position_id", "state", "code", "message", "retcode",
    "fill_price", "reserved_risk", "reserved_margin", "late_fill", "review", "guards", "deliveries", "not_after",
    "created_at", "queued_at", "leased_at", "acked_at", "submitted_at", "filled_at", "final_at", "updated_at",
)  # fmt: skip
_TICKETS = frozenset({"position_ticket", "target_ticket", "order_ticket", "position_id"})


def show_order(row: Row) -> dict[str, Any]:
    """A row of trading_orders as JSON values: prices are numbers, tickets text, times ISO 8601 with Z."""
    said = {
        name: str(row[name]) if name in _TICKETS and row[name] is not None else shown(name, row[name])
        for name in _SHOWN
    }
    return said | {"cancel_asked": row["revoke_asked_at"] is not None}


def order_made(order: NewOrder, order_id: int, state: OrderState, *, code: str | None = None, now: datetime) -> Event:
    """The event that tells readers of a new order: queued, or denied with `code`."""
    approved = state is OrderState.QUEUED
    data = {
        "id": order_id,
        "signal_id": order.signal_id,
        "kind": order.kind,
        "symbol": order.symbol,
        "side": order.side,
        "volume": None if order.volume is None else float(order.volume),
        "filled_volume": 0.0,
        "state": state,
        "code": code,
        "event": OrderEventType.APPROVED if approved else OrderEventType.DENIED,
        "retcode": None,
        "price": None if order.price is None else float(order.price),
        "at": now.isoformat(),
    }
    return Event("ORDER_UPDATE", order.user_id, order.account_id, data)
