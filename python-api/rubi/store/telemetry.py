"""What many terminals tell, written by one statement: columns of arrays, whatever the number of terminals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from rubi.domain.risk.memory import LimitMemory
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)

Money = tuple[float, float, float, float, float, float, float]
"""Balance, equity, margin, free margin, margin level, profit, credit: account currency."""
Quote = tuple[datetime, str, int, float, float, float, float, datetime]
"""A tick: when, its symbol, broker wall clock (ms), bid, ask, last, volume, and when it was quoted by our clock."""
BarTold = tuple[datetime, str, str, float, float, float, float, int, int, int]
"""A bar: when it begins, its symbol, its timeframe, open, high, low, close, ticks, real volume, spread in points."""
_NO_MONEY = (None,) * 7
_NO_CYCLE = (None,) * 4
_PART = re.compile(r"^-- only with (\w+)\n(.*?)^(?:-- always\n|(?=-- only with ))", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Marks:
    """What moves with the price: one value a position in each column."""

    position_ids: Sequence[int]
    current_price: Sequence[float]
    profit: Sequence[float]
    swap: Sequence[float]
    commission: Sequence[float]


@dataclass(frozen=True, slots=True)
class Periods:
    """How often what is written only now and then is written."""

    seen: timedelta
    """Signs of life that have no number."""
    sampled: timedelta
    """Positions, into their series."""
    silent: timedelta
    """Without a word for longer, a terminal has missed something: its books are compared at its next cycle."""


@dataclass(slots=True)
class Columns:
    """A batch on its way to the database."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    profits: list[float] = field(default_factory=list)
    swaps: list[float] = field(default_factory=list)
    commissions: list[float] = field(default_factory=list)
    memories: list[tuple[Any, ...]] = field(default_factory=list)
    quotes: list[tuple[Any, ...]] = field(default_factory=list)
    """When it was quoted stands with the newest of a symbol alone."""
    bars: list[tuple[Any, ...]] = field(default_factory=list)

    def add(
        self,
        session_id: UUID,
        facts_version: int,
        *,
        now: datetime,
        taken_at: datetime,
        money: Money | None = None,
        marks: Marks | None = None,
        positions_at: datetime | None = None,
        orders_at: datetime | None = None,
        cycle: tuple[int, int, bytes, dict[str, Any] | None] | None = None,
        compared_before: datetime | None = None,
        memory: LimitMemory | None = None,
        quotes: Sequence[Quote] = (),
        bars: Sequence[BarTold] = (),
    ) -> None:
        """Note a call; None is no news. `cycle`: epoch, seq, hash of the body, flags.

        `compared_before`: a comparison of the books that is no younger is due again, when the cycle brings them whole.
        """
        first = last = None
        if marks is not None:
            first = len(self.ids) + 1
            self.ids += marks.position_ids
            self.prices += marks.current_price
            self.profits += marks.profit
            self.swaps += marks.swap
            self.commissions += marks.commission
            last = len(self.ids)
        self.rows.append(
            (
                session_id,
                facts_version,
                now,
                taken_at,
                *(money or _NO_MONEY),
                positions_at,
                first,
                last,
                orders_at,
                memory is not None,
                *(cycle or _NO_CYCLE),
                compared_before,
            )
        )
        if quotes:
            n = len(self.rows)
            latest: dict[str, Quote] = {}
            for quote in quotes:
                before = latest.get(quote[1])
                if before is None or quote[2] >= before[2]:
                    latest[quote[1]] = quote
            for quote in quotes:
                self.quotes.append((n, *quote) if quote is latest[quote[1]] else (n, *quote[:-1], None))
        self.bars += [(len(self.rows), *bar) for bar in bars]
        if memory is not None:
            ledger, nav = memory.ledger, memory.nav
            self.memories.append(
                (
                    len(self.rows),
                    ledger.counted_from,
                    ledger.funds,
                    ledger.deals,
                    ledger.flows,
                    ledger.initial_flows,
                    nav.units,
                    nav.nav,
                    nav.balance_nav,
                    nav.high,
                    nav.high_balance,
                    nav.day_high,
                    nav.end_high,
                    nav.end_high_balance,
                    nav.day,
                )
            )

    async def commit(self, conn: Connection, periods: Periods) -> list[Row]:
        """Write what can be written, in a transaction of its own; the calls that were, each with its `place`."""
        *told, compared_before = _turned(self.rows, 21)
        arguments = (
            *told,
            periods.seen,
            periods.sampled,
            compared_before,
            self.ids,
            self.prices,
            self.profits,
            self.swaps,
            self.commissions,
            *_turned(self.memories, 15),
            periods.silent,
            *_turned(self.quotes, 9),
            *_turned(self.bars, 11),
        )
        brings = {
            "cycles": told[_SEQ] is not None or told[_ORDERS_AT] is not None,
            "money": told[_BALANCE] is not None,
            "marks": self.ids,
            "memories": self.memories,
            "quotes": self.quotes,
            "bars": self.bars,
        }
        statement, numbers = statement_of(frozenset(part for part, there in brings.items() if there))
        return await conn.fetch(statement, *(arguments[number - 1] for number in numbers))


_BALANCE, _ORDERS_AT, _SEQ = 4, 14, 17
"""The columns of the balance, of the time of the list of orders, and of the cycle's number."""


@lru_cache(maxsize=64)
def statement_of(parts: frozenset[str]) -> tuple[str, tuple[int, ...]]:
    """The statement for a batch that brings these parts, and which of all parameters it takes, in their order."""
    text = _COMMENT.sub("", _PART.sub(lambda part: part[2] if part[1] in parts else "", SQL["commit"]))
    numbers = tuple(sorted({int(number) for number in _PARAMETER.findall(text)}))
    place = {number: n for n, number in enumerate(numbers, start=1)}
    return _PARAMETER.sub(lambda found: f"${place[int(found[1])]}", text), numbers


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...] | None]:
    """Rows as columns; None for one in which nothing stands: `unnest` fills it up, and nobody has to write it."""
    if not rows:
        return [None] * width
    return [None if column.count(None) == len(column) else column for column in zip(*rows, strict=True)]
