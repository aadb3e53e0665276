"""Bodies about orders and positions: what people and programs ask for, and what they are told."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rubi.api.wire import Asked, Told
from rubi.api.wire_signals import Positive, PriceOrNone, RiskIn
from rubi.domain.clock import parse_time
from rubi.domain.errors import RubiError
from rubi.domain.risk.case import SizingChoice
from rubi.domain.risk.policy import SizingMode
from rubi.domain.signal import OrderType
from rubi.domain.units import Lots, Price, Side
from rubi.flows.close_positions import Chosen, Part
from rubi.flows.modify_order import Change
from rubi.flows.place_order import OrderWish


def _upper(value: object) -> object:
    return value.strip().upper().replace("-", "_").replace(" ", "_") if isinstance(value, str) else value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ticket(value: object) -> object:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is a whole number, or its digits as text")  # noqa: TRY004 - pydantic names the field
    return value


def _moment(value: object) -> object:
    try:
        return None if value is None else parse_time(value)
    except RubiError as error:
        raise ValueError(error.detail.removeprefix("time ")) from None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a character that cannot be shown")
    return value


Symbol = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_printable)
]
Account = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=64, description="Its id or login")]
Magic = Annotated[int, BeforeValidator(_ticket), Field(ge=0, lt=2**63)]
Ticket = Annotated[int, BeforeValidator(_ticket), Field(ge=1, lt=2**63)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_printable)
]
Points = Annotated[int, Field(ge=0, le=1_000_000)]


class OrderIn(Asked):
    """An order: at market, or waiting for its price. Exactly one of `volume` and `risk`, or neither: the policy."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"symbol": "EURUSD", "side": "BUY", "order_type": "MARKET", "volume": 0.1, "sl": 1.095, "tp": 1.11}
            ]
        },
    )

    symbol: Symbol
    side: Annotated[Side, BeforeValidator(_upper)]
    order_type: Annotated[OrderType, BeforeValidator(_upper)] = Field(
        OrderType.MARKET, validation_alias=AliasChoices("order_type", "type")
    )
    volume: Positive | None = Field(None, description="lots; risk approves these or denies the order")
    risk: RiskIn | None = Field(None, description="size the order by what it may lose")
    price: PriceOrNone = Field(None, description="where a pending order waits; at market: what it was decided at")
    stop_limit: PriceOrNone = Field(None, description="the limit that a STOP_LIMIT leaves once its price is reached")
    sl: PriceOrNone = None
    tp: PriceOrNone = None
    expiration: Moment | None = Field(None, description="when a pending order leaves the broker's book")
    deviation_points: Points | None = None
    comment: Annotated[str, Field(max_length=256), AfterValidator(_printable)] | None = None
    magic: Magic = 0
    account: Account | None = None
    dry_run: bool = Field(default=False, description="decide and tell the whole record; nothing is stored")

    @model_validator(mode="after")
    def _whole(self) -> "OrderIn":
        pending = self.order_type is not OrderType.MARKET
        if self.volume is not None and self.risk is not None:
            raise ValueError("send volume or risk, not both")
        if pending and self.price is None:
            raise ValueError(f"a {self.order_type} order needs price")
        if (self.order_type is OrderType.STOP_LIMIT) != (self.stop_limit is not None):
            raise ValueError("stop_limit belongs to a STOP_LIMIT order, and such an order needs it")
        if self.expiration is not None and not pending:
            raise ValueError("expiration belongs to a pending order; an order at market is sent within seconds")
        return self

    def to_wish(self) -> OrderWish:
        """The order as the flow takes it."""
        sizing = None
        if self.volume is not None:
            sizing = SizingChoice(SizingMode.FIXED_LOTS, self.volume)
        elif self.risk is not None:
            sizing = SizingChoice(self.risk.mode, self.risk.value)
        return OrderWish(
            symbol=self.symbol,
            side=self.side,
            order_type=self.order_type,
            volume=None if self.volume is None else Lots(self.volume),
            sizing=sizing,
            price=price_or_none(self.price),
            stop_limit=price_or_none(self.stop_limit),
            sl=price_or_none(self.sl),
            tp=price_or_none(self.tp),
            expiration=self.expiration,
            deviation_points=self.deviation_points,
            comment=self.comment,
            magic=self.magic,
            account=self.account,
        )


class ProtectIn(Asked):
    """A position's new stop and target; what is left out stays, null or 0 takes it off."""

    sl: PriceOrNone = None
    tp: PriceOrNone = None
    account: Account | None = None

    @model_validator(mode="after")
    def _something(self) -> "ProtectIn":
        if not self.model_fields_set & {"sl", "tp"}:
            raise ValueError("send sl or tp, or both")
        return self

    def to_change(self) -> Change:
        """The change as the flow takes it."""
        given = frozenset(self.model_fields_set & {"sl", "tp"})
        return Change(given, sl=price_or_none(self.sl), tp=price_or_none(self.tp))


class ModifyIn(Asked):
    """A working order's new terms; what is left out stays. sl and tp: null or 0 takes it off."""

    price: Positive | None = None
    stop_limit: Positive | None = None
    sl: PriceOrNone = None
    tp: PriceOrNone = None
    expiration: Moment | None = None

    @model_validator(mode="after")
    def _something(self) -> "ModifyIn":
        if not self.to_change().given:
            raise ValueError("send price, stop_limit, sl, tp or expiration")
        return self

    def to_change(self) -> Change:
        """The change as the flow takes it."""
        kept = {"sl", "tp"} | {name for name in ("price", "stop_limit", "expiration") if getattr(self, name)}
        return Change(
            frozenset(self.model_fields_set & kept),
            price=price_or_none(self.price),
            stop_limit=price_or_none(self.stop_limit),
            sl=price_or_none(self.sl),
            tp=price_or_none(self.tp),
            expiration=self.expiration,
        )


class CloseIn(Asked):
    """How much of a position to close: lots, or percent of it; neither closes all."""

    volume: Positive | None = None
    percent: Annotated[Positive, Field(le=100)] | None = None
    account: Account | None = None

    @model_validator(mode="after")
    def _one(self) -> "CloseIn":
        if self.volume is not None and self.percent is not None:
            raise ValueError("send volume or percent, not both")
        return self

    def to_part(self) -> Part:
        """The part as the flow takes it."""
        return Part(None if self.volume is None else Lots(self.volume), self.percent)


class CloseManyIn(Asked):
    """Which positions to close; `all` says that nothing else narrows it."""

    symbol: Symbol | None = None
    side: Annotated[Side, BeforeValidator(_upper)] | None = None
    magic: Magic | None = None
    account: Account | None = None
    all: bool = False

    @model_validator(mode="after")
    def _meant(self) -> "CloseManyIn":
        narrowed = self.symbol is not None or self.side is not None or self.magic is not None
        if not narrowed and not self.all:
            raise ValueError("name symbol, side or magic, or send all: true")
        return self

    def to_chosen(self) -> Chosen:
        """The choice as the flow takes it."""
        return Chosen(self.symbol, self.side, self.magic, self.account)


class ResolveIn(Asked):
    """What a person saw at the broker."""

    outcome: Annotated[Literal["FILLED", "NOT_SENT"], BeforeValidator(_upper)]
    reason: Reason


class OrderOut(Told):
    """An order; tickets are text, times UTC, `price` and stops in the quote currency, reservations in the account's."""

    model_config = ConfigDict(extra="allow")

    id: int
    account_id: str
    signal_id: int | None
    kind: str
    symbol: str
    side: str | None
    order_type: str | None
    volume: float | None
    filled_volume: float
    price: float | None
    stop_limit: float | None
    sl: float | None
    tp: float | None
    magic: str
    position_ticket: str | None
    target_ticket: str | None
    target_order_id: int | None
    order_ticket: str | None
    position_id: str | None
    state: str
    code: str | None
    message: str | None
    retcode: int | None
    fill_price: float | None
    expiration: str | None
    not_after: str | None
    created_at: str
    final_at: str | None
    cancel_asked: bool


class DecidedOut(OrderOut):
    """An order with the decision on it: every gate with what it saw."""

    decision: dict[str, Any]


class ChangedOut(OrderOut):
    """An order, and the instruction about it that is on its way to the terminal."""

    instruction: OrderOut | None


class OrderWholeOut(OrderOut):
    """An order with everything behind it."""

    comment: str | None
    decision: dict[str, Any] | None
    events: list[dict[str, Any]]
    instructions: list[dict[str, Any]]
    at_broker: dict[str, Any] | None


class OrdersOut(Told):
    """A page of orders, newest first; ask on with `before` = `next_before`."""

    orders: list[OrderOut]
    next_before: int | None


class TriedOut(Told):
    """What would have been decided; nothing was stored."""

    dry_run: Literal[True]
    account_id: str
    approved: bool
    code: str | None
    detail: str
    volume: float | None
    risk: float | None
    margin: float | None
    sha256: str
    record: dict[str, Any]


class ClosingOut(Told):
    """What closing several led to; `signals` are those that tell an older connector to close."""

    total: int
    orders: list[OrderOut]
    signals: list[int]
    skipped: list[dict[str, Any]]


def price_or_none(value: Decimal | None) -> Price | None:
    """A number of a body as a price."""
    return None if value is None else Price(value)
