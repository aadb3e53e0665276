"""After a restart, or when asked: what became of an order that was taken and has no known end.

The broker is searched for the order's own comment, under its magic and in its symbol: positions, orders, history and
deals. Found is `RECOVERED`. Not found is `AMBIGUOUS`, never "rejected": the broker may be late. Only the journal itself
can prove `NEVER_SENT`: INTENT without SENDING.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from rubi.domain.retcodes import Retcode
from rubi.terminal.broker import Broker, Deal, DealCursor, Order, Position
from rubi.terminal.commands import Command
from rubi.terminal.journal import Entry
from rubi.terminal.wire import parse_iso

SEARCHED_BEFORE_MS = 5 * 60_000
"""Clocks differ: evidence this much older than the intent still counts."""

DEALS_PAGE = 1000

RECORDED = (
    "kind",
    "symbol",
    "side",
    "volume",
    "magic",
    "comment",
    "sl",
    "tp",
    "price",
    "position_ticket",
    "order_ticket",
)

ByTrade = Order | Deal | Position


def command_record(command: Command) -> dict[str, Any]:
    """What the journal keeps of a command, so that its traces can be recognised."""
    return {name: getattr(command, name) for name in RECORDED}


async def find_outcome(broker: Broker, entry: Entry) -> tuple[str, dict[str, Any]]:
    """Return the outcome and the facts of its report."""
    if entry.phase == "INTENT":
        return "NEVER_SENT", {"message": "the journal shows that OrderSend was not called"}
    found = await find_traces(broker, entry)
    if found is not None:
        return "RECOVERED", found
    return "AMBIGUOUS", {"message": "OrderSend may have been called; the broker shows nothing of it"}


async def find_traces(broker: Broker, entry: Entry) -> dict[str, Any] | None:
    """Facts of what the broker did for the order, or None when nothing of it can be seen."""
    command = entry.command
    kind = command["kind"]
    if kind == "CANCEL_PENDING":
        return await withdrawn(broker, int(command["order_ticket"]), await since_msc(broker, parse_iso(entry.at)))
    if kind == "MODIFY_PENDING":
        order = next((o for o in await broker.orders() if o.ticket == command["order_ticket"]), None)
        return None if order is None else as_changed(order, command)
    if kind == "MODIFY_POSITION":
        asked = command["position_ticket"]
        position = next((p for p in await broker.positions() if asked in {p.ticket, p.position_id}), None)
        return None if position is None else as_changed(position, command)
    return await traded(broker, command, await since_msc(broker, parse_iso(entry.at)))


async def traded(broker: Broker, command: dict[str, Any], since: int) -> dict[str, Any] | None:
    """Look for the order's comment: deals say most, then the order, then the position."""
    deals = [deal for deal in await deals_since(broker, since) if is_ours(deal, command)]
    orders = [*await broker.orders(), *await broker.history_orders(since)]
    order = next((one for one in orders if is_ours(one, command)), None)
    position = next((one for one in await broker.positions() if is_ours(one, command)), None)
    if deals:
        volume = sum((deal.volume for deal in deals), Decimal(0))
        paid = sum((deal.price * deal.volume for deal in deals), Decimal(0))
        return facts(Retcode.DONE, deals[-1].order, deals[-1].position_id, deals[-1].ticket, paid / volume, volume)
    if order is not None:
        filled = order.volume_initial - order.volume_current
        return facts(Retcode.PLACED, order.ticket, order.position_id, 0, order.price_open, filled)
    if position is not None:
        return facts(Retcode.DONE, position.ticket, position.position_id, 0, position.open_price, position.volume)
    return None


def is_ours(one: ByTrade, command: dict[str, Any]) -> bool:
    """Whether a record at the broker belongs to the command; never more volume than was asked for."""
    volume = one.volume_initial if isinstance(one, Order) else one.volume
    asked = Decimal(command["volume"])
    return (
        bool(command["comment"])
        and one.comment == command["comment"]
        and one.magic == command["magic"]
        and command["symbol"] in {"", one.symbol}
        and (not asked or command["kind"] == "CLOSE_ALL" or volume <= asked)
    )


async def withdrawn(broker: Broker, ticket: int, since: int) -> dict[str, Any] | None:
    """A pending order that has left the book as CANCELED was withdrawn."""
    gone = next((o for o in await broker.history_orders(since) if o.ticket == ticket and o.state == "CANCELED"), None)
    return None if gone is None else facts(Retcode.DONE, ticket, gone.position_id, 0, gone.price_open, Decimal(0))


def as_changed(one: Order | Position, command: dict[str, Any]) -> dict[str, Any] | None:
    """A position or order that has the stop, target and price of the command was changed by it."""
    asked = (Decimal(command["sl"]), Decimal(command["tp"]))
    if (one.sl, one.tp) != asked:
        return None
    if isinstance(one, Order):
        if command["price"] and one.price_open != Decimal(command["price"]):
            return None
        return facts(Retcode.DONE, one.ticket, one.position_id, 0, one.price_open, one.volume_current)
    return facts(Retcode.DONE, 0, one.position_id, 0, one.open_price, one.volume)


async def since_msc(broker: Broker, at: datetime) -> int:
    """A moment as milliseconds of the broker's wall clock, some minutes earlier."""
    clock = await broker.time()
    return int(at.timestamp() * 1000) + (clock.server - clock.gmt) * 1000 - SEARCHED_BEFORE_MS


async def deals_since(broker: Broker, since: int) -> list[Deal]:
    """All deals from a moment on."""
    found: list[Deal] = []
    cursor = DealCursor(since, 0)
    while page := await broker.deals(cursor, DEALS_PAGE):
        found += page
        cursor = DealCursor(page[-1].time_msc, page[-1].ticket)
    return found


def facts(retcode: int, order: int, position_id: int, deal: int, price: Decimal, volume: Decimal) -> dict[str, Any]:
    """The facts of a RECOVERED report."""
    return {
        "retcode": int(retcode),
        "order_ticket": str(order),
        "deal_ticket": str(deal),
        "position_id": str(position_id),
        "price": price,
        "volume": volume,
        "message": "found at the broker",
    }
