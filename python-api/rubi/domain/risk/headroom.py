"""How much the next order may be: the least room that any limit leaves it, and which limit that is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.risk import gates_entry, gates_limit, gates_price
from rubi.domain.risk.correlation import cluster, portfolio_risk
from rubi.domain.risk.decision import GateResult
from rubi.domain.risk.drawdown import Drawdown
from rubi.domain.risk.exposure import Exposure, ExposureKind, currency_exposure, notional
from rubi.domain.risk.loss import DayLoss
from rubi.domain.risk.margin import margin_after
from rubi.domain.risk.sizing import Denial, SizeRequest, loss_of, volume_cap
from rubi.domain.risk.workings import Workings
from rubi.domain.units import (
    HUNDRED,
    NO_LOTS,
    NO_MONEY,
    ZERO,
    Lots,
    Money,
    ceil_money,
    exact,
    floor_money,
    percent_of,
    snap_volume,
)

Gate = Callable[[Workings], GateResult]

_OF_THE_ACCOUNT: tuple[Gate, ...] = (
    gates_entry.trading_state,
    gates_entry.reconciled,
    gates_entry.clock,
    gates_entry.account_fresh,
    gates_entry.lock,
    gates_limit.counts,
)
_OF_THE_SYMBOL: tuple[Gate, ...] = (
    gates_entry.trading_state,
    gates_entry.reconciled,
    gates_entry.clock,
    gates_entry.account_fresh,
    gates_entry.tick_fresh,
    gates_entry.symbol_fresh,
    gates_entry.symbol_tradable,
    gates_entry.session,
    gates_entry.opposite,
    gates_entry.lock,
    gates_price.prices,
    gates_price.spread,
    gates_limit.counts,
)


@dataclass(frozen=True, slots=True)
class Headroom:
    """The most the next order may risk, and what says so: a parameter of the policy, or the code that denies it."""

    money: Money
    limit: str


@dataclass(frozen=True, slots=True)
class Room:
    """The largest tradable volume of one side of a symbol, and what says so: a parameter, or the code that denies."""

    lots: Lots
    limit: str


@dataclass(frozen=True, slots=True)
class _Bound:
    """`volume · per_lot` may be at most `room`; risk in money is rounded up to the account's digits first."""

    limit: str
    room: Decimal
    per_lot: Decimal
    digits: int | None = None

    @property
    def lots(self) -> Decimal:
        return max(ZERO, self.room) / self.per_lot

    def holds(self, volume: Lots) -> bool:
        used = volume * self.per_lot
        return (used if self.digits is None else ceil_money(used, self.digits)) <= self.room


def headroom(work: Workings, loss: DayLoss | None, down: Drawdown | None) -> Headroom:
    """Return the least room, account currency, that the account's limits leave for one more order."""
    account, policy, used = work.account, work.policy, work.total_risk
    barred = _barred(work, _OF_THE_ACCOUNT)
    if barred is not None or account is None:
        return Headroom(NO_MONEY, barred or "STALE_ACCOUNT")
    digits, lower = account.digits, max(ZERO, min(account.balance, account.equity))
    rooms: dict[str, Decimal] = {
        "max_position_size_percent": percent_of(lower, policy.max_position_size_percent, digits),
        "max_total_exposure_percent": percent_of(max(ZERO, account.equity), policy.max_total_exposure_percent, digits)
        - used,
    }
    if loss is not None:
        rooms["max_daily_loss_percent"] = account.equity - used - loss.floor
    if down is not None:
        rooms["max_drawdown_percent"] = account.equity - used - down.floor
    limit = min(rooms, key=lambda name: (rooms[name], name))
    return Headroom(max(NO_MONEY, floor_money(rooms[limit], digits)), limit)


def headroom_lots(work: Workings, room: Headroom) -> Room:
    """Return what the proposal of `work`, a market order with a stop, may be at most; `room` is the account's."""
    with exact():
        barred = _barred(work, _OF_THE_SYMBOL)
        if barred is not None or work.spec is None:
            return Room(NO_LOTS, barred or "STALE_SYMBOL")
        bounds = _bounds(work, room)
        if isinstance(bounds, str):
            return Room(NO_LOTS, bounds)
        least = min(bounds, key=lambda one: (one.lots, one.limit))
        volume = snap_volume(least.lots, minimum=work.spec.volume_min, step=work.spec.volume_step)
        while volume > 0 and not all(one.holds(volume) for one in bounds):
            lower = Lots(volume - work.spec.volume_step)
            volume = lower if lower >= work.spec.volume_min else NO_LOTS
        return Room(volume, least.limit)


def _barred(work: Workings, gates: tuple[Gate, ...]) -> str | None:
    """The code of the first gate that lets nothing open, however small."""
    found = next((result for result in (gate(work) for gate in gates) if result.passed is False), None)
    return None if found is None else str(found.code)


def _bounds(work: Workings, room: Headroom) -> list[_Bound] | str:
    """Every limit on the volume, or the code of what is missing to compute one."""
    spec, account, policy = work.spec, work.account, work.policy
    assert spec is not None, "asked by the gates"
    assert account is not None, "asked by the gates"
    assert work.entry is not None, "asked by the gates"
    request = SizeRequest(
        entry=work.entry,
        stop=work.stop,
        mode=work.sizing.mode,
        value=work.sizing.value,
        already=work.already(),
        ea_loss_per_lot=work.case.ea_loss_per_lot,
    )
    loss, margin = loss_of(request, policy, spec), work.margin_per_lot()
    if isinstance(loss, Denial):
        return str(loss.code)
    if margin is None:
        return "MARGIN_UNKNOWN"
    cap, capped_by = volume_cap(request, policy, spec)
    return [
        _Bound(room.limit, room.money, loss, account.digits),
        _Bound(capped_by, cap, Decimal(1)),
        *(_Bound(limit, money, loss, account.digits) for limit, money in _together(work)),
        *(_Bound(limit, money, margin[0]) for limit, money in _margin(work) if margin[0] > 0),
        *_worth(work),
    ]


def _together(work: Workings) -> Iterator[tuple[str, Decimal]]:
    """What may be risked beside the positions that move with the new one, and in the portfolio as a whole."""
    policy, equity = work.policy, work.account.equity if work.account is not None else ZERO
    if policy.max_correlated_risk_percent is not None:
        symbol, side = work.proposal.symbol, work.proposal.side
        nothing = Exposure(ExposureKind.NEW, symbol, side, NO_LOTS, NO_MONEY, NO_MONEY)
        joined, _ = cluster(nothing, work.exposures, work.book, policy.correlation_threshold)
        yield "max_correlated_risk_percent", policy.max_correlated_risk_percent * equity / HUNDRED - joined
    if policy.max_portfolio_risk_percent is not None:
        # No portfolio gains more risk than what comes, so this much fits for certain; where the new one hedges, more.
        before = portfolio_risk(work.exposures, work.book)
        yield "max_portfolio_risk_percent", policy.max_portfolio_risk_percent * equity / HUNDRED - before


def _margin(work: Workings) -> Iterator[tuple[str, Decimal]]:
    if work.account is None:
        return
    policy, account = work.policy, work.account
    reserved = sum((one.margin for one in work.case.reservations), ZERO)
    after = margin_after(account, ZERO, reserved, policy)
    yield "margin_reserve_percent", after.free - after.reserve
    if policy.min_margin_level_percent > 0:
        most = account.equity * HUNDRED / policy.min_margin_level_percent
        yield "min_margin_level_percent", most - account.margin - reserved


def _worth(work: Workings) -> Iterator[_Bound]:
    spec, account, policy = work.spec, work.account, work.policy
    if spec is None or account is None or work.entry is None:
        return
    per_lot = notional(spec, work.entry, Decimal(1))
    if per_lot <= 0:
        return
    if policy.max_leverage is not None:
        worth = sum((one.notional for one in work.exposures), ZERO)
        room = ZERO if work.unpriced else policy.max_leverage * account.equity - worth
        yield _Bound("max_leverage", room, per_lot)
    percent = policy.max_currency_exposure_percent
    if percent is None or spec.currency_base == spec.currency_profit:
        return
    most = percent_of(max(ZERO, account.equity), percent, account.digits)
    held = currency_exposure(work.exposures, work.specs)
    for name, sign in ((spec.currency_base, work.proposal.side.sign), (spec.currency_profit, -work.proposal.side.sign)):
        now = held.get(name, NO_MONEY)
        room = ZERO if work.unpriced else max(most, abs(now)) - sign * now
        yield _Bound("max_currency_exposure_percent", room, per_lot)
