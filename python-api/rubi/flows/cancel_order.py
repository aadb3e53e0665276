"""Take an order back: out of our queue, out of the terminal's hands, or out of the broker's book."""

from dataclasses import dataclass, field
from typing import Any

from rubi.domain.errors import ConflictError, NotFoundError, RubiError
from rubi.domain.order import NewOrder, OrderEvent, OrderEventType, OrderKind, OrderState, transition
from rubi.domain.units import Side
from rubi.flows.audit import audit
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection
from rubi.flows.queue_order import not_after, queue_order
from rubi.flows.settle_order import settle
from rubi.flows.show_order import order_made, show_order
from rubi.live.bus import Event
from rubi.store import order_views, orders, risk_facts
from rubi.store.pool import Row


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel led to. `instruction`: the order that takes the broker's out of its book."""

    instruction: int | None
    events: list[Event] = field(default_factory=list)


async def cancel_order(conn: Connection, caller: Caller, order_id: int) -> Effect:
    """Cancel an order in the caller's transaction. Asked again while it is under way, it changes nothing.

    Raises:
        NotFoundError: no such order of this owner.
        ConflictError: it has ended, or it is where nobody can take it back now.

    """
    row = await order_views.one(conn, caller.owner, order_id)
    if row is None:
        raise NotFoundError("ORDER_NOT_FOUND", f"there is no order {order_id}")
    await risk_facts.take_turn(conn, row["account_id"])
    done = await cancel(conn, caller, order_id)
    await audit(
        conn,
        caller.who,
        "order.cancel",
        "order",
        order_id,
        {"state": row["state"], "instruction": done.instruction},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(200, await shown_with(conn, caller, order_id, done.instruction), done.events)


async def cancel_ticket(conn: Connection, caller: Caller, ticket: int) -> Effect:
    """Cancel the order of a broker's ticket: ours, or one that somebody else placed.

    Raises:
        NotFoundError: no such working order on this owner's accounts.
        ConflictError, RubiError: as `cancel_order`; 422 `ACCOUNT_REQUIRED` when two accounts have the ticket.

    """
    working = await working_of(conn, caller, ticket)
    await risk_facts.take_turn(conn, working["account_id"])
    if await lives(conn, caller, working["order_id"]):
        return await cancel_order(conn, caller, working["order_id"])
    done = await cancel_working(conn, caller, working)
    await audit(
        conn,
        caller.who,
        "order.cancel",
        "ticket",
        ticket,
        {"instruction": done.instruction},
        request_id=caller.request_id,
        now=caller.now,
    )
    assert done.instruction is not None
    row = await order_views.one(conn, caller.owner, done.instruction)
    assert row is not None
    return Effect(200, show_order(row), done.events)


async def cancel(conn: Connection, caller: Caller, order_id: int) -> Cancelled:
    """Cancel an order of an account whose turn the caller has.

    Raises:
        ConflictError: as `cancel_order`.

    """
    row = await orders.lock(conn, order_id, None)
    assert row is not None, "found by the caller"
    life = orders.life_of(row)
    if life.state is OrderState.PENDING_CANCEL or (life.state is OrderState.LEASED and life.revoke_asked):
        live = None
        if life.state is OrderState.PENDING_CANCEL:
            live = await order_views.live_change(conn, row["account_id"], order_ticket=row["order_ticket"])
        return Cancelled(None if live is None else live["id"])
    asked = OrderEvent(OrderEventType.CANCEL_ASKED, caller.now)
    working = life.state in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
    at_broker = row["kind"] == OrderKind.PLACE_PENDING and row["order_ticket"] is not None
    if not transition(life, asked).legal or (working and not at_broker):
        raise _refusal(row)
    instruction: int | None = None
    events: list[Event] = []
    if working:
        await refuse_the_older_connector(conn, row["account_id"])
        instruction, events = await _instruct(conn, caller, row, row["order_ticket"])
    settled = await settle(conn, order_id, asked, actor=caller.who.actor)
    assert settled is not None
    told = Event("COMMAND_WAITS", row["user_id"], row["account_id"])
    return Cancelled(instruction, [told, *events, *settled.events])


async def cancel_working(conn: Connection, caller: Caller, working: Row) -> Cancelled:
    """Take somebody else's order out of the broker's book; an instruction that is under way is not repeated."""
    live = await order_views.live_change(conn, working["account_id"], order_ticket=working["ticket"])
    if live is not None and live["kind"] == OrderKind.CANCEL_PENDING:
        return Cancelled(live["id"])
    await refuse_the_older_connector(conn, working["account_id"])
    order = NewOrder(
        user_id=caller.who.user_id,
        account_id=working["account_id"],
        kind=OrderKind.CANCEL_PENDING,
        symbol=working["symbol"],
        side=Side.BUY if working["type"].startswith("BUY") else Side.SELL,
        magic=working["magic"],
        target_ticket=working["ticket"],
        not_after=not_after(OrderKind.CANCEL_PENDING, caller.now),
    )
    instruction, events = await _queue(conn, caller, order)
    return Cancelled(instruction, [Event("COMMAND_WAITS", order.user_id, order.account_id), *events])


async def working_of(conn: Connection, caller: Caller, ticket: int) -> Row:
    """The order of a ticket in the broker's book.

    Raises:
        NotFoundError, RubiError: there is none, or two accounts have it.

    """
    found = await order_views.working(conn, caller.owner, ticket)
    if not found:
        raise NotFoundError("ORDER_NOT_FOUND", f"no order {ticket} works at your brokers")
    if len(found) > 1:
        raise RubiError("ACCOUNT_REQUIRED", f"two of your accounts have an order {ticket}; name ours by its id")
    return found[0]


async def lives(conn: Connection, caller: Caller, order_id: int | None) -> bool:
    """Whether a broker's order is one of ours that has not ended for us: else it is changed as the broker's own."""
    row = None if order_id is None else await order_views.one(conn, caller.owner, order_id)
    return row is not None and not OrderState(row["state"]).final


async def refuse_the_older_connector(conn: Connection, account_id: Any) -> None:
    """Stop when the account's terminal takes signals only.

    Raises:
        ConflictError: `CONNECTOR_TOO_OLD`.

    """
    if (await order_views.desk(conn, account_id))["older_connector"]:
        raise ConflictError(
            "CONNECTOR_TOO_OLD",
            "the connector of this account takes signals only: send CLOSE_BUY or CLOSE_SELL, or update it",
        )


async def shown_with(
    conn: Connection, caller: Caller, order_id: int, instruction: int | None, **more: Any
) -> dict[str, Any]:
    """An order with the instruction about it."""
    ids = [order_id] if instruction is None else [order_id, instruction]
    rows = {row["id"]: show_order(row) for row in await order_views.several(conn, caller.owner, ids)}
    return {**rows[order_id], "instruction": None if instruction is None else rows[instruction], **more}


async def _instruct(conn: Connection, caller: Caller, row: Row, ticket: int) -> tuple[int, list[Event]]:
    order = NewOrder(
        user_id=row["user_id"],
        account_id=row["account_id"],
        kind=OrderKind.CANCEL_PENDING,
        symbol=row["symbol"],
        side=None if row["side"] is None else Side(row["side"]),
        magic=row["magic"],
        target_ticket=ticket,
        target_order_id=row["id"],
        not_after=not_after(OrderKind.CANCEL_PENDING, caller.now),
    )
    return await _queue(conn, caller, order)


async def _queue(conn: Connection, caller: Caller, order: NewOrder) -> tuple[int, list[Event]]:
    queued = await queue_order(conn, order, actor=caller.who.actor, now=caller.now)
    assert queued is not None, "only the legs of signals are unique"
    return queued.id, [order_made(order, queued.id, OrderState.QUEUED, now=caller.now)]


def _refusal(row: Row) -> ConflictError:
    state, order_id = OrderState(row["state"]), row["id"]
    if state.final:
        return ConflictError("ORDER_FINAL", f"order {order_id} is {state}: nothing is left to cancel", state=state)
    if state is OrderState.UNKNOWN:
        return ConflictError(
            "ORDER_UNKNOWN",
            f"nobody knows yet whether the broker has order {order_id}; it is being looked for",
            state=state,
        )
    if state is OrderState.PENDING_MODIFY:
        return ConflictError("CHANGE_IN_PROGRESS", f"order {order_id} is being modified; try again", state=state)
    return ConflictError(
        "ORDER_IN_FLIGHT",
        f"order {order_id} is {state}: it is at the broker's door; try again in a moment",
        state=state,
    )
