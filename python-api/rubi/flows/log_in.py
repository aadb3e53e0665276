"""A person proves a password and gets tokens. Guessing is slow: by person and by address."""

from datetime import datetime

from rubi.domain.auth import LONGEST_PASSWORD
from rubi.domain.errors import UnauthenticatedError
from rubi.flows.audit import audit
from rubi.flows.open_login import Login, open_login
from rubi.flows.passwords import verify_password
from rubi.flows.ports import Ports
from rubi.flows.sign_token import TokenKeys
from rubi.live.limiter import Limit, Limiter
from rubi.store import users

PER_PERSON = Limit("login-user", 5, 900)
PER_ADDRESS = Limit("login-address", 20, 60)
PER_ADDRESS_REGISTRATION = Limit("register-address", 120, 60)


def person_limited(user_id: int) -> str:
    """The subject under which the failures of a known person are counted."""
    return f"user:{user_id}"


async def log_in(
    ports: Ports,
    keys: TokenKeys,
    limiter: Limiter,
    *,
    username: str,
    password: str,
    address: str,
    request_id: str | None = None,
    now: datetime,
) -> Login:
    """Open a login for a username (or an e-mail address) and its password. Only failures count towards the limits.

    Raises:
        UnauthenticatedError: LOGIN_FAILED, the same for a wrong password, an unknown and a disabled person.
        TooManyError: 5 failures of this person in 15 minutes, or 20 from this address in one.
        UnavailableError: Redis or Postgres is away.

    """
    await limiter.take(PER_ADDRESS, address)
    async with ports.pool.acquire() as conn:
        known = await users.by_login(conn, username) if "\0" not in username else None
    user, password_hash = known or (None, None)
    # A person is guessed at by name and by e-mail address: both count as one.
    subject = f"name:{username.casefold()}" if user is None else person_limited(user.id)
    await limiter.take(PER_PERSON, subject)
    fits = await verify_password(password[: LONGEST_PASSWORD + 1], password_hash)
    if user is None or not fits or user.disabled_at is not None:
        if user is not None:
            async with ports.pool.acquire() as conn, conn.transaction():
                await audit(conn, user.id, "user.login_failed", "user", user.id, {}, request_id=request_id, now=now)
        raise UnauthenticatedError("LOGIN_FAILED", "the username or the password is wrong")
    async with ports.pool.acquire() as conn, conn.transaction():
        login = await open_login(conn, keys, user, now=now)
        await audit(conn, user.id, "user.login", "user", user.id, {}, request_id=request_id, now=now)
    await limiter.forget(PER_PERSON, subject)
    await limiter.give_back(PER_ADDRESS, address)
    return login
