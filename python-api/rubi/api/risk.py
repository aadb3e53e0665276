"""Risk over REST: the policy and its history, where an account stands, what would be decided, locks and their end."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import Field

from rubi.api.deps import CurrentUser, Now, Person, PortsDep, RequestId
from rubi.api.errors import responses
from rubi.api.keyed import OnceDep
from rubi.api.signals import SignalId
from rubi.api.wire import Asked, Told
from rubi.api.wire_orders import Account, OrderIn, Reason
from rubi.api.wire_signals import Positive
from rubi.domain.errors import NotFoundError
from rubi.domain.risk.profiles import profiles
from rubi.domain.units import Money
from rubi.flows.change_policy import apply_profile, read_policy, read_policy_history, set_policy
from rubi.flows.keep_answer import Caller, Effect, answer_once
from rubi.flows.place_order import try_order
from rubi.flows.ports import Connection, Ports
from rubi.flows.read_risk import STOP_POINTS, read_risk
from rubi.flows.read_signals import read_decision
from rubi.flows.unlock_risk import read_locks, unlock

router = APIRouter(prefix="/api/v1", tags=["risk"])

AccountQuery = Annotated[str | None, Query(max_length=64, description="an account's id or login")]
IfMatch = Annotated[str | None, Header(description="the ETag of the policy that you looked at")]


class PolicyIn(Asked):
    """A whole policy: what is left out takes its default. Parameters as `GET /risk/policy` shows them."""

    policy: dict[str, Any]
    reason: Reason


class ProfileIn(Asked):
    """A programme whose loss limits are laid over the policy; they count from `initial_balance`."""

    profile: Annotated[str, Field(max_length=64)]
    initial_balance: Positive
    reason: Reason


class PolicyProblemOut(Told):
    """Why a stored policy cannot hold: the parameter, and what is wrong with it."""

    field: str
    message: str


class PolicyOut(Told):
    """A policy, who set it, and why; decimals are text. With a problem nothing opens until another one is set."""

    account_id: str
    version: int
    policy: dict[str, Any]
    problem: PolicyProblemOut | None = None
    reason: str | None
    created_by: str | None
    created_at: str | None


class PoliciesOut(Told):
    """Versions, newest first."""

    policies: list[PolicyOut]


class ProfileOut(Told):
    """The loss rules of one programme, in words and as parameters."""

    name: str
    title: str
    source: str
    rules: str
    policy: dict[str, Any]


class UnlockIn(Asked):
    """A lock's id, or the limit: an unlocked limit counts anew from the account's money now."""

    lock: Annotated[int, Field(ge=1, lt=2**63)] | Literal["DAY", "DRAWDOWN"]
    reason: Reason
    account: Account | None = None


@router.get("/risk/policy", responses=responses(401, 403, 404), summary="The policy of an account")
async def get_policy(
    user: CurrentUser, ports: PortsDep, now: Now, response: Response, account: AccountQuery = None
) -> PolicyOut:
    """Every parameter of the risk engine; its ETag is what a change names."""
    found = await read_policy(ports, Caller(user, None, now), account)
    response.headers["ETag"] = f'"{found["version"]}"'
    return PolicyOut(**found)


@router.put(
    "/risk/policy", response_model=PolicyOut, responses=responses(401, 403, 404, 412, 428), summary="Set the policy"
)
async def put_policy(
    body: PolicyIn,
    who: Person,
    ports: PortsDep,
    request_id: RequestId,
    now: Now,
    account: AccountQuery = None,
    if_match: IfMatch = None,
) -> Response:
    """Only a person who logged in may: a program does not raise its own limits. Every version is kept and audited."""
    caller = Caller(who, request_id, now)
    return await _changed(
        ports,
        caller,
        lambda conn: set_policy(conn, caller, body.policy, account=account, seen=if_match, reason=body.reason),
    )


@router.post(
    "/risk/policy/profile",
    response_model=PolicyOut,
    responses=responses(401, 403, 404, 412, 428),
    summary="Lay a programme's limits over the policy",
)
async def post_profile(
    body: ProfileIn, _: Person, once: OnceDep, account: AccountQuery = None, if_match: IfMatch = None
) -> Response:
    """The rest of the policy stays as it is."""
    initial = Money(body.initial_balance)
    done = await once(
        lambda conn: apply_profile(
            conn, once.caller, body.profile, initial, account=account, seen=if_match, reason=body.reason
        )
    )
    done.headers["ETag"] = _etag(done.body)
    return done


@router.get("/risk/policy/history", responses=responses(401, 403, 404), summary="Every version of a policy")
async def get_policy_history(
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    account: AccountQuery = None,
    before: Annotated[int | None, Query(ge=1, lt=2**31, description="only versions before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PoliciesOut:
    """Newest first, with who set each and why."""
    found = await read_policy_history(ports, Caller(user, None, now), account, before=before, limit=limit)
    return PoliciesOut(policies=[PolicyOut(**each) for each in found])


@router.get("/risk/profiles", responses=responses(401, 403), summary="Programmes whose rules are known")
async def get_profiles(_: CurrentUser) -> list[ProfileOut]:
    """Rules change; `source` says where to check them."""
    return [
        ProfileOut(name=name, title=each.title, source=each.source, rules=each.rules, policy=each.policy)
        for name, each in profiles().items()
    ]


@router.get("/risk/profiles/{name}", responses=responses(401, 403, 404), summary="One programme's rules")
async def get_profile(name: Annotated[str, Path(max_length=64)], _: CurrentUser) -> ProfileOut:
    """In words, and as parameters of a policy."""
    each = profiles().get(name)
    if each is None:
        raise NotFoundError("PROFILE_UNKNOWN", f"{name!r} is none of {', '.join(profiles())}", name=name)
    return ProfileOut(name=name, title=each.title, source=each.source, rules=each.rules, policy=each.policy)


@router.get("/risk/status", responses=responses(401, 403, 404), summary="Where an account stands against its limits")
async def get_status(
    user: CurrentUser,
    ports: PortsDep,
    now: Now,
    account: AccountQuery = None,
    stop_points: Annotated[
        int, Query(ge=1, le=1_000_000, description="the stop for which lots are told")
    ] = STOP_POINTS,
) -> dict[str, Any]:
    """Heat, leverage, currencies, the day, the drawdown, what holds the account back, and the room that is left."""
    return await read_risk(ports, Caller(user, None, now), account, stop_points=stop_points)


@router.post("/risk/preview", responses=responses(401, 403, 404), summary="What would be decided now")
async def preview(body: OrderIn, user: CurrentUser, ports: PortsDep, request_id: RequestId, now: Now) -> dict[str, Any]:
    """The whole decision on an order, every gate with what it saw; nothing is stored."""
    return await try_order(ports, Caller(user, request_id, now), body.to_wish())


@router.get("/risk/locks", responses=responses(401, 403, 404), summary="What holds an account back")
async def get_locks(user: CurrentUser, ports: PortsDep, now: Now, account: AccountQuery = None) -> dict[str, Any]:
    """Breached limits, and the locks that protections left."""
    return await read_locks(ports, Caller(user, None, now), account)


@router.post("/risk/unlock", responses=responses(401, 403, 404, 409), summary="Unlock, with a reason")
async def post_unlock(body: UnlockIn, _: Person, once: OnceDep) -> Response:
    """Only a person who logged in may; who, when and why is kept."""
    return await once(lambda conn: unlock(conn, once.caller, body.lock, account=body.account, reason=body.reason))


@router.get("/signals/{signal_id:int}/decision", responses=responses(401, 403, 404), summary="Why a signal was denied")
async def get_decision(signal_id: SignalId, user: CurrentUser, ports: PortsDep) -> dict[str, Any]:
    """The same as `/api/v1/trading/signals/{id}/decision`."""
    return await read_decision(ports, user.user_id, signal_id, only=user.account_id)


async def _changed(ports: Ports, caller: Caller, effect: Callable[[Connection], Awaitable[Effect]]) -> Response:
    done = await answer_once(ports, caller, None, effect)
    return Response(done.body, done.status, {"ETag": _etag(done.body)}, "application/json")


def _etag(body: bytes | memoryview) -> str:
    return f'"{PolicyOut.model_validate_json(bytes(body)).version}"'
