"""What a sync tells of the account: read from the broker, bounded in size, sent when it is news."""

import hashlib
import time
from datetime import datetime
from decimal import Decimal
from typing import Any

from rubi.domain.units import Side
from rubi.terminal.broker import Account, Bar, Broker, DealCursor, Order, Position, Symbol
from rubi.terminal.wire import all_to_wire, encode, iso, to_wire

PAGE = 100
TICKS_PER_SYMBOL = 20
BARS_EVERY_S = 5.0
BAR_SECONDS = {"M1": 60, "H1": 3_600, "D1": 86_400}
"""Timeframes that are told, with their length in seconds."""

BARS_AT_FIRST = {"M1": 120, "H1": 101, "D1": 101}
"""So many are told to a service that has none; ranges need 14 hours and correlations up to 100 days."""

BARS_BACK = 5_000
"""After a silence, at most so many of a symbol and timeframe are told."""

BARS_PER_SYNC = 400
BOOKS_EVERY_S = 1.0
"""The whole state is sent at least this often, and at once when it changes in more than its prices."""

HISTORY_OVERLAP_MS = 3_600_000
"""A new session is told again of orders that left the book within this time before its last deal."""

HISTORY_LATE_MS = 5_000
"""Within a session, an order may show up in the history this late."""

TICK_VALUE_MOVED = Decimal("0.002")
"""A specification is sent again when a tick value has moved by this part."""

CHANGING_FIELDS = frozenset({"tick_value_profit", "tick_value_loss"})


class Telemetry:
    """Reads the broker and remembers what the service has been told in this session."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._books_read = 0
        self.begin(DealCursor(), ["symbols"], {})

    def begin(self, cursor: DealCursor, need: list[str], bars: dict[str, dict[str, int]]) -> None:
        """A new session: `cursor` is the last deal the service has, `need` what it lacks, `bars` its newest ones."""
        self._cursor = cursor
        self._symbols_wanted = "symbols" in need
        self._deals_refused: set[str] = set()
        self._history_told: dict[str, int] = {}
        self._history_since: int | None = None
        self._values_told: dict[str, Decimal] = {}
        self._ticks_told: dict[str, int] = {}
        self._bars_told_at = 0.0
        self._bars_told = {(name, frame): at for name, by_frame in bars.items() for frame, at in by_frame.items()}
        self._books_told_at, self._books_told = 0.0, 0

    async def read(self, now: datetime) -> dict[str, Any]:
        """The telling parts of a sync body at this moment."""
        clock = await self._broker.time()
        flags = await self._broker.flags()
        body: dict[str, Any] = {"time": to_wire(clock), "flags": to_wire(flags)}
        if not flags.connected:
            return body
        symbols = await self._broker.symbols()
        body["account"] = account_money(await self._broker.account())
        body |= await self._books(now)
        body |= await self._history(clock.tick_msc)
        body |= self._specifications(symbols)
        body |= await self._market([one.name for one in symbols], clock.server)
        return body

    async def quotes(self, signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Loss and margin of one lot for each opening signal, by the broker's own calculators."""
        found = []
        for signal in signals:
            stop, name = signal.get("stop_loss"), signal["symbol"]
            tick = await self._broker.tick(name)
            if signal["signal_type"] not in {"BUY", "SELL"} or not stop or tick is None:
                continue
            side = Side(signal["signal_type"])
            entry = tick.opening(side)
            profit = await self._broker.order_calc_profit(side, name, Decimal(1), entry, Decimal(stop))
            margin = await self._broker.order_calc_margin(side, name, Decimal(1), entry)
            found.append(
                {
                    "symbol": name,
                    "side": side.value,
                    "entry": entry,
                    "stop": stop,
                    "loss_per_lot": None if profit is None else -profit,
                    "margin_per_lot": margin,
                }
            )
        return found

    def delivered(self, body: dict[str, Any], answer: dict[str, Any]) -> bool:
        """The service has processed a body: what it told is told; whether its deals brought the cursor on."""
        before = self._cursor
        for order in body.get("order_history", ()):
            self._history_told[order["ticket"]] = order["time_done_msc"]
        if self._history_told:
            self._history_since = max(self._history_told.values()) - HISTORY_LATE_MS
            self._history_told = {t: at for t, at in self._history_told.items() if at >= self._history_since}
        for symbol in body.get("symbols", ()):
            self._values_told[symbol["name"]] = symbol["tick_value_loss"]
        for tick in body.get("ticks", ()):
            self._ticks_told[tick["symbol"]] = max(tick["time_msc"], self._ticks_told.get(tick["symbol"], 0))
        for bar in body.get("bars", ()):
            self._bars_told[bar["symbol"], bar["timeframe"]] = bar["time"]
        if len(body.get("bars", ())) < BARS_PER_SYNC:
            self._bars_told_at = time.monotonic()
        if "taken_at" in body:
            self._books_told_at, self._books_told = time.monotonic(), self._books_read
        if cursor := answer.get("deal_cursor"):
            self._cursor = DealCursor(int(cursor["time_msc"]), int(cursor["ticket"]))
        if "deals" in {item.get("part") for item in answer.get("rejected") or ()}:
            self._deals_refused |= {d["ticket"] for d in body.get("deals", ()) if place_of(d) > self._cursor}
        self._symbols_wanted = "symbols" in (answer.get("need") or ())
        return self._cursor != before

    async def _books(self, now: datetime) -> dict[str, Any]:
        positions, orders = await self._broker.positions(), await self._broker.orders()
        self._books_read = fingerprint(positions, orders)
        changed = self._books_read != self._books_told
        if not changed and time.monotonic() < self._books_told_at + BOOKS_EVERY_S:
            return {}
        return {"taken_at": iso(now), "positions": all_to_wire(positions), "orders": all_to_wire(orders)}

    async def _history(self, tick_msc: int) -> dict[str, Any]:
        deals = [d for d in await self._broker.deals(self._cursor, PAGE) if str(d.ticket) not in self._deals_refused]
        if self._history_since is None:
            self._history_since = min(self._cursor.time_msc or tick_msc, tick_msc) - HISTORY_OVERLAP_MS
        gone = await self._broker.history_orders(self._history_since)
        left = [one for one in gone if str(one.ticket) not in self._history_told]
        found: dict[str, Any] = {}
        if deals:
            found["deals"] = all_to_wire(deals)
        if left:
            found["order_history"] = all_to_wire(left[:PAGE])
        return found

    def _specifications(self, symbols: list[Symbol]) -> dict[str, Any]:
        if self._symbols_wanted:
            return {"symbols": all_to_wire(symbols)}
        moved = [one for one in symbols if self._has_moved(one)]
        return {"symbols": all_to_wire(moved)} if moved else {}

    def _has_moved(self, symbol: Symbol) -> bool:
        told = self._values_told.get(symbol.name)
        return told is not None and abs(symbol.tick_value_loss - told) > told * TICK_VALUE_MOVED

    async def _market(self, names: list[str], now: int) -> dict[str, Any]:
        ticks = [
            to_wire(tick)
            for name in names
            for tick in await self._broker.ticks(name, self._ticks_told.get(name, 0), TICKS_PER_SYMBOL)
        ]
        found: dict[str, Any] = {"ticks": ticks} if ticks else {}
        if time.monotonic() >= self._bars_told_at + BARS_EVERY_S:
            found["bars"] = all_to_wire(await self._bars(names, now))
        return found

    async def _bars(self, names: list[str], now: int) -> list[Bar]:
        """What the service lacks, oldest first, and the bar that grows: told again, it is the same bar."""
        found: list[Bar] = []
        for name in names:
            for frame, seconds in BAR_SECONDS.items():
                told = self._bars_told.get((name, frame), 0)
                told = told if told <= now else 0  # a time to come is a wrong clock
                count = min(BARS_BACK, (now - told) // seconds + 1) if told else BARS_AT_FIRST[frame] + 1
                found += [bar for bar in await self._broker.bars(name, frame, count) if bar.time >= told]
                if len(found) >= BARS_PER_SYNC:
                    return found[:BARS_PER_SYNC]
        return found


def account_money(account: Account) -> dict[str, Decimal]:
    """The changing part of an account."""
    names = ("balance", "equity", "margin", "margin_free", "margin_level", "profit", "credit")
    return {name: getattr(account, name) for name in names}


def place_of(deal: dict[str, Any]) -> DealCursor:
    """Where a told deal stands in the order of deals."""
    return DealCursor(deal["time_msc"], int(deal["ticket"]))


def fingerprint(positions: list[Position], orders: list[Order]) -> int:
    """Changes when the books change in more than prices and profits."""
    return hash(
        (
            tuple((p.ticket, p.type, p.volume, p.open_price, p.sl, p.tp, p.swap) for p in positions),
            tuple(
                (o.ticket, o.type, o.volume_current, o.price_open, o.sl, o.tp, o.state, o.expiration) for o in orders
            ),
        )
    )


def symbols_hash(symbols: list[Symbol]) -> str:
    """SHA-256 of the specifications without the values that move with the price."""
    fixed = [{k: v for k, v in to_wire(one).items() if k not in CHANGING_FIELDS} for one in symbols]
    return hashlib.sha256(encode(fixed)).hexdigest()
