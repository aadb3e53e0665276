"""The day's loss: counted from a persisted anchor, with deposits and withdrawals taken out.

`loss = A + F - Q` and `floor = A + F - limit`, where A is the anchor, F the sum of deposits, withdrawals and credits
since, Q the equity. The limit is breached when Q is at or below the floor.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.risk.day import TradingDay
from rubi.domain.risk.policy import DayAnchor, LimitBase, RiskPolicy
from rubi.domain.units import HUNDRED, NO_MONEY, ZERO, Money, Percent, percent_of


class LossLevel(StrEnum):
    """How much of a loss limit is used up."""

    OK = "OK"
    WARN = "WARN"
    REDUCING = "REDUCING"
    HALTED = "HALTED"

    @property
    def trading_state(self) -> TradingState:
        """What the account may still do."""
        if self is LossLevel.HALTED:
            return TradingState.HALTED
        return TradingState.REDUCING if self is LossLevel.REDUCING else TradingState.ACTIVE


def loss_level(used: Decimal, policy: RiskPolicy) -> LossLevel:
    """Return the level for the used percent of a limit; 100 is the breach."""
    if used >= HUNDRED:
        return LossLevel.HALTED
    if used >= policy.reduce_at_percent:
        return LossLevel.REDUCING
    return LossLevel.WARN if used >= policy.warn_at_percent else LossLevel.OK


@dataclass(frozen=True, slots=True)
class DayState:
    """The persisted anchor of one day and the flows since."""

    day: date
    starts: datetime
    ends: datetime
    anchor: Money
    flows: Money = NO_MONEY
    estimated: bool = False
    """The reset was missed; the anchor was computed afterwards."""


@dataclass(frozen=True, slots=True)
class DayLoss:
    """Where the day stands. A negative loss is a gain."""

    loss: Money
    limit: Money
    floor: Money
    used_percent: Percent
    level: LossLevel
    estimated: bool


def open_day(
    day: TradingDay, snapshot: AccountSnapshot, policy: RiskPolicy, *, all_flows: Money = NO_MONEY, late: bool = False
) -> DayState:
    """Capture the anchor at the first snapshot of a day.

    `all_flows` are the deposits minus withdrawals since the initial balance was set, for the INITIAL anchor. `late`
    flags a snapshot that is not the first after the reset.
    """
    anchors = {
        DayAnchor.BALANCE: snapshot.balance,
        DayAnchor.EQUITY: snapshot.equity,
        DayAnchor.MAX: max(snapshot.balance, snapshot.equity),
    }
    anchor = anchors.get(policy.day_anchor)
    if anchor is None:
        anchor = Money((policy.initial_balance or snapshot.balance) + all_flows)
    return DayState(day.day, day.starts, day.ends, anchor, estimated=late)


def rebuild_day(
    day: TradingDay,
    snapshot: AccountSnapshot,
    policy: RiskPolicy,
    *,
    results: Money,
    flows: Money,
    all_flows: Money = NO_MONEY,
) -> DayState:
    """Rebuild a missed reset from the deals since: the balance then was today's minus their results and the flows.

    `results` is the sum of profit, swap, commission and fee of the deals since the day began. The floating result at
    the reset is not in the deals, so every anchor but INITIAL is that balance, and the state is flagged `estimated`.
    """
    if policy.day_anchor is DayAnchor.INITIAL:
        opened = open_day(day, snapshot, policy, all_flows=Money(all_flows - flows))
        return replace(opened, flows=flows, estimated=True)
    balance = Money(snapshot.balance - results - flows)
    return DayState(day.day, day.starts, day.ends, balance, flows, estimated=True)


def with_flow(state: DayState, amount: Money) -> DayState:
    """Add a deposit (positive), withdrawal (negative) or credit of this day."""
    return replace(state, flows=Money(state.flows + amount))


def day_loss(state: DayState, equity: Money, policy: RiskPolicy, digits: int = 2) -> DayLoss | None:
    """Return the day's loss against its limit; None when the policy has no daily limit."""
    if policy.max_daily_loss_percent is None:
        return None
    initial = policy.daily_loss_base is LimitBase.INITIAL and policy.initial_balance is not None
    base = policy.initial_balance if initial else state.anchor
    limit = percent_of(base or state.anchor, policy.max_daily_loss_percent, digits)
    start = state.anchor + state.flows
    loss = start - equity
    used = loss * HUNDRED / limit if limit > 0 else (HUNDRED if loss >= 0 else ZERO)
    return DayLoss(
        Money(loss),
        limit,
        Money(start - limit),
        Percent(max(used, ZERO)),
        loss_level(used, policy),
        state.estimated,
    )
