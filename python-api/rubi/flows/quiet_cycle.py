"""Calls of terminals in which nothing happens but prices and money: many of them in one commit.

Whatever else a call holds or meets is declined before anything of it is written, and handled alone by the flow of its
route: an order under way, a limit that moves, another epoch, a row that somebody holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from rubi.domain.risk.memory import LimitMemory
from rubi.flows.known_terminals import KnownTerminal, KnownTerminals
from rubi.flows.reconcile_account import every
from rubi.flows.replace_books import SAMPLE_EVERY
from rubi.flows.sync_terminal import GAP
from rubi.live.bus import Event
from rubi.store.pool import Connection, Row
from rubi.store.telemetry import BarTold, Columns, Marks, Money, Periods, Quote

PERIODS = Periods(seen=timedelta(seconds=1), sampled=SAMPLE_EVERY, silent=GAP)
"""A sign of life without a number is noted every second: what counts silence counts in several."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """What makes a call a cycle: its place in the session's sequence."""

    epoch: int
    seq: int
    sha256: bytes
    flags: dict[str, Any] | None
    wait: timedelta


@dataclass(slots=True, eq=False)
class Push:
    """One call. `taken_at` is the moment of the money, `books_at` that of the lists."""

    known: KnownTerminal
    now: datetime
    taken_at: datetime
    money: Money | None = None
    marks: Marks | None = None
    """The open positions, all of them, unchanged but for this; None: no list was sent."""
    orders: bool = False
    """A list of working orders was sent, and says what is known."""
    books_at: datetime | None = None
    quotes: Sequence[Quote] = ()
    bars: Sequence[BarTold] = ()
    numbered: Numbered | None = None
    deal_cursor: tuple[int, int] = (0, 0)
    """Up to where the account's deals are known, once the call is committed: milliseconds and ticket."""

    @property
    def key(self) -> UUID:
        """Two calls of one account are two commits."""
        return self.known.terminal.account_id


class QuietCycles:
    """Writes batches of calls, and remembers what the next ones are compared with."""

    def __init__(self, known: KnownTerminals) -> None:
        self._known = known

    async def settle(self, conn: Connection, pushes: Sequence[Push]) -> list[bool]:
        """Write those of the calls that are quiet, in one transaction; which they were."""
        columns, sent = Columns(), []
        for push in pushes:
            quiet, memory = _judged(push)
            if quiet:
                _add(columns, push, memory)
                sent.append((push, memory))
            else:
                self._known.forget(push.known)
        rows = await columns.commit(conn, PERIODS) if sent else []
        written: set[Push] = set()
        for row in rows:
            push, memory = sent[row["place"]]
            written.add(push)
            push.deal_cursor = (row["deal_cursor_msc"], row["deal_cursor_ticket"])
            if memory is not None and push.known.limits is not None:
                push.known.facts_version += 1
                push.known.limits = push.known.limits.saved(memory, push.now)
        for push, _ in sent:
            if push not in written:
                self._known.forget(push.known)
        return [push in written for push in pushes]


def _judged(push: Push) -> tuple[bool, LimitMemory | None]:
    """Hold the money against the limits as they are remembered; the statement finds out whether those still hold."""
    limits = push.known.limits
    if push.money is None:
        return push.numbered is None or (limits is not None and limits.free), None
    if limits is None:
        return False, None
    if limits.at_rest(push.money, push.now):
        return True, None
    return limits.judge(push.money, push.taken_at, push.now)


def _add(columns: Columns, push: Push, memory: LimitMemory | None) -> None:
    numbered = push.numbered
    columns.add(
        push.known.terminal.session_id,
        push.known.facts_version,
        now=push.now,
        taken_at=push.taken_at,
        money=push.money,
        marks=push.marks,
        positions_at=None if push.marks is None else push.books_at,
        orders_at=push.books_at if push.orders else None,
        cycle=None if numbered is None else (numbered.epoch, numbered.seq, numbered.sha256, numbered.flags),
        compared_before=None if numbered is None else push.now - every(push.key),
        memory=memory,
        quotes=push.quotes,
        bars=push.bars,
    )


def frames(push: Push) -> list[Event]:
    """What readers of live data see of a call."""
    terminal, events = push.known.terminal, []
    if push.money is not None:
        balance, equity, margin, margin_free, margin_level, profit, _ = push.money
        money = {
            "balance": balance,
            "equity": equity,
            "margin": margin,
            "margin_free": margin_free,
            "margin_level": margin_level,
            "profit": profit,
            "updated_at": push.now.isoformat(),
        }
        events.append(Event("ACCOUNT_UPDATE", terminal.user_id, terminal.account_id, money))
    latest = {quote[1]: quote for quote in sorted(push.quotes, key=itemgetter(2))}
    for symbol, (time, _, _, bid, ask, *_) in latest.items():
        price = {"symbol": symbol, "bid": bid, "ask": ask, "time": time.isoformat()}
        events.append(Event("PRICE_UPDATE", terminal.user_id, terminal.account_id, price))
    if push.marks is not None:
        marks = push.marks
        columns = zip(marks.position_ids, marks.current_price, marks.profit, marks.swap, marks.commission, strict=True)
        events += [
            Event(
                "POSITION_UPDATE",
                terminal.user_id,
                terminal.account_id,
                _position_frame(push.known.positions[n], *rest),
            )
            for n, *rest in columns
        ]
    return events


def _position_frame(row: Row, price: float, profit: float, swap: float, commission: float) -> dict[str, Any]:
    return {
        "ticket": str(row["ticket"]),
        "position_id": str(row["position_id"]),
        "symbol": row["symbol"],
        "type": row["side"],
        "volume": float(row["volume"]),
        "entry": float(row["open_price"]),
        "open_price": float(row["open_price"]),
        "current": price,
        "current_price": price,
        "sl": None if row["sl"] is None else float(row["sl"]),
        "tp": None if row["tp"] is None else float(row["tp"]),
        "pnl": profit + swap + commission,
        "profit": profit,
        "swap": swap,
        "commission": commission,
        "status": "OPEN",
    }
