"""What the broker's books hold: positions, working orders, deals. Numbers as the terminal read them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rubi.domain.units import Lots, Money, Price, Side


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """An open position. `position_id` never changes, the ticket may; `sl`, `tp` None: there is none."""

    position_id: int
    ticket: int
    symbol: str
    side: Side
    volume: Lots
    open_price: Price
    current_price: Price
    sl: Price | None
    tp: Price | None
    profit: Money
    swap: Money
    commission: Money
    magic: int
    comment: str | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order in the broker's book, or (with its end in `state`) one that has left it."""

    ticket: int
    symbol: str
    type: str
    volume_initial: Lots
    volume_current: Lots
    price_open: Price
    stop_limit: Price | None
    sl: Price | None
    tp: Price | None
    state: str
    type_time: str
    expiration: datetime | None
    magic: int
    comment: str | None
    position_id: int | None


@dataclass(frozen=True, slots=True)
class Deal:
    """A fill or a balance operation; immutable. `time_msc` is broker wall clock, `executed_at` UTC."""

    ticket: int
    type: str
    entry: str | None
    symbol: str | None
    order_ticket: int | None
    position_id: int | None
    volume: Lots
    price: Price
    sl: Price | None
    tp: Price | None
    profit: Money
    swap: Money
    commission: Money
    fee: Money
    magic: int
    comment: str | None
    reason: str | None
    time_msc: int
    executed_at: datetime

    @property
    def trades(self) -> bool:
        """Whether it is a fill, not a balance operation."""
        return self.type in ("BUY", "SELL")


@dataclass(frozen=True, slots=True)
class AccountMoney:
    """The account's money at one moment, account currency."""

    balance: Decimal
    equity: Decimal
    margin: Decimal
    margin_free: Decimal
    margin_level: Decimal
    profit: Decimal
    credit: Decimal
