"""What MetaTrader 5 gives a program: the `Broker` protocol and the records that pass through it.

Field names are those of docs/wire.md, so that a record becomes JSON by listing its fields. Prices, volumes and money
are `Decimal`; tickets are integers here and strings on the wire; `*_msc` are milliseconds of the broker's wall clock.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from rubi.domain.units import ZERO, Side

FOK, IOC = 1, 2
"""Flags of `SYMBOL_FILLING_MODE`."""


class NoAnswerError(ConnectionError):
    """`OrderSend` did not return an answer: the request may have been executed or not."""


class OrderType(StrEnum):
    """`ENUM_ORDER_TYPE` without its prefix."""

    BUY = "BUY"
    SELL = "SELL"
    BUY_LIMIT = "BUY_LIMIT"
    SELL_LIMIT = "SELL_LIMIT"
    BUY_STOP = "BUY_STOP"
    SELL_STOP = "SELL_STOP"
    BUY_STOP_LIMIT = "BUY_STOP_LIMIT"
    SELL_STOP_LIMIT = "SELL_STOP_LIMIT"

    @property
    def side(self) -> Side:
        """The direction of the deal this order wants."""
        return Side.BUY if self.value.startswith("BUY") else Side.SELL

    @property
    def is_pending(self) -> bool:
        """Whether the order waits for a price."""
        return "_" in self.value


class Action(StrEnum):
    """`ENUM_TRADE_REQUEST_ACTIONS` without its prefix."""

    DEAL = "DEAL"
    PENDING = "PENDING"
    SLTP = "SLTP"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"
    CLOSE_BY = "CLOSE_BY"


class Filling(StrEnum):
    """`ENUM_ORDER_TYPE_FILLING` without its prefix."""

    FOK = "FOK"
    IOC = "IOC"
    RETURN = "RETURN"


@dataclass(frozen=True, slots=True)
class Account:
    """`ACCOUNT_*`, and the terminal's build."""

    login: int
    server: str
    company: str
    currency: str
    leverage: int
    margin_mode: str
    trade_mode: str
    fifo_close: bool
    hedge_allowed: bool
    limit_orders: int
    balance: Decimal
    equity: Decimal
    margin: Decimal
    margin_free: Decimal
    margin_level: Decimal
    profit: Decimal
    credit: Decimal
    build: int


@dataclass(frozen=True, slots=True)
class Flags:
    """The five permissions and the ping of a terminal to its broker."""

    connected: bool = True
    terminal_trade_allowed: bool = True
    mql_trade_allowed: bool = True
    account_trade_allowed: bool = True
    account_trade_expert: bool = True
    ping_ms: int = 1

    @property
    def may_trade(self) -> bool:
        """Whether an order can be sent now."""
        return (
            self.connected
            and self.terminal_trade_allowed
            and self.mql_trade_allowed
            and self.account_trade_allowed
            and self.account_trade_expert
        )


@dataclass(frozen=True, slots=True)
class BrokerTime:
    """`TimeGMT()` and `TimeTradeServer()` in seconds, and the last tick's milliseconds (0: no tick yet)."""

    gmt: int
    server: int
    tick_msc: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """`SYMBOL_*` of one instrument; `commission_per_lot` is the round turn in account currency."""

    name: str
    digits: int
    point: Decimal
    tick_size: Decimal
    tick_value_profit: Decimal
    tick_value_loss: Decimal
    contract_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    volume_limit: Decimal
    stops_level: int
    freeze_level: int
    trade_mode: str
    trade_exemode: str
    filling_flags: int
    order_modes: int
    expiration_modes: int
    currency_base: str
    currency_profit: str
    currency_margin: str
    margin_initial: Decimal
    margin_rate: Decimal
    commission_per_lot: Decimal
    swap_long: Decimal
    swap_short: Decimal


@dataclass(frozen=True, slots=True)
class Tick:
    """One quote."""

    symbol: str
    bid: Decimal
    ask: Decimal
    time_msc: int
    last: Decimal = ZERO
    volume: int = 0

    def opening(self, side: Side) -> Decimal:
        """The price at which a market order of this side is filled."""
        return self.ask if side is Side.BUY else self.bid

    def closing(self, side: Side) -> Decimal:
        """The price at which a position of this side is closed."""
        return self.bid if side is Side.BUY else self.ask


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of bids; `time` is its opening in seconds of the broker's wall clock, `spread` in points."""

    symbol: str
    timeframe: str
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    tick_volume: int
    spread: int
    real_volume: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """An open position. `ticket` may change on a netting account, `position_id` does not."""

    ticket: int
    position_id: int
    symbol: str
    type: Side
    volume: Decimal
    open_price: Decimal
    sl: Decimal
    tp: Decimal
    magic: int
    comment: str
    open_time_msc: int
    current_price: Decimal = ZERO
    profit: Decimal = ZERO
    swap: Decimal = ZERO
    commission: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Order:
    """An order in the broker's book, or one that has left it (`time_done_msc` is set then)."""

    ticket: int
    symbol: str
    type: OrderType
    volume_initial: Decimal
    volume_current: Decimal
    price_open: Decimal
    stop_limit: Decimal
    sl: Decimal
    tp: Decimal
    state: str
    filling: Filling
    type_time: str
    expiration: int
    magic: int
    comment: str
    time_setup_msc: int
    time_done_msc: int = 0
    position_id: int = 0


@dataclass(frozen=True, slots=True)
class Deal:
    """A fill or a balance operation; never changes."""

    ticket: int
    order: int
    position_id: int
    symbol: str
    type: str
    entry: str
    volume: Decimal
    price: Decimal
    sl: Decimal
    tp: Decimal
    profit: Decimal
    swap: Decimal
    commission: Decimal
    fee: Decimal
    magic: int
    comment: str
    reason: str
    time_msc: int


@dataclass(frozen=True, slots=True, order=True)
class DealCursor:
    """The last deal the service has: deals come ordered by time, then ticket."""

    time_msc: int = 0
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """`MqlTradeRequest`. Zero means absent, as in MT5."""

    action: Action
    symbol: str = ""
    type: OrderType = OrderType.BUY
    volume: Decimal = ZERO
    price: Decimal = ZERO
    stop_limit: Decimal = ZERO
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    deviation: int = 0
    filling: Filling = Filling.FOK
    type_time: str = "GTC"
    expiration: int = 0
    magic: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0
    order: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """`MqlTradeResult`, and the position the deal belongs to."""

    retcode: int
    order: int = 0
    deal: int = 0
    position: int = 0
    price: Decimal = ZERO
    volume: Decimal = ZERO
    bid: Decimal = ZERO
    ask: Decimal = ZERO
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`MqlTradeCheckResult`: `retcode` 0 means that the request would be taken."""

    retcode: int
    margin: Decimal = ZERO
    margin_free: Decimal = ZERO
    comment: str = ""


class Broker(Protocol):
    """What MT5 gives an Expert Advisor. Calls may raise `ConnectionError`, `order_send` its `NoAnswerError`."""

    async def account(self) -> Account:
        """State of the account."""

    async def flags(self) -> Flags:
        """Permissions and connection."""

    async def time(self) -> BrokerTime:
        """Clocks."""

    async def positions(self) -> list[Position]:
        """Open positions."""

    async def orders(self) -> list[Order]:
        """Orders in the book."""

    async def history_orders(self, since_msc: int) -> list[Order]:
        """Orders that left the book at or after `since_msc`, oldest first."""

    async def deals(self, after: DealCursor, limit: int = 100) -> list[Deal]:
        """Deals after the cursor, oldest first."""

    async def symbols(self) -> list[Symbol]:
        """Specifications with the tick values of this moment."""

    async def tick(self, symbol: str) -> Tick | None:
        """The last quote, or None before the first."""

    async def ticks(self, symbol: str, since_msc: int, limit: int = 100) -> list[Tick]:
        """The newest `limit` quotes after `since_msc`, oldest first."""

    async def bars(self, symbol: str, timeframe: str, count: int) -> list[Bar]:
        """The newest `count` bars, oldest first, the running one included."""

    async def order_check(self, request: Request) -> Check:
        """Say what the broker would answer, without doing anything."""

    async def order_send(self, request: Request) -> Result:
        """Send a trade request and wait for the broker's answer."""

    async def order_calc_profit(
        self, side: Side, symbol: str, volume: Decimal, opened: Decimal, closed: Decimal
    ) -> Decimal | None:
        """Profit in account currency between two prices; None when it cannot be converted."""

    async def order_calc_margin(self, side: Side, symbol: str, volume: Decimal, price: Decimal) -> Decimal | None:
        """Margin in account currency of a new position; None when it cannot be converted."""
