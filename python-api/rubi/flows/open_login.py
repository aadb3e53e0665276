"""Give a person an access and a refresh token: the beginning, or the next link, of a login."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from rubi.domain.auth import Scope, TokenKind
from rubi.flows.ports import Connection
from rubi.flows.sign_token import REFRESH_LIFETIME, Claims, TokenKeys
from rubi.store import tokens
from rubi.store.users import User


@dataclass(frozen=True, slots=True)
class Login:
    """What a person holds after logging in."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds the access token lives."""


async def open_login(
    conn: Connection, keys: TokenKeys, user: User, *, family: UUID | None = None, now: datetime
) -> Login:
    """Keep a refresh token of the family (or of a new one) and sign both tokens; inside the caller's transaction."""
    family = family or uuid4()
    refresh = Claims(user.id, TokenKind.REFRESH, Scope.PERSON, uuid4(), family, now, now + REFRESH_LIFETIME)
    access = Claims(user.id, TokenKind.ACCESS, Scope.PERSON, uuid4(), family, now, now + keys.access_lifetime)
    await tokens.insert(
        conn,
        jti=refresh.jti,
        user_id=user.id,
        kind="refresh",
        family=family,
        name=None,
        scope="trade",
        account_id=None,
        now=now,
        expires_at=refresh.expires_at,
    )
    return Login(user, keys.sign(access), keys.sign(refresh), int(keys.access_lifetime.total_seconds()))
