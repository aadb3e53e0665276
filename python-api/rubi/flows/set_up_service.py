"""The first visit: whoever can read what the service prints makes its first person. There is no default password."""

import base64
import hashlib
import hmac
from datetime import datetime

from rubi.domain.auth import check_registration
from rubi.domain.errors import ConflictError, UnauthenticatedError
from rubi.flows.audit import audit
from rubi.flows.open_login import Login, open_login
from rubi.flows.passwords import hash_password
from rubi.flows.ports import Ports
from rubi.flows.sign_token import TokenKeys
from rubi.live.limiter import Limit, Limiter
from rubi.store import users

PER_ADDRESS_SETUP = Limit("setup-address", 10, 900)
EVERYWHERE = Limit("setup", 100, 900)
_PURPOSE = b"rubi: the code of the first visit"
_READS_AS = str.maketrans("018", "OIB")


def setup_code(jwt_secret: str) -> str:
    """The code of the first visit, `ABCD-EFGH-JKLM`: 60 bits out of the service's secret.

    Every process of a service finds the same one, nothing has to be stored, and it is good for nothing once somebody
    is known.
    """
    digest = hmac.new(jwt_secret.encode(), _PURPOSE, hashlib.sha256).digest()
    text = base64.b32encode(digest)[:12].decode()
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


async def needs_setup(ports: Ports) -> bool:
    """Whether nobody is known yet."""
    async with ports.pool.acquire() as conn:
        return not await users.any_known(conn)


async def set_up_service(
    ports: Ports,
    keys: TokenKeys,
    limiter: Limiter,
    *,
    expected: str,
    code: str,
    email: str,
    username: str,
    password: str,
    address: str,
    request_id: str | None = None,
    now: datetime,
) -> Login:
    """Make the first person, an administrator, and log them in. `expected` is `setup_code` of the service.

    Raises:
        UnauthenticatedError: SETUP_CODE_WRONG.
        ConflictError: SETUP_DONE, somebody is known already.
        RubiError: the name, the address or the password cannot be used.
        TooManyError: 10 wrong codes of this address in 15 minutes, or 100 of all.

    """
    await limiter.take(PER_ADDRESS_SETUP, address)
    await limiter.take(EVERYWHERE, "")
    if not hmac.compare_digest(_plain(code), _plain(expected)):
        raise UnauthenticatedError(
            "SETUP_CODE_WRONG",
            "this is not the set-up code: `./rubi user setup-code` on the service's machine tells it",
        )
    check_registration(username, email, password)
    password_hash = await hash_password(password)
    async with ports.pool.acquire() as conn, conn.transaction():
        user = await users.insert_first(conn, username=username, email=email, password_hash=password_hash, now=now)
        if user is None:
            raise ConflictError("SETUP_DONE", "somebody is known already: sign in")
        login = await open_login(conn, keys, user, now=now)
        await audit(
            conn, user.id, "user.setup", "user", user.id, {"username": username}, request_id=request_id, now=now
        )
    await limiter.give_back(PER_ADDRESS_SETUP, address)
    return login


def _plain(code: str) -> bytes:
    """What was typed without its marks; digits that base32 has no use for are the letters they look like."""
    return "".join(letter for letter in code.upper() if letter.isalnum()).translate(_READS_AS).encode()
