"""A person looked at the broker and says what became of an order that nobody else can tell about."""

from typing import Literal

from rubi.domain.errors import ConflictError, NotFoundError
from rubi.domain.order import OrderEvent, OrderEventType, OrderState
from rubi.flows.audit import audit
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection
from rubi.flows.settle_order import settle
from rubi.flows.show_order import show_order
from rubi.store import order_views, risk_facts

Outcome = Literal["FILLED", "NOT_SENT"]
_EVENTS = {
    "FILLED": OrderEventType.PERSON_SAID_FILLED,
    "NOT_SENT": OrderEventType.PERSON_SAID_NOT_SENT,
}


async def resolve_order(conn: Connection, caller: Caller, order_id: int, outcome: Outcome, reason: str) -> Effect:
    """End an order of unknown fate in the caller's transaction; a deal that comes later still counts.

    Raises:
        NotFoundError: no such order of this owner.
        ConflictError: its fate is known.

    """
    row = await order_views.one(conn, caller.owner, order_id)
    if row is None:
        raise NotFoundError("ORDER_NOT_FOUND", f"there is no order {order_id}")
    await risk_facts.take_turn(conn, row["account_id"])
    row = await order_views.one(conn, caller.owner, order_id)
    assert row is not None
    if row["state"] != OrderState.UNKNOWN:
        raise ConflictError(
            "ORDER_NOT_UNKNOWN", f"order {order_id} is {row['state']}: its fate is known", state=row["state"]
        )
    event = OrderEvent(_EVENTS[outcome], caller.now, code=f"PERSON_SAID_{outcome}", payload={"reason": reason})
    settled = await settle(conn, order_id, event, actor=caller.who.actor, facts={"message": reason})
    assert settled is not None
    row = await order_views.one(conn, caller.owner, order_id)
    assert row is not None
    await audit(
        conn,
        caller.who,
        "order.resolve",
        "order",
        order_id,
        {"outcome": outcome, "reason": reason},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(200, show_order(row), settled.events)
