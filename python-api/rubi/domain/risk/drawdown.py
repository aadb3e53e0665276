"""Drawdown on units, as a fund counts it: a deposit buys units at the current value and moves no drawdown.

`nav = Q / units`, a flow F adds `F / nav` units, `dd = 1 - nav / peak`. Every mode's peak is kept, so that the mode can
be changed.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from rubi.domain.risk.loss import LossLevel, loss_level
from rubi.domain.risk.policy import DrawdownMode, LimitBase, PeakOf, RiskPolicy
from rubi.domain.units import HUNDRED, SNAP, ZERO, Money, Percent, ceil_money

TWELVE = Decimal("1e-12")
START = Decimal(1)
"""The value of one unit at the initial balance."""


@dataclass(frozen=True, slots=True)
class NavState:
    """Units of the account and the peaks of their value; persisted."""

    units: Decimal
    nav: Decimal
    """Equity per unit at the last observation."""
    balance_nav: Decimal
    high: Decimal
    """Highest ever, equity."""
    high_balance: Decimal
    """Highest ever, balance."""
    day_high: Decimal
    """Highest of `day`."""
    end_high: Decimal
    """Highest at the end of a day, equity."""
    end_high_balance: Decimal
    """Highest at the end of a day, balance."""
    day: date
    wiped: bool = False
    """The equity fell to nothing: no deposit hides that, only a person's reset does."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Where the drawdown stands; `floor` is the equity at which the limit is breached."""

    percent: Percent
    peak: Decimal
    nav: Decimal
    floor: Money
    used_percent: Percent
    level: LossLevel


def open_nav(equity: Money, balance: Money, day: date, *, initial_balance: Money | None = None) -> NavState:
    """Begin to count, or begin anew after a person's unlock.

    With an initial balance, that money is the start value of 1, and no trailing peak is below it.
    """
    units = initial_balance or equity
    if units <= 0:
        return NavState(START, ZERO, ZERO, START, START, START, START, START, day, wiped=True)
    nav, balance_nav = equity / units, balance / units
    return NavState(units, nav, balance_nav, max(nav, START), max(balance_nav, START), nav, START, START, day)


def apply_flow(state: NavState, amount: Money, *, equity_before: Money) -> NavState:
    """Buy or sell units for a deposit or withdrawal, at the value just before it.

    An account that was emptied by withdrawal has no units; its last value stays, and the next deposit buys at it.
    """
    if state.wiped:
        return state
    if state.units == 0:
        return replace(state, units=max(ZERO, amount / state.nav))
    if equity_before <= 0:
        return replace(state, wiped=True, nav=ZERO)
    nav = equity_before / state.units
    units = max(ZERO, state.units + amount / nav)
    if units < state.units * SNAP:
        units = ZERO
    return replace(state, units=units, nav=nav, high=max(state.high, nav), day_high=max(state.day_high, nav))


def observe(state: NavState, equity: Money, balance: Money, day: date) -> NavState:
    """Take a snapshot in: raise the peaks, and close the last day when a new one has begun."""
    if state.wiped or state.units == 0:
        return state
    if equity <= 0:
        return replace(state, wiped=True, nav=ZERO)
    nav, balance_nav = equity / state.units, balance / state.units
    day_high = state.day_high
    if day > state.day:
        state = replace(
            state,
            day=day,
            end_high=max(state.end_high, state.nav),
            end_high_balance=max(state.end_high_balance, state.balance_nav),
        )
        day_high = nav
    return replace(
        state,
        nav=nav,
        balance_nav=balance_nav,
        high=max(state.high, nav),
        high_balance=max(state.high_balance, balance_nav),
        day_high=max(day_high, nav),
    )


def peak(state: NavState, policy: RiskPolicy) -> Decimal:
    """Return the value per unit from which the policy's mode counts."""
    if policy.drawdown_mode is DrawdownMode.STATIC:
        return START
    if policy.drawdown_mode is DrawdownMode.INTRADAY:
        return state.day_high
    if policy.drawdown_mode is DrawdownMode.EOD_TRAILING:
        return state.end_high_balance if policy.drawdown_peak_of is PeakOf.BALANCE else state.end_high
    return state.high_balance if policy.drawdown_peak_of is PeakOf.BALANCE else state.high


def drawdown(state: NavState, policy: RiskPolicy, digits: int = 2) -> Drawdown | None:
    """Return the drawdown against its limit; None when the policy has none.

    Ratios are rounded to twelve decimals and the floor up to the account's digits: dividing by units leaves a remainder
    far behind the comma, and a level must not depend on it.
    """
    if policy.max_drawdown_percent is None:
        return None
    top = peak(state, policy)
    base = START if policy.drawdown_base is LimitBase.INITIAL else top
    floor = top - base * policy.max_drawdown_percent / HUNDRED
    if policy.drawdown_lock_at_initial and policy.drawdown_mode is not DrawdownMode.INTRADAY:
        floor = min(floor, START)
    used = max(ZERO, ((top - state.nav) * HUNDRED / (top - floor)).quantize(TWELVE))
    return Drawdown(
        percent=Percent(max(ZERO, ((1 - state.nav / top) * HUNDRED).quantize(TWELVE))),
        peak=top,
        nav=state.nav,
        floor=ceil_money((floor * state.units).quantize(SNAP), digits),
        used_percent=Percent(used),
        level=loss_level(used, policy),
    )
