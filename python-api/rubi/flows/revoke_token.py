"""End a program's token."""

from datetime import datetime

from rubi.domain.auth import Principal
from rubi.domain.errors import NotFoundError
from rubi.flows.audit import audit
from rubi.flows.ports import Ports
from rubi.flows.refresh_tokens import revoked
from rubi.store import tokens


async def revoke_token(
    ports: Ports, principal: Principal, token_id: int, *, request_id: str | None = None, now: datetime
) -> None:
    """It stops working in every process: at once by the live bus, within seconds without it.

    Raises:
        NotFoundError: there is no such live token of this person.

    """
    async with ports.pool.acquire() as conn, conn.transaction():
        ended = await tokens.revoke_api(conn, principal.user_id, token_id, now)
        if ended is None:
            raise NotFoundError("TOKEN_NOT_FOUND", f"there is no live token {token_id} of yours")
        jti, family, name = ended
        await audit(conn, principal, "token.revoke", "token", token_id, {"name": name}, request_id=request_id, now=now)
    await ports.bus.publish([revoked(principal.user_id, jti, family)])
