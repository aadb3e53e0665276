"""Prices, candles and symbols, for people."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from rubi.api.deps import CurrentUser, Now, PortsDep
from rubi.api.errors import responses
from rubi.api.history import NOT_MODIFIED, From, IfNoneMatch, To, utc
from rubi.api.tagged import tagged
from rubi.api.wire import Moment, Told
from rubi.domain.clock import EARLIEST
from rubi.domain.errors import RubiError
from rubi.flows.choose_account import need_account
from rubi.flows.read_candles import read_candles
from rubi.store import market, views

router = APIRouter(prefix="/api/v1/market", tags=["market"])

Timeframe = Literal["M1", "M5", "M15", "M30", "H1", "H4", "D1", "W1", "MN1"]
Account = Annotated[str | None, Query(max_length=64, description="Its id or login; needed when you have several")]
Symbol = Annotated[str, Query(min_length=1, max_length=64)]
SymbolList = Annotated[str | None, Query(max_length=4000, description="Names with commas between; all when left out")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class PriceOut(Told):
    """The last quote of a symbol on an account."""

    account_id: UUID
    symbol: str
    bid: float
    ask: float
    time: Moment


class PricesOut(Told):
    """Quotes in order of the symbol."""

    total: int
    prices: list[PriceOut]


class CandleOut(Told):
    """`time` is the start, UTC; volumes as the broker counts them, spread in points."""

    time: Moment
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    real_volume: int
    spread: int


class CandlesOut(Told):
    """Candles, oldest first. `next`: send it as `cursor` for the ones before; null when there are no earlier ones.

    `resampled_from`: the smaller timeframe they were made of, null when the terminal told them so.
    """

    account_id: UUID
    symbol: str
    timeframe: Timeframe
    resampled_from: Timeframe | None
    next: str | None
    candles: list[CandleOut]


class SymbolOut(Told):
    """A symbol as the terminal described it; `spec` has decimals as text. The last quote, null before there is one."""

    name: str
    spec: dict[str, Any]
    updated_at: Moment
    bid: float | None
    ask: float | None
    quoted_at: Moment | None


class SymbolsOut(Told):
    """Symbols in order of name. `next`: send it as `cursor` for the ones after; null at the end."""

    account_id: UUID
    next: str | None
    symbols: list[SymbolOut]


@router.get("/prices", responses=responses(401, 403, 404))
async def prices(user: CurrentUser, ports: PortsDep, symbols: SymbolList = None, account: Account = None) -> PricesOut:
    """The last quotes of all your accounts, or of one."""
    wanted = None if symbols is None else [name.strip() for name in symbols.split(",") if name.strip()]
    only = user.account_id
    async with ports.pool.acquire() as conn:
        if account is not None:
            only = (await need_account(conn, user.user_id, named=account, bound=user.account_id)).id
        rows = await views.prices(conn, user.user_id, only, wanted)
    told = [
        PriceOut(
            account_id=row["account_id"], symbol=row["symbol"], bid=row["bid"], ask=row["ask"], time=row["received_at"]
        )
        for row in rows
    ]
    return PricesOut(total=len(told), prices=told)


@router.get("/candles", response_model=CandlesOut, responses=responses(401, 403, 404) | NOT_MODIFIED)
async def candles(
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    symbol: Symbol,
    timeframe: Timeframe = "H1",
    start: From = None,
    end: To = None,
    limit: Limit = 500,
    cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before")] = None,
    account: Account = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The newest candles of a range. A timeframe that the terminal did not tell is made of smaller ones.

    Days, weeks and months begin as they do at the broker.
    """
    since = EARLIEST if start is None else utc(start)
    until = now if end is None else utc(end)
    if cursor is not None:
        until = min(until, _moment_of(cursor))
    if since >= until and cursor is None:
        raise RubiError("RANGE_INVALID", f"from {since.isoformat()} is not before to {until.isoformat()}", field="from")
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, user.user_id, named=account, bound=user.account_id)
        found = await read_candles(
            conn, chosen.id, chosen.clock, symbol, timeframe, start=since, end=until, limit=limit
        )
    body = {
        "account_id": chosen.id,
        "symbol": symbol,
        "timeframe": timeframe,
        "resampled_from": found.resampled_from,
        "next": None if found.earlier is None else found.earlier.isoformat(),
        "candles": list(found.candles),
    }
    return tagged(body, if_none_match)


@router.get("/symbols", responses=responses(401, 403, 404))
async def symbols(
    user: CurrentUser,
    ports: PortsDep,
    account: Account = None,
    cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before")] = None,
    limit: Limit = 200,
) -> SymbolsOut:
    """The symbols of an account, with their specification and last quote."""
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, user.user_id, named=account, bound=user.account_id)
        rows = await market.symbols(conn, chosen.id, after=cursor, limit=limit + 1)
    told = [
        SymbolOut(
            name=row["name"],
            spec=row["spec"],
            updated_at=row["received_at"],
            bid=row["bid"],
            ask=row["ask"],
            quoted_at=row["quoted_at"],
        )
        for row in rows[:limit]
    ]
    return SymbolsOut(account_id=chosen.id, next=told[-1].name if len(rows) > limit else None, symbols=told)


def _moment_of(cursor: str) -> datetime:
    try:
        return utc(datetime.fromisoformat(cursor))
    except (ValueError, OverflowError):
        raise RubiError(
            "CURSOR_INVALID", "cursor is not one of ours: send `next` of the page before", field="cursor"
        ) from None
