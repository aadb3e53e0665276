"""The terminal: connects, syncs without a pause, carries out commands as they come, and says goodbye.

One request is on its way at any time, like the one thread of an Expert Advisor. While nothing happens it is parked at
the service for at most `wait_ms`; a command ends the wait, its acknowledgement and report leave with the next request.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from rubi.terminal.broker import Broker, DealCursor
from rubi.terminal.clock import ServiceClock
from rubi.terminal.commands import parse_commands
from rubi.terminal.executor import Executor, Told, nobody_listens
from rubi.terminal.journal import Journal
from rubi.terminal.outbox import Outbox
from rubi.terminal.session import (
    BodyRefusedError,
    LeasedElsewhereError,
    Session,
    SessionLostError,
    Wire,
)
from rubi.terminal.telemetry import Telemetry, symbols_hash
from rubi.terminal.wire import decode, encode, iso

log = structlog.get_logger(__name__)

BIGGEST_BODY = 250 * 1024
LONGEST_WAIT_MS = 1_000
SIGNALS_PER_SYNC = 20
DISPENSABLE = ("bars", "ticks", "order_history", "deals", "symbols", "quotes", "signals")
"""What is left for a later sync when a body is too big, in this order."""

REFUSED_PAUSE_S = 1.0
FAREWELL_S = 1.0

PROTOCOL = 2
VERSION = "py-1.0"

BeforeSync = Callable[[Session], Awaitable[None]]


async def nothing_to_do(_: Session) -> None:
    """The ordinary `before_sync`."""


class Client:
    """Ties a broker, a journal and an outbox to the service."""

    def __init__(
        self,
        wire: Wire,
        broker: Broker,
        journal: Journal,
        outbox: Outbox,
        executor: Executor,
        clock: ServiceClock,
        *,
        before_sync: BeforeSync = nothing_to_do,
        tell: Told = nobody_listens,
    ) -> None:
        """`before_sync` is called before each sync of a session: the place of a strategy."""
        self._wire = wire
        self._broker = broker
        self._journal = journal
        self._outbox = outbox
        self._executor = executor
        self._clock = clock
        self._telemetry = Telemetry(broker)
        self._before_sync = before_sync
        self._tell = tell
        self._session: Session | None = None
        self._signals_sent = 0
        self._is_working = self._is_stopping = False
        self._losses = 0
        self._is_plain = False
        """The last body was refused: the next one carries only what is needed for orders."""

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set, then say goodbye within 2.5 s.

        Raises:
            TerminalStoppedError: the service does not want this terminal.

        """
        trading = asyncio.create_task(self._trade())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({trading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if trading.done():
                await trading
        finally:
            stopping.cancel()
            await self._finish(trading)
            await self._say_goodbye()

    async def _finish(self, trading: asyncio.Task[None]) -> None:
        """Let the order in hand come to its end and be reported, for a second at most; take no new one."""
        self._is_stopping = True
        deadline = time.monotonic() + FAREWELL_S
        while not trading.done() and time.monotonic() < deadline and (self._is_working or self._journal.reports(1)):
            await asyncio.sleep(0.02)
        trading.cancel()
        await asyncio.wait({trading}, timeout=0.2)

    async def _trade(self) -> None:
        while True:
            try:
                session = await self._connect()
                while True:
                    await self._cycle(session)
            except LeasedElsewhereError as elsewhere:
                log.warning("session.leased_elsewhere", retry_after_s=elsewhere.retry_after_s)
                self._tell("leased_elsewhere", {"retry_after_s": elsewhere.retry_after_s})
                await asyncio.sleep(elsewhere.retry_after_s)
            except SessionLostError as lost:
                log.warning("session.lost", why=str(lost))
                self._tell("session_lost", {"why": str(lost)})
                self._losses += 1
                await asyncio.sleep(self._wire.backoff.wait_s(self._losses))

    async def _connect(self) -> Session:
        self._session = None
        while True:
            try:
                await self._executor.recover()
                session = await self._wire.connect(await self._greeting())
                break
            except ConnectionError as absent:
                log.warning("broker.absent", why=str(absent))
            except BodyRefusedError as refused:
                log.warning("connect.refused", why=str(refused))
            await asyncio.sleep(REFUSED_PAUSE_S)
        answer = session.connected
        resume = answer.get("resume") or {}
        cursor = resume.get("deal_cursor") or {"time_msc": 0, "ticket": "0"}
        self._telemetry.begin(
            DealCursor(int(cursor["time_msc"]), int(cursor["ticket"])),
            answer.get("need") or [],
            resume.get("bars") or {},
        )
        self._executor.take_limits(answer.get("limits"))
        for action in answer.get("journal_actions") or ():
            {"REPORT": self._journal.report_again, "FORGET": self._journal.forget}[action["action"]](action["order_id"])
        self._journal.note_session(session.id)
        self._session = session
        self._tell("connected", {"session_id": session.id, "epoch": session.epoch, "state": session.trading_state})
        return session

    async def _greeting(self) -> dict[str, Any]:
        account = await self._broker.account()
        clock = await self._broker.time()
        return {
            "account_number": str(account.login),
            "broker": account.company,
            "balance": account.balance,
            "equity": account.equity,
            "currency": account.currency,
            "protocol": PROTOCOL,
            "terminal_instance_id": self._journal.instance_id,
            "ea_version": VERSION,
            "build": account.build,
            "login": str(account.login),
            "server": account.server,
            "company": account.company,
            "leverage": account.leverage,
            "margin_mode": account.margin_mode,
            "trade_mode": account.trade_mode,
            "fifo_close": account.fifo_close,
            "hedge_allowed": account.hedge_allowed,
            "limit_orders": account.limit_orders,
            "time": {"gmt": clock.gmt, "server": clock.server, "tick_msc": clock.tick_msc},
            "last_session_id": self._journal.last_session,
            "journal": {"open": self._journal.open_entries()},
            "symbols_hash": symbols_hash(await self._broker.symbols()),
        }

    async def _cycle(self, session: Session) -> None:
        started = time.monotonic()
        body = await self._body(session)
        try:
            raw = await self._wire.sync(session, body)
        except BodyRefusedError as refused:
            log.warning("sync.refused", why=str(refused), parts=sorted(body))
            self._tell("sync_refused", {"why": str(refused)})
            self._is_plain = True
            await asyncio.sleep(REFUSED_PAUSE_S)
            return
        self._is_plain, self._losses = False, 0
        answer = decode(raw)
        progress = self._settle(body, answer)
        progress |= await self._work(raw, answer)
        if not progress:
            await self._keep_pace(session, started, body["wait_ms"])

    async def _body(self, session: Session) -> dict[str, Any]:
        now = self._clock.now()
        reports, acks = self._journal.reports(), self._journal.acks()
        body: dict[str, Any] = {"acks": acks, "reports": reports} if acks or reports else {}
        try:
            await self._before_sync(session)
            await self._executor.look_again()
            body |= await self._telemetry.read(now)
            signals = self._outbox.first(SIGNALS_PER_SYNC)
            if signals:
                body |= {"signals": signals, "quotes": await self._telemetry.quotes(signals)}
        except ConnectionError as absent:
            log.warning("broker.absent", why=str(absent))
            body["flags"] = {"connected": False}
        body["wait_ms"] = min(LONGEST_WAIT_MS, session.poll_ms)
        if self._is_plain:
            body = {name: part for name, part in body.items() if name not in DISPENSABLE}
        for name in DISPENSABLE:
            if len(encode(body)) <= BIGGEST_BODY:
                break
            if body.pop(name, None) is not None:
                log.warning("sync.too_big", left_for_later=name)
                body["wait_ms"] = 0
        return body

    def _settle(self, body: dict[str, Any], answer: dict[str, Any]) -> bool:
        """Take note of what the service has; whether it has anything that it had not."""
        self._journal.confirmed(answer.get("report_acks") or [], answer.get("ack_acks") or [])
        progress = self._telemetry.delivered(body, answer)
        for item in answer.get("rejected") or ():
            log.warning("sync.rejected", **item)
            self._tell("rejected", item)
            if item.get("part") == "reports":
                self._journal.refused_by_service(body.get("reports", []))
        self._executor.take_limits(answer.get("limits"))
        answered = answer.get("signal_acks") or []
        for ack in answered:
            self._tell("signal", ack)
        self._outbox.answered([ack["key"] for ack in answered])
        self._signals_sent += len(answered)
        self._journal.compact(self._clock.now())
        return progress or any(answer.get(name) for name in ("report_acks", "ack_acks", "signal_acks"))

    async def _work(self, raw: bytes, answer: dict[str, Any]) -> bool:
        self._executor.revoke(answer.get("revoke") or [])
        if not answer.get("commands"):
            return bool(answer.get("revoke"))
        for command in parse_commands(raw):
            if self._is_stopping:
                log.warning("command.left", order_id=command.order_id)
                continue
            self._is_working = True
            self._tell("command", {"order_id": command.order_id, "kind": command.kind, "symbol": command.symbol})
            try:
                await self._executor.carry_out(command)
            except ConnectionError as absent:
                log.warning("command.postponed", order_id=command.order_id, why=str(absent))
            finally:
                self._is_working = False
        return True

    async def _keep_pace(self, session: Session, started: float, wait_ms: int) -> None:
        """A service that answers at once although nothing happened is not asked more often than it wants to be."""
        left = min(wait_ms, session.poll_ms) / 1000 - (time.monotonic() - started)
        await asyncio.sleep(max(left, 0.0))

    async def _say_goodbye(self) -> None:
        if self._session is None:
            return
        totals = self._executor.totals
        heard = await self._wire.disconnect(
            {
                "session_id": self._session.id,
                "timestamp": iso(self._clock.now()),
                "total_signals_sent": self._signals_sent,
                "total_signals_received": totals.commands_received,
                "total_orders_executed": totals.orders_executed,
                "total_errors": totals.errors + self._wire.failures,
            },
            timeout_s=FAREWELL_S,
        )
        self._tell("disconnected", {"heard": heard})
