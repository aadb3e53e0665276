"""Execution: what becomes of one trade request, by the rules or as a script wants it."""

from dataclasses import dataclass, replace
from decimal import Decimal

from rubi.domain.retcodes import Retcode, name_of
from rubi.domain.units import ZERO
from rubi.terminal.broker import Action, Filling, Order, Request, Result
from rubi.terminal.matching import DAY_MS, Matching
from rubi.terminal.rules import TAKEN, Rules, as_pending


@dataclass(frozen=True)
class Behaviour:
    """How the broker treats one coming `order_send`."""

    retcode: int | None = None
    """Answer this and do nothing."""
    fill: Decimal | None = None
    """Fill only this volume; the rest of the order is cancelled, a FOK order is rejected."""
    late_ms: int | None = None
    """Answer PLACED now, make the deal this much later."""
    delay_ms: int = 0
    """Answer this much later."""
    lost: bool = False
    """Do nothing and never answer."""
    silent: bool = False
    """Do the work and never answer."""


class Execution:
    """Applies requests to the books."""

    def __init__(self, matching: Matching, rules: Rules) -> None:
        self.ledger = matching.ledger
        self.matching = matching
        self.rules = rules

    def execute(self, request: Request, as_scripted: Behaviour, now: int) -> Result:
        """Execute a request at `now` (broker wall clock, ms) and return MT5's answer."""
        verdict = as_scripted.retcode or self.rules.verdict(request, at_msc=now)
        quote = self.rules.valuation.prices.last(request.symbol)
        bid, ask = (quote.bid, quote.ask) if quote else (ZERO, ZERO)
        if verdict != TAKEN:
            return Result(verdict, bid=bid, ask=ask, comment=name_of(verdict))
        match request.action:
            case Action.DEAL:
                result = self._deal(request, as_scripted, now)
            case Action.PENDING:
                result = self._place(request, now)
            case Action.MODIFY:
                result = self._modify(request)
            case Action.REMOVE:
                order = self.ledger.orders[request.order]
                self.ledger.finish_order(replace(order, state="CANCELED", time_done_msc=now))
                result = Result(Retcode.DONE, order=order.ticket)
            case Action.SLTP:
                result = self._protect(request)
            case Action.CLOSE_BY:
                result = self._close_by(request, now)
        return replace(result, bid=bid, ask=ask, comment=name_of(result.retcode))

    def _deal(self, request: Request, as_scripted: Behaviour, now: int) -> Result:
        order = self._order(request, now, state="STARTED", position_id=request.position)
        price = self.rules.valuation.quote(request.symbol).opening(request.type.side)
        if as_scripted.late_ms is not None:
            self.matching.due[order.ticket] = now + as_scripted.late_ms
            self.ledger.keep_order(order)
            return Result(Retcode.PLACED, order=order.ticket, volume=request.volume)
        volume = request.volume if as_scripted.fill is None else min(as_scripted.fill, request.volume)
        if volume < request.volume and request.filling is Filling.FOK:
            self.ledger.finish_order(replace(order, state="REJECTED", time_done_msc=now))
            return Result(Retcode.REJECT, order=order.ticket)
        deal = self.matching.fill_order(order, volume, price, now)
        if volume < request.volume:
            left = replace(self.ledger.orders[order.ticket], state="CANCELED", position_id=deal.position_id)
            self.ledger.finish_order(replace(left, time_done_msc=now))
        retcode = Retcode.DONE if volume == request.volume else Retcode.DONE_PARTIAL
        return Result(retcode, order.ticket, deal.ticket, deal.position_id, deal.price, deal.volume)

    def _place(self, request: Request, now: int) -> Result:
        expiration = request.expiration if request.type_time.startswith("SPECIFIED") else 0
        if request.type_time == "DAY":
            expiration = (now // DAY_MS + 1) * DAY_MS // 1000
        order = self._order(replace(request, expiration=expiration, filling=Filling.RETURN), now, state="PLACED")
        self.ledger.keep_order(order)
        return Result(Retcode.DONE, order=order.ticket, price=order.price_open, volume=order.volume_initial)

    def _modify(self, request: Request) -> Result:
        order = self.ledger.orders[request.order]
        changed = as_pending(order, request)
        self.ledger.keep_order(
            replace(
                order,
                price_open=changed.price,
                stop_limit=changed.stop_limit,
                sl=changed.sl,
                tp=changed.tp,
                type_time=changed.type_time,
                expiration=changed.expiration,
            )
        )
        return Result(Retcode.DONE, order=order.ticket, price=changed.price, volume=order.volume_current)

    def _protect(self, request: Request) -> Result:
        standing = self.ledger.positions.get(request.position)
        position = standing or next(p for p in self.ledger.positions.values() if p.symbol == request.symbol)
        self.ledger.keep_position(replace(position, sl=request.sl, tp=request.tp))
        return Result(Retcode.DONE, position=position.position_id)

    def _close_by(self, request: Request, now: int) -> Result:
        one, other = self.ledger.positions[request.position], self.ledger.positions[request.position_by]
        order = self._order(
            replace(request, symbol=one.symbol, volume=min(one.volume, other.volume)),
            now,
            state="FILLED",
            position_id=one.position_id,
        )
        self.ledger.finish_order(replace(order, volume_current=ZERO, time_done_msc=now))
        deal = self.matching.close_by(one, other, order.ticket, now, request.magic, request.comment)
        return Result(Retcode.DONE, order.ticket, deal.ticket, one.position_id, deal.price, deal.volume)

    def _order(self, request: Request, now: int, *, state: str, position_id: int = 0) -> Order:
        return Order(
            ticket=self.ledger.next_ticket(),
            symbol=request.symbol,
            type=request.type,
            volume_initial=request.volume,
            volume_current=request.volume,
            price_open=request.price,
            stop_limit=request.stop_limit,
            sl=request.sl,
            tp=request.tp,
            state=state,
            filling=request.filling,
            type_time=request.type_time,
            expiration=request.expiration,
            magic=request.magic,
            comment=request.comment,
            time_setup_msc=now,
            position_id=position_id,
        )
