"""What became of a position over its life, for people."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from rubi.api.deps import CurrentUser, Now, PortsDep
from rubi.api.errors import responses
from rubi.api.history import NOT_MODIFIED, From, IfNoneMatch, To, utc
from rubi.api.market import Account
from rubi.api.positions import Ticket
from rubi.api.tagged import tagged
from rubi.api.wire import Moment, Told
from rubi.domain.history import MOST_POINTS
from rubi.flows.read_position_history import read_position_history

router = APIRouter(prefix="/api/v1/trading/positions", tags=["positions"])

PositionInPath = Annotated[int, Path(ge=1, lt=2**63, description="the position's id, or the broker's ticket")]


class PositionPointOut(Told):
    """A step of a position's life: as it was at the step's end, and how far price and profit went inside it.

    Prices in the quote currency; profit (without swap) and swap in the account's; volume in lots.
    """

    time: Moment
    price: float
    price_high: float
    price_low: float
    profit: float
    profit_high: float
    profit_low: float
    swap: float
    volume: float
    sl: float | None
    tp: float | None
    samples: int


class PositionHistoryOut(Told):
    """A position and its points. It is sampled every ten seconds, and at each change of volume, stop or target.

    Steps without a sample are left out.
    """

    account_id: UUID
    position_id: Ticket
    ticket: Ticket
    symbol: str
    type: Literal["BUY", "SELL"]
    status: Literal["OPEN", "CLOSED"]
    open_price: float
    open_time: Moment
    close_time: Moment | None
    start: Moment
    end: Moment
    step_seconds: int
    points: list[PositionPointOut]


@router.get(
    "/{position_id:int}/history",
    response_model=PositionHistoryOut,
    responses=responses(401, 403, 404) | NOT_MODIFIED,
    summary="Price and profit of a position over its life",
)
async def position_history(
    position_id: PositionInPath,
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    start: From = None,
    end: To = None,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="About so many")] = 500,
    account: Account = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """An open position to now, a closed one to its end; the extremes inside every step are kept."""
    found = await read_position_history(
        ports,
        user,
        position_id,
        account=account,
        start=None if start is None else utc(start),
        end=None if end is None else utc(end),
        points=points,
        now=now,
    )
    position = found.position
    body = {
        "account_id": position["account_id"],
        "position_id": str(position["position_id"]),
        "ticket": str(position["ticket"]),
        "symbol": position["symbol"],
        "type": position["side"],
        "status": position["status"],
        "open_price": float(position["open_price"]),
        "open_time": position["opened_at"],
        "close_time": position["closed_at"],
        "start": found.start,
        "end": found.end,
        "step_seconds": int(found.step.total_seconds()),
        "points": [dict(row) for row in found.points],
    }
    return tagged(body, if_none_match)
