"""Deals and round trips by range, each with its time in UTC and on the broker's wall."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.clock import BrokerClock
from rubi.domain.errors import RubiError
from rubi.flows.ports import Ports
from rubi.flows.show_signal import shown
from rubi.store import account_views, deal_views
from rubi.store.deal_views import Place, Range
from rubi.store.order_views import Owner
from rubi.store.pool import Row

_TEXTS = frozenset({"ticket", "order_ticket", "position_id"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def read_deals(ports: Ports, owner: Owner, wanted: Range) -> tuple[list[dict[str, Any]], str | None]:
    """A page of deals, newest first, and the cursor of the next page; None when there is no more."""
    async with ports.pool.acquire() as conn:
        rows = await deal_views.deals(conn, owner, wanted)
    return [_deal(row) for row in rows], _next(rows, wanted, "executed_at", "ticket")


async def read_trips(ports: Ports, owner: Owner, wanted: Range) -> tuple[list[dict[str, Any]], str | None]:
    """A page of closed positions, the last closed first, and the cursor of the next page."""
    async with ports.pool.acquire() as conn:
        rows = await deal_views.trips(conn, owner, wanted)
        clocks = await account_views.clocks(conn, owner)
    return [_trip(row, clocks.get(row["account_id"])) for row in rows], _next(rows, wanted, "closed_at", "position_id")


def place_of(cursor: str) -> Place:
    """Where the page before ended.

    Raises:
        RubiError: 422, this is no cursor of ours.

    """
    try:
        at, account_id, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("~")
        place = Place(datetime.fromisoformat(at), UUID(account_id), int(number))
    except (ValueError, binascii.Error):
        place = None
    if place is None or place.at.tzinfo is None or not 0 <= place.number < 2**63:
        raise RubiError("CURSOR_INVALID", "use next_cursor of the page before", field="cursor")
    return place


def _next(rows: list[Row], wanted: Range, at: str, number: str) -> str | None:
    if len(rows) < wanted.limit:
        return None
    last = rows[-1]
    text = f"{last[at].isoformat()}~{last['account_id']}~{last[number]}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _values(row: Row, *leave: str) -> dict[str, Any]:
    return {
        name: str(value) if name in _TEXTS and value is not None else shown(name, value)
        for name, value in row.items()
        if name not in leave
    }


def _deal(row: Row) -> dict[str, Any]:
    # The broker's own time of the deal, as MT5 gave it; executed_at was made from it by the offset in force then.
    wall = (_EPOCH + timedelta(milliseconds=row["time_msc"])).replace(tzinfo=None)
    net = row["profit"] + row["swap"] + row["commission"] + row["fee"]
    return {**_values(row, "time_msc"), "executed_at_broker": wall.isoformat(), "net": float(net)}


def _trip(row: Row, clock: BrokerClock | None) -> dict[str, Any]:
    net = row["profit"] + row["swap"] + row["commission"] + row["fee"]
    return {
        **_values(row),
        "net": float(net),
        "opened_at_broker": _wall(clock, row["opened_at"]),
        "closed_at_broker": _wall(clock, row["closed_at"]),
    }


def _wall(clock: BrokerClock | None, moment: datetime) -> str | None:
    """The broker's wall clock, without a zone; None while its offset is not learned."""
    return None if clock is None else clock.wall(moment).isoformat()
