"""The paths of specs/backend-integration.md: `/api/positions`, `/api/orders`, `/api/signals`, `/api/market`.

A thin router in that specification's shapes; every call goes through the same flows as `/api/v1`.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from rubi.api.deps import CurrentUser, Now, PortsDep, SignalSource
from rubi.api.errors import responses
from rubi.api.keyed import OnceDep
from rubi.api.signals import send_signal
from rubi.api.wire_integration import (
    CandleOut,
    CloseByTicket,
    Execute,
    ExecuteIn,
    MarketAccountOut,
    ModifyOne,
    OneOrder,
    OrderByType,
    PositionOut,
    PriceOut,
    ProtectByTicket,
    SignalShape,
    Timeframe,
    account_shape,
    candle_shape,
    position_shape,
    signal_shape,
)
from rubi.api.wire_orders import ChangedOut, DecidedOut, OrderOut
from rubi.domain.errors import NotFoundError
from rubi.domain.units import Lots
from rubi.flows.cancel_order import cancel_order, cancel_ticket
from rubi.flows.choose_account import narrow, need_account
from rubi.flows.close_positions import Part, close_position
from rubi.flows.modify_order import modify_order, modify_ticket
from rubi.flows.modify_position import modify_position
from rubi.flows.place_order import place_order, try_order
from rubi.store import integration, signals, views
from rubi.store.order_views import Owner

router = APIRouter(prefix="/api", tags=["integration"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Account = Annotated[str | None, Query(max_length=64, description="an account's id or login")]
_CHANGES = responses(401, 403, 404, 409)


@router.get("/positions", responses=responses(401, 403), summary="All open positions")
async def positions(user: CurrentUser, ports: PortsDep) -> list[PositionOut]:
    """Oldest first, at most 5000."""
    async with ports.pool.acquire() as conn:
        return [position_shape(row) for row in await views.open_positions(conn, user.user_id, user.account_id)]


@router.get("/positions/{ticket:int}", responses=responses(401, 403, 404), summary="One open position")
async def one_position(ticket: Annotated[int, Path(ge=1, lt=2**63)], user: CurrentUser, ports: PortsDep) -> PositionOut:
    """By its ticket, or by its id."""
    async with ports.pool.acquire() as conn:
        for row in await views.open_positions(conn, user.user_id, user.account_id):
            if ticket in (row["ticket"], row["position_id"]):
                return position_shape(row)
    raise NotFoundError("POSITION_NOT_FOUND", f"you have no open position {ticket}")


@router.post("/positions/close", status_code=201, response_model=DecidedOut, responses=_CHANGES)
async def close(body: CloseByTicket, once: OnceDep) -> Response:
    """Close a position, or `volume` lots of it."""
    part = Part(None if body.volume is None else Lots(body.volume))
    return await once(lambda conn: close_position(conn, once.caller, body.ticket, part, account=body.account))


@router.post("/positions/modify", status_code=201, response_model=DecidedOut, responses=_CHANGES)
async def protect(body: ProtectByTicket, once: OnceDep) -> Response:
    """Move a position's stop and target."""
    change = body.to_change()
    return await once(lambda conn: modify_position(conn, once.caller, body.ticket, change, account=body.account))


@router.post("/orders", status_code=201, response_model=DecidedOut, responses=_CHANGES)
async def place(body: OrderByType, once: OnceDep) -> Response:
    """Place an order; the answer says whether it is QUEUED or DENIED."""
    wish = body.to_wish()
    if body.dry_run:
        return JSONResponse(await try_order(once.ports, once.caller, wish))
    return await once(lambda conn: place_order(conn, once.caller, wish))


@router.post("/orders/cancel", response_model=OrderOut, responses=_CHANGES)
async def cancel(body: OneOrder, once: OnceDep) -> Response:
    """Take an order back, by our id or by the broker's ticket."""
    order_id, ticket = body.id, body.ticket
    if order_id is not None:
        return await once(lambda conn: cancel_order(conn, once.caller, order_id))
    assert ticket is not None
    return await once(lambda conn: cancel_ticket(conn, once.caller, ticket))


@router.post("/orders/modify", response_model=ChangedOut, responses=_CHANGES)
async def modify(body: ModifyOne, once: OnceDep) -> Response:
    """Change a working order, by our id or by the broker's ticket."""
    order_id, ticket, change = body.id, body.ticket, body.to_change()
    if order_id is not None:
        return await once(lambda conn: modify_order(conn, once.caller, order_id, change))
    assert ticket is not None
    return await once(lambda conn: modify_ticket(conn, once.caller, ticket, change))


@router.get("/signals", responses=responses(401, 403), summary="Signals, newest first")
async def all_signals(user: CurrentUser, ports: PortsDep, limit: Limit = 100) -> list[SignalShape]:
    """Of all symbols."""
    return await _signals(user, ports, None, limit)


@router.get("/signals/latest", responses=responses(401, 403), summary="The newest signal of each symbol")
async def latest(user: CurrentUser, ports: PortsDep, limit: Limit = 100) -> list[SignalShape]:
    """By symbol."""
    async with ports.pool.acquire() as conn:
        rows = await integration.latest_signals(conn, Owner(user.user_id, user.account_id), limit=limit)
    return [signal_shape(row) for row in rows]


@router.get("/signals/{symbol}", responses=responses(401, 403), summary="Signals of a symbol, newest first")
async def of_symbol(
    symbol: Annotated[str, Path(max_length=64)], user: CurrentUser, ports: PortsDep, limit: Limit = 100
) -> list[SignalShape]:
    """None is an empty list."""
    return await _signals(user, ports, symbol, limit)


@router.post("/signals/execute", responses=_CHANGES, summary="Execute a signal")
async def execute(
    body: Execute,
    user: SignalSource,
    ports: PortsDep,
    now: Now,
    response: Response,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> SignalShape:
    """A new signal is kept and decided; a kept one is decided if it was not yet. It never leads to a second order."""
    if isinstance(body, ExecuteIn):
        signal_id = body.id
        ring = True
    else:
        signal_id = (await send_signal(body, user, ports, now, response, idempotency_key)).id
        ring = False
    async with ports.pool.acquire() as conn:
        row = await signals.get(conn, user.user_id, signal_id)
    if row is None or (user.account_id is not None and row["account_id"] not in (user.account_id, None)):
        raise NotFoundError("SIGNAL_NOT_FOUND", f"there is no signal {signal_id}")
    if ring and row["decided_at"] is None:
        ports.ring_decide(signal_id)
    return signal_shape(row)


@router.get("/market/prices", responses=responses(401, 403), summary="The last quotes")
async def prices(
    user: CurrentUser,
    ports: PortsDep,
    symbols: Annotated[str | None, Query(max_length=4000, description="names with commas; all when left out")] = None,
) -> list[PriceOut]:
    """Of each symbol on each of your accounts."""
    wanted = None if symbols is None else [name.strip() for name in symbols.split(",") if name.strip()]
    async with ports.pool.acquire() as conn:
        rows = await views.prices(conn, user.user_id, user.account_id, wanted)
    return [
        PriceOut(
            symbol=row["symbol"],
            bid=row["bid"],
            ask=row["ask"],
            time=row["received_at"],
            account_id=str(row["account_id"]),
        )
        for row in rows
    ]


@router.get("/market/candles", responses=responses(401, 403, 404), summary="Bars, oldest first")
async def candles(
    user: CurrentUser,
    ports: PortsDep,
    symbol: Annotated[str, Query(min_length=1, max_length=64)],
    timeframe: Annotated[Timeframe, Query(description="M1 to MN1, or 1M 5M 15M 1H 4H Daily")] = "H1",
    count: Annotated[int, Query(ge=1, le=5000)] = 100,
    account: Account = None,
) -> list[CandleOut]:
    """The newest `count` bars as the account's terminal told them."""
    owner = await narrow(ports, Owner(user.user_id, user.account_id), account)
    async with ports.pool.acquire() as conn:
        rows = await views.bars(conn, user.user_id, owner.only, symbol, timeframe, limit=count)
    return [CandleOut.model_validate(candle_shape(row)) for row in rows]


@router.get("/market/account", responses=responses(401, 403, 404), summary="An account's money")
async def market_account(user: CurrentUser, ports: PortsDep, account: Account = None) -> MarketAccountOut:
    """The account that is named, or the only one."""
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, user.user_id, named=account, bound=user.account_id)
        row = await integration.account(conn, user.user_id, chosen.id)
    assert row is not None
    return account_shape(row)


async def _signals(user: CurrentUser, ports: PortsDep, symbol: str | None, limit: int) -> list[SignalShape]:
    async with ports.pool.acquire() as conn:
        rows = await integration.signals(conn, Owner(user.user_id, user.account_id), symbol=symbol, limit=limit)
    return [signal_shape(row) for row in rows]
