"""Fills come in: each deal is stored once, for ever, and counts for the order that it belongs to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from rubi.domain.order import OrderEvent, OrderEventType, OrderKind, order_id_of
from rubi.domain.position import Deal
from rubi.domain.units import Lots
from rubi.flows.count_deals import count_deals
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import books, orders
from rubi.store.pool import Connection, Row
from rubi.store.reconciliation import SQL

_OPENING = frozenset({"IN", "INOUT"})
_CLOSING = frozenset({"OUT", "OUT_BY", "INOUT"})


async def record_deals(
    conn: Connection, account_id: UUID, deals: Sequence[Deal], *, actor: str, now: datetime
) -> tuple[int, list[Event]]:
    """Store deals in the caller's transaction; how many were new, and what to publish."""
    if not deals:
        return 0, []
    new = await books.insert_deals(conn, account_id, deals, now)
    await count_deals(conn, account_id, [deal for deal in deals if deal.ticket in new])
    events: list[Event] = []
    trades = [deal for deal in deals if deal.ticket in new and deal.trades]
    if trades:
        tickets = [deal.order_ticket for deal in trades if deal.order_ticket is not None]
        said = [order_id for deal in trades if (order_id := order_id_of(deal.comment)) is not None]
        candidates = await conn.fetch(orders.SQL["find_orders_of_deals"], account_id, tickets, said)
        for deal in trades:
            order_id = _order_of(deal, candidates)
            if order_id is not None:
                events += await attribute(conn, account_id, order_id, deal, actor=actor, now=now)
    if trades:
        await conn.execute(SQL["explain_closes"], account_id, [deal.ticket for deal in trades])
    last = deals[-1]
    await conn.execute(books.SQL["move_cursor"], account_id, last.time_msc, last.ticket)
    return len(new), events


async def attribute(
    conn: Connection, account_id: UUID, order_id: int, deal: Deal | Row, *, actor: str, now: datetime
) -> list[Event]:
    """Count one stored deal for one order."""
    ticket, order_ticket, position_id, volume, price = (
        (deal.ticket, deal.order_ticket, deal.position_id, deal.volume, deal.price)
        if isinstance(deal, Deal)
        else (deal["ticket"], deal["order_ticket"], deal["position_id"], deal["volume"], deal["price"])
    )
    settled = await settle(
        conn,
        order_id,
        OrderEvent(
            OrderEventType.DEAL,
            now,
            volume=Lots(volume),
            payload={"ticket": str(ticket), "price": str(price), "position_id": str(position_id)},
        ),
        actor=actor,
        dedupe=f"deal:{ticket}",
        facts={"order_ticket": order_ticket, "position_id": position_id, "fill_price": price},
        account_id=account_id,
    )
    if settled is None:
        return []
    await conn.execute(books.SQL["attribute_deal"], account_id, ticket, order_id)
    return settled.events


async def attribute_earlier_deals(
    conn: Connection, account_id: UUID, order_id: int, order_ticket: int, *, actor: str, now: datetime
) -> list[Event]:
    """Deals that came before the report which names the broker's order."""
    events: list[Event] = []
    for deal in await conn.fetch(books.SQL["unattributed_deals"], account_id, order_ticket):
        events += await attribute(conn, account_id, order_id, deal, actor=actor, now=now)
    return events


def _order_of(deal: Deal, candidates: Sequence[Row]) -> int | None:
    """The order a deal belongs to: the broker's order number tells; a comment only when everything else fits.

    Brokers copy the comment of a position into the deal that closes it, so an opening order takes no closing deal.
    """
    for row in candidates:
        if row["order_ticket"] is not None and row["order_ticket"] == deal.order_ticket:
            return int(row["id"])
    said = order_id_of(deal.comment)
    for row in candidates:
        if (
            row["id"] != said
            or row["symbol"] != deal.symbol
            or row["magic"] != deal.magic
            or (row["order_ticket"] is not None and row["kind"] != OrderKind.CLOSE_ALL)
        ):
            continue
        fitting = _CLOSING if OrderKind(row["kind"]).closes else _OPENING
        if deal.entry in fitting:
            return int(row["id"])
    return None
