"""What many terminals tell, written in one transaction: columns of arrays, a few statements whatever their number."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from rubi.domain.risk.memory import LimitMemory
from rubi.store.pool import Connection
from rubi.store.sql import statements

SQL = statements(__file__)

Money = tuple[float, float, float, float, float, float, float]
"""Balance, equity, margin, free margin, margin level, profit, credit: account currency."""
NOT_TOLD = (None,) * 7


@dataclass(frozen=True, slots=True)
class Marks:
    """What moves with the price: one value a position in each column."""

    position_ids: list[int]
    current_price: list[float]
    profit: list[float]
    swap: list[float]
    commission: list[float]


@dataclass(slots=True)
class Columns:
    """A batch on its way to the database."""

    accounts: list[tuple[Any, ...]] = field(default_factory=list)
    sessions: list[tuple[Any, ...]] = field(default_factory=list)
    marks: list[tuple[UUID, datetime, Marks]] = field(default_factory=list)
    samples: list[tuple[UUID, datetime]] = field(default_factory=list)

    def tell(
        self,
        account_id: UUID,
        *,
        now: datetime,
        taken_at: datetime | None = None,
        money: Money | None = None,
        positions_at: datetime | None = None,
        orders_at: datetime | None = None,
        sampled: bool = False,
    ) -> None:
        """Note what an account's terminal told; None is no news."""
        self.accounts.append(
            (account_id, now, taken_at, *(money or NOT_TOLD), positions_at, orders_at, now if sampled else None)
        )
        if sampled:
            self.samples.append((account_id, now))

    def see(
        self,
        session_id: UUID,
        now: datetime,
        *,
        seq: int | None = None,
        sha256: bytes | None = None,
        flags: dict[str, Any] | None = None,
    ) -> None:
        """Note a sign of life, with the number of a cycle."""
        self.sessions.append((session_id, now, seq, sha256, flags))

    async def save(self, conn: Connection) -> None:
        """Write all of it."""
        if self.accounts or self.sessions:
            await conn.execute(SQL["save"], *_turned(self.accounts, 13), *_turned(self.sessions, 5))
        if self.marks:
            await _save_marks(conn, self.marks)
        if self.samples:
            await conn.execute(SQL["sample_positions"], *_turned(self.samples, 2))


async def _save_marks(conn: Connection, told: Sequence[tuple[UUID, datetime, Marks]]) -> None:
    ids: list[int] = []
    prices: list[float] = []
    profits: list[float] = []
    swaps: list[float] = []
    commissions: list[float] = []
    first, last = [], []
    for _, _, marks in told:
        first.append(len(ids) + 1)
        ids += marks.position_ids
        prices += marks.current_price
        profits += marks.profit
        swaps += marks.swap
        commissions += marks.commission
        last.append(len(ids))
    accounts, times = [account_id for account_id, _, _ in told], [taken_at for _, taken_at, _ in told]
    await conn.execute(SQL["save_marks"], accounts, times, ids, prices, profits, swaps, commissions, first, last)


async def save_memories(conn: Connection, memories: Sequence[tuple[UUID, LimitMemory, datetime]]) -> dict[UUID, int]:
    """Remember units, peaks and ledgers of accounts that nothing holds back; the versions of their rows."""
    rows = [
        (
            account_id,
            memory.ledger.counted_from,
            memory.ledger.funds,
            memory.ledger.deals,
            memory.ledger.flows,
            memory.ledger.initial_flows,
            memory.nav.units,
            memory.nav.nav,
            memory.nav.balance_nav,
            memory.nav.high,
            memory.nav.high_balance,
            memory.nav.day_high,
            memory.nav.end_high,
            memory.nav.end_high_balance,
            memory.nav.day,
            now,
        )
        for account_id, memory, now in memories
    ]
    return {row["account_id"]: row["version"] for row in await conn.fetch(SQL["save_memory"], *_turned(rows, 16))}


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
