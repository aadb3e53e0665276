"""What waited too long expires, leases that ran out are given back or lost, silence becomes UNKNOWN."""

from collections.abc import Callable
from datetime import datetime

from rubi.domain.order import MOST_DELIVERIES, REPORT_PATIENCE, OrderEvent, OrderEventType
from rubi.flows.ports import Connection, Ports
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import orders
from rubi.store.pool import Row

ACTOR = "sweep"
BATCH = 200


async def sweep_orders(ports: Ports, *, now: datetime) -> int:
    """Do what is due; how many orders moved. Two sweeps at once skip each other's rows."""
    moved = 0
    for step in (_expire_queue, _end_leases, _doubt_the_silent):
        async with ports.pool.acquire() as conn, conn.transaction():
            changed, events = await step(conn, now)
        moved += changed
        await ports.bus.publish(events)
    return moved


async def _expire_queue(conn: Connection, now: datetime) -> tuple[int, list[Event]]:
    rows = await conn.fetch(orders.SQL["overdue_queue"], now, BATCH)
    return await _settle_all(conn, rows, lambda _: OrderEvent(OrderEventType.OVERDUE, now, code="NOT_FETCHED_IN_TIME"))


async def _end_leases(conn: Connection, now: datetime) -> tuple[int, list[Event]]:
    rows = await conn.fetch(orders.SQL["overdue_leases"], now, BATCH)
    return await _settle_all(conn, rows, lambda row: OrderEvent(_fate(row, now), now))


def _fate(row: Row, now: datetime) -> OrderEventType:
    """Given back to the same terminal, whose journal refuses doubles; otherwise nobody knows."""
    again = (
        row["same_instance"]
        and not row["legacy"]
        and row["revoke_asked_at"] is None
        and row["deliveries"] < MOST_DELIVERIES
        and (row["not_after"] is None or row["not_after"] > now)
    )
    return OrderEventType.LEASE_RETURNED if again else OrderEventType.LEASE_LOST


async def _doubt_the_silent(conn: Connection, now: datetime) -> tuple[int, list[Event]]:
    rows = await conn.fetch(orders.SQL["silent_orders"], now - REPORT_PATIENCE, BATCH)
    return await _settle_all(conn, rows, lambda _: OrderEvent(OrderEventType.SILENCE, now, code="NO_REPORT"))


async def _settle_all(
    conn: Connection, rows: list[Row], event_of: Callable[[Row], OrderEvent]
) -> tuple[int, list[Event]]:
    events: list[Event] = []
    for row in rows:
        settled = await settle(conn, row["id"], event_of(row), actor=ACTOR)
        events += [] if settled is None else settled.events
    return len(rows), events
