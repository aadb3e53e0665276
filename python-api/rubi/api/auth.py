"""People: register, log in, refresh, log out."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import Field

from rubi.api.deps import CurrentUser, DoorsDep, Now, Person, PortsDep, RequestId
from rubi.api.doors import Doors
from rubi.api.errors import responses
from rubi.api.wire import Asked, Moment, Told
from rubi.domain.errors import ForbiddenError
from rubi.flows.change_password import change_password
from rubi.flows.log_in import PER_ADDRESS_REGISTRATION, log_in
from rubi.flows.log_out import log_out
from rubi.flows.open_login import Login
from rubi.flows.ports import Ports
from rubi.flows.refresh_tokens import refresh_tokens
from rubi.flows.register_user import register_user
from rubi.store import users

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class RegisterIn(Asked):
    """Somebody new."""

    email: str = Field(max_length=300, examples=["trader@example.com"])
    username: str = Field(max_length=100, examples=["trader1"])
    password: str = Field(max_length=1000, json_schema_extra={"format": "password"}, description="8 to 128 characters")


class LoginIn(Asked):
    """A username or an e-mail address, and its password."""

    username: str = Field(max_length=300, examples=["trader1"])
    password: str = Field(max_length=1000, json_schema_extra={"format": "password"})


class RefreshIn(Asked):
    """A refresh token; it can be used once."""

    refresh_token: str = Field(max_length=4096)


class PasswordIn(Asked):
    """The password to leave and the one to take."""

    current_password: str = Field(max_length=1000, json_schema_extra={"format": "password"})
    new_password: str = Field(max_length=1000, json_schema_extra={"format": "password"})


class UserOut(Told):
    """A person."""

    id: int
    username: str
    email: str
    role: Literal["trader", "admin"]
    created_at: Moment


class TokensOut(Told):
    """What a login gives."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind, not a token
    expires_in: int = Field(description="Seconds the access token lives")
    refresh_token: str
    user: UserOut


class RegisteredOut(TokensOut):
    """The new person, logged in."""

    id: int
    username: str
    email: str


class MeOut(UserOut):
    """Who asks, and what their token may do."""

    scope: str
    account_id: str | None


@router.post("/register", status_code=201, responses=responses(403, 409, 429))
async def register(
    body: RegisterIn, request: Request, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId
) -> RegisteredOut:
    """Become known, and be logged in."""
    if doors.settings.registration == "closed":
        raise ForbiddenError("REGISTRATION_CLOSED", "this service takes no registrations; its operator makes users")
    await doors.limiter.take(PER_ADDRESS_REGISTRATION, address_of(request))
    login = await register_user(
        ports,
        doors.keys,
        email=body.email.strip(),
        username=body.username.strip(),
        password=body.password,
        request_id=request_id,
        now=now,
    )
    user = login.user
    return RegisteredOut(id=user.id, username=user.username, email=user.email, **tokens_out(login).model_dump())


@router.post("/login", responses=responses(401, 429))
async def login(
    body: LoginIn, request: Request, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId
) -> TokensOut:
    """Prove a password, get tokens. Five failures in 15 minutes lock the name for a while."""
    return await _log_in(body.username, body.password, request, ports, doors, now, request_id)


@router.post("/token", responses=responses(401, 429))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    ports: PortsDep,
    doors: DoorsDep,
    now: Now,
    request_id: RequestId,
) -> TokensOut:
    """The same for OAuth2 clients, as the Authorize button of this page is one: a form instead of JSON."""
    return await _log_in(form.username, form.password, request, ports, doors, now, request_id)


@router.post("/refresh", responses=responses(401))
async def refresh(body: RefreshIn, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId) -> TokensOut:
    """Exchange a refresh token for new tokens, once; one that comes back ends the login."""
    return tokens_out(await refresh_tokens(ports, doors.keys, body.refresh_token, request_id=request_id, now=now))


@router.post("/logout", status_code=204, responses=responses(401, 403))
async def logout(person: Person, ports: PortsDep, now: Now, request_id: RequestId) -> Response:
    """End the login of this token."""
    await log_out(ports, person, request_id=request_id, now=now)
    return Response(status_code=204)


@router.get("/me", responses=responses(401, 403))
async def me(person: CurrentUser, ports: PortsDep) -> MeOut:
    """Who this token is."""
    async with ports.pool.acquire() as conn:
        known = await users.by_id(conn, person.user_id)
    assert known is not None, "a verified token has a person"
    user = UserOut.model_validate(known[0]).model_dump()
    return MeOut(**user, scope=person.scope.value, account_id=str(person.account_id) if person.account_id else None)


@router.post("/password", status_code=204, responses=responses(401, 403, 429))
async def password(
    body: PasswordIn, person: Person, ports: PortsDep, doors: DoorsDep, now: Now, request_id: RequestId
) -> Response:
    """Change the password; the person's other logins end."""
    await change_password(
        ports,
        doors.limiter,
        person,
        current=body.current_password,
        new=body.new_password,
        request_id=request_id,
        now=now,
    )
    return Response(status_code=204)


async def _log_in(
    username: str, password: str, request: Request, ports: Ports, doors: Doors, now: Now, request_id: str
) -> TokensOut:
    return tokens_out(
        await log_in(
            ports,
            doors.keys,
            doors.limiter,
            username=username,
            password=password,
            address=address_of(request),
            request_id=request_id,
            now=now,
        )
    )


def tokens_out(login: Login) -> TokensOut:
    """A login as it is told to whoever made it."""
    return TokensOut(
        access_token=login.access_token,
        expires_in=login.expires_in,
        refresh_token=login.refresh_token,
        user=UserOut.model_validate(login.user),
    )


def address_of(request: Request) -> str:
    """Where a request comes from."""
    # The peer as the server knows it; a header that anybody can write is not read here.
    return request.client.host if request.client else "unknown"
