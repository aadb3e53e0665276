"""The bodies of signals on the wire, checked for form; what they mean for money is the risk gates' business."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from rubi.domain.clock import BrokerClock, parse_time
from rubi.domain.risk.policy import PERCENT_MODES, SizingMode
from rubi.domain.signal import DEFAULT_LIFE, LONGEST_LIFE, OrderType, Signal, SignalType
from rubi.domain.units import Lots, Price

CLOSE_LIFE = timedelta(minutes=10)
"""A wish to close outlives one to open: it is still meant when a worker was away for a moment."""
MOST_INDICATORS = 16_384
"""Characters of JSON that a signal may carry for the record."""
SOURCE = "api"


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _absent_when_zero(value: object) -> object:
    # MT5 writes "no stop" as 0.
    return None if value in (0, 0.0, "", "0", "0.0") and not isinstance(value, bool) else value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - pydantic names the field of ValueErrors
    return value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _countable(value: Decimal) -> Decimal:
    if value and value < Decimal("1e-9"):
        raise ValueError("is too small to mean anything")
    return value


Positive = Annotated[
    Decimal, BeforeValidator(_number), Field(gt=0, lt=10**12, allow_inf_nan=False), AfterValidator(_countable)
]
PriceOrNone = Annotated[Positive | None, BeforeValidator(_absent_when_zero)]
Name = Annotated[str, Field(max_length=64)]


class RiskIn(BaseModel):
    """How to size this one signal, instead of the account's policy; never more than the policy allows."""

    mode: Annotated[SizingMode, BeforeValidator(_upper)]
    value: Positive

    @model_validator(mode="after")
    def _percent(self) -> "RiskIn":
        if self.mode in PERCENT_MODES and self.value > 100:
            raise ValueError(f"value is {self.value} percent; at most 100")
        return self


class TargetIn(BaseModel):
    """One of several targets; `share` percent of the volume is meant to leave there."""

    price: Positive
    share: Annotated[Positive, Field(le=100)] | None = None


class TrailingIn(BaseModel):
    """A stop that follows the price, distances in points."""

    distance: Positive
    step: Positive | None = None
    start: Positive | None = None


class BreakEvenIn(BaseModel):
    """Move the stop to the entry once the price is `trigger` points away; `offset` points beyond the entry."""

    trigger: Positive
    offset: Annotated[
        Decimal, BeforeValidator(_number), Field(ge=0, lt=10**9, allow_inf_nan=False), AfterValidator(_countable)
    ] = Decimal(0)


class SignalIn(BaseModel):
    """A wish to trade, as the specification writes it; everything after `signal_time` is optional beyond it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "symbol": "EURUSD",
                    "signal_type": "BUY",
                    "entry_price": 1.1000,
                    "stop_loss": 1.0950,
                    "take_profit": 1.1100,
                    "volume": 0.1,
                    "timeframe": "H1",
                    "confidence": 0.8,
                    "signal_time": "2025-10-23T10:00:00Z",
                }
            ]
        },
    )

    symbol: str = Field(max_length=64)
    signal_type: Annotated[SignalType, BeforeValidator(_upper)]
    entry_price: PriceOrNone = None
    stop_loss: PriceOrNone = None
    take_profit: PriceOrNone = None
    volume: Positive | None = None
    timeframe: Annotated[str, Field(max_length=16)] | None = None
    confidence: (
        Annotated[
            Decimal, BeforeValidator(_number), Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(_countable)
        ]
        | None
    ) = Field(None, description="0 to 1, or 0 to 100")
    signal_time: str | int | float | None = Field(
        None, description="ISO 8601, unix seconds or milliseconds, or MT5's broker time 2025.10.23 10:00:00"
    )

    account: Annotated[str, BeforeValidator(_text), Field(max_length=64)] | None = Field(
        None, description="the account's id or login; needed when there are several"
    )
    order_type: Annotated[OrderType, BeforeValidator(_upper)] = OrderType.MARKET
    stop_limit: PriceOrNone = Field(None, description="the limit price of a STOP_LIMIT order")
    risk: RiskIn | None = None
    expires_in: Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)] | None = Field(
        None, description="seconds within which the signal must be decided"
    )
    comment: Annotated[str, Field(max_length=256)] | None = None
    magic: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    take_profits: Annotated[list[TargetIn], Field(max_length=8)] | None = Field(
        None, description="a part is closed at each; the farthest is the order's own target when they are everything"
    )
    trailing: TrailingIn | None = Field(None, description="the stop follows the price, by orders of the service")
    break_even: BreakEvenIn | None = Field(None, description="the stop moves to the entry, by an order of the service")
    indicators: Annotated[dict[str, Any], Field(max_length=64)] | None = None
    strategy_id: Annotated[str, BeforeValidator(_text), Field(max_length=64)] | None = None

    @field_validator("symbol")
    @classmethod
    def _named(cls, value: str) -> str:
        name = value.strip()
        if not name or any(not character.isprintable() for character in name):
            raise ValueError("must name a symbol as the broker writes it, such as EURUSD")
        return name

    @field_validator("take_profits", mode="before")
    @classmethod
    def _plain_targets(cls, value: object) -> object:
        if isinstance(value, list):
            return [target if isinstance(target, dict) else {"price": target} for target in value]
        return value

    @field_validator("magic", "signal_time", mode="before")
    @classmethod
    def _not_boolean(cls, value: object) -> object:
        return _number(value)

    @field_validator("timeframe", "account", "comment", "strategy_id")
    @classmethod
    def _storable(cls, value: str | None) -> str | None:
        if value is not None and "\x00" in value:
            raise ValueError("holds a NUL character")
        return value

    @field_validator("indicators")
    @classmethod
    def _json(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            said = json.dumps(value, allow_nan=False, ensure_ascii=False)
            said.encode()
        except ValueError:
            raise ValueError("holds a number that is not finite, or half a character") from None
        if "\\u0000" in said:
            raise ValueError("holds a NUL character")
        if len(said) > MOST_INDICATORS:
            raise ValueError(f"is {len(said)} characters of JSON; at most {MOST_INDICATORS}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "SignalIn":
        shares = [target.share for target in self.take_profits or () if target.share is not None]
        if sum(shares) > 100:
            raise ValueError(f"take_profits share {sum(shares)} percent of the volume; at most 100")
        if self.order_type is OrderType.STOP_LIMIT and self.stop_limit is None:
            raise ValueError("a STOP_LIMIT order needs stop_limit, the price of the limit order it leaves")
        return self

    @property
    def knows_its_time(self) -> bool:
        """Whether `signal_time` means the same for every account: only MT5's notation is a broker's wall clock."""
        return not isinstance(self.signal_time, str) or "-" in self.signal_time

    def body_sha256(self) -> bytes:
        """Tell two bodies apart by what they say: spacing, order, defaults and unknown fields do not count."""
        said = self.model_dump(mode="python", exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), default=_plain).encode()).digest()

    def to_domain(
        self, *, user_id: int, account_id: UUID | None, dedupe_key: str, clock: BrokerClock | None, now: datetime
    ) -> Signal:
        """The signal for an account. `clock` None: the broker's clock is not known yet.

        Raises:
            RubiError: 422, with the field.

        """
        details: dict[str, Any] = {
            name: _jsonable(value)
            for name in ("take_profits", "trailing", "break_even", "stop_limit", "indicators", "strategy_id")
            if (value := getattr(self, name)) is not None
        }
        signal_time = now
        if self.signal_time is not None:
            signal_time = parse_time(self.signal_time, clock or BrokerClock(), field="signal_time")
            if clock is None and isinstance(self.signal_time, str) and "." in self.signal_time[:5]:
                details["clock"] = "unknown"  # wall time of a broker whose offset is not learned: no age can be told
        confidence = self.confidence
        if confidence is not None and confidence > 1:
            confidence /= 100
        target = self.take_profit
        if target is None and self.take_profits:
            target = self.take_profits[0].price
        return Signal(
            user_id=user_id,
            source=SOURCE,
            dedupe_key=dedupe_key,
            symbol=self.symbol,
            signal_type=self.signal_type,
            signal_time=signal_time,
            account_id=account_id,
            order_type=self.order_type,
            entry_price=None if self.entry_price is None else Price(self.entry_price),
            stop_loss=None if self.stop_loss is None else Price(self.stop_loss),
            take_profit=None if target is None else Price(target),
            volume=None if self.volume is None else Lots(self.volume),
            timeframe=self.timeframe,
            confidence=confidence,
            risk_mode=None if self.risk is None else self.risk.mode,
            risk_value=None if self.risk is None else self.risk.value,
            magic=self.magic,
            comment=self.comment,
            expires_in=self._life(),
            details=details,
        )

    def _life(self) -> timedelta:
        if self.expires_in is None:
            return CLOSE_LIFE if self.signal_type.closes else DEFAULT_LIFE
        # Outside of what a life can be the domain refuses it in words; timedelta itself would only overflow.
        return timedelta(seconds=max(-1, min(self.expires_in, LONGEST_LIFE.total_seconds() + 1)))


class SignalOut(BaseModel):
    """The answer to a signal: `id` and `status` are what clients of the specification read."""

    id: int
    signal_id: int
    status: Literal["received"] = "received"
    message: str
    signal: dict[str, Any]
    duplicate: bool = False


class SignalsOut(BaseModel):
    """A page of signals, newest first; `total` counts all that match."""

    total: int
    signals: list[dict[str, Any]]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value)


def _jsonable(value: object) -> object:
    if isinstance(value, BaseModel):
        return _jsonable(value.model_dump(exclude_none=True))
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return value
