"""One account, its broker, two terminals that want it, and the flows between them on a real database."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from tests.faults import invariants
from tests.faults.ledger_broker import LedgerBroker
from tests.faults.paper_terminal import PaperTerminal, other_body, read

from rubi.domain.auth import Principal, Scope, TokenKind
from rubi.domain.errors import ConflictError, LeasedElsewhereError, NotFoundError
from rubi.domain.order import NewOrder, OrderEvent, OrderEventType, OrderKind
from rubi.domain.signal import OrderType, Signal, SignalType
from rubi.domain.units import Side
from rubi.flows.cancel_order import cancel_order
from rubi.flows.connect_terminal import connect_terminal
from rubi.flows.decide_signal import decide_signal
from rubi.flows.follow_terminal import disconnect_terminal
from rubi.flows.keep_answer import Caller, answer_once
from rubi.flows.ports import Ports
from rubi.flows.queue_order import not_after, queue_order
from rubi.flows.receive_signal import Wish, receive_signal
from rubi.flows.settle_order import settle
from rubi.flows.sweep import sweep
from rubi.flows.sync_terminal import sync_terminal
from rubi.store import terminals

NOW = datetime(2025, 10, 23, 10, 0, tzinfo=UTC)
SILENCE = timedelta(seconds=5)
OPENS = (OrderKind.OPEN, OrderKind.PLACE_PENDING)
TIDY = "TRUNCATE users, reconciliations, deals, ticks, latest_ticks RESTART IDENTITY CASCADE"


class LifeBench:
    """The world of one run. Time stands still between calls of `wait`."""

    def __init__(self, ports: Ports, folder: Path) -> None:
        self.ports = ports
        self.now = NOW
        self.broker = LedgerBroker()
        self.terminals = [PaperTerminal(folder / f"{uuid4()}.log", self.broker, NOW) for _ in range(2)]
        self.holder: PaperTerminal | None = None
        self.heard_at = NOW
        self.told: set[int] = set()
        self.signals: dict[str, tuple[SignalType, int]] = {}
        self.accepted: dict[int, str] = {}
        self.undecided: list[int] = []
        self.leases: set[str] = set()
        self.halted = False
        self.rows: dict[int, object] = {}

    async def begin(self) -> None:
        await self.ports.pool.execute(TIDY)
        self.user_id = await self.ports.pool.fetchval(
            "INSERT INTO users (username, email, password_hash) VALUES ('t', 't@example.com', 'x') RETURNING id"
        )
        assert await self.connect(self.terminals[0])
        self.account_id = self.terminals[0].session.account_id
        await self.sync(self.terminals[0])
        self.who = Principal(self.user_id, "t", Scope.PERSON, TokenKind.ACCESS, uuid4(), uuid4())

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for terminal in self.terminals:
            terminal.now = self.now

    async def connect(self, terminal: PaperTerminal) -> bool:
        """Dial in. Only a terminal that fell silent may be replaced by another."""
        terminal.recover(self.now)
        free = self.holder in {None, terminal} or self.now - self.heard_at >= SILENCE
        try:
            connected = await connect_terminal(
                self.ports, terminal.hello(), user_id=self.user_id, bound_account=None, now=self.now
            )
        except LeasedElsewhereError:
            assert not free, "a terminal was kept from an account that nobody trades"
            return False
        assert free, "a second live terminal got the account"
        session = await terminals.find(self.ports.pool, connected.session_id, self.user_id)
        terminal.connected(session, connected.actions)
        self.holder, self.heard_at = terminal, self.now
        return True

    async def disconnect(self, terminal: PaperTerminal) -> None:
        """Say good-bye, as far as there is a session."""
        if terminal.session is None:
            return
        session = await terminals.find(self.ports.pool, terminal.session.session_id, self.user_id)
        await disconnect_terminal(self.ports, session, {}, now=self.now)
        terminal.lose_session()
        if terminal is self.holder:
            self.holder = None

    async def sync(
        self, terminal: PaperTerminal, *, lost=False, doubled=False, copies=1, backwards=False, deals="new",
        books=True, **more,
    ) -> None:  # fmt: skip
        """One cycle of a terminal; `lost`: its answer does not arrive; `doubled`: the network delivers it twice."""
        if terminal.session is None and not await self.connect(terminal):
            return
        again = terminal.unanswered is not None
        cycle = terminal.cycle(copies=copies, backwards=backwards, deals=deals, books=books, now=self.now, **more)
        kept = await self._kept(terminal, cycle.seq) if again else None
        await self.look()
        calls = [
            sync_terminal(self.ports, terminal.session, cycle, clock=lambda: self.now)
            for _ in range(2 if doubled else 1)
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        if any(isinstance(answer, ConflictError | NotFoundError) for answer in answers):
            assert terminal is not self.holder, f"the holder was refused: {answers}"
            terminal.lose_session()
            return
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        assert terminal is self.holder, "a terminal that does not hold the account was answered"
        assert kept is None or set(answers) == {kept}, "a repeated cycle got another answer"
        if not again:  # a cycle that was taken in before is no sign of life
            self.heard_at = self.now
        self.told |= {deal.ticket for deal in cycle.deals}
        said = [read(answer) for answer in answers]
        await self._check_commands(terminal, [c for each in said for c in each["commands"]], replayed=kept is not None)
        if lost:
            return
        terminal.answered(said[-1])

    async def _kept(self, terminal: PaperTerminal, seq: int) -> bytes | None:
        return await self.ports.pool.fetchval(
            "SELECT last_answer FROM mt5_sessions WHERE id = $1 AND last_seq = $2", terminal.session.session_id, seq
        )

    async def _check_commands(self, terminal: PaperTerminal, commands: list[dict], *, replayed: bool) -> None:
        leased = {command["lease_id"]: command for command in commands if command["kind"] != "QUERY"}
        if replayed or not leased:
            return
        before = self.rows
        after = {row["id"]: row for row in await self.ports.pool.fetch(invariants.ORDERS, self.account_id)}
        assert len({command["order_id"] for command in leased.values()}) == len(leased), "two leases of one order"
        for lease_id, command in leased.items():
            row = after[command["order_id"]]
            assert lease_id not in self.leases, "a lease was given twice"
            self.leases.add(lease_id)
            assert row["state"] == "LEASED", f"order {row['id']} left as {row['state']}"
            if row["id"] in before:
                why = invariants.may_be_handed_out(before[row["id"]], now=self.now, halted=self.halted)
                assert why is None, f"order {row['id']} was handed out though {why}"
            else:  # made by this very cycle, in the place of one that ended with what it told
                assert (row["created_at"], row["deliveries"]) == (self.now, 1), f"order {row['id']} came from nowhere"
            blocked = [
                other["id"]
                for other in before.values()
                if other["state"] == after[other["id"]]["state"] == "UNKNOWN"
                and other["symbol"] == row["symbol"]
                and other["kind"] in OPENS
            ]
            assert row["kind"] not in OPENS or not blocked, f"{row['id']} was handed out with {blocked} unknown"

    async def carry_out(self, terminal: PaperTerminal, end: str, *, keeps_comment: bool) -> None:
        """The terminal works through what it was given; the first command ends as `end` says, the others well."""
        commands, terminal.hand = terminal.hand, []
        for command in commands:
            terminal.carry_out(command, end=end, keeps_comment=keeps_comment, now=self.now)
            if end.startswith("dies"):
                return
            end = "whole"

    async def speak_otherwise(self, terminal: PaperTerminal) -> None:
        """A seq that is used again for something else is a conflict and changes nothing."""
        if terminal.session is None or terminal.unanswered is None or terminal is not self.holder:
            return
        if await self.ports.pool.fetchval(
            "SELECT last_seq < $2 FROM mt5_sessions WHERE id = $1", terminal.session.session_id, terminal.seq
        ):
            return
        with pytest.raises(ConflictError, match="used with another body"):
            await sync_terminal(self.ports, terminal.session, other_body(terminal.unanswered), clock=lambda: self.now)

    async def haunt(self, terminal: PaperTerminal) -> None:
        """A session of the past speaks up, with everything that its terminal has to tell."""
        if not terminal.former:
            return
        session, kept = terminal.former[-1], (terminal.session, terminal.unanswered, terminal.seq)
        terminal.session, terminal.unanswered, terminal.seq = session, None, 10_000
        cycle = terminal.cycle(copies=1, backwards=False, deals="all", books=True, now=self.now)
        terminal.session, terminal.unanswered, terminal.seq = kept
        if kept[0] is not None and kept[0].session_id == session.session_id:
            return
        if terminal is self.holder and kept[0] is None:
            return  # its last session still holds the account: it is the terminal that has forgotten it
        try:
            await sync_terminal(self.ports, session, cycle, clock=lambda: self.now)
        except (ConflictError, NotFoundError):
            return
        raise AssertionError("a session that is over was answered")

    async def queue(self, kind: OrderKind, symbol: str, pick: int, side: Side) -> None:
        """An instruction enters the queue as if risk had approved it."""
        if kind in {OrderKind.MODIFY_PENDING, OrderKind.CANCEL_PENDING}:
            await self._change_working(kind, symbol, pick)
            return
        position = _picked([p for p in self.broker.positions.values() if p.symbol == symbol], pick)
        if kind not in OPENS and position is None:
            kind = OrderKind.OPEN
        opens = kind in OPENS
        order = NewOrder(
            user_id=self.user_id,
            account_id=self.account_id,
            kind=kind,
            symbol=symbol,
            side=side if opens else position.side.opposite,
            order_type=OrderType.LIMIT if kind is OrderKind.PLACE_PENDING else OrderType.MARKET,
            volume=None if kind is OrderKind.MODIFY_POSITION else Decimal("0.1") if opens else position.volume / 2
            if kind is OrderKind.CLOSE_PARTIAL else position.volume,
            price=Decimal("1.09") if kind is OrderKind.PLACE_PENDING else None,
            sl=Decimal("1.08") if opens else Decimal("1.07") if kind is OrderKind.MODIFY_POSITION else None,
            position_ticket=None if opens else position.ticket,
            reserved_risk=Decimal(50 if opens else 0),
            not_after=not_after(kind, self.now),
        )  # fmt: skip
        async with self.ports.pool.acquire() as conn, conn.transaction():
            assert await queue_order(conn, order, actor="test", now=self.now) is not None

    async def _change_working(self, kind: OrderKind, symbol: str, pick: int) -> None:
        """Change an order of ours that works at the broker, as far as its life allows it."""
        ticket = _picked([t for t, one in self.broker.working.items() if one.symbol == symbol], pick)
        row = None if ticket is None else self.rows.get(self.broker.order_of_ticket[ticket])
        if row is None or row["state"] not in {"ACCEPTED", "PARTIALLY_FILLED"}:
            return
        if kind is OrderKind.CANCEL_PENDING:
            await self._cancel(row["id"])
            return
        order = NewOrder(
            user_id=self.user_id, account_id=self.account_id, kind=kind, symbol=symbol, side=Side(row["side"]),
            order_type=OrderType.LIMIT, price=Decimal("1.08"), target_ticket=ticket, target_order_id=row["id"],
            not_after=not_after(kind, self.now),
        )  # fmt: skip
        async with self.ports.pool.acquire() as conn, conn.transaction():
            assert await queue_order(conn, order, actor="test", now=self.now) is not None
            asked = OrderEvent(OrderEventType.MODIFY_ASKED, self.now)
            assert (await settle(conn, row["id"], asked, actor="test")).legal

    async def receive(self, key: str, signal_type: SignalType, *, doubled: bool) -> None:
        """A signal under a key; the same key is the same signal, for something else it is a conflict."""
        calls = [receive_signal(self.ports, self._wish(key, signal_type), now=self.now) for _ in range(1 + doubled)]
        received = await asyncio.gather(*calls, return_exceptions=True)
        known = self.signals.get(key)
        if known is not None and known[0] is not signal_type:
            assert all(isinstance(each, ConflictError) for each in received), f"key {key} was taken for two wishes"
            return
        for each in received:
            if isinstance(each, BaseException):
                raise each
        assert [each.new for each in received].count(True) == (known is None), f"key {key} is more than one signal"
        (signal_id,) = {each.id for each in received}
        assert known is None or known[1] == signal_id
        if known is None:
            self.signals[key] = signal_type, signal_id
            self.accepted[signal_id] = key
            self.undecided.append(signal_id)

    def _wish(self, key: str, signal_type: SignalType) -> Wish:
        stop = Decimal("1.095") if signal_type.side is Side.BUY else Decimal("1.105")

        def to_signal(*, account_id, dedupe_key, clock) -> Signal:
            return Signal(
                self.user_id, "api", dedupe_key, "EURUSD", signal_type, self.now, account_id=account_id,
                entry_price=Decimal("1.1"), stop_loss=None if signal_type.closes else stop,
            )  # fmt: skip

        body = signal_type.encode().ljust(32)
        return Wish(self.user_id, "api", body, to_signal, timed=True, idempotency_key=key)

    async def decide(self, *, doubled: bool) -> None:
        """Workers take what waits, perhaps two at once."""
        waiting, self.undecided = self.undecided, []
        for signal_id in waiting:
            decided = await asyncio.gather(
                *(decide_signal(self.ports, signal_id, now=self.now) for _ in range(1 + doubled))
            )
            assert sum(each is not None for each in decided) <= 1, f"signal {signal_id} was decided twice"

    async def sweep(self, *, doubled: bool) -> None:
        await asyncio.gather(*(sweep(self.ports, now=self.now) for _ in range(1 + doubled)))

    async def cancel(self, pick: int) -> None:
        """The user takes an order back, where that is still possible."""
        row = _picked([*self.rows.values()], pick)
        if row is not None:
            await self._cancel(row["id"])

    async def _cancel(self, order_id: int) -> None:
        caller = Caller(self.who, None, self.now)
        effect: Callable[..., Awaitable] = lambda conn: cancel_order(conn, caller, order_id)  # noqa: E731
        with contextlib.suppress(ConflictError):
            await answer_once(self.ports, caller, None, effect)

    def broker_acts(self, what: str, pick: int) -> None:
        """What happens at the broker without anybody asking."""
        working, position = _picked([*self.broker.working], pick), _picked([*self.broker.positions], pick)
        if what == "fills":
            self.broker.fill_slow(now=self.now)
        if what in {"fills", "fills_half"} and working is not None:
            self.broker.fill_working(working, whole=what == "fills", now=self.now)
        elif what in {"EXPIRED", "CANCELED"} and working is not None:
            self.broker.leave(working, what)
        elif what == "stops_out" and position is not None:
            self.broker.stop_out(position, now=self.now)

    async def switch(self, *, halted: bool) -> None:
        self.halted = halted
        state = "HALTED" if halted else "ACTIVE"
        await self.ports.pool.execute("UPDATE accounts SET trading_state = $2 WHERE id = $1", self.account_id, state)

    async def look(self) -> None:
        """What the rows are now, and whether everything holds that must always hold."""
        pool = self.ports.pool
        orders = await pool.fetch(invariants.ORDERS, self.account_id) if self.holder or self.rows else []
        self.rows = {row["id"]: row for row in orders}

    async def check(self) -> None:
        """Hold the database against the ledger and against itself."""
        await self.look()
        pool, orders = self.ports.pool, [*self.rows.values()]
        twice = {order_id: count for order_id, count in self.broker.executed.items() if count > 1}
        assert not twice, f"carried out more than once: {twice}"
        events = await pool.fetch(invariants.EVENTS, self.account_id)
        account = await pool.fetchrow(invariants.ACCOUNT, self.account_id)
        invariants.check_orders(orders, events, account)
        invariants.check_fills(orders, self.broker, self.told)
        invariants.check_signals(await pool.fetch(invariants.SIGNALS, self.user_id), orders, self.accepted)

    async def come_to_rest(self) -> None:
        """Everybody tells everything, minutes pass: each order has an end, or works, as the ledger says."""
        self.broker.fill_slow(now=self.now)
        await self.switch(halted=False)
        for terminal in (*reversed(self.terminals), self.terminals[0]):
            terminal.die()
            for seconds in (6, 121, 31):
                self.wait(seconds)
                await self.sweep(doubled=False)
                for _ in range(2):
                    await self.sync(terminal, deals="all", flags={"connected": True})
                    await self.carry_out(terminal, "whole", keeps_comment=True)
            await self.check()
        orders = await self.ports.pool.fetch(invariants.ORDERS, self.account_id)
        for row in orders:
            self._check_end(row)
        await self._check_books()

    def _check_end(self, row) -> None:
        state, name = row["state"], f"order {row['id']} ({row['kind']}) is {row['state']}"
        works = [
            t
            for t, order_id in self.broker.order_of_ticket.items()
            if order_id == row["id"] and t in self.broker.working
        ]
        filled = self.broker.filled(row["id"])
        if (filled or works) and row["order_ticket"] is None and self.broker.trace_of(row["id"]) is None:
            # Its answer was lost and the broker rewrote its comment: nothing ties it to its trade, a person must look.
            assert (state, row["review"]) == ("EXPIRED", "ORDER_NOT_FOUND"), f"{name}, its trade looks foreign"
            return
        if works:
            assert state in {"ACCEPTED", "PARTIALLY_FILLED", "PENDING_CANCEL", "PENDING_MODIFY"}, (
                f"{name} and works at the broker"
            )
            return
        assert row["filled_volume"] == filled, f"{name} with {row['filled_volume']} of {filled} lots"
        if filled == 0:
            carried_out = self.broker.executed[row["id"]] and row["kind"] not in OPENS
            ends = {"DONE", "EXPIRED", "REJECTED"} if carried_out else {"REJECTED", "CANCELED", "EXPIRED", "DONE"}
            assert state in ends, f"{name} and nothing was filled"
        elif filled == row["volume"]:
            assert state == "FILLED", f"{name} and was filled"
        else:
            assert state in {"PARTIALLY_FILLED", "CANCELED", "EXPIRED"}, f"{name} and was filled in part"

    async def _check_books(self) -> None:
        pool = self.ports.pool
        deals = await pool.fetch("SELECT ticket FROM deals WHERE account_id = $1", self.account_id)
        assert {row["ticket"] for row in deals} == {deal.ticket for deal in self.broker.deals}
        positions = await pool.fetch(
            "SELECT ticket, volume FROM trading_positions WHERE account_id = $1 AND status = 'OPEN'", self.account_id
        )
        assert {tuple(row) for row in positions} == {(p.ticket, p.volume) for p in self.broker.positions.values()}

    def close(self) -> None:
        for terminal in self.terminals:
            terminal.journal.close()


def _picked(candidates: list, pick: int):
    return candidates[pick % len(candidates)] if candidates else None
