"""Counts of everything, for people."""

from fastapi import APIRouter

from rubi.api.deps import CurrentUser, PortsDep
from rubi.api.errors import responses
from rubi.api.wire import Told
from rubi.store import views

router = APIRouter(prefix="/api/v1", tags=["stats"])


class SignalCounts(Told):
    """Signals; expired and cancelled ones are in the total only."""

    total: int
    executed: int
    pending: int
    rejected: int


class SessionCounts(Told):
    """Terminals' sessions."""

    active: int
    total: int


class PositionCounts(Told):
    """Positions."""

    open: int


class StatsOut(Told):
    """Counts of what is yours."""

    signals: SignalCounts
    sessions: SessionCounts
    positions: PositionCounts


@router.get("/stats", responses=responses(401, 403))
async def stats(user: CurrentUser, ports: PortsDep) -> StatsOut:
    """How many signals, sessions and positions you have."""
    async with ports.pool.acquire() as conn:
        found = await views.statistics(conn, user.user_id, user.account_id)
    return StatsOut(
        signals=SignalCounts(
            total=found["signals_total"],
            executed=found["signals_executed"],
            pending=found["signals_pending"],
            rejected=found["signals_rejected"],
        ),
        sessions=SessionCounts(active=found["sessions_active"], total=found["sessions_total"]),
        positions=PositionCounts(open=found["positions_open"]),
    )
