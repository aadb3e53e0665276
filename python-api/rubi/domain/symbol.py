"""What the broker says about a symbol, and its last quote."""

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import IntFlag, StrEnum
from functools import lru_cache

from rubi.domain.units import NO_LOTS, NO_MONEY, Lots, Money, Price, Side, Ticks, on_grid, round_to_grid, snap_volume


class SymbolTradeMode(StrEnum):
    """Which deals the broker allows (ENUM_SYMBOL_TRADE_MODE)."""

    DISABLED = "DISABLED"
    LONGONLY = "LONGONLY"
    SHORTONLY = "SHORTONLY"
    CLOSEONLY = "CLOSEONLY"
    FULL = "FULL"


class ExecutionMode(StrEnum):
    """How deals are executed (ENUM_SYMBOL_TRADE_EXECUTION)."""

    REQUEST = "REQUEST"
    INSTANT = "INSTANT"
    MARKET = "MARKET"
    EXCHANGE = "EXCHANGE"


class Filling(IntFlag):
    """Allowed filling policies (SYMBOL_FILLING_MODE)."""

    FOK = 1
    IOC = 2


class OrderModes(IntFlag):
    """Allowed order types (SYMBOL_ORDER_MODE)."""

    MARKET = 1
    LIMIT = 2
    STOP = 4
    STOP_LIMIT = 8
    SL = 16
    TP = 32
    CLOSEBY = 64


class Expirations(IntFlag):
    """Allowed order life times (SYMBOL_EXPIRATION_MODE)."""

    GTC = 1
    DAY = 2
    SPECIFIED = 4
    SPECIFIED_DAY = 8


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """One trading session of a week day, broker wall-clock; seconds of the day, `closes` up to 86400."""

    weekday: int
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.opens < self.closes <= 86400):
            raise ValueError(
                f"session {self.weekday} {self.opens}-{self.closes}: weekday is 0 (Monday) to 6, seconds are 0 to 86400"
            )


@dataclass(frozen=True, slots=True)
class SymbolSpec:
    """A symbol as the account's broker trades it. Tick values are account currency per lot per tick."""

    name: str
    digits: int
    point: Decimal
    tick_size: Decimal
    tick_value_loss: Money
    tick_value_profit: Money
    contract_size: Decimal
    volume_min: Lots
    volume_max: Lots
    volume_step: Lots
    currency_base: str
    currency_profit: str
    as_of: datetime
    currency_margin: str = ""
    volume_limit: Lots = NO_LOTS
    """Most lots in one direction, positions and pendings together; 0 = no limit."""
    stops_level: int = 0
    """Points between the closing price and a stop or target."""
    freeze_level: int = 0
    """Points to the market inside which nothing can be changed."""
    trade_mode: SymbolTradeMode = SymbolTradeMode.FULL
    trade_exemode: ExecutionMode = ExecutionMode.MARKET
    filling_flags: int = 3
    order_modes: int = 127
    expiration_modes: int = 15
    margin_initial: Money = NO_MONEY
    commission_per_lot: Money = NO_MONEY
    """Round turn, account currency."""
    path: str = ""
    """The broker's folder, as `Forex\\Majors\\EURUSD`: tells the class of the symbol."""
    sessions: tuple[SessionWindow, ...] | None = None
    """None: the broker's sessions are not known, and then they are not checked."""

    def __post_init__(self) -> None:
        for field in ("point", "tick_size", "contract_size", "volume_min", "volume_max", "volume_step"):
            value = getattr(self, field)
            if not value.is_finite() or value <= 0:
                raise ValueError(f"{self.name}: {field} is {value}; it must be positive")
        if self.volume_min > self.volume_max:
            raise ValueError(f"{self.name}: volume_min {self.volume_min} is above volume_max {self.volume_max}")

    @property
    def version(self) -> str:
        """A short hash of everything but `as_of`: the same specification has the same version."""
        return _version(self)

    def price(self, value: Decimal, rounding: str = ROUND_HALF_EVEN) -> Price:
        """Round a price to the tick grid, written with at least the symbol's digits."""
        on_tick = round_to_grid(value, self.tick_size, rounding)
        written = on_tick.quantize(Decimal(1).scaleb(-self.digits))
        return Price(written if written == on_tick else on_tick)

    def price_toward(self, value: Decimal, target: Decimal) -> Price:
        """Round to the tick grid in the direction of `target`: a stop or target never ends farther than was asked."""
        return self.price(value, ROUND_CEILING if target > value else ROUND_FLOOR)

    def is_on_grid(self, price: Decimal) -> bool:
        """Say whether the price is a whole number of ticks."""
        return on_grid(price, self.tick_size)

    def ticks(self, distance: Decimal) -> Ticks:
        """A price distance in ticks."""
        return Ticks(distance / self.tick_size)

    def points(self, distance: Decimal) -> Decimal:
        """A price distance in points."""
        return distance / self.point

    def volume(self, value: Decimal) -> Lots:
        """Return the largest tradable volume not above `value`, within min and max; 0 when below the minimum."""
        return snap_volume(min(value, self.volume_max), minimum=self.volume_min, step=self.volume_step)


@lru_cache(maxsize=4096)
def _version(spec: SymbolSpec) -> str:
    values = {field.name: getattr(spec, field.name) for field in fields(spec) if field.name != "as_of"}
    plain = {name: value.normalize() if isinstance(value, Decimal) else value for name, value in values.items()}
    text = "|".join(f"{name}={value}" for name, value in plain.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Tick:
    """A quote. `time` is the broker's, converted to UTC; `received_at` is ours."""

    symbol: str
    bid: Price
    ask: Price
    time: datetime
    received_at: datetime

    @property
    def spread(self) -> Decimal:
        """Ask minus bid, in price."""
        return self.ask - self.bid

    def entry(self, side: Side) -> Price:
        """The price at which a market order of this side opens."""
        return self.ask if side is Side.BUY else self.bid

    def closing(self, side: Side) -> Price:
        """The price at which a position of this side would close."""
        return self.bid if side is Side.BUY else self.ask
