"""Where an account stands against its limits, and how much room is left: what the risk page shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk import drawdown as drawdowns
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.drawdown import Drawdown, NavState
from rubi.domain.risk.exposure import Exposure, currency_exposure, heat, leverage_used, open_risk
from rubi.domain.risk.loss import DayLoss, DayState, LossLevel, day_loss
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.risk.sizing import loss_per_lot
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import NO_MONEY, ZERO, Lots, Money, Percent, Price, exact, percent_of, snap_volume


@dataclass(frozen=True, slots=True)
class Headroom:
    """The most the next order may risk, and the limit that says so."""

    money: Money
    limit: str


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


def status(
    account: AccountSnapshot,
    policy: RiskPolicy,
    exposures: tuple[Exposure, ...],
    specs: dict[str, SymbolSpec],
    *,
    day: DayState | None,
    nav: NavState | None,
    clock: BrokerClock,
    now: datetime,
) -> RiskStatus:
    """Compute the whole status. An unknown day or drawdown state is None and leaves no level."""
    with exact():
        loss = None if day is None else day_loss(day, account.equity, policy, account.digits)
        down = None
        if nav is not None:
            today = trading_day(now, policy, clock).day
            down = drawdowns.drawdown(
                drawdowns.observe(nav, account.equity, account.balance, today), policy, account.digits
            )
        levels = [part.level for part in (loss, down) if part is not None]
        return RiskStatus(
            open_risk=open_risk(exposures),
            heat_percent=heat(exposures, account.equity),
            leverage=leverage_used(exposures, account),
            currencies=currency_exposure(exposures, specs),
            day=loss,
            drawdown=down,
            level=max(levels, key=list(LossLevel).index, default=LossLevel.OK),
            headroom=headroom(account, policy, exposures, loss, down),
        )


def headroom(
    account: AccountSnapshot,
    policy: RiskPolicy,
    exposures: tuple[Exposure, ...],
    loss: DayLoss | None,
    down: Drawdown | None,
) -> Headroom:
    """Return the least room that the limits in money leave for one more order."""
    used, digits = open_risk(exposures), account.digits
    lower = max(ZERO, min(account.balance, account.equity))
    rooms = {
        "max_position_size_percent": percent_of(lower, policy.max_position_size_percent, digits),
        "max_total_exposure_percent": percent_of(max(ZERO, account.equity), policy.max_total_exposure_percent, digits)
        - used,
    }
    if loss is not None:
        rooms["max_daily_loss_percent"] = account.equity - used - loss.floor
    if down is not None:
        rooms["max_drawdown_percent"] = account.equity - used - down.floor
    limit = min(rooms, key=lambda name: (rooms[name], name))
    return Headroom(max(NO_MONEY, Money(rooms[limit])), limit)


def headroom_lots(room: Headroom, spec: SymbolSpec, entry: Price, stop: Price, policy: RiskPolicy) -> Lots:
    """Return the largest tradable volume that the headroom carries with this stop; 0 when not even the smallest."""
    with exact():
        loss = loss_per_lot(spec, entry, stop, policy.slippage_ticks)
        if loss <= 0:
            return Lots(ZERO)
        raw = min(room.money / loss, spec.volume_max, policy.max_lot or spec.volume_max)
        return snap_volume(raw, minimum=spec.volume_min, step=spec.volume_step)
