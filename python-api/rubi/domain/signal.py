"""A signal: somebody's wish to trade. What becomes of it is an order, or a denial with a code."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from rubi.domain.errors import RubiError
from rubi.domain.units import Lots, Price, Side

LONGEST_LIFE = timedelta(days=7)
DEFAULT_LIFE = timedelta(seconds=60)
"""A signal that nobody decided within this time is stale: the price it was made for is gone."""


class SignalType(StrEnum):
    """What the signal asks for."""

    BUY = "BUY"
    SELL = "SELL"
    CLOSE_BUY = "CLOSE_BUY"
    CLOSE_SELL = "CLOSE_SELL"

    @property
    def side(self) -> Side:
        """The side of the position that is opened or closed."""
        return Side.BUY if self in (SignalType.BUY, SignalType.CLOSE_BUY) else Side.SELL

    @property
    def closes(self) -> bool:
        """Whether the signal closes positions instead of opening one."""
        return self in (SignalType.CLOSE_BUY, SignalType.CLOSE_SELL)


class SignalStatus(StrEnum):
    """The states of the specification; `detail_status` says more."""

    PENDING = "PENDING"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class OrderType(StrEnum):
    """How the order waits for its price."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as received, checked for form only.

    `dedupe_key` identifies it within (user, source): the same key is the same signal. `account_id` is None when the
    sender names none: then the user's only account is meant.
    """

    user_id: int
    source: str
    dedupe_key: str
    symbol: str
    signal_type: SignalType
    signal_time: datetime
    account_id: UUID | None = None
    order_type: OrderType = OrderType.MARKET
    entry_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    volume: Lots | None = None
    timeframe: str | None = None
    confidence: Decimal | None = None
    risk_mode: str | None = None
    risk_value: Decimal | None = None
    magic: int | None = None
    comment: str | None = None
    expires_in: timedelta = DEFAULT_LIFE
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no trader can mean, with the field that is wrong.

        Raises:
            RubiError: 422 with a `SIGNAL_…` code.

        """
        for name in ("entry_price", "stop_loss", "take_profit", "volume"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and value > 0):
                raise RubiError(
                    "SIGNAL_FIELD_INVALID", f"{name} is {value}; it must be above zero, or absent", field=name
                )
        if self.order_type is not OrderType.MARKET and self.entry_price is None:
            raise RubiError("SIGNAL_PRICE_MISSING", f"a {self.order_type} order needs entry_price", field="entry_price")
        if self.order_type is not OrderType.MARKET and self.signal_type.closes:
            raise RubiError(
                "SIGNAL_TYPE_INVALID",
                f"{self.signal_type} closes at market; order_type {self.order_type} does not apply",
                field="order_type",
            )
        if not timedelta(seconds=1) <= self.expires_in <= LONGEST_LIFE:
            raise RubiError(
                "SIGNAL_FIELD_INVALID",
                f"expires_in is {self.expires_in.total_seconds():.0f} s; 1 s to 7 days",
                field="expires_in",
            )

    def body_sha256(self) -> bytes:
        """Tell two wishes under one key apart: SHA-256 of everything that was asked for."""
        asked = [
            getattr(self, spec.name)
            for spec in fields(self)
            if spec.name not in {"user_id", "source", "dedupe_key", "signal_time", "expires_in"}
        ]
        asked += [self.signal_time.isoformat(), self.expires_in.total_seconds()]
        text = json.dumps(
            [None if part is None else _canonical(part) for part in asked], sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(text.encode()).digest()


def _canonical(part: object) -> object:
    if isinstance(part, Decimal):
        return format(part.normalize(), "f")
    if isinstance(part, dict):
        return {key: _canonical(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_canonical(value) for value in part]
    return part if isinstance(part, int | float | str | bool) or part is None else str(part)
