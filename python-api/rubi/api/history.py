"""An account's money over time, for people."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from rubi.api.deps import CurrentUser, Now, PortsDep
from rubi.api.errors import responses
from rubi.api.tagged import tagged
from rubi.api.wire import Moment, Told
from rubi.domain.clock import EARLIEST, LATEST
from rubi.domain.errors import RubiError
from rubi.domain.history import MOST_POINTS, Resolution
from rubi.flows.read_history import read_history

router = APIRouter(prefix="/api/v1/mt5", tags=["mt5"])

DAY = timedelta(days=1)
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "What If-None-Match names is still right"}}
When = datetime | None
IfNoneMatch = Annotated[str | None, Header()]
From = Annotated[When, Query(alias="from", description="ISO 8601, without a zone UTC; included")]
To = Annotated[When, Query(alias="to", description="ISO 8601, without a zone UTC; not included; now when left out")]


class PointOut(Told):
    """A step of the account's life; money in its currency. `equity` and `balance` as they were at its end."""

    time: Moment
    equity: float
    equity_open: float
    equity_high: float
    equity_low: float
    balance: float
    drawdown: float
    samples: int


class HistoryOut(Told):
    """`drawdown` is the worst inside a step, 0 to 1, from the highest equity since `from`; a withdrawal counts as one.

    `resolution` says what the points were made of: the snapshots themselves, or buckets of them.
    """

    session_id: UUID
    account_id: UUID
    start: Moment
    end: Moment
    resolution: Resolution
    step_seconds: int
    max_drawdown: float
    points: list[PointOut]


def utc(moment: datetime) -> datetime:
    """A moment that was given without a zone is UTC.

    Raises:
        RubiError: 422 `TIME_INVALID` outside the years that are kept.

    """
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if not EARLIEST <= aware < LATEST:
        raise RubiError("TIME_INVALID", f"{moment.isoformat()} is not between 2000 and 2099", field="from")
    return aware.astimezone(UTC)


@router.get(
    "/account/{session_id}/history", response_model=HistoryOut, responses=responses(401, 403, 404) | NOT_MODIFIED
)
async def history(
    session_id: UUID,
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    start: From = None,
    end: To = None,
    points: Annotated[int, Query(ge=1, le=MOST_POINTS, description="About so many")] = 500,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Equity, balance and drawdown of an account; the extremes inside every step are kept. The last day, by default.

    Rollups follow the snapshots within ten seconds; steps below a minute are read from the snapshots themselves.
    """
    until = utc(end) if end is not None else now
    since = utc(start) if start is not None else until - DAY
    found = await read_history(ports, user, session_id, start=since, end=until, points=points)
    body = {
        "session_id": session_id,
        "account_id": found.account_id,
        "start": since,
        "end": until,
        "resolution": found.view.resolution,
        "step_seconds": int(found.view.step.total_seconds()),
        "max_drawdown": max((row["drawdown"] for row in found.points), default=0.0),
        "points": [dict(row) for row in found.points],
    }
    return tagged(body, if_none_match)
