"""What the loss limits remember, in Postgres."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk.drawdown import NavState
from rubi.domain.risk.fallback import policy_or_fallback
from rubi.domain.risk.loss import DayState, LossLevel
from rubi.domain.risk.memory import Ledger, LimitMemory, PastDeals
from rubi.domain.risk.policy import PolicyError, RiskPolicy
from rubi.domain.units import Money, Percent
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

_ONE, _HELD = "a.id = $1", "FOR UPDATE OF s"
# The planner does not see how many accounts: it would plan each time anew, which takes longer than the rest.
_LOOK_AT = SQL["read"].replace(_ONE, "a.id = ANY((SELECT $1::uuid[])::uuid[])").removesuffix(_HELD)
FLOWS = ("BALANCE", "CREDIT", "BONUS")
"""Deals that move money in or out without any trade."""
_DEFAULTS: tuple[RiskPolicy, PolicyError | None] = RiskPolicy(), None


@dataclass(frozen=True, slots=True)
class RiskAccount:
    """An account with its rules and what is remembered of it; `memory` None: it was never watched."""

    user_id: int
    snapshot: AccountSnapshot
    policy: RiskPolicy
    policy_fault: PolicyError | None
    """What is wrong with the stored policy; `policy` holds in its place."""
    clock: BrokerClock
    deals_come: bool
    memory: LimitMemory | None
    trading_state: TradingState
    reason: str | None
    flatten_since: datetime | None
    saved_at: datetime | None


async def read(conn: Connection, account_id: UUID) -> RiskAccount | None:
    """The account for one change of what is remembered, held until the transaction ends; None without any money."""
    row = await conn.fetchrow(SQL["read"], account_id)
    return None if row is None else _risk_account(row)


async def look_at(conn: Connection, account_ids: Sequence[UUID]) -> dict[UUID, RiskAccount]:
    """The same of several without holding them, for who compares their facts_version later."""
    return {row["account_id"]: _risk_account(row) for row in await conn.fetch(_LOOK_AT, account_ids)}


def _risk_account(row: Row) -> RiskAccount:
    snapshot = snapshot_of(row)
    assert snapshot is not None, "joined with its money"
    policy, fault = policy_of(row["policy"], row["policy_version"])
    return RiskAccount(
        user_id=row["user_id"],
        snapshot=snapshot,
        policy=policy,
        policy_fault=fault,
        clock=clock_of(row["offsets"]),
        deals_come=row["protocol"] > 1,
        memory=memory_of(row),
        trading_state=TradingState(row["risk_state"] or TradingState.ACTIVE),
        reason=row["risk_reason"],
        flatten_since=row["flatten_since"],
        saved_at=row["updated_at"],
    )


async def save(
    conn: Connection,
    account_id: UUID,
    memory: LimitMemory,
    *,
    reason: str | None,
    flatten_since: datetime | None,
    now: datetime,
) -> None:
    """Remember units, peaks, ledger and levels."""
    ledger, nav = memory.ledger, memory.nav
    await conn.execute(
        SQL["save"],
        account_id,
        ledger.counted_from,
        ledger.funds,
        ledger.deals,
        ledger.flows,
        ledger.initial_flows,
        ledger.unexplained_since,
        nav.units,
        nav.nav,
        nav.balance_nav,
        nav.high,
        nav.high_balance,
        nav.day_high,
        nav.end_high,
        nav.end_high_balance,
        nav.day,
        nav.wiped,
        memory.drawdown_level,
        memory.trading_state,
        reason,
        flatten_since,
        now,
    )


async def save_day(conn: Connection, account_id: UUID, memory: LimitMemory, anchor_mode: str) -> None:
    """Remember the day."""
    day = memory.day
    await conn.execute(
        SQL["save_day"],
        account_id,
        day.day,
        day.starts,
        day.ends,
        day.anchor,
        anchor_mode,
        day.flows,
        day.estimated,
        memory.day_level,
    )


async def past_deals(conn: Connection, account_id: UUID, since: datetime) -> PastDeals:
    """What the known deals since a moment add up to."""
    row = await conn.fetchrow(SQL["past_deals"], account_id, since, FLOWS)
    assert row is not None, "a SELECT of sums has one row"
    return PastDeals(Money(row["results"]), Money(row["flows"]))


def memory_of(row: Row) -> LimitMemory | None:
    """What is remembered, out of a row with the columns of risk_accounts and of the last day."""
    if row["counted_from"] is None or row["day"] is None:
        return None
    return LimitMemory(
        ledger=Ledger(
            row["counted_from"],
            Money(row["funds"]),
            Money(row["deals"]),
            Money(row["flows"]),
            Money(row["initial_flows"]),
            row["unexplained_since"],
        ),
        nav=NavState(
            units=row["units"],
            nav=row["nav"],
            balance_nav=row["balance_nav"],
            high=row["high"],
            high_balance=row["high_balance"],
            day_high=row["day_high"],
            end_high=row["end_high"],
            end_high_balance=row["end_high_balance"],
            day=row["nav_day"],
            wiped=row["wiped"],
        ),
        day=DayState(
            day=row["day"],
            starts=row["day_starts_at"],
            ends=row["day_ends_at"],
            anchor=Money(row["day_anchor"]),
            flows=Money(row["day_flows"]),
            estimated=row["day_estimated"],
        ),
        day_level=LossLevel(row["day_level"]),
        drawdown_level=LossLevel(row["drawdown_level"]),
    )


def snapshot_of(row: Row) -> AccountSnapshot | None:
    """The account's money, out of a row with the columns of account_states; None when nothing was told."""
    if row["balance"] is None:
        return None
    return AccountSnapshot(
        balance=Money(row["balance"]),
        equity=Money(row["equity"]),
        margin=Money(row["margin"]),
        margin_free=Money(row["margin_free"]),
        currency=row["currency"],
        taken_at=row["taken_at"],
        received_at=row["received_at"],
        margin_level=Percent(row["margin_level"]) if row["margin"] > 0 else None,
        profit=Money(row["profit"]),
        credit=Money(row["credit"]),
        digits=row["currency_digits"],
        leverage=row["leverage"],
    )


def policy_of(stored: str | None, version: int | None) -> tuple[RiskPolicy, PolicyError | None]:
    """A stored policy (JSON), or what holds in its place and what is wrong with it; the defaults where none was set."""
    return _DEFAULTS if stored is None else _policy(stored, version)


@lru_cache(maxsize=1000)
def _policy(stored: str, version: int | None) -> tuple[RiskPolicy, PolicyError | None]:
    # By the text itself: no other version is ever taken for it, and most accounts of a process are asked about again.
    return policy_or_fallback({**json.loads(stored), "version": version})


def clock_of(offsets: Sequence[Sequence[Any]] | None) -> BrokerClock:
    """The broker's clock of a history as JSON: from when, minutes, suspect."""
    history = [(datetime.fromisoformat(since), minutes) for since, minutes, _ in offsets or ()]
    return BrokerClock.of_minutes(history, suspect=bool(offsets and offsets[-1][2]))
