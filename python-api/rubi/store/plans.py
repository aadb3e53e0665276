"""Plans in Postgres."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rubi.domain.plan import Held, PlanRules, StepCase
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Lots, Price, Side
from rubi.store.books import spec_of
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

UNSEEN_FOR = timedelta(minutes=1)
"""A fill whose position is in no list after this long was closed again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An active plan with its position and market, when nothing is under way for it."""

    id: int
    user_id: int
    rules: PlanRules
    done: frozenset[int]
    held: Held
    tick: Tick
    spec: SymbolSpec
    position_id: int
    ticket: int
    target: Price | None
    magic: int

    @property
    def case(self) -> StepCase:
        """What its next step is made from."""
        return StepCase(self.rules, self.held, self.tick, self.spec, tuple(sorted(self.done)))


async def insert(
    conn: Connection,
    account_id: UUID,
    rules: PlanRules,
    *,
    user_id: int,
    signal_id: int | None,
    order_id: int,
    now: datetime,
) -> None:
    """Keep a plan for the position that an order will open."""
    await conn.execute(SQL["insert"], account_id, user_id, signal_id, order_id, rules.to_dict(), now)


async def due(conn: Connection, account_id: UUID, *, now: datetime, failed_after: datetime) -> list[Plan]:
    """The plans for which something may be done now."""
    return [_plan(row) for row in await conn.fetch(SQL["due"], account_id, now, failed_after)]


async def end(conn: Connection, account_id: UUID, now: datetime) -> None:
    """End the plans whose positions are gone."""
    await conn.execute(SQL["end"], account_id, now, now - UNSEEN_FOR)


async def revive(conn: Connection, order_id: int, ended_at: datetime) -> None:
    """An order had not ended at that time after all: its plan goes on, when it had not begun."""
    await conn.execute(SQL["revive"], order_id, ended_at)


async def note_step(conn: Connection, plan: Plan, order_id: int, *, target: int | None, next_at: datetime) -> None:
    """Remember what was done for a plan."""
    number = None if target is None else str(target)
    await conn.execute(SQL["note_step"], plan.id, order_id, next_at, number, plan.position_id)


def _plan(row: Row) -> Plan:
    spec = spec_of(row["symbol"], row["spec"], row["spec_received_at"])
    return Plan(
        id=row["id"],
        user_id=row["user_id"],
        rules=PlanRules.from_dict(row["rules"]),
        done=frozenset(row["done"]),
        held=Held(
            side=Side(row["side"]),
            open_price=Price(row["open_price"]),
            opened=Lots(max(row["filled_volume"], row["volume"])),
            volume=Lots(row["volume"]),
            stop=Price(row["sl"]) if row["sl"] else None,
        ),
        tick=Tick(row["symbol"], Price(row["bid"]), Price(row["ask"]), row["quoted_at"], row["tick_received_at"]),
        spec=spec,
        position_id=row["position_id"],
        ticket=row["ticket"],
        target=Price(row["tp"]) if row["tp"] else None,
        magic=row["magic"],
    )
