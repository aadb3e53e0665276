"""Profit, tick value and margin in account currency, as MT5 computes them for FOREX and CFD_LEVERAGE symbols."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from rubi.domain.units import ZERO, Side
from rubi.terminal.broker import Position, Symbol, Tick
from rubi.terminal.instruments import Instrument
from rubi.terminal.prices import Prices

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round account currency to two digits, half away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


class Valuation:
    """Converts through the quotes of the moment, always at the side of the pair that is worse for the account."""

    def __init__(
        self, instruments: Iterable[Instrument], prices: Prices, *, currency: str = "USD", leverage: int = 500
    ) -> None:
        self.instruments = {one.name: one for one in instruments}
        self.prices = prices
        self.currency = currency
        self.leverage = leverage

    def to_account(self, currency: str, amount: Decimal) -> Decimal | None:
        """Convert a signed amount; None when no pair leads to the account's currency."""
        if currency == self.currency:
            return amount
        direct = self.prices.last(currency + self.currency)
        if direct is not None:
            return amount * (direct.bid if amount > 0 else direct.ask)
        inverse = self.prices.last(self.currency + currency)
        if inverse is not None:
            return amount / (inverse.ask if amount > 0 else inverse.bid)
        return None

    def profit(self, side: Side, symbol: str, volume: Decimal, opened: Decimal, closed: Decimal) -> Decimal | None:
        """(closed − opened) × contract × lots in the symbol's profit currency, converted, rounded to cents."""
        instrument = self.instruments.get(symbol)
        if instrument is None:
            return None
        earned = (closed - opened) * side.sign * instrument.contract_size * volume
        converted = self.to_account(instrument.profit, earned)
        return None if converted is None else cents(converted)

    def margin(self, side: Side, symbol: str, volume: Decimal, price: Decimal) -> Decimal | None:
        """FOREX: lots × contract ÷ leverage in the base currency. Others: lots × contract × price ÷ leverage."""
        instrument = self.instruments.get(symbol)
        if instrument is None:
            return None
        nominal = volume * instrument.contract_size * instrument.margin_rate / self.leverage
        if not instrument.forex:
            held = self.to_account(instrument.profit, -nominal * price)
        elif instrument.base + self.currency == symbol:
            held = nominal * price
        else:
            held = self.to_account(instrument.base, -nominal if side is Side.BUY else nominal)
        return None if held is None else cents(abs(held))

    def total_margin(self, positions: Iterable[Position]) -> Decimal:
        """Margin of all positions at their opening prices; of opposite positions in a symbol the larger leg counts."""
        legs: dict[str, dict[Side, Decimal]] = {}
        for one in positions:
            held = self.margin(one.type, one.symbol, one.volume, one.open_price) or ZERO
            leg = legs.setdefault(one.symbol, {Side.BUY: ZERO, Side.SELL: ZERO})
            leg[one.type] += held
        return sum((max(leg.values()) for leg in legs.values()), ZERO)

    def floating(self, position: Position) -> Decimal:
        """Profit of a position at the price at which it would be closed now, without swap."""
        closing = self.quote(position.symbol).closing(position.type)
        return self.profit(position.type, position.symbol, position.volume, position.open_price, closing) or ZERO

    def equity(self, balance: Decimal, positions: Iterable[Position]) -> Decimal:
        """Balance plus the floating result of the positions."""
        return sum((self.floating(one) + one.swap for one in positions), balance)

    def quote(self, symbol: str) -> Tick:
        """The last tick of a symbol that is known to have one; `KeyError` for an unknown symbol."""
        return self.prices.series[symbol].ticks[-1]

    def symbol(self, name: str) -> Symbol:
        """The specification with the tick values of this moment."""
        one = self.instruments[name]
        earned = one.tick_size * one.contract_size
        gain, loss = self.to_account(one.profit, earned), self.to_account(one.profit, -earned)
        return Symbol(
            name=name,
            digits=one.digits,
            point=one.point,
            tick_size=one.tick_size,
            tick_value_profit=round(gain or ZERO, 8),
            tick_value_loss=round(-(loss or ZERO), 8),
            contract_size=one.contract_size,
            volume_min=one.volume_min,
            volume_max=one.volume_max,
            volume_step=one.volume_step,
            volume_limit=one.volume_limit,
            stops_level=one.stops_level,
            freeze_level=one.freeze_level,
            trade_mode=one.trade_mode,
            trade_exemode=one.trade_exemode,
            filling_flags=one.filling_flags,
            order_modes=one.order_modes,
            expiration_modes=one.expiration_modes,
            currency_base=one.base,
            currency_profit=one.profit,
            currency_margin=one.base if one.forex else one.profit,
            margin_initial=ZERO,
            margin_rate=one.margin_rate,
            commission_per_lot=one.commission_per_lot,
            swap_long=one.swap_long,
            swap_short=one.swap_short,
        )
