"""Something a person should see: stored once for each thing it is about, and told to whoever looks on."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from rubi.live.bus import Event
from rubi.store.alerts import SQL
from rubi.store.pool import Connection

Severity = Literal["info", "warning", "critical"]


async def raise_alert(
    conn: Connection,
    *,
    user_id: int,
    account_id: UUID | None,
    code: str,
    severity: Severity,
    object_: str,
    object_id: str,
    detail: str,
    now: datetime,
) -> list[Event]:
    """Store an alert in the caller's transaction; the event to publish, or nothing when it stands already."""
    alert_id = await conn.fetchval(
        SQL["insert_alert"], user_id, account_id, code, severity, object_, object_id, detail, now
    )
    if alert_id is None:
        return []
    data = {
        "id": alert_id,
        "code": code,
        "severity": severity,
        "object": object_,
        "object_id": object_id,
        "detail": detail,
    }
    return [Event("ALERT", user_id, account_id, data | {"raised_at": now.isoformat()})]
