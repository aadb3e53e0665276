"""Long-lived tokens of programs and terminals."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from rubi.api.deps import DoorsDep, Now, Person, PortsDep, RequestId
from rubi.api.errors import responses
from rubi.api.wire import Asked, Moment, Told
from rubi.domain.auth import Scope
from rubi.flows.issue_token import ONE_YEAR, issue_token
from rubi.flows.revoke_token import revoke_token
from rubi.store import tokens

router = APIRouter(prefix="/api/v1/auth/tokens", tags=["auth"])

TokenId = Annotated[int, Path(ge=1, lt=2**63)]


class TokenIn(Asked):
    """What a token is for."""

    name: str = Field(min_length=1, max_length=100, examples=["my MT5"])
    scope: Literal["ea", "read", "trade"] = "ea"
    account: UUID | None = Field(None, description="Set: the token is good for this account alone")
    expires_in: int = Field(int(ONE_YEAR.total_seconds()), ge=60, le=5 * 366 * 86400, description="Seconds")


class TokenOut(Told):
    """A token as its owner sees it afterwards."""

    id: int
    name: str
    scope: Literal["ea", "read", "trade"]
    account_id: UUID | None
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class NewTokenOut(TokenOut):
    """The token itself: shown now and never again."""

    token: str


class TokensOut(Told):
    """A person's tokens."""

    total: int
    tokens: list[TokenOut]


@router.post("", status_code=201, responses=responses(401, 403, 404, 409))
async def issue(
    body: TokenIn, person: Person, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId
) -> NewTokenOut:
    """Make a token for a terminal (`ea`), a program that trades (`trade`) or one that looks (`read`)."""
    kept, token = await issue_token(
        ports,
        doors.keys,
        person,
        name=body.name,
        scope=Scope(body.scope),
        account_id=body.account,
        lifetime=timedelta(seconds=body.expires_in),
        request_id=request_id,
        now=now,
    )
    return NewTokenOut(**TokenOut.model_validate(kept).model_dump(), token=token)


@router.get("", responses=responses(401, 403))
async def listed(person: Person, ports: PortsDep, now: Now, include_ended: bool = False) -> TokensOut:
    """The tokens that live, newest first; with `include_ended` also those that ran out or were revoked."""
    async with ports.pool.acquire() as conn:
        found = await tokens.list_api(conn, person.user_id, everything=include_ended, now=now)
    return TokensOut(total=len(found), tokens=[TokenOut.model_validate(kept) for kept in found])


@router.delete("/{token_id}", status_code=204, responses=responses(401, 403, 404))
async def revoke(token_id: TokenId, person: Person, ports: PortsDep, now: Now, request_id: RequestId) -> Response:
    """End a token; it stops working everywhere within seconds."""
    await revoke_token(ports, person, token_id, request_id=request_id, now=now)
    return Response(status_code=204)
