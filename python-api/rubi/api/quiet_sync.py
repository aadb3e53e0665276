"""Make a quiet push of a cycle of protocol 2: clocks that agree, money, prices, and books that say what is known."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from rubi.api import terminal_reader, wire_hot
from rubi.api import wire_terminal as wire
from rubi.api.quiet_reader import BIGGEST, UnlikeError, between, fits, marks_of
from rubi.api.strict_json import read_json
from rubi.domain.clock import BrokerClock, parse_time
from rubi.domain.errors import RubiError
from rubi.domain.learn_clock import TimesSaid, doubt, hear
from rubi.domain.market import TIMEFRAMES
from rubi.domain.position import WorkingOrder
from rubi.flows.known_terminals import KnownTerminal
from rubi.flows.quiet_cycle import Numbered, Push
from rubi.flows.sync_terminal import SYMBOLS_AGE
from rubi.store.pool import Row
from rubi.store.telemetry import BarTold, Money, Quote

_ORDERS = "orders"
_LONGEST_DAY = timedelta(days=1)
_LAST_32_BIT, _LAST_64_BIT = 2**31 - 1, 2**63 - 1
_LONGEST_NAME = 64
_SMALLEST_PRICE = 1e-15
_EMPTY = (b"", b"[]")
_RAW = ("positions", "orders", "order_history", "deals", "symbols", "quotes", "signals", "acks", "reports")
_EVENTS = _RAW[2:]
_ALLOWED = (
    "connected",
    "terminal_trade_allowed",
    "mql_trade_allowed",
    "account_trade_allowed",
    "account_trade_expert",
)


def loud(said: wire_hot.Sync) -> bool:
    """Whether the cycle brings events: then nothing else of it is to be looked at here."""
    return any(bytes(getattr(said, name)) not in _EMPTY for name in _EVENTS)


def sync(said: wire_hot.Sync, body: bytes, known: KnownTerminal, now: datetime) -> Push | None:
    """One cycle that is not loud; None when anything happens in it all the same.

    Raises:
        UnlikeError: the books, the clock or the symbols are not as they are remembered.

    """
    if not _numbers_fit(said):
        return None
    if known.symbols_at is None or known.symbols_at <= now - SYMBOLS_AGE or known.clock_moves:
        raise UnlikeError
    positions, orders = bytes(said.positions), bytes(said.orders)
    colons = _colons(said) + positions.count(b":") + orders.count(b":")
    if body.count(b":") != colons:
        return None
    times = None if said.time is UNSET else _times(said.time)
    if times is not None and not _agree(times, known, now):
        return None
    flags = None if said.flags is UNSET else _flags(said.flags)
    money = None if said.account is UNSET else _money(said.account)
    if (said.flags is not UNSET and flags is None) or (said.account is not UNSET and money is None):
        return None
    if orders and not _orders_alike(orders, known):
        raise UnlikeError
    taken_at = None if said.taken_at is UNSET else parse_time(said.taken_at, field="taken_at")
    marks = marks_of(positions, positions.count(b":"), known, now) if positions else None
    ticks = [] if said.ticks is UNSET else said.ticks
    quotes = _quotes(ticks, known.terminal.clock, times, now)
    if quotes is None:
        return None
    bars = _bars([] if said.bars is UNSET else said.bars, known.terminal.clock)
    if bars is None:
        return None
    wait = timedelta(milliseconds=0 if said.wait_ms is UNSET else said.wait_ms)
    return Push(
        known,
        now,
        taken_at=now - _age(taken_at, times),
        money=money,
        marks=marks,
        orders=bool(orders),
        books_at=taken_at or now,
        quotes=quotes,
        bars=bars,
        numbered=Numbered(said.epoch, said.seq, hashlib.sha256(body).digest(), flags, wait),
    )


def _numbers_fit(said: wire_hot.Sync) -> bool:
    wait = 0 if said.wait_ms is UNSET else said.wait_ms
    return 0 <= said.epoch <= _LAST_32_BIT and 1 <= said.seq <= _LAST_64_BIT and 0 <= wait <= 60_000


_FIELDS: dict[type[Struct], Callable[[Struct], tuple[Any, ...]]] = {
    kind: attrgetter(*kind.__struct_fields__)
    for kind in (wire_hot.Sync, wire_hot.Time, wire_hot.Flags, wire_hot.Account, wire_hot.Tick, wire_hot.Bar)
}


def _set(said: Struct) -> int:
    """How many names stand in an object."""
    values = _FIELDS[type(said)](said)
    return len(values) - values.count(UNSET)


def _colons(said: wire_hot.Sync) -> int:
    """How many colons stand in a body without those inside its two books."""
    count = _set(said) - sum(not bytes(getattr(said, name)) for name in _RAW)
    for part in (said.time, said.flags, said.account):
        if part is not UNSET:
            count += _set(part)
    if said.ticks is not UNSET:
        count += sum(_set(tick) + tick.symbol.count(":") for tick in said.ticks)
    if said.bars is not UNSET:
        count += sum(_set(bar) + bar.symbol.count(":") for bar in said.bars)
    return count + (0 if said.taken_at is UNSET else said.taken_at.count(":"))


def _times(said: wire_hot.Time) -> TimesSaid:
    told = {name: value for name in said.__struct_fields__ if (value := getattr(said, name)) is not UNSET}
    return terminal_reader.times(wire.Time(**told))


def _agree(times: TimesSaid, known: KnownTerminal, now: datetime) -> bool:
    """Whether the clocks say nothing new: no other offset, no doubt."""
    in_force = known.offset_minutes
    return hear(None, times, in_force, now) is None and doubt(times, in_force, now) is None


def _age(taken_at: datetime | None, times: TimesSaid | None) -> timedelta:
    """How old the books were when they were sent, by the terminal's own clock; as the route has it."""
    if taken_at is None or times is None or times.gmt is None:
        return timedelta(0)
    return min(max(timedelta(0), times.gmt - taken_at), _LONGEST_DAY)


def _flags(said: wire_hot.Flags) -> dict[str, Any] | None:
    """The permissions as they are kept; None when one is missing."""
    if any(getattr(said, name) is False for name in _ALLOWED):
        return None
    return {**dict.fromkeys(_ALLOWED, True), "ping_ms": None if said.ping_ms is UNSET else said.ping_ms}


def _money(said: wire_hot.Account) -> Money | None:
    """The account's money; what it does not tell follows as its route has it, when a float can hold that."""
    level = (0.0 if said.margin <= 0 else None) if said.margin_level is UNSET else said.margin_level
    profit = between(said.equity, said.balance) if said.profit is UNSET else said.profit
    if level is None or profit is None:
        return None
    credit = 0.0 if said.credit is UNSET else said.credit
    money = (said.balance, said.equity, said.margin, said.margin_free, level, profit, credit)
    return money if fits(money) else None


def _orders_alike(told: bytes, known: KnownTerminal) -> bool:
    if known.alike.get(_ORDERS) == told:
        return True
    if not told.startswith(b"["):
        return False
    try:
        read_json(told)
        items = msgspec.json.decode(told, type=list[wire.WorkingOrder | None])
        read = terminal_reader.working_orders(items, known.terminal.clock, _ORDERS)
    except (RubiError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    if {one.ticket for one in read} != set(known.working) or not all(
        _same(known.working[one.ticket], one) for one in read
    ):
        return False
    known.alike[_ORDERS] = told
    return True


def _same(row: Row, said: WorkingOrder) -> bool:
    return all(value == getattr(said, name) for name, value in row.items() if name != "account_id")


def _quotes(
    ticks: list[wire_hot.Tick], clock: BrokerClock, times: TimesSaid | None, now: datetime
) -> list[Quote] | None:
    quotes: list[Quote] = []
    server_msc = None if times is None or times.server is None else int(times.server.timestamp()) * 1000
    for tick in ticks:
        symbol = tick.symbol.strip()
        last = 0.0 if tick.last is UNSET else tick.last
        volume = 0.0 if tick.volume is UNSET else tick.volume
        if not 1 <= len(tick.symbol) <= _LONGEST_NAME or not symbol:
            return None
        if not (
            0 < tick.bid <= BIGGEST and 0 < tick.ask <= BIGGEST and abs(last) <= BIGGEST and abs(volume) <= BIGGEST
        ):
            return None
        time = terminal_reader.moment(tick.time_msc, clock, "ticks.time_msc")
        if server_msc is None:
            quoted_at = min(time, now)
        else:
            quoted_at = now - timedelta(milliseconds=max(0, server_msc - tick.time_msc))
        quotes.append((time, symbol, tick.time_msc, tick.bid, tick.ask, last, volume, quoted_at))
    return quotes


def _bars(told: list[wire_hot.Bar], clock: BrokerClock) -> list[BarTold] | None:
    """Bars as the route reads them, each once, the last of several; None when one is not as it should be."""
    read: dict[tuple[str, str, datetime], BarTold] = {}
    for bar in told:
        symbol = bar.symbol.strip()
        prices = (bar.open, bar.high, bar.low, bar.close)
        ticks, real, spread = (0 if n is UNSET else n for n in (bar.tick_volume, bar.real_volume, bar.spread))
        if not 1 <= len(bar.symbol) <= _LONGEST_NAME or not symbol or bar.timeframe not in TIMEFRAMES:
            return None
        if min(prices) < _SMALLEST_PRICE or max(prices) > BIGGEST:
            return None
        if min(ticks, real, spread) < 0 or max(ticks, real) > _LAST_64_BIT or spread > _LAST_32_BIT:
            return None
        begins = terminal_reader.moment(bar.time * 1000, clock, "bars.time")
        read[symbol, bar.timeframe, begins] = (begins, symbol, bar.timeframe, *prices, ticks, real, spread)
    return list(read.values())
