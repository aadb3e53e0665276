"""A close may bring a pause: what the protections say after new deals is kept as locks, and told."""

from datetime import datetime
from uuid import UUID

from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.risk.protections import locks_from
from rubi.flows.raise_alert import raise_alert
from rubi.live.bus import Event
from rubi.store import risk_facts, risk_locks
from rubi.store.pool import Connection


async def lock_protections(
    conn: Connection, *, user_id: int, account_id: UUID, policy: RiskPolicy, now: datetime
) -> list[Event]:
    """Keep the locks that the recent closes cause, in the transaction that stored their deals."""
    closures = await risk_facts.closures(conn, account_id, policy, now=now)
    found = {
        (lock.scope, lock.code, lock.symbol, lock.side, lock.until): lock
        for symbol, side in sorted({(one.symbol, one.side) for one in closures})
        for lock in locks_from(closures, symbol, side, policy, now)
    }
    events: list[Event] = []
    for lock in found.values():
        lock_id = await risk_locks.insert(conn, account_id, lock, now)
        if lock_id is not None:
            events += await raise_alert(
                conn,
                user_id=user_id,
                account_id=account_id,
                code=str(lock.code),
                severity="info",
                object_="risk_lock",
                object_id=str(lock_id),
                detail=f"{lock.reason}; nothing opens there until {lock.until.isoformat(timespec='seconds')}",
                now=now,
            )
    return events
