"""Tokens: logins (a family of refresh tokens, each used once) and the long-lived tokens of programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rubi.store.pool import Connection
from rubi.store.sql import statements

_SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a login's chain."""

    id: int
    user_id: int
    family: UUID
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's token as its owner sees it; the token itself is kept nowhere."""

    id: int
    jti: UUID
    name: str
    scope: str
    account_id: UUID | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose a live token is."""

    username: str
    role: str
    scope: str | None = None
    account_id: UUID | None = None


async def insert(
    conn: Connection,
    *,
    jti: UUID,
    user_id: int,
    kind: str,
    family: UUID,
    name: str | None,
    scope: str,
    account_id: UUID | None,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Keep that a token was given out; returns its number."""
    number: int = await conn.fetchval(
        _SQL["insert"], jti, user_id, kind, family, name, scope, account_id, now, expires_at
    )
    return number


async def lock_refresh(conn: Connection, jti: UUID) -> RefreshToken | None:
    """A refresh token, nobody else's until the transaction ends."""
    row = await conn.fetchrow(_SQL["lock_refresh"], jti)
    return RefreshToken(**row) if row else None


async def mark_used(conn: Connection, token_id: int, now: datetime) -> None:
    """A refresh token is used once."""
    await conn.execute(_SQL["mark_used"], token_id, now)


async def family_alive(conn: Connection, user_id: int, family: UUID) -> Bearer | None:
    """Whose login this is; None when it was ended or the person is disabled."""
    row = await conn.fetchrow(_SQL["family_alive"], user_id, family)
    return Bearer(**row) if row else None


async def use_api(conn: Connection, jti: UUID, user_id: int, now: datetime) -> Bearer | None:
    """Whose token this is, noting that it was used; None when it was revoked, ran out or was never given."""
    row = await conn.fetchrow(_SQL["use_api"], jti, user_id, now)
    return Bearer(**row) if row else None


async def note_use(conn: Connection, jtis: Sequence[UUID], now: datetime) -> None:
    """Programs' tokens were used; kept to the minute."""
    await conn.execute(_SQL["note_use"], jtis, now)


async def revoke_family(conn: Connection, user_id: int, family: UUID, now: datetime) -> bool:
    """End a login; False when it had ended."""
    return bool(await conn.fetch(_SQL["revoke_family"], user_id, family, now))


async def revoke_logins(conn: Connection, user_id: int, *, but: UUID | None, now: datetime) -> None:
    """End every login of a person but one."""
    await conn.execute(_SQL["revoke_logins"], user_id, but, now)


async def revoke_api(conn: Connection, user_id: int, token_id: int, now: datetime) -> tuple[UUID, UUID, str] | None:
    """End a program's token; its jti, family and name, or None when there is no such live token."""
    row = await conn.fetchrow(_SQL["revoke_api"], user_id, token_id, now)
    return (row["jti"], row["family"], row["name"]) if row else None


async def list_api(conn: Connection, user_id: int, *, everything: bool, now: datetime) -> list[ApiToken]:
    """A person's program tokens, newest first; the live ones, or all."""
    return [ApiToken(**row) for row in await conn.fetch(_SQL["list_api"], user_id, everything, now)]


async def count_api(conn: Connection, user_id: int, now: datetime) -> int:
    """How many live program tokens a person has."""
    number: int = await conn.fetchval(_SQL["count_api"], user_id, now)
    return number


async def account_owned(conn: Connection, user_id: int, account_id: UUID) -> bool:
    """Whether an account is this person's."""
    owned: bool = await conn.fetchval(_SQL["account_owned"], user_id, account_id)
    return owned


async def refused(conn: Connection, tokens: Sequence[tuple[UUID, UUID]]) -> set[UUID]:
    """Of pairs of jti and family, the jti of those that count no more."""
    rows = await conn.fetch(_SQL["refused"], [jti for jti, _ in tokens], [family for _, family in tokens])
    return {row["jti"] for row in rows}
