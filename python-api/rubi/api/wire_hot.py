"""The bodies of calls that come every second, as a process reads them that only looks for what has changed.

Stricter than `wire_terminal`: numbers are numbers, every name is known and stands once. What does not fit is no error
here; it is read again by the route.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

Clock = int | float | str | None


class Ping(Struct, gc=False, forbid_unknown_fields=True):
    """POST /mt5/ping."""

    session_id: str
    balance: float
    equity: float
    margin_free: float
    timestamp: Clock | UnsetType = UNSET


class AccountUpdate(Struct, gc=False, forbid_unknown_fields=True):
    """POST /mt5/account/update."""

    session_id: str
    balance: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float
    profit: float
    timestamp: Clock | UnsetType = UNSET


class PositionsUpdate(Struct, gc=False, forbid_unknown_fields=True):
    """POST /trading/positions/update."""

    session_id: str
    positions: Raw
    timestamp: Clock | UnsetType = UNSET


class Time(Struct, gc=False, forbid_unknown_fields=True):
    """The terminal's clocks."""

    gmt: int | UnsetType | None = UNSET
    server: int | UnsetType | None = UNSET
    tick_msc: int | UnsetType | None = UNSET


class Flags(Struct, gc=False, forbid_unknown_fields=True):
    """The five permissions; the number as it was written, because it is kept so."""

    connected: bool | UnsetType = UNSET
    terminal_trade_allowed: bool | UnsetType = UNSET
    mql_trade_allowed: bool | UnsetType = UNSET
    account_trade_allowed: bool | UnsetType = UNSET
    account_trade_expert: bool | UnsetType = UNSET
    ping_ms: Decimal | UnsetType | None = UNSET


class Account(Struct, gc=False, forbid_unknown_fields=True):
    """Money of the account now."""

    balance: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float | UnsetType = UNSET
    profit: float | UnsetType = UNSET
    credit: float | UnsetType = UNSET


class Tick(Struct, gc=False, forbid_unknown_fields=True):
    """A quote."""

    symbol: str
    bid: float
    ask: float
    time_msc: int
    last: float | UnsetType = UNSET
    volume: float | UnsetType = UNSET


class Bar(Struct, gc=False, forbid_unknown_fields=True):
    """A bar; `time` is its start, broker wall clock, seconds."""

    symbol: str
    timeframe: str
    time: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int | UnsetType = UNSET
    spread: int | UnsetType = UNSET
    real_volume: int | UnsetType = UNSET


class Sync(Struct, gc=False, forbid_unknown_fields=True):
    """POST /mt5/sync. What is raw is either compared as it is, or must be empty."""

    session_id: str
    epoch: int
    seq: int
    time: Time | UnsetType = UNSET
    flags: Flags | UnsetType = UNSET
    account: Account | UnsetType = UNSET
    taken_at: str | UnsetType = UNSET
    ticks: list[Tick] | UnsetType = UNSET
    bars: list[Bar] | UnsetType = UNSET
    wait_ms: int | UnsetType = UNSET
    positions: Raw = Raw()
    orders: Raw = Raw()
    order_history: Raw = Raw()
    deals: Raw = Raw()
    symbols: Raw = Raw()
    quotes: Raw = Raw()
    signals: Raw = Raw()
    acks: Raw = Raw()
    reports: Raw = Raw()


SYNC = msgspec.json.Decoder(Sync)
PING = msgspec.json.Decoder(Ping)
ACCOUNT_UPDATE = msgspec.json.Decoder(AccountUpdate)
POSITIONS_UPDATE = msgspec.json.Decoder(PositionsUpdate)

MARKS = ("current_price", "profit", "swap", "commission")
_FIELDS: dict[str, Any] = {
    "ticket": int | str,
    "symbol": str,
    "type": str,
    "volume": float,
    "open_price": float,
    "current_price": float,
    "position_id": int | str | None,
    "sl": float | None,
    "tp": float | None,
    "profit": float,
    "swap": float,
    "commission": float,
    "magic": int | str | None,
    "comment": str | None,
    "open_time": int | float | str | None,
    "open_time_msc": int | None,
}


@lru_cache(maxsize=256)
def positions_decoder(names: frozenset[str]) -> "msgspec.json.Decoder[list[Any]]":
    """Reads lists of positions that have exactly these fields, those that move last; null stands for nothing.

    Raises:
        KeyError: a name is none of a position's.

    """
    fields = [(name, _FIELDS[name]) for name in sorted(names, key=lambda name: (name in MARKS, name))]
    kind = msgspec.defstruct("Position", fields, gc=False, forbid_unknown_fields=True)
    return msgspec.json.Decoder(list[kind | None])  # type: ignore[valid-type]
