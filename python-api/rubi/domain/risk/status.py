"""Where an account stands against its limits, and how much room is left: what the risk page shows."""

from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.account import TradingState
from rubi.domain.risk import drawdown as drawdowns
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.drawdown import Drawdown
from rubi.domain.risk.exposure import currency_exposure, heat, leverage_used
from rubi.domain.risk.headroom import Headroom, headroom
from rubi.domain.risk.loss import DayLoss, LossLevel, day_loss
from rubi.domain.risk.workings import Workings
from rubi.domain.units import Money, Percent, exact


@dataclass(frozen=True, slots=True)
class RiskStatus:
    """The account against its limits, now."""

    open_risk: Money
    heat_percent: Percent
    leverage: Decimal
    currencies: dict[str, Money]
    day: DayLoss | None
    drawdown: Drawdown | None
    level: LossLevel
    headroom: Headroom

    @property
    def trading_state(self) -> TradingState:
        """What the loss limits leave the account."""
        return self.level.trading_state


def status(work: Workings) -> RiskStatus | None:
    """Compute the whole status; None without figures of the account. An unknown day or drawdown leaves no level."""
    account, policy, case = work.account, work.policy, work.case
    if account is None:
        return None
    with exact():
        loss = None if case.day is None else day_loss(case.day, account.equity, policy, account.digits)
        down = None
        if case.nav is not None:
            today = trading_day(work.now, policy, case.clock).day
            down = drawdowns.drawdown(
                drawdowns.observe(case.nav, account.equity, account.balance, today), policy, account.digits
            )
        levels = [part.level for part in (loss, down) if part is not None]
        return RiskStatus(
            open_risk=work.total_risk,
            heat_percent=heat(work.exposures, account.equity),
            leverage=leverage_used(work.exposures, account),
            currencies=currency_exposure(work.exposures, work.specs),
            day=loss,
            drawdown=down,
            level=max(levels, key=list(LossLevel).index, default=LossLevel.OK),
            headroom=headroom(work, loss, down),
        )
