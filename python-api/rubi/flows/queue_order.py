"""An approved instruction enters the queue, in the transaction that approved it."""

from datetime import datetime
from uuid import UUID

from rubi.domain.order import LIFETIMES, NewOrder, OrderKind
from rubi.domain.signal import OrderType
from rubi.domain.units import Side
from rubi.flows.lease_orders import MOST_AT_ONCE
from rubi.live.bus import Event
from rubi.store import orders
from rubi.store.orders import Queued
from rubi.store.pool import Connection, Row

_LEGS_OF_COPIES = 100
"""A copy of leg n is leg n + 100: a signal has never so many positions to close."""


async def queue_order(conn: Connection, order: NewOrder, *, actor: str, now: datetime) -> Queued | None:
    """Insert the order as QUEUED, with its events and its reservation; commit, then publish `command_waits`.

    None when this leg of the signal has an order already: at most one is ever made.
    """
    return await orders.insert(conn, order, actor=actor, now=now)


def command_waits(user_id: int, account_id: UUID, *queued: Queued) -> Event:
    """The bell of the account's terminal; it tells the orders, which spares a parked cycle a look at the queue.

    Those that were queued together are best told together: one that is told alone beside another one is looked for. So
    are more than one answer holds, which are not told.
    """
    told = queued if len(queued) <= MOST_AT_ONCE else ()
    return Event("COMMAND_WAITS", user_id, account_id, {"orders": [each.told for each in told]})


async def queue_again(conn: Connection, row: Row, *, actor: str, now: datetime) -> int | None:
    """Queue a copy of an order that certainly never reached the broker, as another leg of its signal; its id."""
    copy = NewOrder(
        user_id=row["user_id"],
        account_id=row["account_id"],
        kind=OrderKind(row["kind"]),
        symbol=row["symbol"],
        side=None if row["side"] is None else Side(row["side"]),
        order_type=None if row["order_type"] is None else OrderType(row["order_type"]),
        volume=row["volume"],
        price=row["price"],
        stop_limit=row["stop_limit"],
        sl=row["sl"],
        tp=row["tp"],
        signal_id=row["signal_id"],
        leg=row["leg"] + _LEGS_OF_COPIES,
        deviation_points=row["deviation_points"],
        type_time=row["type_time"],
        expiration=row["expiration"],
        magic=row["magic"],
        position_ticket=row["position_ticket"],
        target_ticket=row["target_ticket"],
        target_order_id=row["target_order_id"],
        guards=row["guards"],
        reserved_risk=row["reserved_risk"],
        reserved_margin=row["reserved_margin"],
        reserved_price=row["reserved_price"],
        not_after=not_after(OrderKind(row["kind"]), now),
    )
    queued = await orders.insert(conn, copy, actor=actor, now=now)
    return None if queued is None else queued.id


def not_after(kind: OrderKind, now: datetime) -> datetime | None:
    """When an instruction of this kind stops being handed out; None for closes, which never expire."""
    lifetime = LIFETIMES[kind]
    return None if lifetime is None else now + lifetime
