"""An account whose stored policy cannot hold opens nothing; a person is told once for each such version."""

from datetime import datetime
from uuid import UUID

from rubi.domain.risk.policy import PolicyError
from rubi.flows.raise_alert import raise_alert
from rubi.live.bus import Event
from rubi.store.pool import Connection


async def report_unusable_policy(
    conn: Connection, *, user_id: int, account_id: UUID, version: int, fault: PolicyError, now: datetime
) -> list[Event]:
    """Store the alert in the caller's transaction; the event to publish, or nothing when it stands already."""
    return await raise_alert(
        conn,
        user_id=user_id,
        account_id=account_id,
        code="POLICY_UNUSABLE",
        severity="critical",
        object_="policy",
        object_id=f"{account_id}@{version}",
        detail=why_unusable(version, fault),
        now=now,
    )


def why_unusable(version: int, fault: PolicyError) -> str:
    """What is wrong with a policy, and what to do, in words."""
    return (
        f"The stored risk policy (version {version}) cannot hold: {fault.detail}."
        " Nothing opens until a usable one is set (PUT /api/v1/risk/policy)."
    )
