"""What the account holds or is about to hold."""

from dataclasses import dataclass

from rubi.domain.order import OrderKind
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
    """An approved order that the books do not show yet: its risk and margin are spent.

    A change of something that is open adds its risk here, and is no position of its own.
    """

    symbol: str
    side: Side
    volume: Lots
    risk: Money
    margin: Money
    price: Price | None = None
    """Where it fills; None: not known, and so is what it is worth."""
    order_id: int | None = None
    kind: OrderKind = OrderKind.OPEN

    @property
    def opens(self) -> bool:
        """Whether it becomes a position or a pending order."""
        return self.kind in (OrderKind.OPEN, OrderKind.PLACE_PENDING)


Holding = OpenPosition | PendingOrder | Reservation
