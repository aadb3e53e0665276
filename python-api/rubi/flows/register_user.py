"""A person becomes known and is logged in."""

from datetime import datetime

from rubi.domain.auth import check_registration
from rubi.domain.errors import ConflictError
from rubi.flows.audit import audit
from rubi.flows.open_login import Login, open_login
from rubi.flows.passwords import hash_password
from rubi.flows.ports import Ports
from rubi.flows.sign_token import TokenKeys
from rubi.store import users


async def register_user(
    ports: Ports,
    keys: TokenKeys,
    *,
    email: str,
    username: str,
    password: str,
    request_id: str | None = None,
    now: datetime,
) -> Login:
    """Keep the person and open a first login.

    Raises:
        RubiError: the name, the address or the password cannot be used.
        ConflictError: the name or the address is somebody's already.

    """
    check_registration(username, email, password)
    password_hash = await hash_password(password)
    async with ports.pool.acquire() as conn, conn.transaction():
        user = await users.insert(conn, username=username, email=email, password_hash=password_hash, now=now)
        if user is None:
            raise ConflictError(
                "USER_EXISTS", "this username or e-mail address is taken: log in, or use another", field="username"
            )
        login = await open_login(conn, keys, user, now=now)
        await audit(
            conn, user.id, "user.register", "user", user.id, {"username": username}, request_id=request_id, now=now
        )
    return login
