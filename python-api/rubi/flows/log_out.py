"""A person ends the login of the token they hold."""

from datetime import datetime

from rubi.domain.auth import Principal
from rubi.flows.audit import audit
from rubi.flows.ports import Ports
from rubi.flows.refresh_tokens import revoked
from rubi.store import tokens


async def log_out(ports: Ports, principal: Principal, *, request_id: str | None = None, now: datetime) -> None:
    """Its access and refresh tokens stop working everywhere within seconds."""
    async with ports.pool.acquire() as conn, conn.transaction():
        await tokens.revoke_family(conn, principal.user_id, principal.family, now)
        await audit(conn, principal, "user.logout", "login", principal.family, {}, request_id=request_id, now=now)
    await ports.bus.publish([revoked(principal.user_id, principal.jti, principal.family)])
