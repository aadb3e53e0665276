"""Make a quiet push of a body: what it says beside prices and money is what is known already. None: it is not quiet.

A list of positions is compared with the stored books once, by the reader that the routes use; from then on with that
list. No name stands twice in a body with as many colons as its names and its known texts have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from rubi.api import terminal_reader, wire_hot
from rubi.api import wire_terminal as wire
from rubi.api.strict_json import read_json
from rubi.domain.clock import BrokerClock, parse_time
from rubi.domain.errors import RubiError
from rubi.domain.position import BrokerPosition
from rubi.flows.known_terminals import KnownTerminal
from rubi.flows.quiet_cycle import Push
from rubi.store.pool import Row
from rubi.store.telemetry import Marks, Money

BIGGEST = 1e15
"""A number of money or prices is at most so large."""
_POSITIONS = "positions"


class UnlikeError(Exception):
    """What is remembered of the terminal is not what it says: read it anew, once its route has stored this."""


@dataclass(frozen=True, slots=True)
class _Alike:
    """A list of positions that says what the books say: how such lists are read and compared."""

    decode: Callable[[bytes], list[Any]]
    fixed: list[tuple[Any, ...]]
    """The columns that do not move, each with a value a position."""
    places: tuple[int | None, ...]
    """Where the columns stand that move: price, profit, swap and commission, None for one that is not told."""
    ids: list[int]
    open_prices: list[float]
    colons: int
    nulls: bool


def ping(said: wire_hot.Ping, body: bytes, known: KnownTerminal, now: datetime) -> Push | None:
    """A sign of life with some of the money: margin 0 is assumed, and the profit is what lies between."""
    if body.count(b":") != 4 + _timestamp(said.timestamp, known.terminal.clock):
        return None
    profit = between(said.equity, said.balance)
    if profit is None:
        return None
    money = (said.balance, said.equity, 0.0, said.margin_free, 0.0, profit, 0.0)
    return Push(known, now, now, money) if fits(money) else None


def account_update(said: wire_hot.AccountUpdate, body: bytes, known: KnownTerminal, now: datetime) -> Push | None:
    """The account's money; the route reads no timestamp either."""
    timestamp = said.timestamp
    names = 7 if timestamp is UNSET else 8
    if body.count(b":") != names + (timestamp.count(":") if isinstance(timestamp, str) else 0):
        return None
    money = (said.balance, said.equity, said.margin, said.margin_free, said.margin_level, said.profit, 0.0)
    return Push(known, now, now, money) if fits(money) else None


def positions_update(said: wire_hot.PositionsUpdate, body: bytes, known: KnownTerminal, now: datetime) -> Push:
    """The whole list of open positions, ordered by its arrival."""
    colons = body.count(b":") - 2 - _timestamp(said.timestamp, known.terminal.clock)
    return Push(known, now, now, marks=marks_of(bytes(said.positions), colons, known, now), books_at=now)


def marks_of(told: bytes, colons: int, known: KnownTerminal, now: datetime) -> Marks:
    """What moves with the price in a list of positions, which has so many colons.

    Raises:
        UnlikeError: anything else moved too, or cannot be read.

    """
    alike = known.alike.get(_POSITIONS)
    if alike is not None and colons == alike.colons:
        try:
            found = _marks(told, alike)
        except (msgspec.DecodeError, TypeError):  # TypeError: a null stands among them
            found = None
        if found is not None:
            return found
    alike = known.alike[_POSITIONS] = _learn(told, known, now)
    found = None if alike is None or colons != alike.colons else _marks(told, alike)
    if found is None:
        raise UnlikeError
    return found


def _marks(told: bytes, alike: _Alike) -> Marks | None:
    items = alike.decode(told)
    if alike.nulls:
        items = [item for item in items if item is not None]
    columns = _columns(items)
    if columns[: len(alike.fixed)] != alike.fixed:
        return None
    prices, profits, swaps, commissions = (
        [0.0] * len(items) if place is None else columns[place] for place in alike.places
    )
    if items:
        for column in (prices, profits, swaps, commissions):
            if min(column) < -BIGGEST or max(column) > BIGGEST:
                return None
        if min(prices) <= 0:
            prices = [now if now > 0 else opened for now, opened in zip(prices, alike.open_prices, strict=True)]
    return Marks(alike.ids, prices, profits, swaps, commissions)


def _columns(items: list[Any]) -> list[tuple[Any, ...]]:
    """The values of each field, in the order of the fields."""
    return list(zip(*map(msgspec.structs.astuple, items), strict=True))


def _learn(told: bytes, known: KnownTerminal, now: datetime) -> _Alike | None:
    """Read the list as its route does, and compare it with the books."""
    if not told.startswith(b"["):
        return None
    try:
        items = [item for item in read_json(told) if item is not None]
        names = frozenset(items[0] if items else ())
        if any(item.keys() != names for item in items):
            return None
        decoder = wire_hot.positions_decoder(names)
        read = terminal_reader.positions(
            msgspec.json.decode(told, type=list[wire.Position | None]), known.terminal.clock, now
        )
        decoded = decoder.decode(told)
    except (RubiError, msgspec.DecodeError, KeyError, UnicodeDecodeError):
        return None
    if {one.position_id for one in read} != set(known.positions):
        return None
    if not all(_same(known.positions[one.position_id], one) for one in read):
        return None
    present = [item for item in decoded if item is not None]
    fields = present[0].__struct_fields__ if present else ()
    return _Alike(
        decode=decoder.decode,
        fixed=_columns(present)[: len(names - set(wire_hot.MARKS))],
        places=tuple(fields.index(name) if name in fields else None for name in wire_hot.MARKS),
        ids=[one.position_id for one in read],
        open_prices=[float(one.open_price) for one in read],
        colons=told.count(b":"),
        nulls=len(present) != len(decoded),
    )


def _same(row: Row, said: BrokerPosition) -> bool:
    names = ("ticket", "symbol", "side", "volume", "open_price", "sl", "tp", "comment")
    return all(row[name] == getattr(said, name) for name in names)


def _timestamp(value: Any, clock: BrokerClock) -> int:
    """How many colons a timestamp brings, with its name's.

    Raises:
        RubiError: it is none.

    """
    if value is UNSET:
        return 0
    if value is not None and value != "":
        parse_time(value, clock)
    return 1 + (value.count(":") if isinstance(value, str) else 0)


def between(more: float, less: float) -> float | None:
    """The difference of two numbers as they were written; None when a float cannot hold it."""
    exact = Decimal(repr(more)) - Decimal(repr(less))
    near = float(exact)
    return near if Decimal(repr(near)) == exact else None


def fits(money: Money) -> bool:
    """Whether all numbers are of a size that money can have."""
    return min(money) >= -BIGGEST and max(money) <= BIGGEST
