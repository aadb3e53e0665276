"""Who asks and what they may do; what a name, an address and a password must look like."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from uuid import UUID

from rubi.domain.errors import ForbiddenError, RubiError


class Scope(StrEnum):
    """What a token is good for."""

    PERSON = "person"
    """Somebody who logged in: everything that is theirs."""
    TRADE = "trade"
    """A program that sends signals and orders, and reads."""
    EA = "ea"
    """A terminal: its own calls, signals, and reads."""
    READ = "read"
    """A program that only looks."""


class TokenKind(StrEnum):
    """Where a token came from; its JWT says it as `typ`."""

    ACCESS = "access"
    REFRESH = "refresh"
    API = "api"


_GRANTS = {
    Scope.PERSON: frozenset(Scope),
    Scope.TRADE: frozenset({Scope.TRADE, Scope.READ}),
    Scope.EA: frozenset({Scope.EA, Scope.READ}),
    Scope.READ: frozenset({Scope.READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as a verified token says it."""

    user_id: int
    username: str
    scope: Scope
    token_kind: TokenKind
    jti: UUID
    family: UUID
    account_id: UUID | None = None
    """Set: the token is good for this account alone."""
    role: str = "trader"
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """The name under which the audit log keeps what was done."""
        return f"user:{self.username}" if self.token_kind is TokenKind.ACCESS else f"token:{self.jti}"

    def may(self, *scopes: Scope | str) -> bool:
        """Whether one of the scopes is granted."""
        return not _GRANTS[self.scope].isdisjoint(scopes)

    def require(self, *scopes: Scope | str) -> "Principal":
        """Return this principal.

        Raises:
            ForbiddenError: none of the scopes is granted.

        """
        if not self.may(*scopes):
            needed = " or ".join(str(Scope(scope)) for scope in scopes)
            raise ForbiddenError(
                "SCOPE_INSUFFICIENT",
                f"this token has the scope '{self.scope}', the call needs '{needed}': make one at /api/v1/auth/tokens",
                scope=str(self.scope),
                needed=[str(Scope(scope)) for scope in scopes],
            )
        return self


USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{1,62}[A-Za-z0-9])")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
LONGEST_EMAIL = 254
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


def check_registration(username: str, email: str, password: str) -> None:
    """Accept the three, or say which one cannot be used and why.

    Raises:
        RubiError: with the field in its context, never the password.

    """
    if not USERNAME.fullmatch(username):
        raise RubiError(
            "USERNAME_INVALID",
            "a username has 3 to 64 letters, digits and . _ - and begins and ends with a letter or a digit",
            field="username",
        )
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email) or ".." in email:
        raise RubiError("EMAIL_INVALID", "this is not an e-mail address", field="email")
    check_password(password, username, email)


def check_password(password: str, username: str, email: str) -> None:
    """Accept a password of 8 to 128 characters that is neither well known nor the person's own name.

    Raises:
        RubiError: saying why, without the password.

    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise RubiError(
            "PASSWORD_LENGTH",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, this one has {len(password)}",
            field="password",
        )
    lowered = password.casefold()
    if lowered in _common_passwords() or len(set(lowered)) < 3:
        raise RubiError(
            "PASSWORD_COMMON", "this password is among the first that are tried; use another", field="password"
        )
    if lowered in {username.casefold(), email.casefold(), email.partition("@")[0].casefold()}:
        raise RubiError(
            "PASSWORD_IS_NAME", "a password must not be the username or the e-mail address", field="password"
        )


@cache
def _common_passwords() -> frozenset[str]:
    words = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split()
    return frozenset(word for word in words if len(word) >= SHORTEST_PASSWORD)
