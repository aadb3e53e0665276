"""The first visit: whether anybody is known, and the one-time code that makes the first person."""

from fastapi import APIRouter, Request
from pydantic import Field

from rubi.api.auth import RegisterIn, TokensOut, address_of, tokens_out
from rubi.api.deps import DoorsDep, Now, PortsDep, RequestId
from rubi.api.errors import responses
from rubi.api.wire import Told
from rubi.flows.set_up_service import needs_setup, set_up_service, setup_code

router = APIRouter(prefix="/api/v1/setup", tags=["auth"])


class SetupOut(Told):
    """What a page needs to know before anybody has signed in."""

    needed: bool = Field(description="Nobody is known yet: the first visit needs the set-up code")
    registration: bool = Field(description="Anybody may register")


class SetupIn(RegisterIn):
    """The first person, and the code that proves that they run the service."""

    code: str = Field(max_length=100, examples=["ABCD-EFGH-JKLM"])


@router.get("", responses=responses(), summary="Whether somebody is known")
async def setup(ports: PortsDep, doors: DoorsDep) -> SetupOut:
    """Before the first person is made, the page asks for the set-up code instead of a password."""
    return SetupOut(needed=await needs_setup(ports), registration=doors.settings.registration == "open")


@router.post("", status_code=201, responses=responses(401, 409, 429), summary="Make the first person")
async def first_visit(
    body: SetupIn, request: Request, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId
) -> TokensOut:
    """Good once: as soon as somebody is known the code opens nothing."""
    login = await set_up_service(
        ports,
        doors.keys,
        doors.limiter,
        expected=setup_code(doors.settings.jwt_secret.get_secret_value()),
        code=body.code,
        email=body.email.strip(),
        username=body.username.strip(),
        password=body.password,
        address=address_of(request),
        request_id=request_id,
        now=now,
    )
    return tokens_out(login)
