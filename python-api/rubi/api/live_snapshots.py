"""What a socket is told when it subscribes or asks: the state as it is stored, in the shapes of the events."""

from collections.abc import Sequence
from typing import Any

from rubi.api.positions import position
from rubi.api.wire import utc
from rubi.domain.auth import Principal
from rubi.domain.market import TIMEFRAMES
from rubi.flows.show_signal import show
from rubi.live.hub import MOST_SYMBOLS as MOST_WATCHED
from rubi.live.hub import Reader
from rubi.store import signals, views
from rubi.store.pool import Connection, Row

MOST_SYMBOLS = 200
MOST_BARS = 1000
_SIGNALS = 100

Frames = list[tuple[str, Any]]


class SnapshotError(Exception):
    """The socket asked for something that cannot be given."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


async def snapshot(conn: Connection, principal: Principal, reader: Reader, said: dict[str, Any]) -> Frames:
    """Subscribe the reader to what was asked, and give the frames that answer it.

    Raises:
        SnapshotError: an unknown action, or one that lacks what it needs.

    """
    match said.get("action"):
        case "SUBSCRIBE_PRICES":
            return await _prices(conn, principal, reader, said)
        case "SUBSCRIBE_POSITIONS" | "REQUEST_POSITIONS":
            found = await views.open_positions(conn, principal.user_id, reader.account_id)
            return [("POSITION_UPDATE", position_event(row)) for row in found]
        case "SUBSCRIBE_SIGNALS" | "REQUEST_SIGNALS":
            wanted = signals.SignalFilter(account_id=reader.account_id, limit=_SIGNALS)
            _, rows = await signals.page(conn, principal.user_id, wanted)
            return [("SIGNAL_UPDATE", show(row)) for row in reversed(rows)]
        case "SUBSCRIBE_ACCOUNT" | "REQUEST_ACCOUNT":
            accounts = await views.accounts(conn, principal.user_id, reader.account_id)
            return [("ACCOUNT_UPDATE", _account_event(row)) for row in accounts]
        case "SUBSCRIBE_MARKET_DATA":
            return await _bars(conn, principal, reader, said) + await _prices(conn, principal, reader, said)
        case "REQUEST_MARKET_DATA":
            return await _bars(conn, principal, reader, said)
        case _:
            raise SnapshotError("ACTION_UNKNOWN", "send SUBSCRIBE_… or REQUEST_… as the action")


def position_event(row: Row) -> dict[str, Any]:
    """A stored position with the names of both specifications, as events have them."""
    said = position(row).model_dump(mode="json")
    return said | {
        "entry": said["open_price"],
        "current": said["current_price"],
        "pnl": said["profit"] + said["swap"] + said["commission"],
        "status": "OPEN",
    }


async def _prices(conn: Connection, principal: Principal, reader: Reader, said: dict[str, Any]) -> Frames:
    wanted = _symbols(said, needed=False)
    if wanted is None:
        reader.every_symbol = True
    elif not reader.watch(wanted):
        raise SnapshotError("SYMBOLS_INVALID", f"a socket names at most {MOST_WATCHED} symbols; leave them out for all")
    found = await views.prices(conn, principal.user_id, reader.account_id, wanted)
    return [
        (
            "PRICE_UPDATE",
            {
                "symbol": row["symbol"],
                "bid": float(row["bid"]),
                "ask": float(row["ask"]),
                "time": utc(row["received_at"]),
                "account_id": str(row["account_id"]),
            },
        )
        for row in found
    ]


async def _bars(conn: Connection, principal: Principal, reader: Reader, said: dict[str, Any]) -> Frames:
    timeframe = said.get("timeframe", "M1")
    if timeframe not in TIMEFRAMES:
        raise SnapshotError("TIMEFRAME_UNKNOWN", f"timeframe is one of {', '.join(TIMEFRAMES)}")
    count = said.get("count", 200)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_BARS:
        raise SnapshotError("COUNT_INVALID", f"count is 1 to {MOST_BARS}")
    frames: Frames = []
    for symbol in (_symbols(said, needed=True) or ())[:20]:
        rows = await views.bars(conn, principal.user_id, reader.account_id, symbol, timeframe, limit=count)
        bars = [{**dict(row), "time": utc(row["time"]), "account_id": str(row["account_id"])} for row in rows]
        frames.append(("MARKET_DATA", {"symbol": symbol, "timeframe": timeframe, "bars": bars}))
    return frames


def _symbols(said: dict[str, Any], *, needed: bool) -> Sequence[str] | None:
    symbols = said.get("symbols", [said["symbol"]] if "symbol" in said else None)
    if symbols is None and not needed:
        return None
    if not isinstance(symbols, list) or not 1 <= len(symbols) <= MOST_SYMBOLS:
        raise SnapshotError("SYMBOLS_INVALID", f"symbols is a list of 1 to {MOST_SYMBOLS} names")
    if not all(isinstance(symbol, str) and 1 <= len(symbol) <= 64 for symbol in symbols):
        raise SnapshotError("SYMBOLS_INVALID", "a symbol is a name of 1 to 64 characters")
    return symbols


def _account_event(row: Row) -> dict[str, Any]:
    money = ("balance", "equity", "margin", "margin_free", "margin_level", "profit", "credit")
    return {
        "account_id": str(row["account_id"]),
        **{name: float(row[name]) for name in money},
        "updated_at": utc(row["taken_at"]),
    }
