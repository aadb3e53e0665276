"""The loss limits at every snapshot, without a word to the database as long as nothing moves.

Between two equities that were judged with the same outcome lies no other one: levels rise with the loss, peaks with the
equity, and both were at rest at either end. So a snapshot of the same balance between them needs no arithmetic, but for
the value per unit when that is due to be kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.risk.day import TradingDay, trading_day
from rubi.domain.risk.drawdown import observe
from rubi.domain.risk.memory import LimitMemory
from rubi.domain.units import Money, Percent, exact
from rubi.flows.watch_limits import SAVE_EVERY, judge, moved
from rubi.store.risk_state import RiskAccount
from rubi.store.telemetry import Money as MoneyTold


@dataclass(slots=True)
class LimitsSeen:
    """An account's limits as they were read, and the equities between which nothing moves."""

    account: RiskAccount
    today: TradingDay | None = None
    balance: float = 0.0
    credit: float = 0.0
    lowest: float = 1.0
    highest: float = 0.0

    @property
    def free(self) -> bool:
        """Whether nothing holds the account back, and its limits are its own."""
        account = self.account
        return (
            account.trading_state is TradingState.ACTIVE
            and account.flatten_since is None
            and account.policy_fault is None
        )

    def at_rest(self, money: MoneyTold, now: datetime) -> bool:
        """Whether this snapshot moves nothing that is remembered, and none is due to be kept."""
        saved_at = self.account.saved_at
        return saved_at is not None and now - saved_at < SAVE_EVERY and self._between(money, now)

    def _between(self, money: MoneyTold, now: datetime) -> bool:
        today = self.today
        return (
            self.lowest <= money[1] <= self.highest
            and money[0] == self.balance
            and money[6] == self.credit
            and today is not None
            and today.starts <= now < today.ends
        )

    def judge(self, money: MoneyTold, taken_at: datetime, now: datetime) -> tuple[bool, LimitMemory | None]:
        """Whether the snapshot is quiet, and what is to be remembered of it, if anything.

        Not quiet is whatever holds the account back, is told to somebody, begins a day, or is unexplained.
        """
        before = self.account.memory
        if before is not None and self._between(money, now):
            equity, balance = Money(Decimal(repr(money[1]))), Money(Decimal(repr(money[0])))
            with exact():
                return True, replace(before, nav=observe(before.nav, equity, balance, before.nav.day))
        account = replace(self.account, snapshot=_snapshot(self.account, money, taken_at, now))
        if before is None or not self.free:
            return False, None
        today = trading_day(now, account.policy, account.clock)
        if (before.day.day, before.day.starts, before.day.ends) != (today.day, today.starts, today.ends):
            return False, None
        judged = judge(account, before, today, now)
        if not judged.quiet:
            return False, None
        if judged.save:
            return True, judged.after
        if self.lowest > self.highest or (self.balance, self.credit) != (money[0], money[6]) or self.today != today:
            self.today, self.balance, self.credit = today, money[0], money[6]
            self.lowest = self.highest = money[1]
        else:
            self.lowest, self.highest = min(self.lowest, money[1]), max(self.highest, money[1])
        return True, None

    def saved(self, memory: LimitMemory, now: datetime) -> "LimitsSeen":
        """The same after its memory was kept. Between equities that moved nothing, nothing moves later either."""
        before = self.account.memory
        account = replace(self.account, memory=memory, saved_at=now, reason=None)
        return LimitsSeen(account) if before is None or moved(before, memory) else replace(self, account=account)


def _snapshot(account: RiskAccount, money: MoneyTold, taken_at: datetime, now: datetime) -> AccountSnapshot:
    balance, equity, margin, margin_free, margin_level, profit, credit = (Decimal(repr(value)) for value in money)
    return replace(
        account.snapshot,
        balance=Money(balance),
        equity=Money(equity),
        margin=Money(margin),
        margin_free=Money(margin_free),
        margin_level=Percent(margin_level) if margin > 0 else None,
        profit=Money(profit),
        credit=Money(credit),
        taken_at=taken_at,
        received_at=now,
    )
