"""What the loss limits remember of an account, so that neither a restart nor a deposit moves them.

The deals say how the account's own money (balance and credit) should have changed since the last snapshot they
explained. While money and deals do not agree, the later of the two is on its way. What opens is judged as if the worse
were true: money that is there and unexplained is a deposit, so no peak and no allowance rises with it; money that is
missing is lost. What halts an account stays, so for a minute only a loss counts that is there either way.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.risk import drawdown as drawdowns
from rubi.domain.risk.day import TradingDay
from rubi.domain.risk.drawdown import Drawdown, NavState
from rubi.domain.risk.loss import DayLoss, DayState, LossLevel, day_loss, open_day, rebuild_day
from rubi.domain.risk.policy import DayAnchor, RiskPolicy
from rubi.domain.units import NO_MONEY, ZERO, Money, exact

RESET_PATIENCE = timedelta(minutes=2)
"""A first snapshot this long after the reset is no picture of it: the reset was missed and is rebuilt from deals."""
DOUBT_AFTER = timedelta(seconds=60)
"""What is unexplained for this long counts as it is worse: missing money as lost, unexpected money as a deposit."""
ROUNDING = 10
"""Smallest units of the account's currency that brokers may round a deal by: what is below is a result, no question."""
EMPTY = 10
"""At the reset the account held less than this part (a tenth) of what was paid in since: it was as good as empty."""
GIVE_UP_AFTER = timedelta(hours=1)
"""After this long the money is taken as it is; deals that were executed before count no more."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account's own money at the last snapshot that the deals explained, and the deals since."""

    counted_from: datetime
    """Deals executed before are in `funds` already."""
    funds: Money
    """Balance and credit then."""
    deals: Money = NO_MONEY
    """What the deals since add up to."""
    flows: Money = NO_MONEY
    """The deposits, withdrawals and credits among them."""
    initial_flows: Money = NO_MONEY
    """Deposits, withdrawals and credits since the policy's initial balance was set, without `flows`."""
    unexplained_since: datetime | None = None

    def gap(self, account: AccountSnapshot) -> Money:
        """Return the money that no deal explains; negative: money is missing. Cents of rounding are none."""
        gap = account.balance + account.credit - self.funds - self.deals
        return Money(gap) if abs(gap) >= ROUNDING * Decimal(1).scaleb(-account.digits) else NO_MONEY


@dataclass(frozen=True, slots=True)
class PastDeals:
    """The known deals since a day began: trading results with all costs, and deposits, withdrawals and credits."""

    results: Money = NO_MONEY
    flows: Money = NO_MONEY


@dataclass(frozen=True, slots=True)
class LimitMemory:
    """Everything that the loss limits of one account remember."""

    ledger: Ledger
    nav: NavState
    day: DayState
    day_level: LossLevel = LossLevel.OK
    drawdown_level: LossLevel = LossLevel.OK

    @property
    def trading_state(self) -> TradingState:
        """What the loss limits leave the account."""
        return _stricter(self.day_level, self.drawdown_level).trading_state


@dataclass(frozen=True, slots=True)
class Watched:
    """A snapshot taken in: what is remembered from now on, and where the limits stand.

    While money and deals do not agree yet, `loss` and `drawdown` are the least that they can be.
    """

    memory: LimitMemory
    loss: DayLoss | None
    drawdown: Drawdown | None
    gap: Money


def begin(account: AccountSnapshot, policy: RiskPolicy, today: TradingDay, past: PastDeals) -> LimitMemory:
    """Begin to remember an account with equity. Losses of the day count as far as their deals are known."""
    with exact():
        ledger = Ledger(account.taken_at, _funds(account))
        nav = drawdowns.open_nav(account.equity, account.balance, today.day, initial_balance=policy.initial_balance)
        late = account.taken_at - today.starts > RESET_PATIENCE
        day = _opened(account, policy, today, past, ledger, late=late)
        # The history comes after the first snapshot: deals of this day that are told later still move the anchor.
        return LimitMemory(ledger, nav, replace(day, estimated=True))


def standing(memory: LimitMemory, account: AccountSnapshot, *, deals_come: bool) -> tuple[DayState, NavState]:
    """Return day and units as they stand for this snapshot: with the deals that are known and not yet taken in.

    `deals_come` is false for a connector that tells no deals: then every change of the balance is a result.
    """
    gap = memory.ledger.gap(account) if deals_come else NO_MONEY
    day, nav = _with_flow(memory, account, _known_flows(memory, deals_come=deals_come) + max(ZERO, gap))
    return _grounded(day), nav


def _grounded(day: DayState) -> DayState:
    """An account that was as good as empty at the reset begins its day with what was paid in since.

    A percentage of next to nothing would halt it at its first trade.
    """
    if day.flows <= 0 or day.anchor * EMPTY > day.flows:
        return day
    return replace(day, anchor=Money(day.anchor + day.flows), flows=NO_MONEY)


def _known_flows(memory: LimitMemory, *, deals_come: bool) -> Money:
    return memory.ledger.flows if deals_come else NO_MONEY


def _with_flow(memory: LimitMemory, account: AccountSnapshot, flow: Decimal) -> tuple[DayState, NavState]:
    if flow == 0:
        return memory.day, memory.nav
    day = replace(memory.day, flows=Money(memory.day.flows + flow))
    return day, drawdowns.apply_flow(memory.nav, Money(flow), equity_before=Money(account.equity - flow))


def turn_day(
    memory: LimitMemory,
    account: AccountSnapshot,
    policy: RiskPolicy,
    today: TradingDay,
    past: PastDeals,
    *,
    deals_come: bool,
) -> LimitMemory:
    """Begin a new day at its first snapshot, or rebuild its beginning when the reset was missed.

    A day that only got other bounds (the broker's clock changed) keeps its anchor. `past` is asked for a new day.
    """
    if memory.day.day == today.day:
        return replace(memory, day=replace(memory.day, starts=today.starts, ends=today.ends))
    if memory.day.day > today.day:  # another zone, or the clock went back over midnight: the day goes on
        return memory
    with exact():
        settled = memory
        if deals_come and memory.ledger.gap(account) == 0:
            settled = _settle(memory, account, today)
        ledger = settled.ledger
        gap = ledger.gap(account) if deals_come else NO_MONEY
        late = account.taken_at - today.starts > RESET_PATIENCE
        balance = account.balance - gap
        if late and not deals_come:
            balance = ledger.funds - account.credit  # the last that was seen before the reset
        sound = replace(account, balance=Money(balance), equity=Money(account.equity - gap))
        day = _opened(sound, policy, today, past if deals_come else PastDeals(), ledger, late=late)
        if gap != 0 and policy.day_anchor is not DayAnchor.INITIAL:
            # The deals that are known join the day's flows once they are explained; the anchor holds them already.
            day = replace(day, flows=Money(day.flows - ledger.flows), estimated=True)
        return replace(settled, day=day, day_level=LossLevel.OK)


def watch(
    memory: LimitMemory,
    account: AccountSnapshot,
    policy: RiskPolicy,
    today: TradingDay,
    *,
    deals_come: bool,
    now: datetime,
) -> Watched:
    """Take a snapshot in on the day that it belongs to, and say where the limits stand."""
    with exact():
        gap = memory.ledger.gap(account) if deals_come else NO_MONEY
        since = memory.ledger.unexplained_since or now
        patience_over = now - since
        if gap == 0 or patience_over >= GIVE_UP_AFTER:
            counted_from = memory.ledger.counted_from if gap == 0 else now
            after = _settle(memory, account, today, counted_from=counted_from, deals_come=deals_come)
        else:
            after = replace(memory, ledger=replace(memory.ledger, unexplained_since=since))
        in_doubt = gap != 0 and patience_over < DOUBT_AFTER
        if in_doubt:
            # A result moves no equity when it is booked, a flow does: the lesser loss is certain, whichever it was.
            day, nav = _with_flow(after, account, after.ledger.flows + min(ZERO, gap))
            day = _grounded(day)
        else:
            day, nav = standing(after, account, deals_come=deals_come)
        nav = drawdowns.observe(nav, account.equity, account.balance, today.day)
        loss = day_loss(day, account.equity, policy, account.digits)
        down = drawdowns.drawdown(nav, policy, account.digits)
        day_level = next_level(memory.day_level, LossLevel.OK if loss is None else loss.level)
        drawdown_level = next_level(memory.drawdown_level, LossLevel.OK if down is None else down.level)
        if in_doubt:  # what holds is not let go by what may not be true
            day_level = _stricter(memory.day_level, day_level)
            drawdown_level = _stricter(memory.drawdown_level, drawdown_level)
        return Watched(replace(after, day_level=day_level, drawdown_level=drawdown_level), loss, down, gap)


def next_level(before: LossLevel, reached: LossLevel) -> LossLevel:
    """Return the level that holds: HALTED until it is unlocked, REDUCING until the loss is below the warning again."""
    if before is LossLevel.HALTED:
        return before
    if before is LossLevel.REDUCING and reached is LossLevel.WARN:
        return before
    return reached


def _stricter(one: LossLevel, other: LossLevel) -> LossLevel:
    return max(one, other, key=list(LossLevel).index)


def restart_day(memory: LimitMemory, account: AccountSnapshot, policy: RiskPolicy, today: TradingDay) -> LimitMemory:
    """Unlock the day: count its loss anew, from this snapshot."""
    with exact():
        anchored = open_day(today, account, replace(policy, day_anchor=_from_now(policy)))
        return replace(memory, day=replace(anchored, flows=Money(-memory.ledger.flows)), day_level=LossLevel.OK)


def restart_drawdown(
    memory: LimitMemory, account: AccountSnapshot, policy: RiskPolicy, today: TradingDay, *, from_initial: bool = False
) -> LimitMemory:
    """Unlock the drawdown: count it anew, from this snapshot, or from the policy's initial balance."""
    with exact():
        initial = policy.initial_balance if from_initial else None
        nav = drawdowns.open_nav(account.equity, account.balance, today.day, initial_balance=initial)
        ledger = replace(memory.ledger, initial_flows=NO_MONEY) if from_initial else memory.ledger
        return replace(memory, nav=nav, ledger=ledger, drawdown_level=LossLevel.OK)


def _from_now(policy: RiskPolicy) -> DayAnchor:
    return DayAnchor.EQUITY if policy.day_anchor is DayAnchor.INITIAL else policy.day_anchor


def _funds(account: AccountSnapshot) -> Money:
    return Money(account.balance + account.credit)


def _settle(
    memory: LimitMemory,
    account: AccountSnapshot,
    today: TradingDay,
    *,
    counted_from: datetime | None = None,
    deals_come: bool = True,
) -> LimitMemory:
    """Take the known deals in: flows move day and units, and the funds are those of this snapshot."""
    gap = memory.ledger.gap(account) if deals_come else NO_MONEY
    flow = _known_flows(memory, deals_come=deals_come) + max(ZERO, gap)
    day, nav = _with_flow(memory, account, flow)
    ledger = Ledger(
        counted_from or memory.ledger.counted_from,
        _funds(account),
        initial_flows=Money(memory.ledger.initial_flows + flow),
    )
    nav = drawdowns.observe(nav, account.equity, account.balance, today.day)
    return replace(memory, ledger=ledger, day=day, nav=nav)


def _opened(
    account: AccountSnapshot, policy: RiskPolicy, today: TradingDay, past: PastDeals, ledger: Ledger, *, late: bool
) -> DayState:
    if policy.day_anchor is DayAnchor.INITIAL or not late:
        return open_day(today, account, policy, all_flows=ledger.initial_flows)
    return rebuild_day(today, account, policy, results=past.results, flows=past.flows)
