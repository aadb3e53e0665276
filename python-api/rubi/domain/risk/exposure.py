"""What is at risk now: each position from its current closing price to its stop, and the sums over the account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk.holdings import OpenPosition, PendingOrder, Reservation
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.risk.sizing import loss_per_lot
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import HUNDRED, ZERO, Lots, Money, Percent, Side


class ExposureKind(StrEnum):
    """What holds the risk."""

    POSITION = "POSITION"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"
    CHANGE = "CHANGE"
    """What a change on its way adds to a position or a pending order."""
    NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Risk and worth of one position, pending order or reservation, account currency."""

    kind: ExposureKind
    symbol: str
    side: Side
    volume: Lots
    risk: Money
    notional: Money
    assumed: str = ""
    """How the risk was assumed, for want of a stop."""


def notional(spec: SymbolSpec, price: Decimal, volume: Decimal) -> Money:
    """Return what the volume is worth: the tick value carries contract size and conversion, so `V·price/ts·tv`."""
    return Money(volume * price / spec.tick_size * spec.tick_value_loss)


def position_risk(spec: SymbolSpec, side: Side, closing: Decimal, stop: Decimal, volume: Decimal) -> Money:
    """Return `max(0, d/ts·tv·V)`: what is lost from the closing price to the stop, `d` = bid-S (buy), S-ask (sell)."""
    distance = (closing - stop) * side.sign
    return Money(max(ZERO, distance / spec.tick_size * spec.tick_value_loss * volume))


def assumed_risk(
    spec: SymbolSpec, price: Decimal, volume: Decimal, margin: Money | None, policy: RiskPolicy, leverage: int | None
) -> tuple[Money, str]:
    """Return the risk of something without a stop and where it comes from: configured move, margin, or whole worth."""
    worth = notional(spec, price, volume)
    if policy.no_stop_move_percent is not None:
        return Money(worth * policy.no_stop_move_percent / HUNDRED), f"move of {policy.no_stop_move_percent} %"
    if margin is not None:
        return margin, "margin"
    if leverage:
        return Money(worth / leverage), f"margin at 1:{leverage}"
    return worth, "whole worth"


def of_position(position: OpenPosition, spec: SymbolSpec, policy: RiskPolicy, leverage: int | None = None) -> Exposure:
    """Return the exposure of an open position."""
    worth = notional(spec, position.current_price, position.volume)
    if position.stop is None:
        risk, assumed = assumed_risk(spec, position.current_price, position.volume, position.margin, policy, leverage)
    else:
        risk = position_risk(spec, position.side, position.current_price, position.stop, position.volume)
        assumed = ""
    return Exposure(ExposureKind.POSITION, position.symbol, position.side, position.volume, risk, worth, assumed)


def of_pending(pending: PendingOrder, spec: SymbolSpec, policy: RiskPolicy, leverage: int | None = None) -> Exposure:
    """Return the exposure a pending order will have when it fills at its price."""
    worth = notional(spec, pending.price, pending.volume)
    assumed = ""
    if pending.stop is None:
        risk, assumed = assumed_risk(spec, pending.price, pending.volume, None, policy, leverage)
    elif (pending.price - pending.stop) * pending.side.sign <= 0:
        risk = Money(ZERO)
    else:
        risk = Money(loss_per_lot(spec, pending.price, pending.stop, policy.slippage_ticks) * pending.volume)
    return Exposure(ExposureKind.PENDING, pending.symbol, pending.side, pending.volume, risk, worth, assumed)


def of_reservation(reservation: Reservation, spec: SymbolSpec | None) -> Exposure:
    """Return the exposure of an approved order that is on its way; worth nothing where that `has_no_worth`."""
    worth = Money(ZERO)
    if spec is not None and reservation.price is not None and reservation.opens:
        worth = notional(spec, reservation.price, reservation.volume)
    return Exposure(
        ExposureKind.RESERVATION if reservation.opens else ExposureKind.CHANGE,
        reservation.symbol,
        reservation.side,
        reservation.volume,
        reservation.risk,
        worth,
    )


def has_no_worth(reservation: Reservation, spec: SymbolSpec | None) -> bool:
    """Whether it cannot be told what an order on its way is worth: no price of it, or no specification, is known."""
    return reservation.opens and (spec is None or reservation.price is None)


def open_risk(exposures: Sequence[Exposure]) -> Money:
    """Return the sum of the risks."""
    return Money(sum((one.risk for one in exposures), ZERO))


def heat(exposures: Sequence[Exposure], equity: Decimal) -> Percent:
    """Return the open risk in percent of the equity; everything is too much without equity."""
    total = open_risk(exposures)
    if equity <= 0:
        return Percent(ZERO if total == 0 else Decimal("Infinity"))
    return Percent(total / equity * HUNDRED)


def leverage_used(exposures: Sequence[Exposure], account: AccountSnapshot) -> Decimal:
    """Return how many times the equity all exposures are worth, both sides added up."""
    worth = sum((one.notional for one in exposures), ZERO)
    return worth / account.equity if account.equity > 0 else Decimal("Infinity")


def currency_exposure(exposures: Sequence[Exposure], specs: Mapping[str, SymbolSpec]) -> dict[str, Money]:
    """Return the net worth held in each currency: a bought EURUSD is long EUR and short USD by the same amount.

    A symbol quoted in its own base currency (an index, a share) moves no currency and is left out.
    """
    net: dict[str, Decimal] = {}
    for one in exposures:
        spec = specs.get(one.symbol)
        if spec is None or spec.currency_base == spec.currency_profit:
            continue
        signed = one.notional * one.side.sign
        net[spec.currency_base] = net.get(spec.currency_base, ZERO) + signed
        net[spec.currency_profit] = net.get(spec.currency_profit, ZERO) - signed
    return {currency: Money(net[currency]) for currency in sorted(net)}
