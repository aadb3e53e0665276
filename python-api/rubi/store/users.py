"""People."""

from dataclasses import dataclass
from datetime import datetime

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

_SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in, unless disabled."""

    id: int
    username: str
    email: str
    role: str
    created_at: datetime
    disabled_at: datetime | None


async def insert(conn: Connection, *, username: str, email: str, password_hash: str, now: datetime) -> User | None:
    """Keep a new person; None when the username or the address is somebody's already."""
    row = await conn.fetchrow(_SQL["insert"], username, email, password_hash, now)
    return User(**row) if row else None


async def any_known(conn: Connection) -> bool:
    """Whether there is anybody."""
    return bool(await conn.fetchval(_SQL["any_known"]))


async def insert_first(
    conn: Connection, *, username: str, email: str, password_hash: str, now: datetime
) -> User | None:
    """Keep the first person, an administrator; None when somebody is known. Inside the caller's transaction."""
    await conn.execute(_SQL["lock_people"])
    row = await conn.fetchrow(_SQL["insert_first"], username, email, password_hash, now)
    return User(**row) if row else None


async def by_login(conn: Connection, login: str) -> tuple[User, str] | None:
    """The person of a username or an e-mail address, and the hash of the password."""
    return _with_hash(await conn.fetchrow(_SQL["by_login"], login))


async def by_id(conn: Connection, user_id: int) -> tuple[User, str] | None:
    """The person of a number, and the hash of the password."""
    return _with_hash(await conn.fetchrow(_SQL["by_id"], user_id))


async def set_password(conn: Connection, user_id: int, password_hash: str) -> None:
    """Keep another password's hash."""
    await conn.execute(_SQL["set_password"], user_id, password_hash)


def _with_hash(row: Row | None) -> tuple[User, str] | None:
    if row is None:
        return None
    known = dict(row)
    password_hash = known.pop("password_hash")
    return User(**known), password_hash
