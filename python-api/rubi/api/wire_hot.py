"""The bodies of calls that come every second, as a process reads them that only looks for what has changed.

Stricter than `wire_terminal`: numbers are numbers, every name is known and stands once. What does not fit is no error
here; it is read again by the route.
"""

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
    """Reads lists of positions that have exactly these fields; null stands for nothing.

    Raises:
        KeyError: a name is none of a position's.

    """
    fields = [(name, _FIELDS[name]) for name in sorted(names)]
    kind = msgspec.defstruct("Position", fields, gc=False, forbid_unknown_fields=True)
    return msgspec.json.Decoder(list[kind | None])  # type: ignore[valid-type]
