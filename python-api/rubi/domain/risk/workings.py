"""What the gates share: prices, sizes and exposures computed once from a case."""

from copy import copy
from datetime import datetime
from decimal import Decimal

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk.case import RiskCase, SizingChoice
from rubi.domain.risk.correlation import Book
from rubi.domain.risk.exposure import (
    Exposure,
    ExposureKind,
    assumed_risk,
    has_no_worth,
    notional,
    of_pending,
    of_position,
    of_reservation,
    open_risk,
)
from rubi.domain.risk.holdings import Holding
from rubi.domain.risk.margin import margin_per_lot
from rubi.domain.risk.sizing import Sized
from rubi.domain.signal import OrderType
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import ZERO, Lots, Money, Price, Side


class Workings:
    """One decision in progress. `sized` is set by the size gate."""

    def __init__(self, case: RiskCase, now: datetime) -> None:
        self.now = now
        self.policy = case.policy
        self.account: AccountSnapshot | None = case.account
        self.specs = {spec.name: spec for spec in case.specs}
        self._take(case)
        self.exposures = self._exposures()
        self.total_risk = open_risk(self.exposures)
        self.opening = tuple(one for one in case.reservations if one.opens)
        self.unpriced = sorted({one.symbol for one in self.opening if has_no_worth(one, self.specs.get(one.symbol))})
        """Symbols of orders on their way whose worth cannot be told."""
        self.book = Book(case.correlations, self.specs)

    def about(self, case: RiskCase) -> "Workings":
        """The same account's workings about another proposal: `case` may differ in what belongs to the symbol alone."""
        other = copy(self)
        other._take(case)  # noqa: SLF001 - of this class
        return other

    def _take(self, case: RiskCase) -> None:
        self.case = case
        self.proposal = case.proposal
        self.spec: SymbolSpec | None = self.specs.get(self.proposal.symbol)
        tick = case.tick
        self.tick: Tick | None = tick if tick is not None and tick.symbol == self.proposal.symbol else None
        self.sizing = case.proposal.sizing or SizingChoice(self.policy.sizing_mode, self.policy.sizing_value)
        self.entry = self._entry()
        self.stop = self._stop()
        self.target = self._target()
        self.sized: Sized | None = None
        held: tuple[Holding, ...] = (*case.positions, *case.pendings)
        self.needed_symbols = sorted({self.proposal.symbol, *(one.symbol for one in held)})

    @property
    def market(self) -> bool:
        """Whether the order goes to the market at once."""
        return self.proposal.order_type is OrderType.MARKET

    def _entry(self) -> Price | None:
        if self.spec is None:
            return None
        if self.market:
            return self.tick.entry(self.proposal.side) if self.tick is not None else None
        price = self.proposal.limit_price or self.proposal.entry
        return None if price is None else self.spec.price(price)

    def _stop(self) -> Price | None:
        """Round the stop toward the entry; without one, place it by ATR where the policy says so."""
        if self.spec is None or self.entry is None:
            return self.proposal.stop
        stop: Decimal | None = self.proposal.stop
        if stop is None and self.policy.atr_stop_multiple is not None and self.case.atr is not None:
            stop = self.entry - self.proposal.side.sign * self.policy.atr_stop_multiple * self.case.atr
            return self.spec.price_toward(stop, self.entry) if stop > 0 else None
        return None if stop is None else self.spec.price_toward(stop, self.entry)

    def _target(self) -> Price | None:
        target = self.proposal.target
        if target is None or self.spec is None or self.entry is None:
            return target
        return self.spec.price_toward(target, self.entry)

    def _exposures(self) -> tuple[Exposure, ...]:
        leverage = self.account.leverage if self.account is not None else None
        found: list[Exposure] = []
        for position in self.case.positions:
            spec = self.specs.get(position.symbol)
            if spec is not None:
                found.append(of_position(position, spec, self.policy, leverage))
        for pending in self.case.pendings:
            spec = self.specs.get(pending.symbol)
            if spec is not None:
                found.append(of_pending(pending, spec, self.policy, leverage))
        found.extend(of_reservation(one, self.specs.get(one.symbol)) for one in self.case.reservations)
        return tuple(found)

    def already(self) -> Lots:
        """Lots in the proposal's symbol and direction."""
        return Lots(sum((one.volume for one in self.held(self.proposal.side)), ZERO))

    def held(self, side: Side) -> tuple[Exposure, ...]:
        """What is open or will be on one side of the proposal's symbol."""
        mine = (self.proposal.symbol, side)
        return tuple(
            one for one in self.exposures if (one.symbol, one.side) == mine and one.kind is not ExposureKind.CHANGE
        )

    def margin_per_lot(self) -> tuple[Money, str] | None:
        """Margin of one lot of the proposal and where the figure comes from."""
        if self.spec is None or self.account is None or self.entry is None:
            return None
        return margin_per_lot(self.spec, self.entry, self.account, self.case.ea_margin_per_lot)

    def assumed_loss_per_lot(self) -> Money | None:
        """What one lot without a stop is taken to lose."""
        if self.spec is None or self.account is None or self.entry is None:
            return None
        known = self.margin_per_lot()
        margin = None if known is None else known[0]
        risk, _ = assumed_risk(self.spec, self.entry, Decimal(1), margin, self.policy, self.account.leverage)
        return risk

    def new_exposure(self) -> Exposure | None:
        """The proposal as an exposure, once it is sized."""
        if self.sized is None or self.spec is None or self.entry is None:
            return None
        worth = notional(self.spec, self.entry, self.sized.volume)
        proposal = self.proposal
        return Exposure(ExposureKind.NEW, proposal.symbol, proposal.side, self.sized.volume, self.sized.risk, worth)
