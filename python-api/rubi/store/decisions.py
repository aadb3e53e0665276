"""Decisions as they are kept: the answer with everything it was made from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


@dataclass(frozen=True, slots=True)
class NewDecision:
    """An answer to a signal. `record`: the case and every gate, plain (`domain.risk.record`); `record_sha256`: hex."""

    user_id: int
    account_id: UUID | None
    signal_id: int | None
    order_id: int | None
    approved: bool
    code: str | None
    detail: str
    record: dict[str, Any]
    record_sha256: str
    decided_at: datetime

    @property
    def record_json(self) -> str:
        """The record as text: by the codec of other JSON it takes eight times as long, under the account's lock."""
        return msgspec.json.encode(self.record).decode()


async def insert(conn: Connection, decision: NewDecision) -> int:
    """Keep a decision inside the caller's transaction; its id."""
    return int(
        await conn.fetchval(
            SQL["insert"],
            decision.user_id,
            decision.account_id,
            decision.signal_id,
            decision.order_id,
            decision.approved,
            decision.code,
            decision.detail,
            decision.record_json,
            decision.record_sha256,
            decision.decided_at,
        )
    )


async def of_signal(conn: Connection, user_id: int, signal_id: int) -> Row | None:
    """The decision on a user's signal."""
    return await conn.fetchrow(SQL["of_signal"], signal_id, user_id)


async def one(conn: Connection, decision_id: int) -> Row | None:
    """A decision by its id, whoever owns it: for the machine the service runs on."""
    return await conn.fetchrow(SQL["one"], decision_id)
