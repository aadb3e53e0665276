"""Accounts over REST: what they are, who holds them, and the kill switch at its three levels."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import ConfigDict

from rubi.api.deps import CurrentUser, Now, PortsDep
from rubi.api.errors import responses
from rubi.api.keyed import OnceDep
from rubi.api.wire import Asked, Told
from rubi.api.wire_orders import ClosingOut, Reason, Symbol
from rubi.flows.read_accounts import read_account, read_accounts
from rubi.flows.read_reconciliation import read_reconciliation
from rubi.flows.switch_trading import Switch, switch_trading
from rubi.flows.take_over_account import take_over_account
from rubi.store.order_views import Owner

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

SwitchInPath = Annotated[Switch, Path(description="halt, reduce, flatten (halt, close and cancel all) or resume")]


class SwitchIn(Asked):
    """Why, and for which symbol; without one for all symbols."""

    reason: Reason
    symbol: Symbol | None = None


class TakeOverIn(Asked):
    """Why the terminal loses the account."""

    reason: Reason = "taken over by its owner"


class AccountOut(Told):
    """An account: `effective_state` is what counts for all symbols, `switches` say why; money in its currency."""

    model_config = ConfigDict(extra="allow")

    id: str
    login: str
    server: str
    broker: str
    currency: str
    leverage: int | None
    margin_mode: str
    trade_mode: str
    epoch: int
    trading_state: str
    trading_reason: str | None
    effective_state: str
    switches: list[dict[str, Any]]
    not_tradable_code: str | None
    live: bool
    reconciled: bool
    money: dict[str, Any] | None
    session: dict[str, Any] | None
    offset_minutes: int | None
    clock_suspect: bool
    offsets: list[dict[str, Any]]


class AccountsOut(Told):
    """Accounts, oldest first."""

    total: int
    accounts: list[AccountOut]


class Taken(Told):
    """What a flatten takes back; `in_flight` is at the broker's door and may still open: flatten again for it."""

    instructions: list[int]
    orders: list[int]
    in_flight: list[int]


class SwitchedOut(Told):
    """The level that was set, and what counts now on each account that it reaches."""

    account_id: UUID | None
    symbol: str | None
    state: str
    reason: str
    accounts: list[dict[str, str]]
    closes: ClosingOut | None = None
    cancels: Taken | None = None


class TakenOverOut(Told):
    """The session that ended; null when none held the account."""

    account_id: UUID
    ended_session: UUID | None
    terminal_instance_id: str | None
    epoch: int


class PassOut(Told):
    """One comparison with the broker, and what it found."""

    id: int
    reason: str
    at: str
    differences: list[dict[str, Any]] | dict[str, Any]


class ReconciliationOut(Told):
    """Comparisons, newest first; `reconciled_at` null: none is done yet, and nothing opens."""

    account_id: UUID
    reconciled_at: str | None
    orders_unknown: int
    passes: list[PassOut]
    next_before: int | None


@router.get("", responses=responses(401, 403), summary="Your accounts")
async def list_accounts(user: CurrentUser, ports: PortsDep, now: Now) -> AccountsOut:
    """Each with its money, its terminal, its switches and its broker's clock."""
    found = await read_accounts(ports, Owner(user.user_id, user.account_id), now=now)
    return AccountsOut(total=len(found), accounts=[AccountOut.model_validate(each) for each in found])


@router.post(
    "/{switch}",
    response_model=SwitchedOut,
    responses=responses(401, 403, 404, 409),
    summary="Halt, reduce, flatten or resume everything you have",
)
async def switch_all(switch: SwitchInPath, body: SwitchIn, once: OnceDep) -> Response:
    """Holds for all accounts, those of tomorrow too, until it is resumed here."""
    return await once(
        lambda conn: switch_trading(conn, once.caller, switch, account_id=None, symbol=body.symbol, reason=body.reason)
    )


@router.get("/{account_id}", responses=responses(401, 403, 404), summary="An account")
async def get_account(account_id: UUID, user: CurrentUser, ports: PortsDep, now: Now) -> AccountOut:
    """With its money, its terminal, its switches and its broker's clock."""
    owner = Owner(user.user_id, user.account_id)
    return AccountOut.model_validate(await read_account(ports, owner, account_id, now=now))


@router.get(
    "/{account_id}/reconciliation", responses=responses(401, 403, 404), summary="What the broker's books said else"
)
async def get_reconciliation(
    account_id: UUID,
    user: CurrentUser,
    ports: PortsDep,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only passes with a smaller id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> ReconciliationOut:
    """The comparisons of the account with its broker, newest first, with the differences each found."""
    owner = Owner(user.user_id, user.account_id)
    found = await read_reconciliation(ports, owner, account_id, before=before, limit=limit)
    return ReconciliationOut.model_validate(found)


@router.post(
    "/{account_id}/take-over",
    response_model=TakenOverOut,
    responses=responses(401, 403, 404, 409),
    summary="Take the account from the terminal that holds it",
)
async def take_over(account_id: UUID, once: OnceDep, body: TakeOverIn | None = None) -> Response:
    """Another terminal may connect at once; the one that held it, not before half a minute has passed."""
    reason = (body or TakeOverIn()).reason
    return await once(lambda conn: take_over_account(conn, once.caller, account_id, reason))


@router.post(
    "/{account_id}/{switch}",
    response_model=SwitchedOut,
    responses=responses(401, 403, 404, 409),
    summary="Halt, reduce, flatten or resume an account, or one symbol on it",
)
async def switch_one(account_id: UUID, switch: SwitchInPath, body: SwitchIn, once: OnceDep) -> Response:
    """The strictest of the levels counts; resuming one level leaves the others as they are."""
    return await once(
        lambda conn: switch_trading(
            conn, once.caller, switch, account_id=account_id, symbol=body.symbol, reason=body.reason
        )
    )
