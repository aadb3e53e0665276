"""A person changes their password; their other logins end, their programs' tokens stay."""

from datetime import datetime

from rubi.domain.auth import LONGEST_PASSWORD, Principal, check_password
from rubi.domain.errors import UnauthenticatedError
from rubi.flows.audit import audit
from rubi.flows.log_in import PER_PERSON, person_limited
from rubi.flows.passwords import hash_password, verify_password
from rubi.flows.ports import Ports
from rubi.live.bus import Event
from rubi.live.limiter import Limiter
from rubi.store import tokens, users


async def change_password(
    ports: Ports,
    limiter: Limiter,
    principal: Principal,
    *,
    current: str,
    new: str,
    request_id: str | None = None,
    now: datetime,
) -> None:
    """Keep the new password when the current one is right.

    Raises:
        UnauthenticatedError: the current password is wrong.
        RubiError: the new one cannot be used.
        TooManyError: 5 wrong ones in 15 minutes, counted together with failed logins.

    """
    subject = person_limited(principal.user_id)
    await limiter.take(PER_PERSON, subject)
    async with ports.pool.acquire() as conn:
        known = await users.by_id(conn, principal.user_id)
    if known is None or not await verify_password(current[: LONGEST_PASSWORD + 1], known[1]):
        raise UnauthenticatedError("LOGIN_FAILED", "the current password is wrong")
    await limiter.forget(PER_PERSON, subject)
    check_password(new, principal.username, known[0].email)
    password_hash = await hash_password(new)
    async with ports.pool.acquire() as conn, conn.transaction():
        await users.set_password(conn, principal.user_id, password_hash)
        await tokens.revoke_logins(conn, principal.user_id, but=principal.family, now=now)
        await audit(conn, principal, "user.password", "user", principal.user_id, {}, request_id=request_id, now=now)
    await ports.bus.publish([Event("TOKEN_REVOKED", principal.user_id, None, {"but_family": str(principal.family)})])
