"""What readers ask about orders: pages of them, and one with everything behind it."""

from typing import Any

from rubi.domain.errors import NotFoundError
from rubi.flows.ports import Ports
from rubi.flows.read_signals import show_decision
from rubi.flows.show_order import show_order
from rubi.flows.show_signal import shown
from rubi.store import order_views
from rubi.store.order_views import OrderFilter, Owner
from rubi.store.pool import Row

_WORKING = ("type", "volume_initial", "volume_current", "price_open", "stop_limit", "sl", "tp", "state", "type_time")


async def read_orders(ports: Ports, owner: Owner, wanted: OrderFilter) -> list[dict[str, Any]]:
    """One page of orders, newest first."""
    async with ports.pool.acquire() as conn:
        return [show_order(row) for row in await order_views.page(conn, owner, wanted)]


async def read_order(ports: Ports, owner: Owner, order_id: int) -> dict[str, Any]:
    """An order with its decision, its events, the instructions about it, and how it stands in the broker's book.

    Raises:
        NotFoundError: no such order, or another user's.

    """
    async with ports.pool.acquire() as conn:
        row = await order_views.one(conn, owner, order_id)
        if row is None:
            raise NotFoundError("ORDER_NOT_FOUND", f"there is no order {order_id}")
        events = await order_views.events(conn, order_id)
        decision = await order_views.decision(conn, order_id)
        instructions = await order_views.instructions(conn, order_id)
        working: list[Row] = []
        if row["order_ticket"] is not None:
            working = await order_views.working(conn, owner, row["order_ticket"], row["account_id"])
    return {
        **show_order(row),
        "comment": None if decision is None else decision["record"].get("comment"),
        "decision": None if decision is None else {**show_decision(decision), "record": decision["record"]},
        "events": [_event(each) for each in events],
        "instructions": [{name: shown(name, value) for name, value in each.items()} for each in instructions],
        "at_broker": {name: shown(name, working[0][name]) for name in _WORKING} if working else None,
    }


def _event(row: Row) -> dict[str, Any]:
    said = {name: shown(name, value) for name, value in row.items()}
    return {
        "n": said.pop("n"),
        "event": said.pop("event"),
        "from": said.pop("from_state"),
        "to": said.pop("to_state"),
    } | said
