"""What readers ask about signals: pages of them, one with everything behind it, the decision alone."""

from typing import Any
from uuid import UUID

from rubi.domain.errors import NotFoundError
from rubi.flows.ports import Ports
from rubi.flows.show_signal import show, shown
from rubi.store import decisions, signals
from rubi.store.pool import Connection, Row
from rubi.store.signals import SignalFilter

_TICKETS = frozenset({"order_ticket", "position_id", "position_ticket"})


async def read_signals(ports: Ports, user_id: int, wanted: SignalFilter) -> tuple[int, list[dict[str, Any]]]:
    """How many signals match, and one page of them, newest first."""
    async with ports.pool.acquire() as conn:
        total, rows = await signals.page(conn, user_id, wanted)
    return total, [show(row) for row in rows]


async def read_signal(ports: Ports, user_id: int, signal_id: int, *, only: UUID | None = None) -> dict[str, Any]:
    """A signal with its decision, and its orders with their events. `only`: the account that a token is good for.

    Raises:
        NotFoundError: no such signal, or another user's.

    """
    async with ports.pool.acquire() as conn:
        signal = await _signal(conn, user_id, signal_id, only)
        decision = await decisions.of_signal(conn, user_id, signal_id)
        orders = await signals.orders_of(conn, user_id, signal_id)
    return {
        **show(signal),
        "decision": None if decision is None else show_decision(decision),
        "orders": [_order(order) for order in orders],
    }


async def read_decision(ports: Ports, user_id: int, signal_id: int, *, only: UUID | None = None) -> dict[str, Any]:
    """The decision on a signal: the answer, every gate with its inputs, and the case they looked at.

    Raises:
        NotFoundError: no such signal, or it is not decided yet.

    """
    async with ports.pool.acquire() as conn:
        await _signal(conn, user_id, signal_id, only)
        decision = await decisions.of_signal(conn, user_id, signal_id)
    if decision is None:
        raise NotFoundError("SIGNAL_UNDECIDED", f"signal {signal_id} has no decision yet; ask again in a moment")
    return {**show_decision(decision), "record": decision["record"]}


async def _signal(conn: Connection, user_id: int, signal_id: int, only: UUID | None) -> Row:
    row = await signals.get(conn, user_id, signal_id)
    if row is None or (only is not None and row["account_id"] not in (only, None)):
        raise NotFoundError("SIGNAL_NOT_FOUND", f"there is no signal {signal_id}")
    return row


def show_decision(row: Row) -> dict[str, Any]:
    """A row of decisions without its case: the answer, and every gate."""
    said = row["record"].get("decision", {})
    return {
        "id": row["id"],
        "approved": row["approved"],
        "code": row["code"],
        "detail": row["detail"],
        "volume": _number(said.get("volume")),
        "risk": _number(said.get("risk")),
        "margin": _number(said.get("margin")),
        "gates": said.get("gates", []),
        "sha256": row["record_sha256"],
        "decided_at": shown("decided_at", row["decided_at"]),
        "order_id": row["order_id"],
    }


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _order(row: Row) -> dict[str, Any]:
    return {
        name: str(value) if name in _TICKETS and value is not None else shown(name, value)
        for name, value in row.items()
    }
