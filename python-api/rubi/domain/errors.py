"""Broken rules. Each has a code (`CATEGORY_CONDITION`), and words for the person who meets it."""

from collections.abc import Mapping
from typing import Any


class RubiError(Exception):
    """A rule was broken by a request; nothing was changed.

    `code` is for programs, `detail` for people, `context` holds the values that mattered (never secrets).
    """

    status = 422

    def __init__(self, code: str, detail: str, **context: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.context: Mapping[str, Any] = context


class MalformedError(RubiError):
    """The request cannot be parsed."""

    status = 400


class UnauthenticatedError(RubiError):
    """Nobody, or a token that does not count."""

    status = 401


class ForbiddenError(RubiError):
    """The token is good, its scope is not enough."""

    status = 403


class NotFoundError(RubiError):
    """Not there, or another user's: the answer is the same."""

    status = 404


class ConflictError(RubiError):
    """The request contradicts what is stored: fenced, replayed with another body, already taken."""

    status = 409


class PreconditionFailedError(RubiError):
    """What the caller looked at has changed since."""

    status = 412


class PreconditionNeededError(RubiError):
    """The caller must say what it looked at."""

    status = 428


class LeasedElsewhereError(RubiError):
    """Another live terminal trades this account."""

    status = 423


class TooManyError(RubiError):
    """A rate limit; `retry_after` seconds are in the context."""

    status = 429


class UnavailableError(RubiError):
    """Postgres or Redis is away; nothing was accepted."""

    status = 503
