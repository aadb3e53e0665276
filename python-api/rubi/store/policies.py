"""Risk policies in Postgres, every version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rubi.domain.risk.fallback import policy_or_fallback
from rubi.domain.risk.policy import PolicyError, RiskPolicy
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

DEFAULT_VERSION = 1
"""The version of the defaults, which hold until somebody sets a policy."""


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy with who made it, when and why; the defaults have none of these."""

    policy: RiskPolicy
    values: dict[str, Any]
    """Its parameters as they were set, as JSON."""
    fault: PolicyError | None = None
    """Why they cannot hold; `policy` holds in their place."""
    reason: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None


async def current(conn: Connection, account_id: UUID) -> KeptPolicy:
    """The policy that holds."""
    row = await conn.fetchrow(SQL["current"], account_id)
    if row is None:
        defaults = RiskPolicy(version=DEFAULT_VERSION)
        return KeptPolicy(defaults, defaults.to_dict())
    return _kept(row)


async def insert(
    conn: Connection, account_id: UUID, policy: RiskPolicy, *, reason: str, user_id: int, now: datetime
) -> None:
    """Keep the next version; two under one number cannot be."""
    values = policy.to_dict()
    version = values.pop("version")
    await conn.execute(SQL["insert"], account_id, version, values, reason, user_id, now)


async def history(conn: Connection, account_id: UUID, *, before: int | None, limit: int) -> list[KeptPolicy]:
    """Versions, newest first."""
    return [_kept(row) for row in await conn.fetch(SQL["history"], account_id, before, limit)]


def _kept(row: Row) -> KeptPolicy:
    stored = {**row["policy"], "version": row["version"]}
    policy, fault = policy_or_fallback(stored)
    values = policy.to_dict() if fault is None else stored
    return KeptPolicy(policy, values, fault, row["reason"], row["created_by"], row["created_at"])
