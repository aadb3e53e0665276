"""Open positions, for people."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BeforeValidator

from rubi.api.deps import CurrentUser, PortsDep
from rubi.api.errors import responses
from rubi.api.wire import Moment, Told
from rubi.domain.errors import NotFoundError
from rubi.store import views
from rubi.store.pool import Row

router = APIRouter(prefix="/api/v1/trading", tags=["positions"])

Ticket = Annotated[str, BeforeValidator(str)]
"""64 bits: text, because a browser's numbers end at 2^53."""


class PositionOut(Told):
    """An open position; prices in the quote currency, money in the account's."""

    ticket: Ticket
    position_id: Ticket
    account_id: UUID
    symbol: str
    type: Literal["BUY", "SELL"]
    volume: float
    open_price: float
    current_price: float
    sl: float | None
    tp: float | None
    profit: float
    swap: float
    commission: float
    magic: Ticket
    comment: str | None
    order_id: int | None
    origin: Literal["OURS", "EXTERNAL"]
    open_time: Moment
    updated_at: Moment


class PositionsOut(Told):
    """Open positions, oldest first."""

    session_id: UUID | None
    total: int
    positions: list[PositionOut]


@router.get("/positions", responses=responses(401, 403, 404))
async def positions(user: CurrentUser, ports: PortsDep, session_id: UUID | None = None) -> PositionsOut:
    """The open positions of a session's account, or of all your accounts."""
    only = user.account_id
    async with ports.pool.acquire() as conn:
        if session_id is not None:
            only = await views.session_account(conn, user.user_id, user.account_id, session_id)
            if only is None:
                raise NotFoundError("SESSION_NOT_FOUND", f"there is no session {session_id} of yours")
        found = await views.open_positions(conn, user.user_id, only)
    return PositionsOut(session_id=session_id, total=len(found), positions=[position(row) for row in found])


def position(row: Row) -> PositionOut:
    """A row of `views.open_positions` as it is told."""
    said: dict[str, Any] = dict(row)
    return PositionOut.model_validate(said)
