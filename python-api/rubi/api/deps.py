"""What routes ask for: the doors, who asks, and the time the request arrived."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Scope as ASGIScope

from rubi.api.doors import Doors
from rubi.domain.auth import Principal, Scope, TokenKind
from rubi.domain.errors import ForbiddenError
from rubi.flows.ports import Ports

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token", auto_error=False, description="An access token, or a token of /api/v1/auth/tokens"
)


def doors_of(scope: ASGIScope) -> Doors:
    """The process's doors, from any ASGI scope inside the application."""
    doors: Doors = scope["app"].state.doors
    return doors


def ports_of(scope: ASGIScope) -> Ports:
    """What flows may reach.

    Raises:
        UnavailableError: the database has not been reached since the start.

    """
    return doors_of(scope).ports()


async def principal_of(scope: ASGIScope, *scopes: Scope | str) -> Principal:
    """Who sends a request (plain ASGI routes use this too); with scopes given, one of them must be granted.

    Raises:
        UnauthenticatedError, ForbiddenError, UnavailableError, and what a database that is away raises.

    """
    principal = await doors_of(scope).doorkeeper.authenticate(scope["headers"])
    structlog.contextvars.bind_contextvars(user_id=principal.user_id)
    if scopes:
        principal.require(*scopes)
    return principal


# Coroutines: FastAPI runs plain functions in a thread, which costs more than all of them do.
async def _ports(request: Request) -> Ports:
    return ports_of(request.scope)


async def _doors(request: Request) -> Doors:
    return doors_of(request.scope)


async def _now() -> datetime:
    return datetime.now(UTC)


async def _request_id(request: Request) -> str:
    return str(request.scope["state"]["request_id"])


def requires(*scopes: Scope | str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: who asks, when one of the scopes is granted; 401 or 403 otherwise.

    `requires("read")` for reads, `requires("trade", "ea")` for signals, `requires("trade")` for orders,
    `requires("ea")` for the terminal's calls, `requires("person")` for what only somebody who logged in may do.
    """

    async def granted(request: Request, _: Annotated[str | None, Depends(bearer)]) -> Principal:
        return await principal_of(request.scope, *scopes)

    return granted


async def _person(request: Request, _: Annotated[str | None, Depends(bearer)]) -> Principal:
    principal = await principal_of(request.scope, Scope.PERSON)
    if principal.token_kind is not TokenKind.ACCESS:
        raise ForbiddenError("LOGIN_NEEDED", "only somebody who logged in may do this; a program's token may not")
    return principal


PortsDep = Annotated[Ports, Depends(_ports)]
DoorsDep = Annotated[Doors, Depends(_doors)]
Now = Annotated[datetime, Depends(_now)]
"""When the request arrived, UTC."""
RequestId = Annotated[str, Depends(_request_id)]
CurrentUser = Annotated[Principal, Depends(requires(Scope.READ))]
"""Anybody with a good token: what every token may read."""
Person = Annotated[Principal, Depends(_person)]
"""Somebody who logged in."""
Trader = Annotated[Principal, Depends(requires(Scope.TRADE))]
SignalSource = Annotated[Principal, Depends(requires(Scope.TRADE, Scope.EA))]
Terminal = Annotated[Principal, Depends(requires(Scope.EA))]
