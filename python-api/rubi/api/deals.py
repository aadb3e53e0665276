"""Deals and round trips, by range, in UTC and in the broker's time."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from rubi.api.deps import CurrentUser, Now, PortsDep
from rubi.api.errors import responses
from rubi.api.wire import Told
from rubi.domain.clock import parse_time
from rubi.domain.errors import RubiError
from rubi.flows.choose_account import narrow
from rubi.flows.read_deals import place_of, read_deals, read_trips
from rubi.store.deal_views import Range
from rubi.store.order_views import Owner

router = APIRouter(prefix="/api/v1/trading", tags=["deals"])

MONTH = timedelta(days=30)

Since = Annotated[
    str | None, Query(alias="from", max_length=40, description="ISO 8601 or unix time; 30 days before `to`")
]
To = Annotated[str | None, Query(max_length=40, description="ISO 8601 or unix time, not included; now when left out")]
Symbol = Annotated[str | None, Query(max_length=64)]
Account = Annotated[str | None, Query(max_length=64, description="an account's id or login; all when left out")]
Cursor = Annotated[str | None, Query(max_length=400, description="next_cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class DealOut(Told):
    """A fill or a balance operation; money in the account's currency, tickets as text."""

    model_config = ConfigDict(extra="allow")

    account_id: str
    currency: str
    ticket: str
    order_ticket: str | None
    position_id: str | None
    order_id: int | None
    symbol: str | None
    type: str
    entry: str | None
    volume: float
    price: float
    profit: float
    swap: float
    commission: float
    fee: float
    net: float
    magic: str
    comment: str | None
    reason: str | None
    executed_at: str
    executed_at_broker: str


class DealsOut(Told):
    """A page of deals, newest first."""

    deals: list[DealOut]
    next_cursor: str | None


class TripOut(Told):
    """A closed position with its deals added up; prices are means by volume."""

    account_id: str
    currency: str
    position_id: str
    symbol: str
    side: str | None
    volume: float | None
    open_price: float | None
    close_price: float | None
    profit: float
    swap: float
    commission: float
    fee: float
    net: float
    magic: str
    deals: int
    order_id: int | None
    origin: str | None
    close_reason: str | None
    opened_at: str
    opened_at_broker: str | None
    closed_at: str
    closed_at_broker: str | None


class HistoryOut(Told):
    """A page of closed positions, the last closed first."""

    history: list[TripOut]
    next_cursor: str | None


@router.get("/deals", responses=responses(401, 403, 404), summary="Deals of a range")
async def deals(
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    since: Since = None,
    to: To = None,
    symbol: Symbol = None,
    account: Account = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> DealsOut:
    """Fills and balance operations as the broker told them."""
    owner = await narrow(ports, Owner(user.user_id, user.account_id), account)
    found, after = await read_deals(ports, owner, _range(since, to, symbol, cursor, limit, now))
    return DealsOut(deals=[DealOut.model_validate(each) for each in found], next_cursor=after)


@router.get("/history", responses=responses(401, 403, 404), summary="Closed positions of a range")
async def history(
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    since: Since = None,
    to: To = None,
    symbol: Symbol = None,
    account: Account = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> HistoryOut:
    """Round trips: each closed position with what it earned."""
    owner = await narrow(ports, Owner(user.user_id, user.account_id), account)
    found, after = await read_trips(ports, owner, _range(since, to, symbol, cursor, limit, now))
    return HistoryOut(history=[TripOut.model_validate(each) for each in found], next_cursor=after)


def _range(
    since: str | None, to: str | None, symbol: str | None, cursor: str | None, limit: int, now: datetime
) -> Range:
    end = now + timedelta(days=1) if to is None else parse_time(to, field="to")
    begin = min(end, now) - MONTH if since is None else parse_time(since, field="from")
    if begin >= end:
        raise RubiError("RANGE_EMPTY", f"from {begin.isoformat()} is not before to {end.isoformat()}", field="from")
    return Range(begin, end, symbol, None if cursor is None else place_of(cursor), limit)
