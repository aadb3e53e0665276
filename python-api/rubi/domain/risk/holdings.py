"""What the account holds or is about to hold."""

from dataclasses import dataclass

from rubi.domain.units import Lots, Money, Price, Side


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A position as last reported. `current_price` is its closing price: bid for a buy, ask for a sell."""

    symbol: str
    side: Side
    volume: Lots
    open_price: Price
    current_price: Price
    stop: Price | None = None
    margin: Money | None = None
    position_id: str = ""


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """A working order at the broker."""

    symbol: str
    side: Side
    volume: Lots
    price: Price
    stop: Price | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Reservation:
    """An approved order whose position is not seen yet: its risk and margin are spent."""

    symbol: str
    side: Side
    volume: Lots
    risk: Money
    margin: Money
    price: Price | None = None
    order_id: int | None = None


Holding = OpenPosition | PendingOrder | Reservation
