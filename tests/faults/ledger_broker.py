"""A broker whose ledger is the truth of a run: what was carried out, how often, and what its books show."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from rubi.domain.order import comment_of
from rubi.domain.position import BrokerPosition, Deal, WorkingOrder
from rubi.domain.retcodes import Retcode
from rubi.domain.units import Side

WALL = timedelta(hours=3)
PRICE = Decimal("1.1")
ZERO = Decimal(0)
PENDING_TYPE = {"BUY": "BUY_LIMIT", "SELL": "SELL_LIMIT"}


@dataclass(frozen=True)
class Done:
    """What `OrderSend` returns."""

    retcode: int
    order_ticket: int | None = None
    deal_ticket: int | None = None
    position_id: int | None = None


@dataclass
class Slow:
    """A market order that the broker took and has not filled."""

    command: dict
    ticket: int
    comment: str | None


@dataclass
class LedgerBroker:
    """One account at a broker. `executed`: how often each order was carried out; a second time is the disaster."""

    executed: Counter = field(default_factory=Counter)
    positions: dict[int, BrokerPosition] = field(default_factory=dict)
    working: dict[int, WorkingOrder] = field(default_factory=dict)
    left: list[WorkingOrder] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    slow: list[Slow] = field(default_factory=list)
    order_of_deal: dict[int, int] = field(default_factory=dict)
    order_of_ticket: dict[int, int] = field(default_factory=dict)
    tickets: int = 500

    def send(self, command: dict, *, how: str, keeps_comment: bool, now: datetime) -> Done:
        """Carry a command out. `how`: whole, part (the rest is cancelled), slow (taken, filled later)."""
        order_id, kind = command["order_id"], command["kind"]
        comment = comment_of(order_id) if keeps_comment else None
        if kind == "OPEN":
            return self._open(command, how, comment, now)
        if kind == "PLACE_PENDING":
            return self._place(command, comment)
        if kind in {"CLOSE_POSITION", "CLOSE_PARTIAL"}:
            return self._close(command, comment, now)
        if kind == "MODIFY_POSITION":
            return self._protect(command)
        assert kind in {"CANCEL_PENDING", "MODIFY_PENDING"}, kind
        ticket = int(command["order_ticket"])
        if ticket not in self.working:
            return Done(Retcode.INVALID_ORDER)
        self.executed[order_id] += 1
        if kind == "MODIFY_PENDING":
            self.working[ticket] = replace(self.working[ticket], price_open=Decimal(str(command["price"])))
            return Done(Retcode.DONE, ticket)
        self.leave(ticket, "CANCELED")
        return Done(Retcode.DONE)

    def _ticket(self) -> int:
        self.tickets += 1
        return self.tickets

    def _order(self, order_id: int) -> int:
        self.executed[order_id] += 1
        ticket = self._ticket()
        self.order_of_ticket[ticket] = order_id
        return ticket

    def _open(self, command: dict, how: str, comment: str | None, now: datetime) -> Done:
        ticket = self._order(command["order_id"])
        if how == "slow":
            self.slow.append(Slow(command, ticket, comment))
            return Done(Retcode.PLACED, ticket)
        volume = Decimal(str(command["volume"]))
        part = how == "part"
        deal = self._fill(command, ticket, volume / 2 if part else volume, comment, now)
        if part:
            self.left.append(self._record(command, ticket, comment, state="CANCELED"))
        return Done(Retcode.DONE_PARTIAL if part else Retcode.DONE, ticket, deal.ticket, deal.position_id)

    def _fill(self, command: dict, ticket: int, volume: Decimal, comment: str | None, now: datetime) -> Deal:
        side = Side(command["side"])
        held = self.positions.get(ticket)
        sl = None if command["sl"] is None else Decimal(str(command["sl"]))
        if held is not None:
            self.positions[ticket] = replace(held, volume=held.volume + volume)
        else:
            self.positions[ticket] = BrokerPosition(
                ticket, ticket, command["symbol"], side, volume, PRICE, PRICE, sl, None, ZERO, ZERO, ZERO, 0,
                comment, now,
            )  # fmt: skip
        return self._deal(command["order_id"], ticket, ticket, command["symbol"], side, "IN", volume, comment, now)

    def _deal(self, order_id, ticket, position_id, symbol, side, entry, volume, comment, now, reason="EXPERT") -> Deal:
        number = self._ticket()
        msc = int((now + WALL).timestamp() * 1000)
        deal = Deal(
            number, side, entry, symbol, ticket, position_id, volume, PRICE, None, None, ZERO, ZERO, ZERO, ZERO, 0,
            comment, reason, msc, now,
        )  # fmt: skip
        self.deals.append(deal)
        if order_id is not None:
            self.order_of_deal[number] = order_id
        return deal

    def _record(self, command: dict, ticket: int, comment: str | None, state: str) -> WorkingOrder:
        volume = Decimal(str(command["volume"]))
        price = PRICE if command["price"] is None else Decimal(str(command["price"]))
        return WorkingOrder(
            ticket, command["symbol"], PENDING_TYPE[command["side"]], volume, volume, price, None, None, None, state,
            "GTC", None, 0, comment, None,
        )  # fmt: skip

    def _place(self, command: dict, comment: str | None) -> Done:
        ticket = self._order(command["order_id"])
        self.working[ticket] = self._record(command, ticket, comment, "PLACED")
        return Done(Retcode.PLACED, ticket)

    def _close(self, command: dict, comment: str | None, now: datetime) -> Done:
        position = self.positions.get(int(command["position_ticket"]))
        if position is None:
            return Done(Retcode.POSITION_CLOSED)
        ticket = self._order(command["order_id"])
        asked = position.volume if command["kind"] == "CLOSE_POSITION" else Decimal(str(command["volume"]))
        deal = self._reduce(position, min(asked, position.volume), command["order_id"], ticket, comment, now)
        return Done(Retcode.DONE, ticket, deal.ticket, position.position_id)

    def _reduce(self, position, volume, order_id, ticket, comment, now, reason="EXPERT") -> Deal:
        rest = position.volume - volume
        if rest > 0:
            self.positions[position.ticket] = replace(position, volume=rest)
        else:
            del self.positions[position.ticket]
        side = position.side.opposite
        return self._deal(order_id, ticket, position.ticket, position.symbol, side, "OUT", volume, comment, now, reason)

    def _protect(self, command: dict) -> Done:
        ticket = int(command["position_ticket"])
        if ticket not in self.positions:
            return Done(Retcode.POSITION_CLOSED)
        self.executed[command["order_id"]] += 1
        self.positions[ticket] = replace(self.positions[ticket], sl=Decimal(str(command["sl"])))
        return Done(Retcode.DONE)

    def leave(self, ticket: int, state: str) -> None:
        """A working order leaves the book."""
        self.left.append(replace(self.working.pop(ticket), state=state))

    def fill_working(self, ticket: int, *, whole: bool, now: datetime) -> None:
        """A working order is filled, or the first half of what is left of it."""
        order = self.working[ticket]
        volume = order.volume_current if whole else order.volume_current / 2
        command = {
            "order_id": self.order_of_ticket[ticket],
            "side": order.type.split("_")[0],
            "symbol": order.symbol,
            "sl": None,
        }
        self._fill(command, ticket, volume, order.comment, now)
        if whole:
            self.leave(ticket, "FILLED")
        else:
            self.working[ticket] = replace(order, volume_current=order.volume_current - volume)

    def fill_slow(self, *, now: datetime) -> None:
        """Fill what was taken and not filled."""
        while self.slow:
            taken = self.slow.pop()
            self._fill(taken.command, taken.ticket, Decimal(str(taken.command["volume"])), taken.comment, now)

    def stop_out(self, ticket: int, *, now: datetime) -> None:
        """A position is closed at its stop; the deal copies the comment of what opened it."""
        position = self.positions[ticket]
        self._reduce(position, position.volume, None, self._ticket(), position.comment, now, reason="SL")

    def trace_of(self, order_id: int) -> int | None:
        """The broker's ticket of an order, as a terminal finds it by the comment, which may have been rewritten."""
        comment = comment_of(order_id)
        for one in (*self.deals, *self.working.values(), *self.left):
            ticket = one.order_ticket if isinstance(one, Deal) else one.ticket
            if one.comment == comment and self.order_of_ticket.get(ticket) == order_id:
                return ticket
        return None

    def filled(self, order_id: int) -> Decimal:
        """Lots that were really filled for an order."""
        mine = (deal.volume for deal in self.deals if self.order_of_deal.get(deal.ticket) == order_id)
        return sum(mine, ZERO)
