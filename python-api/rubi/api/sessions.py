"""Terminals and their accounts, for people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from rubi.api.deps import CurrentUser, PortsDep
from rubi.api.errors import responses
from rubi.api.wire import Moment, Told
from rubi.domain.errors import NotFoundError
from rubi.store import views

router = APIRouter(prefix="/api/v1/mt5", tags=["mt5"])


class SessionOut(Told):
    """A terminal's session; money in the account's currency, null until the terminal told it."""

    session_id: UUID
    account_id: UUID
    account_number: str
    broker: str
    server: str
    currency: str
    trade_mode: str
    margin_mode: str
    leverage: int | None
    balance: float | None
    equity: float | None
    connected_at: Moment
    last_ping: Moment
    disconnected_at: Moment | None
    state: str
    is_active: bool
    epoch: int
    holds_account: bool
    terminal_instance_id: str
    protocol: int
    ea_version: str | None
    build: int | None
    trading_state: str
    not_tradable_code: str | None


class SessionsOut(Told):
    """Sessions, newest first."""

    total: int
    sessions: list[SessionOut]


class AccountOut(Told):
    """An account as its terminal said it last; money in its currency, margin_level in percent."""

    session_id: UUID
    account_id: UUID
    account_number: str
    broker: str
    server: str
    currency: str
    leverage: int | None
    trade_mode: str
    margin_mode: str
    trading_state: str
    trading_reason: str | None
    not_tradable_code: str | None
    reconciled_at: Moment | None
    balance: float | None
    equity: float | None
    margin: float | None
    margin_free: float | None
    margin_level: float | None
    profit: float | None
    credit: float | None
    updated_at: Moment | None


@router.get("/sessions", responses=responses(401, 403))
async def sessions(
    user: CurrentUser,
    ports: PortsDep,
    active: Annotated[bool, Query(description="Only sessions in use; false: ended ones too")] = True,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> SessionsOut:
    """Your terminals' sessions, newest first."""
    async with ports.pool.acquire() as conn:
        total, found = await views.sessions(conn, user.user_id, user.account_id, active=active, limit=limit)
    return SessionsOut(total=total, sessions=[SessionOut.model_validate(row) for row in found])


@router.get("/account/{session_id}", responses=responses(401, 403, 404))
async def account(session_id: UUID, user: CurrentUser, ports: PortsDep) -> AccountOut:
    """The account of a session."""
    async with ports.pool.acquire() as conn:
        found = await views.account(conn, user.user_id, user.account_id, session_id)
    if found is None:
        raise NotFoundError("SESSION_NOT_FOUND", f"there is no session {session_id} of yours")
    return AccountOut.model_validate(dict(found))
