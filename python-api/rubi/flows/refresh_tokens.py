"""Exchange a refresh token, once. One that comes back was stolen or copied: its whole login ends."""

from datetime import UTC, datetime
from enum import Enum, auto
from uuid import UUID

from rubi.domain.auth import TokenKind
from rubi.domain.errors import UnauthenticatedError
from rubi.flows.audit import audit
from rubi.flows.open_login import Login, open_login
from rubi.flows.ports import Connection, Ports
from rubi.flows.sign_token import Claims, TokenKeys
from rubi.live.bus import Event
from rubi.store import tokens, users


class _Refused(Enum):
    ENDED = auto()
    REUSED = auto()
    PARALLEL = auto()


async def refresh_tokens(
    ports: Ports, keys: TokenKeys, refresh_token: str, *, request_id: str | None = None, now: datetime
) -> Login:
    """The next pair of tokens. `now` is when the request arrived.

    A token that was used before this request arrived ends the login. One that was used while this request was under way
    is a client's parallel call: it is refused, and the login lives.

    Raises:
        UnauthenticatedError: the token is unknown, ran out, was revoked or was used.

    """
    claims = keys.read(refresh_token, now=now)
    if claims.kind is not TokenKind.REFRESH:
        raise UnauthenticatedError("TOKEN_INVALID", "this is not a refresh token")
    async with ports.pool.acquire() as conn, conn.transaction():
        outcome = await _exchange(conn, keys, claims, request_id, arrived_at=now)
    if isinstance(outcome, Login):
        return outcome
    if outcome is _Refused.REUSED:
        await ports.bus.publish([revoked(claims.user_id, claims.jti, claims.family)])
        raise UnauthenticatedError(
            "REFRESH_REUSED", "this refresh token was used before; the login has ended: log in again"
        )
    if outcome is _Refused.PARALLEL:
        raise UnauthenticatedError("REFRESH_REUSED", "another request uses this refresh token; use the tokens it got")
    raise UnauthenticatedError("TOKEN_REVOKED", "this login has ended: log in again")


async def _exchange(
    conn: Connection, keys: TokenKeys, claims: Claims, request_id: str | None, *, arrived_at: datetime
) -> Login | _Refused:
    kept = await tokens.lock_refresh(conn, claims.jti)
    if kept is None or kept.user_id != claims.user_id or kept.revoked_at is not None:
        return _Refused.ENDED
    # The lock may have been waited for; a used_at between arrival and here means that both were under way at once.
    now = max(datetime.now(UTC), arrived_at)
    if kept.used_at is not None:
        if kept.used_at >= arrived_at:
            return _Refused.PARALLEL
        await tokens.revoke_family(conn, kept.user_id, kept.family, now)
        await audit(
            conn,
            kept.user_id,
            "user.refresh_reused",
            "login",
            kept.family,
            {"used_at": kept.used_at},
            request_id=request_id,
            now=now,
        )
        return _Refused.REUSED
    known = await users.by_id(conn, kept.user_id)
    if known is None or known[0].disabled_at is not None:
        return _Refused.ENDED
    await tokens.mark_used(conn, kept.id, now)
    login = await open_login(conn, keys, known[0], family=kept.family, now=now)
    await audit(conn, kept.user_id, "user.refresh", "login", kept.family, {}, request_id=request_id, now=now)
    return login


def revoked(user_id: int, jti: UUID, family: UUID) -> Event:
    """What every process must hear so that a token stops at once."""
    return Event("TOKEN_REVOKED", user_id, None, {"jti": str(jti), "family": str(family)})
