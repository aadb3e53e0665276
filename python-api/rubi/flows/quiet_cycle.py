"""Calls of terminals in which nothing happens but prices and money: many of them in one commit.

Whatever else a call holds or meets is declined before anything of it is written, and handled alone by the flow of its
route: an order under way, a limit that moves, another epoch, a row that somebody holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.account import TradingState
from rubi.flows.judge_quietly import LimitsSeen
from rubi.flows.known_terminals import KnownTerminal, KnownTerminals
from rubi.flows.replace_books import SAMPLE_EVERY
from rubi.live.bus import Event
from rubi.store import risk_state, telemetry
from rubi.store.pool import Connection, Row
from rubi.store.telemetry import Columns, Marks, Money

SEEN_EVERY = timedelta(seconds=1)
"""A sign of life without a number is noted this often: what counts silence counts in several seconds."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """What makes a call a cycle: its place in the session's sequence."""

    epoch: int
    seq: int
    sha256: bytes
    flags: dict[str, Any] | None


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
    numbered: Numbered | None = None

    @property
    def key(self) -> UUID:
        """Two calls of one account are two commits."""
        return self.known.terminal.account_id


class QuietCycles:
    """Writes batches of calls, and remembers what the next ones are compared with."""

    def __init__(self, known: KnownTerminals) -> None:
        self._known = known

    async def settle(self, conn: Connection, pushes: Sequence[Push]) -> list[bool]:
        """Write those of the calls that are quiet, in the caller's transaction; which they were."""
        locked = {
            row["id"]: row
            for row in await conn.fetch(telemetry.SQL["lock"], [p.known.terminal.session_id for p in pushes])
        }
        held = [push for push in pushes if push.known.terminal.session_id in locked]
        facts = await _facts(conn, held) if held else {}
        quiet = [
            push for push in held if self._holds(push, locked[push.known.terminal.session_id], facts.get(push.key))
        ]
        await self._read_limits(conn, quiet, facts)
        columns, memories = Columns(), []
        written: set[Push] = set()
        for push in quiet:
            memory = None
            if push.money is not None:
                limits = push.known.limits
                if limits is None:
                    continue
                if not limits.at_rest(push.money, push.now):
                    still, memory = limits.judge(push.money, push.taken_at, push.now)
                    if not still:
                        continue
            if memory is not None:
                memories.append((push.key, memory, push.now))
            _tell(columns, push, locked[push.known.terminal.session_id])
            written.add(push)
        await columns.save(conn)
        if memories:
            await _remember(conn, {push.key: push.known for push in written}, memories)
        return [push in written for push in pushes]

    def _holds(self, push: Push, session: Row, facts: Row | None) -> bool:
        """Whether what is remembered of the terminal is true, and the call finds nothing to wait or stop for."""
        known, numbered = push.known, push.numbered
        if facts is None or facts["session_id"] != known.terminal.session_id:
            return False
        if session["facts_version"] != known.facts_version:
            self._known.forget(known)
            return False
        if push.marks is not None and (facts["reserved"] or not _newer(session["positions_taken_at"], push.books_at)):
            return False
        if push.orders and not _newer(session["orders_taken_at"], push.books_at):
            return False
        if numbered is None:
            return True
        return (
            numbered.epoch == facts["epoch"]
            and numbered.seq > session["last_seq"]
            and facts["trading_state"] == TradingState.ACTIVE
            and facts["risk_state"] in (None, TradingState.ACTIVE)
            and not facts["orders_move"]
            and not facts["has_plans"]
        )

    async def _read_limits(self, conn: Connection, pushes: Sequence[Push], facts: dict[UUID, Row]) -> None:
        """Read the limits anew whose rows are not those that are remembered."""
        stale: dict[UUID, KnownTerminal] = {}
        for push in pushes:
            row = facts[push.key]
            version = (row["memory_version"], row["day_version"], row["policy_version"])
            if push.money is not None and (push.known.limits is None or push.known.limits.account.version != version):
                push.known.limits = None
                stale[push.key] = push.known
        if stale:
            for account_id, account in (await risk_state.read_many(conn, list(stale))).items():
                stale[account_id].limits = LimitsSeen(account)


async def _facts(conn: Connection, pushes: Sequence[Push]) -> dict[UUID, Row]:
    rows = await conn.fetch(
        telemetry.SQL["facts"],
        [push.key for push in pushes],
        [push.numbered is not None for push in pushes],
        [push.marks is not None for push in pushes],
    )
    return {row["account_id"]: row for row in rows}


def _newer(stored: datetime | None, told: datetime | None) -> bool:
    """Whether a list is the newest; the first after a connect is read by the flow that compares it with all books."""
    return stored is not None and told is not None and stored <= told


def _tell(columns: Columns, push: Push, session: Row) -> None:
    has_books = push.marks is not None
    sampled = (
        push.marks is not None and bool(push.marks.position_ids) and _due(session["positions_sampled_at"], push.now)
    )
    if push.money is not None or has_books or push.orders:
        columns.tell(
            push.key,
            now=push.now,
            taken_at=push.taken_at,
            money=push.money,
            positions_at=push.books_at if has_books else None,
            orders_at=push.books_at if push.orders else None,
            sampled=sampled,
        )
    if push.marks is not None and push.marks.position_ids and push.books_at is not None:
        columns.marks.append((push.key, push.books_at, push.marks))
    if push.numbered is not None:
        cycle = push.numbered
        columns.see(session["id"], push.now, seq=cycle.seq, sha256=cycle.sha256, flags=cycle.flags)
    elif session["state"] != "ACTIVE" or push.now - session["last_seen_at"] >= SEEN_EVERY:
        columns.see(session["id"], push.now)


def _due(sampled_at: datetime | None, now: datetime) -> bool:
    return sampled_at is None or now - sampled_at >= SAMPLE_EVERY


async def _remember(
    conn: Connection, known: dict[UUID, KnownTerminal], memories: list[tuple[UUID, Any, datetime]]
) -> None:
    """Keep what the limits remember. Should the commit fail, the versions will not be found, and it is read anew."""
    versions = await telemetry.save_memories(conn, memories)
    for account_id, memory, now in memories:
        limits = known[account_id].limits
        if limits is not None:
            known[account_id].limits = limits.saved(memory, versions[account_id], now)


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
