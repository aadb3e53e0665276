"""Carries out commands, each at most once: guards → INTENT flushed → `OrderCheck` → `OrderSend` → RESULT flushed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from rubi.domain.retcodes import ACCEPTED, FRESH_PRICE, NO_ANSWER, UNKNOWN_END, WAIT_AND_SEE, Retcode, name_of
from rubi.domain.units import ZERO
from rubi.terminal import requests
from rubi.terminal.broker import Action, Broker, NoAnswerError, Position, Request, Result, Symbol, Tick
from rubi.terminal.commands import Command
from rubi.terminal.guards import NEEDS_POSITION, View, adds_risk, in_band, refusal
from rubi.terminal.journal import Journal
from rubi.terminal.limits import Limits, Pace
from rubi.terminal.points import At, nothing_happens
from rubi.terminal.recovery import command_record, find_outcome, find_traces

log = structlog.get_logger(__name__)

FRESH_PRICE_TRIES = 2
WAITING_TRIES = 3
WAIT_S = 0.2
LOOK_EVERY_S = 1.0
LOOK_FOR_S = 120.0
"""How long the broker is watched for an order whose answer was lost."""

Told = Callable[[str, dict[str, Any]], None]


def nobody_listens(event: str, facts: dict[str, Any]) -> None:
    """The ordinary listener."""


@dataclass
class Totals:
    """What `disconnect` tells the service of this run."""

    commands_received: int = 0
    orders_executed: int = 0
    errors: int = 0


class Executor:
    """The one place that calls `order_send`."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        *,
        now: Callable[[], datetime],
        limits: Limits | None = None,
        at: At = nothing_happens,
        tell: Told = nobody_listens,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now` is the service's UTC; `at` is called at the six points of `points.POINTS`."""
        self.broker = broker
        self.journal = journal
        self.limits = limits or Limits()
        self.totals = Totals()
        self._own_limits = self.limits
        self._now = now
        self._at = at
        self._tell = tell
        self._sleep = sleep
        self._pace = Pace()
        self._doubtful: dict[int, float] = {}
        self._looked_at = 0.0

    def take_limits(self, wire: dict[str, Any] | None) -> None:
        """Adopt the service's limits where they are stricter than this terminal's own; None is no news."""
        if wire is not None:
            self.limits = self._own_limits.tightened(wire)

    def revoke(self, order_ids: list[int]) -> None:
        """Refuse orders that have not been sent; what has been taken already goes its way."""
        for order_id in order_ids:
            if not self.journal.knows(order_id):
                self.journal.refuse(order_id, "", "REVOKED", at=self._now())

    async def carry_out(self, command: Command) -> None:
        """Carry out one command, or say why not. Whatever happens is in the journal afterwards."""
        self.totals.commands_received += 1
        if command.kind == "QUERY":
            await self.answer_query(command.order_id)
        elif self.journal.knows(command.order_id):
            log.info("command.duplicate", order_id=command.order_id)
            self.journal.repeat(command.order_id, command.lease_id)
        elif command.lease_expires_at is not None and self._now() > command.lease_expires_at:
            # Not refused: the service hands it out again, or may already have done so.
            log.warning("command.lease_over", order_id=command.order_id)
        else:
            self._at("before_claim")
            view = await self._view(command)
            code = refusal(command, view)
            if code is None:
                await self._execute(command, view)
            else:
                self.journal.refuse(command.order_id, command.lease_id, code, at=self._now())
                self._tell("refused", {"order_id": command.order_id, "code": code})

    async def recover(self) -> None:
        """Find out what became of every order that was taken before this start and has no outcome."""
        for entry in self.journal.unresolved():
            outcome, facts = await find_outcome(self.broker, entry)
            self.journal.report(entry.order_id, outcome, at=self._now(), **facts)
            if outcome == "AMBIGUOUS":
                self._doubtful[entry.order_id] = time.monotonic()
            log.warning("order.recovered", order_id=entry.order_id, outcome=outcome)
            self._tell("recovered", {"order_id": entry.order_id, "outcome": outcome})

    async def look_again(self) -> None:
        """Look at the broker for orders of which nobody knows the end: it may have been late."""
        started = time.monotonic()
        if not self._doubtful or started < self._looked_at + LOOK_EVERY_S:
            return
        self._looked_at = started
        for order_id, doubtful_since in list(self._doubtful.items()):
            found = await find_traces(self.broker, self.journal.entries[order_id])
            if found is not None:
                self.journal.report(order_id, "RECOVERED", at=self._now(), **found)
                self._tell("recovered", {"order_id": order_id, "outcome": "RECOVERED"})
            if found is not None or started > doubtful_since + LOOK_FOR_S:
                del self._doubtful[order_id]

    async def answer_query(self, order_id: int) -> None:
        """Report what is known of an order; an unknown end is looked for at the broker once more."""
        entry = self.journal.entries.get(order_id)
        if entry is None or not entry.is_claimed:
            self.journal.report(order_id, "NO_RECORD", at=self._now())
        elif entry.phase == "REFUSED":
            self.journal.repeat(order_id, entry.lease_id)
        elif entry.has_unknown_end:
            outcome, facts = await find_outcome(self.broker, entry)
            self.journal.report(order_id, outcome, at=self._now(), **facts)
        else:
            self.journal.report_again(order_id)

    async def _view(self, command: Command) -> View:
        positions = await self.broker.positions()
        named = next(
            (p for p in positions if command.position_ticket and command.position_ticket in {p.ticket, p.position_id}),
            None,
        )
        symbol_name = command.symbol or (named.symbol if named else "")
        symbols = {one.name: one for one in await self.broker.symbols()}
        tick = await self.broker.tick(symbol_name) if symbol_name in symbols else None
        return View(
            now=self._now(),
            account=await self.broker.account(),
            flags=await self.broker.flags(),
            positions=positions,
            orders=await self.broker.orders(),
            symbol=symbols.get(symbol_name),
            tick=tick,
            limits=self.limits,
            sent_last_minute=self._pace.last_minute(time.monotonic()),
            position=named,
            loss_at_stop=await self._loss_at_stop(command, named, symbol_name, tick),
        )

    async def _loss_at_stop(
        self, command: Command, position: Position | None, symbol: str, tick: Tick | None
    ) -> Decimal | None:
        """What the command, or the position that it changes, loses at the command's stop (account currency)."""
        if tick is None or not adds_risk(command, position):
            return None
        if position is not None:
            side, volume, entry = position.type, position.volume, position.open_price
        elif command.side is not None:
            side, volume = command.side, command.volume
            waits_at = command.stop_limit if command.order_type == "STOP_LIMIT" else command.price
            entry = waits_at if command.kind == "PLACE_PENDING" else tick.opening(side)
        else:
            return None
        profit = await self.broker.order_calc_profit(side, symbol, volume, entry, command.sl)
        return None if profit is None else -profit

    async def _execute(self, command: Command, view: View) -> None:
        self.journal.intend(command.order_id, command.lease_id, command_record(command), at=self._now())
        self._at("after_claim")
        try:
            result = await self._done(command, view)
        except ConnectionError as cut:
            result = Result(NO_ANSWER, comment=str(cut))
        unknown = result.retcode in UNKNOWN_END
        if unknown and self.journal.entries[command.order_id].phase == "INTENT":
            self.journal.report(command.order_id, "NEVER_SENT", at=self._now(), message=facts_of(result)["message"])
        else:
            self.journal.report(command.order_id, "RESULT", at=self._now(), **facts_of(result))
            if unknown:
                self._doubtful[command.order_id] = time.monotonic()
        executed = result.retcode in ACCEPTED
        self.totals.orders_executed += executed
        self.totals.errors += not executed
        self._tell("executed", {"order_id": command.order_id, "kind": command.kind, **facts_of(result)})
        self._at("before_report")

    async def _done(self, command: Command, view: View) -> Result:
        """Do what the command says; its guards hold."""
        clock = await self.broker.time()
        offset_s = clock.server - clock.gmt
        if command.kind == "CLOSE_ALL":
            return await self._close_all(command, view)
        if command.kind in NEEDS_POSITION and view.position is None:
            return Result(Retcode.POSITION_CLOSED, comment="the position is closed already")
        if command.kind in {"CLOSE_POSITION", "CLOSE_PARTIAL"}:
            assert view.position is not None, "checked above"
            whole = command.kind == "CLOSE_POSITION"
            return await self._close(command, view.position, view.position.volume if whole else command.volume)
        if command.kind == "MODIFY_POSITION":
            assert view.position is not None, "checked above"
            assert view.symbol is not None, "checked by the guards"
            return await self._send(command, requests.protection(command, view.position, view.symbol))
        if command.opens:
            assert view.symbol is not None, "checked by the guards"
            assert view.tick is not None, "checked by the guards"
            return await self._send(command, requests.opening(command, view.symbol, view.tick, utc_offset_s=offset_s))
        return await self._send(command, requests.changing(command, view.symbol, utc_offset_s=offset_s))

    async def _send(self, command: Command, request: Request) -> Result:
        """Check, then send; again only after a retcode that says that nothing was done."""
        check = await self.broker.order_check(request)
        if check.retcode not in {0, Retcode.DONE}:
            if check.retcode in FRESH_PRICE | WAIT_AND_SEE:
                log.info("order.check", order_id=command.order_id, retcode=name_of(check.retcode))
            else:
                return Result(check.retcode, comment=check.comment)
        self.journal.sending(command.order_id)
        self._at("before_send")
        fresh = waited = 0
        while True:
            if not command.closes:
                self._pace.note(time.monotonic())
            try:
                result = await self.broker.order_send(request)
            except NoAnswerError as silence:
                result = Result(NO_ANSWER, comment=str(silence))
            self._at("after_send")
            if result.retcode in FRESH_PRICE and fresh < FRESH_PRICE_TRIES:
                fresh += 1
            elif result.retcode in WAIT_AND_SEE and waited < WAITING_TRIES:
                waited += 1
                await self._sleep(WAIT_S * waited)
            else:
                return result
            log.info("order.again", order_id=command.order_id, retcode=name_of(result.retcode))
            again = await self._refreshed(command, request)
            if again is None:
                return result
            request = again

    async def _refreshed(self, command: Command, request: Request) -> Request | None:
        """The request with the price of this moment, or None when it may not be sent any more."""
        if command.not_after is not None and self._now() > command.not_after:
            return None
        if request.position and not any(p.ticket == request.position for p in await self.broker.positions()):
            return None
        if request.action is not Action.DEAL:
            return request
        tick = await self.broker.tick(request.symbol)
        if tick is None:
            return None
        price = tick.opening(request.type.side)
        return replace(request, price=price) if command.closes or in_band(command, price) else None

    async def _close(self, command: Command, position: Position, volume: Decimal) -> Result:
        symbol = await self._symbol(position.symbol)
        tick = await self.broker.tick(position.symbol)
        if symbol is None or tick is None:
            return Result(Retcode.PRICE_OFF, comment=f"no quote for {position.symbol}")
        return await self._send(command, requests.closing(command, position, symbol, tick, volume))

    async def _close_all(self, command: Command, view: View) -> Result:
        """Close every position of the symbol (and side), or all; DONE only when each one was."""
        meant = [
            p
            for p in view.positions
            if command.symbol in {"", p.symbol} and (command.side is None or p.type is command.side)
        ]
        results = [await self._close(command, position, position.volume) for position in meant]
        if not results:
            return Result(Retcode.POSITION_CLOSED, comment="nothing to close")
        done = [one for one in results if one.retcode in ACCEPTED]
        failed = [one for one in results if one.retcode not in ACCEPTED]
        worst = failed[0].retcode if failed and not done else Retcode.DONE_PARTIAL if failed else Retcode.DONE
        if any(one.retcode == NO_ANSWER for one in failed):
            worst = NO_ANSWER
        last = done[-1] if done else failed[0]
        said = f"{len(done)} of {len(results)} closed" + (f"; {name_of(failed[0].retcode)}" if failed else "")
        return replace(last, retcode=worst, volume=sum((one.volume for one in done), ZERO), comment=said)

    async def _symbol(self, name: str) -> Symbol | None:
        return next((one for one in await self.broker.symbols() if one.name == name), None)


def facts_of(result: Result) -> dict[str, Any]:
    """A result as a report tells it."""
    return {
        "retcode": result.retcode,
        "order_ticket": str(result.order),
        "deal_ticket": str(result.deal),
        "position_id": str(result.position),
        "price": result.price,
        "volume": result.volume,
        "message": result.comment or name_of(result.retcode),
    }
