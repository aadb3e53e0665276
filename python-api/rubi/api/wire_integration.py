"""The shapes of specs/backend-integration.md: Position, Signal, Candle, Account, and the bodies of its calls."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rubi.api.wire import Asked, Moment, Told, utc
from rubi.api.wire_orders import Account, ModifyIn, OrderIn, ProtectIn, Ticket
from rubi.api.wire_signals import Positive, SignalIn
from rubi.domain.market import TIMEFRAMES
from rubi.domain.signal import SignalStatus
from rubi.store.pool import Row

_EXACT_IN_BROWSERS = 2**53
_SPECIFIED_TIMEFRAMES = {"1M": "M1", "5M": "M5", "15M": "M15", "30M": "M30", "1H": "H1", "4H": "H4", "DAILY": "D1"}


def _timeframe(value: object) -> object:
    if not isinstance(value, str):
        return value
    name = _SPECIFIED_TIMEFRAMES.get(value.strip().upper(), value.strip().upper())
    if name not in TIMEFRAMES:
        raise ValueError(f"is one of {', '.join(TIMEFRAMES)}")
    return name


Timeframe = Annotated[str, BeforeValidator(_timeframe)]
Number = int | str
"""A ticket: a number as that specification has it; text where a browser's numbers would not hold it."""


class PositionOut(Told):
    """An open position. `pnl` is profit, swap and commission together; `profit` is the price's part."""

    ticket: Number
    position_id: Number
    account_id: str
    symbol: str
    type: str
    volume: float
    entry: float
    current: float
    sl: float | None
    tp: float | None
    pnl: float
    profit: float
    status: str
    openTime: Moment  # noqa: N815 - that specification's name
    updatedAt: Moment  # noqa: N815 - that specification's name


class SignalShape(Told):
    """A signal; confidence 0 to 100. An expired or cancelled one counts as REJECTED there, `reason` says which."""

    id: str
    symbol: str
    type: str
    confidence: float | None
    entry: float | None
    sl: float | None
    tp: float | None
    risk_reward: float | None
    timeframe: str | None
    reason: list[str]
    timestamp: Moment
    status: str


class PriceOut(Told):
    """The last quote of a symbol."""

    symbol: str
    bid: float
    ask: float
    time: Moment
    account_id: str


class CandleOut(Told):
    """A bar; `time` is its start."""

    time: Moment
    open: float
    high: float
    low: float
    close: float
    volume: int


class MarketAccountOut(Told):
    """An account's money; null until its terminal told it."""

    id: str
    login: Number
    server: str
    currency: str
    leverage: int | None
    balance: float | None
    equity: float | None
    margin: float | None
    freeMargin: float | None  # noqa: N815 - that specification's name
    profit: float | None
    lastUpdate: Moment | None  # noqa: N815 - that specification's name


class CloseByTicket(Asked):
    """Close a position, or a part of it."""

    ticket: Ticket
    volume: Positive | None = None
    account: Account | None = None


class ProtectByTicket(ProtectIn):
    """Move a position's stop and target."""

    ticket: Ticket


class OrderByType(OrderIn):
    """An order; `type` may be BUY, SELL or with the kind of waiting: BUY_LIMIT, SELL_STOP, BUY_STOP_LIMIT …."""

    @model_validator(mode="before")
    @classmethod
    def _split(cls, said: Any) -> Any:
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            return said
        side, _, waiting = said["type"].strip().upper().replace(" ", "_").partition("_")
        if side not in {"BUY", "SELL"}:
            return said
        rest = {name: value for name, value in said.items() if name != "type"}
        kind = {"order_type": waiting} if waiting else {}
        return {"side": side, **kind, **rest}


class OneOrder(Asked):
    """An order by our id, or by the broker's ticket."""

    id: Ticket | None = None
    ticket: Ticket | None = None

    @model_validator(mode="after")
    def _one(self) -> "OneOrder":
        if (self.id is None) == (self.ticket is None):
            raise ValueError("send id or ticket")
        return self


class ModifyOne(ModifyIn):
    """New terms of an order that is named by our id or by the broker's ticket."""

    id: Ticket | None = None
    ticket: Ticket | None = None

    @model_validator(mode="after")
    def _one(self) -> "ModifyOne":
        if (self.id is None) == (self.ticket is None):
            raise ValueError("send id or ticket")
        return self


class ExecuteIn(BaseModel):
    """A signal that is kept, by its id."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[Ticket, Field(description="the id of a signal")]


Execute = ExecuteIn | SignalIn


def number(value: int) -> Number:
    """A ticket as a number, or as text where it would lose digits."""
    return value if value < _EXACT_IN_BROWSERS else str(value)


def position_shape(row: Row) -> PositionOut:
    """A row of `views.open_positions` in that specification's shape."""
    return PositionOut(
        ticket=number(row["ticket"]),
        position_id=number(row["position_id"]),
        account_id=str(row["account_id"]),
        symbol=row["symbol"],
        type=row["type"],
        volume=row["volume"],
        entry=row["open_price"],
        current=row["current_price"],
        sl=row["sl"],
        tp=row["tp"],
        pnl=row["profit"] + row["swap"] + row["commission"],
        profit=row["profit"],
        status="OPEN",
        openTime=row["open_time"],
        updatedAt=row["updated_at"],
    )


def signal_shape(row: Row) -> SignalShape:
    """A row of trading_signals in that specification's shape."""
    status = row["status"]
    ended = status in (SignalStatus.EXPIRED, SignalStatus.CANCELLED)
    confidence = row["confidence"]
    said = [status] if ended else []
    said += [text for text in (row["code"], row["message"]) if text and text not in said]
    return SignalShape(
        id=str(row["id"]),
        symbol=row["symbol"],
        type=row["signal_type"],
        confidence=None if confidence is None else float(confidence * 100),
        entry=row["entry_price"],
        sl=row["stop_loss"],
        tp=row["take_profit"],
        risk_reward=_risk_reward(row["entry_price"], row["stop_loss"], row["take_profit"]),
        timeframe=row["timeframe"],
        reason=said,
        timestamp=row["signal_time"],
        status=SignalStatus.REJECTED if ended else status,
    )


def account_shape(row: Row) -> MarketAccountOut:
    """An account in that specification's shape."""
    login = row["login"]
    return MarketAccountOut(
        id=str(row["id"]),
        login=number(int(login)) if login.isdecimal() else login,
        server=row["server"],
        currency=row["currency"],
        leverage=row["leverage"],
        balance=row["balance"],
        equity=row["equity"],
        margin=row["margin"],
        freeMargin=row["margin_free"],
        profit=row["profit"],
        lastUpdate=row["taken_at"],
    )


def candle_shape(row: Row) -> dict[str, Any]:
    """A bar in that specification's shape."""
    kept = {name: row[name] for name in ("open", "high", "low", "close")}
    return {"time": utc(row["time"]), **kept, "volume": row["tick_volume"]}


def _risk_reward(entry: Decimal | None, stop: Decimal | None, target: Decimal | None) -> float | None:
    if entry is None or stop is None or target is None or entry == stop:
        return None
    return round(float(abs(target - entry) / abs(entry - stop)), 4)
