"""An approved instruction enters the queue, in the transaction that approved it."""

from datetime import datetime

from rubi.domain.order import LIFETIMES, NewOrder, OrderKind
from rubi.store import orders
from rubi.store.pool import Connection


async def queue_order(conn: Connection, order: NewOrder, *, actor: str, now: datetime) -> int | None:
    """Insert the order as QUEUED, with its events and its reservation; commit, then publish COMMAND_WAITS.

    Returns its id, or None when this leg of the signal has an order already: at most one is ever made.
    """
    return await orders.insert(conn, order, actor=actor, now=now)


def not_after(kind: OrderKind, now: datetime) -> datetime | None:
    """When an instruction of this kind stops being handed out; None for closes, which never expire."""
    lifetime = LIFETIMES[kind]
    return None if lifetime is None else now + lifetime
