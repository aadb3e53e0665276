"""What the terminal's own calculators say of one lot: the second opinion on the broker's tick value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rubi.domain.risk.case import Proposal
from rubi.domain.signal import OrderType
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Money, Price, Side, exact

LONGEST_LIFE = timedelta(minutes=10)
"""An older calculation was made at other exchange rates."""


@dataclass(frozen=True, slots=True)
class LotQuote:
    """`-OrderCalcProfit` from entry to stop and `OrderCalcMargin` of one lot, account currency."""

    symbol: str
    side: Side
    entry: Price
    stop: Price | None
    loss_per_lot: Money | None
    margin_per_lot: Money | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Stated:
    """Loss and margin of one lot of a proposal by the terminal; None: it said nothing that fits."""

    loss_per_lot: Money | None = None
    margin_per_lot: Money | None = None


def stated(
    quotes: Sequence[LotQuote], proposal: Proposal, spec: SymbolSpec | None, tick: Tick | None, *, now: datetime
) -> Stated:
    """Return what the terminal's newest calculation means for this proposal.

    The loss is scaled by the distance of the stop, `loss·|E-S|/|E_q-S_q|`: it is proportional to it, whatever the
    instrument. The margin of one lot moves with the price by less than a quote lives, and is taken as it is.
    """
    quote = next(
        (each for each in quotes if each.side is proposal.side and now - each.received_at <= LONGEST_LIFE), None
    )
    if quote is None or spec is None:
        return Stated()
    market = proposal.order_type is OrderType.MARKET
    entry = proposal.limit_price or proposal.entry
    if market:
        entry = None if tick is None else tick.entry(proposal.side)
    loss = None
    if (
        quote.loss_per_lot is not None
        and quote.stop is not None
        and quote.stop != quote.entry
        and entry is not None
        and proposal.stop is not None
    ):
        with exact():
            at = spec.price(entry)
            distance = abs(at - spec.price_toward(proposal.stop, at))
            loss = Money(quote.loss_per_lot * distance / abs(quote.entry - quote.stop))
    return Stated(loss, quote.margin_per_lot)
