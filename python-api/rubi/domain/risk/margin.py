"""The margin that an order needs, and whether the account carries it.

The terminal's `OrderCheck` just before the send has the last word; this keeps orders from being sent only to be
refused.
"""

from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk.exposure import notional
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import HUNDRED, Money, Percent, percent_of


@dataclass(frozen=True, slots=True)
class MarginAfter:
    """The account after the order and all reservations."""

    free: Money
    reserve: Money
    level: Percent | None
    """None when no margin is used at all."""

    @property
    def has_reserve(self) -> bool:
        """Whether the free margin keeps the policy's reserve."""
        return self.free >= self.reserve

    def keeps_level(self, minimum: Decimal) -> bool:
        """Whether the margin level stays at or above `minimum` percent."""
        return self.level is None or self.level >= minimum


def margin_per_lot(
    spec: SymbolSpec, price: Decimal, account: AccountSnapshot, stated: Money | None
) -> tuple[Money, str] | None:
    """Return the margin of one lot and its source: `OrderCalcMargin` from the terminal, else worth by leverage."""
    if stated is not None and stated >= 0:
        return stated, "terminal"
    if account.leverage:
        return Money(notional(spec, price, Decimal(1)) / account.leverage), f"estimate at 1:{account.leverage}"
    return None


def margin_after(account: AccountSnapshot, needed: Decimal, reserved: Decimal, policy: RiskPolicy) -> MarginAfter:
    """Return free margin and margin level after taking `needed` and what is reserved already."""
    used = account.margin + needed + reserved
    return MarginAfter(
        free=Money(account.margin_free - needed - reserved),
        reserve=percent_of(account.balance, policy.margin_reserve_percent, account.digits),
        level=Percent(account.equity / used * HUNDRED) if used > 0 else None,
    )
