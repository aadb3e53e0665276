"""Sign tokens and read them back: one algorithm, known headers only, every claim required and checked (RFC 8725)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import jwt

from rubi.domain.auth import Scope, TokenKind
from rubi.domain.errors import UnauthenticatedError

_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,256}\.[A-Za-z0-9_-]{16,1536}\.[A-Za-z0-9_-]{43,86}")
_SUBJECT = re.compile(r"[1-9][0-9]{0,17}")
_AUDIENCE = "rubi"
_REQUIRED = ("exp", "iat", "sub", "jti", "typ", "scope", "fam", "aud")
_CLOCK_ERROR = timedelta(seconds=30)

REFRESH_LIFETIME = timedelta(days=30)
LONGEST_API_TOKEN = timedelta(days=5 * 366)
_LONGEST = {
    TokenKind.ACCESS: timedelta(days=1),
    TokenKind.REFRESH: REFRESH_LIFETIME,
    TokenKind.API: LONGEST_API_TOKEN,
}


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


class TokenSettings(Protocol):
    """What signing needs of the settings."""

    @property
    def jwt_secret(self) -> _Secret: ...  # noqa: D102 - the name says it
    @property
    def jwt_secret_previous(self) -> _Secret | None: ...  # noqa: D102 - the name says it
    @property
    def jwt_algorithm(self) -> str: ...  # noqa: D102 - the name says it
    @property
    def jwt_expiration(self) -> int: ...  # noqa: D102 - the name says it


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, after its signature and every claim were checked."""

    user_id: int
    kind: TokenKind
    scope: Scope
    jti: UUID
    family: UUID
    issued_at: datetime
    expires_at: datetime


class TokenKeys:
    """The current secret signs; the previous one still reads, until the tokens it signed have run out."""

    def __init__(self, settings: TokenSettings) -> None:
        self.access_lifetime = timedelta(seconds=settings.jwt_expiration)
        self._algorithm = settings.jwt_algorithm
        self._secret = settings.jwt_secret.get_secret_value()
        secrets = [self._secret]
        if settings.jwt_secret_previous is not None:
            secrets.append(settings.jwt_secret_previous.get_secret_value())
        # The header is a constant of ours, compared as text: no algorithm, key id or key address of a stranger is read.
        self._by_header = {self._encode({}, secret).partition(".")[0]: secret for secret in secrets}

    def sign(self, claims: Claims) -> str:
        """The token that says `claims`, signed by the current secret."""
        return self._encode(
            {
                "sub": str(claims.user_id),
                "aud": _AUDIENCE,
                "typ": claims.kind.value,
                "scope": claims.scope.value,
                "jti": str(claims.jti),
                "fam": str(claims.family),
                "iat": int(claims.issued_at.timestamp()),
                "exp": int(claims.expires_at.timestamp()),
            },
            self._secret,
        )

    def read(self, token: str, *, now: datetime) -> Claims:
        """What `token` says, when it is one of ours and its time has not run out.

        Raises:
            UnauthenticatedError: TOKEN_EXPIRED, or TOKEN_INVALID whatever else is wrong with it.

        """
        secret = self._by_header.get(token.partition(".")[0]) if _SHAPE.fullmatch(token) else None
        if secret is None:
            raise _invalid()
        try:
            said = jwt.decode(
                token,
                secret,
                algorithms=[self._algorithm],
                audience=_AUDIENCE,
                # Times are checked below: the library takes an exp of 1e30 or "9999999999".
                options={"require": list(_REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            claims = _claims(said)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise _invalid() from error
        if not timedelta(0) < claims.expires_at - claims.issued_at <= _LONGEST[claims.kind]:
            raise _invalid()
        if claims.issued_at > now + _CLOCK_ERROR:
            raise _invalid()
        if claims.expires_at <= now:
            raise UnauthenticatedError("TOKEN_EXPIRED", "this token ran out: log in again, or make a new one")
        return claims

    def _encode(self, said: dict[str, Any], secret: str) -> str:
        kid = hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:8]
        return jwt.encode(said, secret, algorithm=self._algorithm, headers={"kid": kid})


def _claims(said: dict[str, Any]) -> Claims:
    if not all(type(said[name]) is int for name in ("exp", "iat")):
        raise ValueError("times are whole seconds")
    if not all(type(said[name]) is str for name in ("sub", "jti", "fam", "typ", "scope", "aud")):
        raise ValueError("names are text")
    if not _SUBJECT.fullmatch(said["sub"]):
        raise ValueError("the subject is a user's number")
    return Claims(
        user_id=int(said["sub"]),
        kind=TokenKind(said["typ"]),
        scope=Scope(said["scope"]),
        jti=UUID(said["jti"]),
        family=UUID(said["fam"]),
        issued_at=datetime.fromtimestamp(said["iat"], UTC),
        expires_at=datetime.fromtimestamp(said["exp"], UTC),
    )


def _invalid() -> UnauthenticatedError:
    return UnauthenticatedError("TOKEN_INVALID", "this is not a token of this service")
