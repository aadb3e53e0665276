"""The older connector fetches signals and reports their end. It has no journal: each order is delivered once."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from rubi.domain.errors import ConflictError, NotFoundError
from rubi.domain.order import OrderEvent, OrderEventType, OrderState
from rubi.flows.lease_orders import Holder, hand_over, take_orders
from rubi.flows.ports import Connection, Ports
from rubi.flows.raise_alert import raise_alert
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import orders, signals, terminals
from rubi.store.terminals import Terminal

_TICKET = re.compile(r"(?:ticket|order)\D{0,12}(\d{1,18})", re.IGNORECASE)
_ENDS = {
    "EXECUTED": OrderEventType.REPORTED_EXECUTED,
    "REJECTED": OrderEventType.BROKER_REJECTED,
    "EXPIRED": OrderEventType.HISTORY_EXPIRED,
    "CANCELLED": OrderEventType.HISTORY_CANCELED,
}


async def lease_to_older_connector(ports: Ports, terminal: Terminal, *, now: datetime) -> list[dict[str, Any]]:
    """Lease what waits, in the shape of the specification's signals; `volume` is as sized by risk.

    What no signal asked for stays in the queue for a terminal that understands it, and raises an alert.

    Raises:
        ConflictError: the session does not hold its account, or speaks protocol 2 (whose commands come by sync).

    """
    if not terminal.legacy:
        raise ConflictError("USE_SYNC", "this session speaks protocol 2: its orders come by POST /api/v1/mt5/sync")
    async with ports.pool.acquire() as conn, conn.transaction():
        session = await conn.fetchrow(terminals.SQL["lock_session"], terminal.session_id, terminal.user_id, now)
        if session is None or session["holder"] != session["id"] or session["state"] in ("FENCED", "DISCONNECTED"):
            raise ConflictError("EPOCH_FENCED", "this session no longer holds the account; connect again")
        await conn.fetchval(terminals.SQL["touch_holder"], terminal.session_id, now)
        holder = Holder(
            account_id=terminal.account_id,
            instance=terminal.instance,
            epoch=terminal.epoch,
            poll_ms=session["poll_ms"],
            trading_state=session["trading_state"],
            tradable=session["not_tradable_code"] is None,
            reconciled=session["reconciled_at"] is not None,
        )
        taken = await take_orders(conn, holder, now=now, legacy=True)
        await hand_over(conn, holder, taken, now=now)
        commands = taken.commands
        found = await conn.fetch(orders.SQL["signals_of_orders"], [command["order_id"] for command in commands])
        events = await _tell_what_stays(conn, terminal, now)
    await ports.bus.publish(events)
    by_order = {row["order_id"]: row for row in found}
    return [_as_signal(by_order[command["order_id"]], command) for command in commands]


async def _tell_what_stays(conn: Connection, terminal: Terminal, now: datetime) -> list[Event]:
    events: list[Event] = []
    for row in await conn.fetch(orders.SQL["beyond_older_connector"], terminal.account_id):
        events += await raise_alert(
            conn,
            user_id=terminal.user_id,
            account_id=terminal.account_id,
            code="CONNECTOR_TOO_OLD",
            severity="critical" if row["kind"].startswith("CLOSE") else "warning",
            object_="order",
            object_id=str(row["id"]),
            detail=f"order {row['id']} ({row['kind']} {row['symbol']}) waits, and the connector of this account takes "
            "signals only: connect a terminal of protocol 2, or do it by hand and cancel the order",
            now=now,
        )
    return events


async def record_status(
    ports: Ports,
    *,
    user_id: int,
    only: UUID | None,
    signal_id: int,
    status: str,
    message: str | None,
    reported_at: datetime | None,
    now: datetime,
) -> None:
    """Record what a connector says became of a signal, in whatever state the signal is.

    `only`: the account that the connector's token is for.

    Raises:
        NotFoundError: no such signal of this user, or of this account.

    """
    events: list[Event] = []
    async with ports.pool.acquire() as conn, conn.transaction():
        signal = await signals.get(conn, user_id, signal_id)
        if signal is None or (only is not None and signal["account_id"] not in (only, None)):
            raise NotFoundError("SIGNAL_NOT_FOUND", f"signal {signal_id} is not known")
        report = await conn.fetchval(orders.SQL["insert_signal_report"], signal_id, status, message, reported_at, now)
        order_id = await conn.fetchval(orders.SQL["order_at_older_connector"], signal_id)
        if status not in _ENDS:
            return  # still pending, it says: kept, and nothing follows
        if order_id is None:
            events += await raise_alert(
                conn,
                user_id=user_id,
                account_id=signal["account_id"],
                code="STATUS_UNEXPECTED",
                severity="critical" if status == "EXECUTED" and signal["status"] != "EXECUTED" else "info",
                object_="signal",
                object_id=f"{signal_id}:{status}",
                detail=f"signal {signal_id} is {signal['status']}; a connector said {status}: {message or ''}",
                now=now,
            )
        else:
            ticket = _TICKET.search(message or "")
            settled = await settle(
                conn,
                order_id,
                OrderEvent(
                    _ENDS[status], now, code=f"CONNECTOR_{status}", payload={"message": message, "status": status}
                ),
                actor="connector",
                dedupe=f"status:{report}",
                facts={"message": message, "order_ticket": int(ticket[1]) if ticket else None},
            )
            events += [] if settled is None else settled.events
    await ports.bus.publish(events)


STATUSES = frozenset(_ENDS) | {"PENDING"}


def _as_signal(signal: Any, command: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": signal["id"],
        "order_id": command["order_id"],
        "symbol": command["symbol"],
        "signal_type": signal["signal_type"],
        "volume": _float(command["volume"]),
        "entry_price": _float(command["price"] if command["price"] is not None else signal["entry_price"]),
        "stop_loss": _float(command["sl"]),
        "take_profit": _float(command["tp"]),
        "timeframe": signal["timeframe"],
        "confidence": _float(signal["confidence"]),
        "signal_time": signal["signal_time"].isoformat().replace("+00:00", "Z"),
        "received_at": signal["received_at"].isoformat().replace("+00:00", "Z"),
        "executed_at": None,
        "status": "PENDING",
        "detail_status": OrderState.LEASED,
        "position_ticket": command["position_ticket"],
    }


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
