"""Tell who a bearer token is. What was verified is remembered for seconds, so that a revoked token ends within five."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rubi.domain.auth import Principal, TokenKind
from rubi.domain.errors import UnauthenticatedError
from rubi.flows.ports import Connection, Ports
from rubi.flows.sign_token import Claims, TokenKeys
from rubi.live.bus import Event
from rubi.store import tokens

Headers = Iterable[tuple[bytes, bytes]]

_REMEMBERED = 3.0
"""Seconds; with a query's time it stays under the five that a revoked token may still live when the bus is down."""
_LOOKED_AT = 4.0
"""Seconds for which a look at all remembered tokens counts; they are looked at every two."""
_IN_USE = 60.0
"""Seconds after its last use that a token is still looked at."""
_NOTED = 61.0
"""Seconds after which the use of a token is noted again."""
_MOST = 20_000
_MOST_AT_ONCE = 256
"""Tokens that are looked at by one statement."""


@dataclass(slots=True)
class _Known:
    principal: Principal
    expires_at: float
    until: float
    """Until then the principal stands as it was read."""
    alive_until: float
    """Until then the token is known not to be revoked, whatever else may have changed of its owner."""
    used_at: float = float("-inf")
    noted_at: float = float("-inf")
    """When its use was last noted; kept to the minute."""


class Doorkeeper:
    """Verifies the tokens of one process."""

    def __init__(self, ports: Callable[[], Ports], keys: TokenKeys) -> None:
        """`ports` gives the doors, or raises UnavailableError while they are not open."""
        self._ports = ports
        self._keys = keys
        self._known: dict[bytes, _Known] = {}
        self._forgotten = 0

    async def authenticate(self, headers: Headers) -> Principal:
        """Who sends these headers (lower-case names, as ASGI has them).

        Raises:
            UnauthenticatedError: no token, or one that does not count.
            UnavailableError, OSError, asyncpg errors: the database is away and the token is not remembered.

        """
        return await self.verify(bearer_token(headers))

    async def verify(self, token: str) -> Principal:
        """Who holds this token; raises as `authenticate`."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and time.monotonic() < known.until and time.time() < known.expires_at:
            known.used_at = time.monotonic()
            return known.principal
        claims = self._keys.read(token, now=datetime.now(UTC))
        generation = self._forgotten
        began = time.monotonic()
        principal = await self._look_up(claims)
        if generation == self._forgotten:  # else a token was revoked meanwhile, perhaps this one
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            until = began + _REMEMBERED
            self._known[digest] = _Known(principal, claims.expires_at.timestamp(), until, until, began)
        return principal

    def remembered(self, authorization: bytes) -> Principal | None:
        """Who holds the token of this header, when it was verified, has not run out and is not revoked."""
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        known, now = self._known.get(hashlib.sha256(token.strip()).digest()), time.monotonic()
        if known is None or now >= known.alive_until or time.time() >= known.expires_at:
            return None
        known.used_at = now
        return known.principal

    async def look_again(self, conn: Connection, *, spread: float = 0) -> None:
        """Ask which of the tokens in use were revoked; the others are good for some seconds more.

        Those of thousands are asked for in parts, over `spread` seconds: calls that come meanwhile wait for one part.
        """
        began = time.monotonic()
        used = [(digest, known) for digest, known in self._known.items() if began - known.used_at < _IN_USE]
        parts = [used[first : first + _MOST_AT_ONCE] for first in range(0, len(used), _MOST_AT_ONCE)]
        for number, part in enumerate(parts, start=1):
            await self._look_at(conn, part)
            if number < len(parts):
                await asyncio.sleep(began + number * spread / len(parts) - time.monotonic())

    async def _look_at(self, conn: Connection, used: list[tuple[bytes, _Known]]) -> None:
        generation, began = self._forgotten, time.monotonic()
        refused = await tokens.refused(conn, [(known.principal.jti, known.principal.family) for _, known in used])
        for digest, known in used:
            if known.principal.jti in refused:
                self._known.pop(digest, None)
            elif generation == self._forgotten:
                known.alive_until = max(known.alive_until, began + _LOOKED_AT)
        unnoted = [known for _, known in used if began - known.noted_at >= _NOTED]
        if unnoted:
            await tokens.note_use(conn, [known.principal.jti for known in unnoted], datetime.now(UTC))
            for known in unnoted:
                known.noted_at = began

    def hear(self, event: Event) -> None:
        """Forget what another process revoked; listens to the live bus."""
        if event.type == "TOKEN_REVOKED":
            self._forgotten += 1
            for digest in [key for key, known in self._known.items() if known.principal.user_id == event.user_id]:
                del self._known[digest]

    async def _look_up(self, claims: Claims) -> Principal:
        now = datetime.now(UTC)
        if claims.kind is TokenKind.REFRESH:
            raise UnauthenticatedError("TOKEN_INVALID", "a refresh token is only good for POST /api/v1/auth/refresh")
        async with self._ports().pool.acquire() as conn:
            if claims.kind is TokenKind.ACCESS:
                bearer = await tokens.family_alive(conn, claims.user_id, claims.family)
            else:
                bearer = await tokens.use_api(conn, claims.jti, claims.user_id, now)
        if bearer is None or (bearer.scope is not None and bearer.scope != claims.scope):
            raise UnauthenticatedError("TOKEN_REVOKED", "this token was revoked: log in again, or make a new one")
        return Principal(
            user_id=claims.user_id,
            username=bearer.username,
            scope=claims.scope,
            token_kind=claims.kind,
            jti=claims.jti,
            family=claims.family,
            account_id=bearer.account_id,
            role=bearer.role,
            expires_at=claims.expires_at,
        )


def bearer_token(headers: Headers) -> str:
    """The token of the Authorization header.

    Raises:
        UnauthenticatedError: there is none, more than one, or another scheme.

    """
    found = [value for name, value in headers if name == b"authorization"]
    if not found:
        raise UnauthenticatedError("TOKEN_MISSING", "send the header 'Authorization: Bearer <token>'")
    scheme, _, token = found[0].partition(b" ")
    if len(found) > 1 or scheme.lower() != b"bearer":
        raise UnauthenticatedError("TOKEN_INVALID", "send one header 'Authorization: Bearer <token>'")
    return token.strip().decode("latin-1")
