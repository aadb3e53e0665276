"""How many lots: the largest tradable volume that loses no more than its budget at the stop."""

from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.policy import BelowMinimum, RiskBasis, RiskPolicy, SizingMode
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import (
    HUNDRED,
    ZERO,
    Lots,
    Money,
    Price,
    ceil_money,
    floor_money,
    percent_of,
    snap_volume,
)


@dataclass(frozen=True, slots=True)
class Sized:
    """A tradable volume and what it loses at the stop."""

    volume: Lots
    risk: Money
    """Loss at the stop with slippage and commission, rounded up to the account's digits."""
    loss_per_lot: Money
    budget: Money | None
    """None in the modes that do not start from a loss."""
    raw: Decimal
    """Lots before the grid and the caps."""
    capped_by: str = ""
    """What made it smaller than it was asked for: a volume of the broker's or the policy's, or the risk's `budget`."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Why no volume can be given."""

    code: DenialCode
    detail: str
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """What is to be sized. Prices are on the tick grid; `stop` lies on the losing side of `entry`."""

    entry: Price
    stop: Price | None
    mode: SizingMode
    value: Decimal
    own_volume: Lots | None = None
    already: Lots = Lots(ZERO)  # noqa: RUF009 - a NewType returns its immutable argument
    """Lots in this direction of the symbol that count against the broker's limit."""
    ea_loss_per_lot: Money | None = None
    """The terminal's `-OrderCalcProfit` of one lot from entry to stop."""
    margin_per_lot: Money | None = None
    assumed_loss_per_lot: Money | None = None
    """What one lot without a stop is taken to lose, where the policy allows that."""


def stop_loss_per_lot(spec: SymbolSpec, entry: Decimal, stop: Decimal) -> Money:
    """Return the bare loss of one lot from entry to stop: `|E-S|/ts·tv`."""
    return Money(abs(entry - stop) / spec.tick_size * spec.tick_value_loss)


def loss_per_lot(spec: SymbolSpec, entry: Decimal, stop: Decimal, slippage_ticks: Decimal = ZERO) -> Money:
    """Return the loss of one lot at the stop: `(|E-S|/ts + slippage)·tv + commission`, account currency."""
    slippage = slippage_ticks * spec.tick_value_loss
    return Money(stop_loss_per_lot(spec, entry, stop) + slippage + spec.commission_per_lot)


def basis(policy: RiskPolicy, account: AccountSnapshot) -> Money:
    """Return the money that a risk percent is taken of; never negative."""
    money = {
        RiskBasis.BALANCE: account.balance,
        RiskBasis.EQUITY: account.equity,
        RiskBasis.MIN_BALANCE_EQUITY: min(account.balance, account.equity),
        RiskBasis.FREE_MARGIN: account.margin_free,
        RiskBasis.FIXED_CAPITAL: policy.fixed_capital,
    }[policy.risk_basis]
    return Money(max(money or ZERO, ZERO))


def size(request: SizeRequest, policy: RiskPolicy, account: AccountSnapshot, spec: SymbolSpec) -> Sized | Denial:
    """Return the volume for the request, or why there is none.

    With a budget R (modes by risk, money, and the signal's own volume) the volume loses at most R at the stop; the
    other modes give a volume whose risk the later gates judge.
    """
    loss = loss_of(request, policy, spec)
    if isinstance(loss, Denial):
        return loss
    budget = _budget(request, policy, account)
    raw = _raw(request, policy, account, loss, budget)
    if isinstance(raw, Denial):
        return raw
    cap, capped_by = volume_cap(request, policy, spec)
    volume = snap_volume(min(raw, cap), minimum=spec.volume_min, step=spec.volume_step)
    if budget is not None:
        volume = _within(volume, loss, budget, account.digits, spec)
    if volume == 0:
        least = _minimum(raw, cap, capped_by, loss, budget, policy, spec)
        if isinstance(least, Denial):
            return least
        return Sized(least, ceil_money(least * loss, account.digits), loss, budget, raw, "volume_min")
    risk = ceil_money(volume * loss, account.digits)
    if budget is not None:
        risk = min(risk, budget)  # a snapped volume may pass the budget by less than a hundredth of a cent
    if raw <= cap:
        own = request.own_volume if request.mode is SizingMode.SIGNAL_VOLUME else None
        capped_by = "budget" if own is not None and own > raw else ""
    return Sized(volume, risk, loss, budget, raw, capped_by)


def loss_of(request: SizeRequest, policy: RiskPolicy, spec: SymbolSpec) -> Money | Denial:
    """Return what one lot loses, account currency: with slippage and commission, by the larger of two computations."""
    needs_stop = policy.require_stop or request.mode in {SizingMode.RISK_PERCENT, SizingMode.MONEY}
    if request.stop is None and (needs_stop or request.assumed_loss_per_lot is None):
        return Denial(DenialCode.STOP_REQUIRED, f"The mode is {request.mode} and no stop was given.", {})
    if policy.require_terminal_quote and request.ea_loss_per_lot is None:
        return Denial(DenialCode.TERMINAL_QUOTE_REQUIRED, "", {})
    if request.stop is None:
        assert request.assumed_loss_per_lot is not None, "checked above"
        loss = Money(request.assumed_loss_per_lot + spec.commission_per_lot)
    else:
        bare = stop_loss_per_lot(spec, request.entry, request.stop)
        loss = loss_per_lot(spec, request.entry, request.stop, policy.slippage_ticks)
        if request.ea_loss_per_lot is not None:
            gap = tick_value_gap(bare, request.ea_loss_per_lot)
            if gap > policy.tick_value_tolerance_percent:
                return Denial(
                    DenialCode.TICK_VALUE_INCONSISTENT,
                    f"The terminal computes a loss of {request.ea_loss_per_lot:.2f} per lot, the tick value gives "
                    f"{bare:.2f}: {gap:.2f} % apart, allowed are {policy.tick_value_tolerance_percent} %.",
                    {"ea_loss_per_lot": str(request.ea_loss_per_lot), "loss_per_lot": str(bare)},
                )
            loss = Money(loss + max(ZERO, request.ea_loss_per_lot - bare))
    if loss <= 0:
        return Denial(
            DenialCode.LOSS_NOT_POSITIVE,
            f"One lot would lose {loss} between {request.entry} and {request.stop} at {spec.tick_value_loss} per tick.",
            {"loss_per_lot": str(loss)},
        )
    return loss


def tick_value_gap(computed: Decimal, stated: Decimal) -> Decimal:
    """Return how far two losses per lot are apart, percent of the stated one."""
    if stated <= 0:
        return ZERO if computed == stated else HUNDRED
    return abs(computed - stated) / stated * HUNDRED


def _budget(request: SizeRequest, policy: RiskPolicy, account: AccountSnapshot) -> Money | None:
    if request.mode is SizingMode.MONEY:
        return floor_money(request.value, account.digits)
    if request.mode in {SizingMode.RISK_PERCENT, SizingMode.SIGNAL_VOLUME}:
        return percent_of(basis(policy, account), request.value, account.digits)
    return None


def _raw(
    request: SizeRequest, policy: RiskPolicy, account: AccountSnapshot, loss: Money, budget: Money | None
) -> Decimal | Denial:
    if request.mode is SizingMode.FIXED_LOTS:
        return request.value
    if request.mode is SizingMode.LOTS_PER_BALANCE:
        return max(account.balance, ZERO) / policy.sizing_balance_unit * request.value
    if request.mode is SizingMode.MARGIN_PERCENT:
        if request.margin_per_lot is None or request.margin_per_lot <= 0:
            return Denial(DenialCode.MARGIN_UNKNOWN, "The margin of one lot is needed to size by margin.", {})
        return percent_of(max(account.margin_free, ZERO), request.value, account.digits) / request.margin_per_lot
    by_risk = (budget or ZERO) / loss
    if request.mode is SizingMode.SIGNAL_VOLUME:
        if request.own_volume is None:
            return Denial(DenialCode.VOLUME_REQUIRED, "Send a volume, or choose another sizing mode.", {})
        return min(request.own_volume, by_risk)
    return by_risk


def volume_cap(request: SizeRequest, policy: RiskPolicy, spec: SymbolSpec) -> tuple[Decimal, str]:
    """Return the most lots that broker and policy allow, whatever they lose, and which of them says so."""
    caps = [(Decimal(spec.volume_max), "volume_max")]
    if policy.max_lot is not None:
        caps.append((policy.max_lot, "max_lot"))
    if spec.volume_limit > 0:
        caps.append((max(ZERO, spec.volume_limit - request.already), "volume_limit"))
    return min(caps)


def _within(volume: Lots, loss: Money, budget: Money, digits: int, spec: SymbolSpec) -> Lots:
    """Step down from a snapped volume that loses visibly more than the budget."""
    allowance = Decimal(1).scaleb(-digits - 2)
    if volume * loss <= budget + allowance:
        return volume
    lower = Lots(volume - spec.volume_step)
    return lower if lower >= spec.volume_min else Lots(ZERO)


def _minimum(
    raw: Decimal, cap: Decimal, capped_by: str, loss: Money, budget: Money | None, policy: RiskPolicy, spec: SymbolSpec
) -> Lots | Denial:
    least = spec.volume_min
    inputs = {"raw_volume": str(raw), "volume_min": str(least), "loss_per_lot": str(loss), "cap": str(cap)}
    if cap < least:
        code = DenialCode.VOLUME_LIMIT_REACHED if capped_by == "volume_limit" else DenialCode.VOLUME_BELOW_MINIMUM
        return Denial(code, f"Only {cap} lots are left by {capped_by}; the minimum is {least}.", inputs)
    if (
        policy.below_minimum is BelowMinimum.USE_MINIMUM
        and budget is not None
        and least * loss <= policy.below_minimum_factor * budget
    ):
        return least
    needed = ceil_money(least * loss)
    return Denial(
        DenialCode.VOLUME_BELOW_MINIMUM,
        f"The smallest volume {least} would lose {needed} at the stop"
        + (f"; the budget is {budget}." if budget is not None else f"; the mode gives {raw:.4f} lots."),
        inputs,
    )
