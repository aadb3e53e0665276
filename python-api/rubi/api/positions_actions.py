"""What people and programs do to open positions: close, close many, protect."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from rubi.api.errors import responses
from rubi.api.keyed import OnceDep
from rubi.api.wire_orders import CloseIn, CloseManyIn, ClosingOut, DecidedOut, ProtectIn
from rubi.flows.close_positions import close_position, close_positions
from rubi.flows.modify_position import modify_position

router = APIRouter(prefix="/api/v1/trading/positions", tags=["positions"])

_ORDERS = "/api/v1/trading/orders"
TicketInPath = Annotated[int, Path(ge=1, lt=2**63, description="the broker's ticket, or the position's id")]


@router.post(
    "/close",
    status_code=201,
    response_model=ClosingOut,
    responses={200: {"model": ClosingOut, "description": "Nothing to close"}, **responses(401, 403, 404, 409)},
    summary="Close positions by symbol, side, magic, or all",
)
async def close_many(body: CloseManyIn, once: OnceDep) -> Response:
    """One close for each position that matches and that no close is on its way to."""
    return await once(lambda conn: close_positions(conn, once.caller, body.to_chosen()))


@router.post(
    "/{ticket:int}/close",
    status_code=201,
    response_model=DecidedOut,
    responses=responses(401, 403, 404, 409),
    summary="Close a position, wholly or in part",
)
async def close_one(ticket: TicketInPath, once: OnceDep, body: CloseIn | None = None) -> Response:
    """A part goes down to the broker's volume step; a rest that it could not hold is closed with it."""
    asked = body or CloseIn()
    return await once(
        lambda conn: close_position(conn, once.caller, ticket, asked.to_part(), account=asked.account),
        location=_ORDERS,
    )


@router.post(
    "/{ticket:int}/modify",
    status_code=201,
    response_model=DecidedOut,
    responses=responses(401, 403, 404, 409),
    summary="Move a position's stop and target",
)
async def protect(ticket: TicketInPath, body: ProtectIn, once: OnceDep) -> Response:
    """A stop that moves away from profit, or is taken off, is weighed like new risk and may be DENIED."""
    return await once(
        lambda conn: modify_position(conn, once.caller, ticket, body.to_change(), account=body.account),
        location=_ORDERS,
    )
