"""One cycle of a terminal: what it tells is stored, what waits for it is handed out, in one transaction each way.

A repeated cycle (same seq, same body) gets the stored answer, so that a lost answer costs nothing. An answer with
commands is stored in the transaction that leases them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from rubi.domain.account import TradingState, strictest
from rubi.domain.errors import ConflictError, NotFoundError, RubiError
from rubi.domain.learn_clock import TimesSaid
from rubi.domain.market import Bar, QuoteTick
from rubi.domain.position import AccountMoney, BrokerPosition, Deal, WorkingOrder
from rubi.domain.risk.lot_quote import LotQuote
from rubi.domain.symbol import SymbolSpec
from rubi.flows.connect_terminal import account_frame, patience_with
from rubi.flows.flatten_account import flatten_account
from rubi.flows.follow_plans import follow_plans
from rubi.flows.learn_clock import learn_clock
from rubi.flows.lease_orders import (
    Holder,
    Taken,
    as_told,
    hand_over,
    hand_over_seen,
    query_of,
    see_waiting,
    take_orders,
)
from rubi.flows.ports import Connection, Ports
from rubi.flows.raise_alert import raise_alert
from rubi.flows.read_limits import limits_of
from rubi.flows.receive_signal import Wish, keep
from rubi.flows.reconcile_account import due, every, reconcile_account
from rubi.flows.record_deals import record_deals
from rubi.flows.record_reports import Ack, Report, record_acks, record_reports
from rubi.flows.replace_books import record_order_history, replace_orders, replace_positions
from rubi.flows.show_signal import signal_update
from rubi.flows.watch_limits import watch_limits
from rubi.live.bus import Event
from rubi.live.waiters import Waiter
from rubi.observability.metrics import REPLAYS, SIGNALS_RECEIVED
from rubi.store import books, orders, terminals
from rubi.store.orders import ParkedCycle
from rubi.store.pool import Row
from rubi.store.terminals import Terminal

LONGEST_WAIT = timedelta(milliseconds=1500)
ACTIVE_MS, IDLE_MS = 250, 1000
QUERY_EVERY = timedelta(seconds=2)
GAP = timedelta(seconds=15)
"""A terminal polls every 5 s while its markets sleep; one that was silent for longer than this has missed something."""
SYMBOLS_AGE = timedelta(minutes=10)
"""Tick values move with exchange rates: specifications older than this are asked for again."""
NOT_CONNECTED = "TERMINAL_NOT_CONNECTED"
DEALS_PAGE = 100
"""A terminal tells at most so many deals in one cycle: a full page means that more are to come."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that cannot be taken; it is not to be sent again."""

    part: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """What a terminal tells in one cycle. None is no news; an empty list is an empty list."""

    epoch: int
    seq: int
    body_sha256: bytes
    wait: timedelta
    taken_at: datetime | None = None
    age: timedelta = timedelta(0)
    broker_msc: int | None = None
    not_tradable: str | None = None
    flags: dict[str, Any] | None = None
    times: TimesSaid | None = None
    money: AccountMoney | None = None
    positions: Sequence[BrokerPosition] | None = None
    working: Sequence[WorkingOrder] | None = None
    left: Sequence[WorkingOrder] = ()
    deals: Sequence[Deal] = ()
    symbols: Sequence[SymbolSpec] = ()
    ticks: Sequence[QuoteTick] = ()
    bars: Sequence[Bar] = ()
    quotes: Sequence[LotQuote] = ()
    signals: Sequence[tuple[str, Wish | Refused]] = ()
    acks: Sequence[Ack] = ()
    reports: Sequence[Report] = ()
    refused: Sequence[Refused] = ()


@dataclass(slots=True)
class _Said:
    """What one cycle has led to so far."""

    answer: dict[str, Any]
    events: list[Event] = field(default_factory=list)
    bells: list[int] = field(default_factory=list)
    at_once: bool = False
    ask_deals_from_msc: int | None = None
    flatten: bool = False
    reconciled: bool = False


async def sync_terminal(ports: Ports, terminal: Terminal, cycle: Cycle, *, clock: Callable[[], datetime]) -> bytes:
    """Take a cycle in and answer it: at once when there is something to say, else when a command comes or time is up.

    Raises:
        ConflictError: the epoch is over (`EPOCH_FENCED`), or the seq is not the next (`SEQ_CONFLICT`, `SEQ_STALE`).
        NotFoundError: the session has ended.

    """
    now = clock()
    with ports.bus.waiter(terminal.account_id) as waiting:
        async with ports.pool.acquire() as conn, conn.transaction():
            session = await _lock(conn, terminal, cycle, now)
            repeated, stored = _replay(session, cycle)
            if repeated:
                REPLAYS.labels("sync").inc()
            if stored is not None:
                return stored
            # What a repeated cycle tells was taken in with its first answer; only what waits since is new.
            said = (
                _said_before(session, cycle, now) if repeated else await _take_in(conn, terminal, session, cycle, now)
            )
            answer = await _hand_out(conn, terminal, session, cycle, said, now)
        for signal_id in said.bells:
            ports.ring_decide(signal_id)
        await ports.bus.publish(said.events)
        if said.flatten:
            await flatten_account(ports, terminal.account_id, now=now)
        if session["has_plans"] and not repeated and (cycle.ticks or cycle.positions is not None):
            await follow_plans(ports, terminal.account_id, now=now)
        if answer is not None:
            return answer
        return await _park(ports, terminal, cycle, said, waiting, now=now, clock=clock)


async def answer_quiet_cycle(
    ports: Ports,
    terminal: Terminal,
    cycle: Cycle,
    waiting: Waiter,
    *,
    deal_cursor: tuple[int, int],
    limits: dict[str, Any],
    now: datetime,
    clock: Callable[[], datetime],
) -> bytes:
    """Answer a cycle that is stored and led to nothing; `waiting` was entered before it was.

    Raises:
        ConflictError, NotFoundError: as `sync_terminal`, when a command comes and the session has ended meanwhile.

    """
    said = _said_at_first(cycle, deal_cursor, TradingState.ACTIVE, limits, now)
    return await _park(ports, terminal, cycle, said, waiting, now=now, clock=clock)


async def _park(
    ports: Ports,
    terminal: Terminal,
    cycle: Cycle,
    said: _Said,
    waiting: Waiter,
    *,
    now: datetime,
    clock: Callable[[], datetime],
) -> bytes:
    """Wait for a command until time is up."""
    waiting.end_after((now + min(cycle.wait, LONGEST_WAIT) - clock()).total_seconds())
    while await waiting.rung():
        # The bell is free again before anything is read: what is committed after that wakes this cycle once more.
        parked = _parked(terminal, cycle, said)
        told = as_told(waiting.told(), terminal.poll_ms, now=clock())
        async with ports.pool.acquire() as conn:
            answer = None if told is None else await _hand_out_seen(conn, parked, told, said, clock())
            if answer is not None:
                return answer
            seen = await see_waiting(conn, parked, clock=clock)
            if seen is not None and not seen.rows:
                continue
            answer = None if seen is None else await _hand_out_seen(conn, parked, seen, said, clock())
            if answer is None:
                answer = await _hand_out_again(conn, terminal, cycle, said, clock)
        if answer is not None:
            return answer
    return _encode(said.answer | {"server_time": _iso(clock())})


def _parked(terminal: Terminal, cycle: Cycle, said: _Said) -> ParkedCycle:
    return ParkedCycle(
        account_id=terminal.account_id,
        session_id=terminal.session_id,
        user_id=terminal.user_id,
        instance=terminal.instance,
        epoch=cycle.epoch,
        seq=cycle.seq,
        body_sha256=cycle.body_sha256,
        only_closes=said.answer["trading_state"] != TradingState.ACTIVE,
    )


async def _hand_out_seen(
    conn: Connection, parked: ParkedCycle, seen: Taken, said: _Said, now: datetime
) -> bytes | None:
    """Lease what was seen or told of, with the answer, in one statement; None when something else is due."""
    answer = _answer(said, seen.commands, [], busy=True, now=now)
    return answer if await hand_over_seen(conn, parked, seen, answer=answer, now=now) else None


async def _hand_out_again(
    conn: Connection, terminal: Terminal, cycle: Cycle, said: _Said, clock: Callable[[], datetime]
) -> bytes | None:
    """Lease what waits by now, under the locks of the session and its account; None when there is nothing to say."""
    async with conn.transaction():
        session = await _lock(conn, terminal, cycle, clock())
        _, stored = _replay(session, cycle)
        if stored is not None:
            return stored  # the same cycle was sent again, and that twin took the commands
        return await _hand_out(conn, terminal, session, cycle, said, clock())


async def _lock(conn: Connection, terminal: Terminal, cycle: Cycle, now: datetime) -> Row:
    session = await conn.fetchrow(
        terminals.SQL["lock_session"], terminal.session_id, terminal.user_id, now - SYMBOLS_AGE
    )
    if session is None or session["state"] == "DISCONNECTED":
        raise NotFoundError("SESSION_NOT_FOUND", f"session {terminal.session_id} has ended; connect again")
    if session["state"] == "FENCED" or session["holder"] != session["id"] or cycle.epoch != session["account_epoch"]:
        raise ConflictError(
            "EPOCH_FENCED",
            f"epoch {cycle.epoch} is over: the account is at {session['account_epoch']}; stop, then connect again",
            epoch=session["account_epoch"],
        )
    return session


def _replay(session: Row, cycle: Cycle) -> tuple[bool, bytes | None]:
    """Whether the cycle was taken in before, and its stored answer; None when the first held nothing to be lost."""
    if cycle.seq > session["last_seq"]:
        return False, None
    if cycle.seq < session["last_seq"]:
        raise ConflictError("SEQ_STALE", f"seq {cycle.seq} is over; the last one was {session['last_seq']}")
    if session["last_body_sha256"] != cycle.body_sha256:
        raise ConflictError("SEQ_CONFLICT", f"seq {cycle.seq} was used with another body")
    stored = session["last_answer"]
    return True, None if stored is None else bytes(stored)


def _said_to(session: Row, cycle: Cycle, now: datetime) -> _Said:
    cursor = (session["deal_cursor_msc"], session["deal_cursor_ticket"])
    return _said_at_first(cycle, cursor, session["trading_state"], limits_of(session["policy"]), now)


def _said_at_first(
    cycle: Cycle, deal_cursor: tuple[int, int], trading_state: str, limits: dict[str, Any], now: datetime
) -> _Said:
    """The answer of a cycle before anything that it tells is taken in."""
    return _Said(
        answer={
            "seq_ack": cycle.seq,
            "epoch": cycle.epoch,
            "server_time": _iso(now),
            "trading_state": trading_state,
            "commands": [],
            "revoke": [],
            "report_acks": [],
            "ack_acks": [],
            "signal_acks": [],
            "rejected": [{"part": item.part, "code": item.code, "detail": item.detail} for item in cycle.refused],
            "need": [],
            "deal_cursor": _cursor(deal_cursor),
            "next_poll_ms": IDLE_MS,
            "limits": limits,
        }
    )


def _said_before(session: Row, cycle: Cycle, now: datetime) -> _Said:
    """The answer of a cycle that was taken in before, and that held nothing but what the session tells."""
    said = _said_to(session, cycle, now)
    if not session["has_symbols"]:
        said.answer["need"].append("symbols")
    return said


def _cursor(cursor: tuple[int, int]) -> dict[str, Any]:
    return {"time_msc": cursor[0], "ticket": str(cursor[1])}


async def _take_in(conn: Connection, terminal: Terminal, session: Row, cycle: Cycle, now: datetime) -> _Said:
    """Store everything that the cycle tells: facts about orders before the books that show them."""
    account_id, user_id, actor = terminal.account_id, terminal.user_id, f"terminal:{terminal.instance}"
    taken_at = cycle.taken_at or now
    said = _said_to(session, cycle, now)
    events = said.events
    if cycle.times is not None:
        events += await learn_clock(conn, user_id=user_id, account_id=account_id, said=cycle.times, now=now)
    if cycle.money is not None:
        # Its age is told by the terminal's own clock, which may be wrong; the moment is told by ours.
        await books.save_money(conn, account_id, cycle.money, taken_at=now - cycle.age, now=now)
        events.append(Event("ACCOUNT_UPDATE", user_id, account_id, account_frame(cycle.money, now)))
    if cycle.symbols:
        await books.save_symbols(conn, account_id, cycle.symbols, now)
    if cycle.ticks:
        last = await books.save_ticks(conn, account_id, cycle.ticks, broker_msc=cycle.broker_msc, now=now)
        events += [Event("PRICE_UPDATE", user_id, account_id, _price_frame(tick)) for tick in last]
    if cycle.bars:
        await books.save_bars(conn, account_id, cycle.bars, now)
    if cycle.quotes:
        await books.save_quotes(conn, account_id, cycle.quotes)
    said.answer["ack_acks"], told = await record_acks(conn, account_id, cycle.acks, actor=actor, now=now)
    events += told
    said.answer["report_acks"], told = await record_reports(
        conn, account_id, cycle.reports, instance=terminal.instance, actor=actor, now=now
    )
    events += told
    new_deals, told = await record_deals(conn, account_id, cycle.deals, actor=actor, now=now)
    events += told
    events += await record_order_history(conn, account_id=account_id, left=cycle.left, actor=actor, now=now)
    await _take_books(conn, terminal, session, cycle, said, taken_at, now)
    said.answer["signal_acks"] = [await _take_signal(conn, key, wish, said, now) for key, wish in cycle.signals]
    for item in cycle.refused:
        events += await raise_alert(
            conn,
            user_id=user_id,
            account_id=account_id,
            code="TERMINAL_DATA_REFUSED",
            severity="warning",
            object_="session",
            object_id=f"{terminal.session_id}:{item.part}:{item.code}",
            detail=item.detail,
            now=now,
        )
    if cycle.flags is not None and cycle.not_tradable != session["not_tradable_code"]:
        await conn.execute(terminals.SQL["set_tradable"], account_id, cycle.not_tradable)
    await conn.execute(
        terminals.SQL["see_session"],
        terminal.session_id,
        now,
        cycle.seq,
        cycle.body_sha256,
        None,
        cycle.flags,
        None,
    )
    last_deal = cycle.deals[-1] if cycle.deals else None
    cursor = (session["deal_cursor_msc"], session["deal_cursor_ticket"])
    if last_deal is not None:
        cursor = max(cursor, (last_deal.time_msc, last_deal.ticket))
    if said.ask_deals_from_msc is not None:
        cursor = min(cursor, (said.ask_deals_from_msc, 0))
    said.answer["deal_cursor"] = _cursor(cursor)
    if not session["has_symbols"] and not cycle.symbols:
        said.answer["need"].append("symbols")
    if cycle.money is not None or new_deals:
        watch = await watch_limits(conn, account_id, closed=bool(new_deals), now=now)
        said.flatten = watch.flatten
        said.answer["trading_state"] = strictest([TradingState(session["trading_state"]), watch.trading_state])
        events += watch.events
    facts = cycle.acks or cycle.reports or cycle.signals or cycle.deals or cycle.refused
    said.at_once = bool(facts or said.ask_deals_from_msc is not None)
    return said


async def _take_books(
    conn: Connection,
    terminal: Terminal,
    session: Row,
    cycle: Cycle,
    said: _Said,
    taken_at: datetime,
    now: datetime,
) -> None:
    account_id = terminal.account_id
    # While the terminal is cut off from its broker, what it shows is what it remembers.
    if cycle.not_tradable == NOT_CONNECTED:
        return
    if cycle.working is not None:
        said.events += await replace_orders(
            conn,
            account_id=account_id,
            working=cycle.working,
            taken_at=taken_at,
            actor=f"terminal:{terminal.instance}",
            now=now,
        )
    if cycle.positions is not None:
        said.events += await replace_positions(
            conn,
            user_id=terminal.user_id,
            account_id=account_id,
            positions=cycle.positions,
            taken_at=taken_at,
            now=now,
        )
    if cycle.positions is None or cycle.working is None:
        return
    gap = now - session["last_seen_at"] > max(GAP, patience_with(session["poll_ms"]))
    gap |= session["not_tradable_code"] == NOT_CONNECTED
    reason = due(
        session["reconciled_at"], has_unknown=session["has_unknown"], gap=gap, period=every(account_id), now=now
    )
    if reason is not None:
        said.reconciled = True
        found = await reconcile_account(
            conn,
            user_id=terminal.user_id,
            account_id=account_id,
            reason=reason,
            deals_wait=len(cycle.deals) >= DEALS_PAGE,
            now=now,
        )
        said.events += found.events
        if found.ask_deals_from is not None:
            said.answer["need"].append("deals")
            said.ask_deals_from_msc = int(found.ask_deals_from.timestamp() * 1000)


async def _take_signal(conn: Connection, key: str, wish: Wish | Refused, said: _Said, now: datetime) -> dict[str, Any]:
    if isinstance(wish, Refused):
        return {"key": key, "id": None, "status": "INVALID", "code": wish.code, "detail": wish.detail}
    try:
        async with conn.transaction():  # a signal that cannot be kept fails alone
            received = await keep(conn, wish, now)
    except (
        RubiError,
        ValueError,
        ArithmeticError,
        asyncpg.DataError,
        asyncpg.IntegrityConstraintViolationError,
    ) as error:
        code = error.code if isinstance(error, RubiError) else "SIGNAL_UNSTORABLE"
        return {"key": key, "id": None, "status": "INVALID", "code": code, "detail": str(error)}
    if received.new:
        SIGNALS_RECEIVED.labels("terminal").inc()
        said.bells.append(received.id)
        said.events.append(signal_update(received.row))
    return {"key": key, "id": received.id, "status": received.row["status"], "code": received.row["code"]}


async def _hand_out(
    conn: Connection, terminal: Terminal, session: Row, cycle: Cycle, said: _Said, now: datetime
) -> bytes | None:
    """Lease what waits; the answer when there is something to say. Stored in the same transaction."""
    not_tradable = session["not_tradable_code"] if cycle.flags is None else cycle.not_tradable
    holder = Holder(
        account_id=terminal.account_id,
        instance=terminal.instance,
        epoch=cycle.epoch,
        poll_ms=session["poll_ms"],
        trading_state=strictest([TradingState(session["trading_state"]), TradingState(said.answer["trading_state"])]),
        tradable=not_tradable is None,
        reconciled=said.reconciled or session["reconciled_at"] is not None,
    )
    # What was committed after the session was locked wakes this cycle again: its waiter was there first. Facts of this
    # cycle may have given orders back to the queue or made them unknown.
    moved = bool(cycle.acks or cycle.reports)
    taken = await take_orders(conn, holder, now=now) if session["has_queued"] or moved else Taken()
    commands = list(taken.commands)
    if session["has_unknown"] or moved:
        commands += await _queries(conn, terminal, now)
    revoke = []
    if session["has_revoked"]:
        revoke = [row["id"] for row in await conn.fetch(orders.SQL["revoked"], terminal.account_id)]
    if not (commands or revoke or said.at_once):
        return None
    busy = bool(commands or revoke or cycle.acks or cycle.reports)
    answer = _answer(said, commands, revoke, busy=busy, now=now)
    if taken.leases:
        await hand_over(conn, holder, taken, kept=(terminal.session_id, answer), now=now)
    else:
        await conn.execute(terminals.SQL["keep_answer"], terminal.session_id, answer)
    return answer


def _answer(said: _Said, commands: list[dict[str, Any]], revoke: list[int], *, busy: bool, now: datetime) -> bytes:
    return _encode(
        said.answer
        | {
            "server_time": _iso(now),
            "commands": commands,
            "revoke": revoke,
            "next_poll_ms": ACTIVE_MS if busy else IDLE_MS,
        }
    )


async def _queries(conn: Connection, terminal: Terminal, now: datetime) -> list[dict[str, Any]]:
    """Ask the terminal what its journal says of orders of unknown fate."""
    asked = await conn.fetch(orders.SQL["ask_unknown"], terminal.account_id, terminal.instance, now, now - QUERY_EVERY)
    return [query_of(row["id"], row["symbol"]) for row in asked]


def _price_frame(tick: QuoteTick) -> dict[str, Any]:
    return {"symbol": tick.symbol, "bid": float(tick.bid), "ask": float(tick.ask), "time": tick.time.isoformat()}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
