"""A signal as readers see it: on REST, on the WebSocket, in the answer to whoever sent it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from rubi.live.bus import Event
from rubi.store.pool import Row

_SHOWN = (
    "id", "user_id", "account_id", "symbol", "signal_type", "order_type", "status", "detail_status", "code", "message",
    "entry_price", "stop_loss", "take_profit", "volume", "timeframe", "confidence", "risk_mode", "risk_value", "magic",
    "comment", "source", "details", "signal_time", "received_at", "expires_at", "decided_at", "executed_at",
)  # fmt: skip
_LATER = {"status": "PENDING", "detail_status": "RECEIVED"} | dict.fromkeys(
    ("code", "message", "decided_at", "executed_at")
)


def show(row: Row) -> dict[str, Any]:
    """A row of trading_signals as JSON values: prices are numbers, times ISO 8601 with Z, magic is text."""
    return {name: shown(name, row[name]) for name in _SHOWN}


def show_as_received(row: Row) -> dict[str, Any]:
    """The signal as it was answered first: what became of it since is left out, so a repeated answer is the same."""
    return show(row) | _LATER


def shown(name: str, value: object) -> object:
    """One value as JSON."""
    if value is None or isinstance(value, str | bool | dict | list):
        return value
    if name == "magic":
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value if isinstance(value, int | float) else str(value)


def signal_update(row: Row) -> Event:
    """The event that tells readers of a signal's new state."""
    return Event("SIGNAL_UPDATE", row["user_id"], row["account_id"], show(row))
