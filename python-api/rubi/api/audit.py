"""Who did what with your account: the audit log, newest first."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from rubi.api.deps import CurrentUser, PortsDep
from rubi.api.errors import responses
from rubi.api.wire import Moment, Told
from rubi.domain.errors import ForbiddenError
from rubi.store import audit_views

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


class EntryOut(Told):
    """Something that was done; `hash` covers it and every entry before it."""

    id: int
    actor: str
    action: str
    object: str
    object_id: str
    payload: dict[str, Any]
    request_id: str | None
    at: Moment
    hash: str


class AuditOut(Told):
    """A page of entries; ask on with `before` = `next_before`."""

    entries: list[EntryOut]
    next_before: int | None


@router.get("", responses=responses(401, 403), summary="The audit log")
async def audit(
    user: CurrentUser,
    ports: PortsDep,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only entries with a smaller id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditOut:
    """Your own entries; `./rubi audit verify` checks that none was changed."""
    if user.account_id is not None:
        raise ForbiddenError("TOKEN_OF_ONE_ACCOUNT", "this token is for one account; the log covers all you did")
    async with ports.pool.acquire() as conn:
        rows = await audit_views.page(conn, user.user_id, before=before, limit=limit)
    entries = [EntryOut.model_validate({**row, "hash": row["hash"].hex()}) for row in rows]
    return AuditOut(entries=entries, next_before=entries[-1].id if len(entries) == limit else None)
