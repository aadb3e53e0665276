"""Matching: how orders become deals and deals become positions, on a hedging or a netting account."""

from dataclasses import dataclass, replace
from decimal import Decimal

from rubi.domain.units import ZERO, Side
from rubi.terminal.broker import Deal, Filling, Order, OrderType, Position, Tick
from rubi.terminal.ledger import Ledger
from rubi.terminal.margin import Valuation, cents

DAY_MS = 86_400_000
WEDNESDAY = 2
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""

STOP_OUT_LEVEL = Decimal(50)
"""Margin level in percent below which positions are closed, the worst first."""

AVERAGE_DIGITS = Decimal("1e-8")


@dataclass(frozen=True)
class Fill:
    """A deal about to be made. `closes` names the position a hedging account reduces; None opens a new one."""

    side: Side
    symbol: str
    volume: Decimal
    price: Decimal
    order: int
    at_msc: int
    magic: int = 0
    comment: str = ""
    reason: str = "EXPERT"
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    closes: int | None = None
    entry: str = "OUT"


class Matching:
    """Turns fills into deals and positions, and ticks into fills."""

    def __init__(self, ledger: Ledger, valuation: Valuation, *, hedging: bool) -> None:
        self.ledger = ledger
        self.valuation = valuation
        self.hedging = hedging
        self.partial_triggers: list[Decimal] = []
        """Volumes that the next triggered pending orders get at first; the rest comes with the following tick."""
        self.due: dict[int, int] = {}
        """Accepted market orders that are filled later: ticket to time."""

    def fill(self, fill: Fill) -> Deal:
        """Make the deal: open, add to, reduce, close or turn a position."""
        if self.hedging:
            return self._open(fill) if fill.closes is None else self._reduce(fill, self.ledger.positions[fill.closes])
        standing = next((p for p in self.ledger.positions.values() if p.symbol == fill.symbol), None)
        if standing is None:
            return self._open(fill)
        if standing.type is fill.side:
            return self._add(fill, standing)
        if fill.volume <= standing.volume:
            return self._reduce(fill, standing)
        return self._turn(fill, standing)

    def close_by(self, position: Position, other: Position, order: int, at_msc: int, magic: int, comment: str) -> Deal:
        """Close two opposite positions against each other without paying the spread; returns the first one's deal."""
        volume = min(position.volume, other.volume)
        deals = [
            self._reduce(
                Fill(
                    side=one.type.opposite,
                    symbol=one.symbol,
                    volume=volume,
                    price=price,
                    order=order,
                    at_msc=at_msc,
                    magic=magic,
                    comment=comment,
                    entry="OUT_BY",
                ),
                one,
                free=free,
            )
            for one, price, free in ((position, other.open_price, False), (other, other.open_price, True))
        ]
        return deals[0]

    def on_tick(self, tick: Tick) -> None:
        """Fill, trigger and expire what this tick makes due in its symbol."""
        for order in [o for o in self.ledger.orders.values() if o.symbol == tick.symbol]:
            self._on_order(order, tick)
        for position in [p for p in self.ledger.positions.values() if p.symbol == tick.symbol]:
            self._on_position(position, tick)

    def stop_out(self, at_msc: int) -> None:
        """Close the worst position while the margin level is under `STOP_OUT_LEVEL`."""
        while self.ledger.positions:
            margin = self.valuation.total_margin(self.ledger.positions.values())
            equity = self.valuation.equity(self.ledger.balance, self.ledger.positions.values())
            if not margin or equity * 100 / margin >= STOP_OUT_LEVEL:
                return
            worst = min(self.ledger.positions.values(), key=self.valuation.floating)
            closing = self.valuation.quote(worst.symbol).closing(worst.type)
            self._close_at(worst, closing, at_msc, "SO", f"[so {equity * 100 / margin:.2f}%]")

    def charge_swap(self, at_msc: int) -> None:
        """Book one night's swap on every position, three nights on Wednesday."""
        weekday = (at_msc // DAY_MS - 1 + EPOCH_WEEKDAY) % 7
        nights = 3 if weekday == WEDNESDAY else 1
        for position in list(self.ledger.positions.values()):
            one = self.valuation.instruments[position.symbol]
            points = one.swap_long if position.type is Side.BUY else one.swap_short
            amount = self.valuation.to_account(one.profit, points * one.point * one.contract_size * position.volume)
            self.ledger.keep_position(replace(position, swap=position.swap + cents((amount or ZERO) * nights)))

    def _open(self, fill: Fill) -> Deal:
        position = Position(
            ticket=fill.order,
            position_id=fill.order,
            symbol=fill.symbol,
            type=fill.side,
            volume=fill.volume,
            open_price=fill.price,
            sl=fill.sl,
            tp=fill.tp,
            magic=fill.magic,
            comment=fill.comment,
            open_time_msc=fill.at_msc,
        )
        standing = self.ledger.positions.get(fill.order)
        if standing is None:
            self.ledger.keep_position(position)
        else:
            return self._add(fill, standing)
        return self._deal(fill, position.position_id, "IN")

    def _add(self, fill: Fill, standing: Position) -> Deal:
        volume = standing.volume + fill.volume
        average = (standing.open_price * standing.volume + fill.price * fill.volume) / volume
        self.ledger.keep_position(
            replace(
                standing,
                volume=volume,
                open_price=average.quantize(AVERAGE_DIGITS).normalize() if average != fill.price else fill.price,
                sl=fill.sl or standing.sl,
                tp=fill.tp or standing.tp,
            )
        )
        return self._deal(fill, standing.position_id, "IN")

    def _reduce(self, fill: Fill, standing: Position, *, free: bool = False) -> Deal:
        swap = cents(standing.swap * fill.volume / standing.volume)
        if fill.volume == standing.volume:
            self.ledger.drop_position(standing.ticket)
        else:
            left = replace(standing, volume=standing.volume - fill.volume, swap=standing.swap - swap)
            self.ledger.keep_position(left)
        profit = self._earned(standing, fill.volume, fill.price)
        return self._deal(fill, standing.position_id, fill.entry, profit=profit, swap=swap, free=free)

    def _turn(self, fill: Fill, standing: Position) -> Deal:
        self.ledger.drop_position(standing.ticket)
        self.ledger.keep_position(
            replace(
                standing,
                ticket=fill.order,
                type=fill.side,
                volume=fill.volume - standing.volume,
                open_price=fill.price,
                sl=fill.sl,
                tp=fill.tp,
                magic=fill.magic,
                comment=fill.comment,
                open_time_msc=fill.at_msc,
                swap=ZERO,
            )
        )
        profit = self._earned(standing, standing.volume, fill.price)
        return self._deal(fill, standing.position_id, "INOUT", profit=profit, swap=standing.swap)

    def _earned(self, standing: Position, volume: Decimal, price: Decimal) -> Decimal:
        return self.valuation.profit(standing.type, standing.symbol, volume, standing.open_price, price) or ZERO

    def _deal(
        self,
        fill: Fill,
        position_id: int,
        entry: str,
        *,
        profit: Decimal = ZERO,
        swap: Decimal = ZERO,
        free: bool = False,
    ) -> Deal:
        per_side = self.valuation.instruments[fill.symbol].commission_per_lot / 2
        return self.ledger.add_deal(
            Deal(
                ticket=self.ledger.next_ticket(),
                order=fill.order,
                position_id=position_id,
                symbol=fill.symbol,
                type=fill.side.value,
                entry=entry,
                volume=fill.volume,
                price=fill.price,
                sl=fill.sl,
                tp=fill.tp,
                profit=profit,
                swap=swap,
                commission=ZERO if free else -cents(per_side * fill.volume),
                fee=ZERO,
                magic=fill.magic,
                comment=fill.comment,
                reason=fill.reason,
                time_msc=fill.at_msc,
            )
        )

    def _on_position(self, position: Position, tick: Tick) -> None:
        closing = tick.closing(position.type)
        sign = position.type.sign
        if position.sl and (closing - position.sl) * sign <= 0:
            self._close_at(position, closing, tick.time_msc, "SL", f"[sl {position.sl}]")
        elif position.tp and (closing - position.tp) * sign >= 0:
            self._close_at(position, closing, tick.time_msc, "TP", f"[tp {position.tp}]")

    def _close_at(self, position: Position, price: Decimal, at_msc: int, reason: str, comment: str) -> None:
        order = Order(
            ticket=self.ledger.next_ticket(),
            symbol=position.symbol,
            type=OrderType(position.type.opposite.value),
            volume_initial=position.volume,
            volume_current=ZERO,
            price_open=price,
            stop_limit=ZERO,
            sl=ZERO,
            tp=ZERO,
            state="FILLED",
            filling=Filling.FOK,
            type_time="GTC",
            expiration=0,
            magic=position.magic,
            comment=comment,
            time_setup_msc=at_msc,
            time_done_msc=at_msc,
            position_id=position.position_id,
        )
        self.ledger.finish_order(order)
        self.fill(
            Fill(
                side=position.type.opposite,
                symbol=position.symbol,
                volume=position.volume,
                price=price,
                order=order.ticket,
                at_msc=at_msc,
                magic=position.magic,
                comment=comment,
                reason=reason,
                closes=position.ticket,
            )
        )

    def _on_order(self, order: Order, tick: Tick) -> None:
        at, price = tick.time_msc, tick.opening(order.type.side)
        if order.expiration and at >= order.expiration * 1000:
            self.ledger.finish_order(replace(order, state="EXPIRED", time_done_msc=at))
        elif not order.type.is_pending:
            if at >= self.due.get(order.ticket, 0):
                self.due.pop(order.ticket, None)
                if order.position_id and self.hedging and order.position_id not in self.ledger.positions:
                    self.ledger.finish_order(replace(order, state="REJECTED", time_done_msc=at))
                else:
                    self.fill_order(order, order.volume_current, price, at)
        elif order.state == "PARTIAL":
            self.fill_order(order, order.volume_current, price, at)
        elif is_touched(order, price):
            if order.type in {OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT}:
                limit = OrderType.BUY_LIMIT if order.type.side is Side.BUY else OrderType.SELL_LIMIT
                self.ledger.keep_order(replace(order, type=limit, price_open=order.stop_limit, stop_limit=ZERO))
            elif self._affordable(order, price):
                wanted = self.partial_triggers.pop(0) if self.partial_triggers else order.volume_current
                self.fill_order(order, min(wanted, order.volume_current), price, at)
            else:
                self.ledger.finish_order(replace(order, state="REJECTED", time_done_msc=at))

    def _affordable(self, order: Order, price: Decimal) -> bool:
        held = self.valuation.total_margin(self.ledger.positions.values())
        equity = self.valuation.equity(self.ledger.balance, self.ledger.positions.values())
        wanted = self.valuation.margin(order.type.side, order.symbol, order.volume_current, price) or ZERO
        return equity - held >= wanted

    def fill_order(self, order: Order, volume: Decimal, price: Decimal, at_msc: int) -> Deal:
        """Fill a standing order in whole or in part; it leaves the book when nothing is left."""
        left = order.volume_current - volume
        if left:
            self.ledger.keep_order(replace(order, state="PARTIAL", volume_current=left))
        closes = order.position_id if order.position_id in self.ledger.positions else None
        deal = self.fill(
            Fill(
                side=order.type.side,
                symbol=order.symbol,
                volume=volume,
                price=price,
                order=order.ticket,
                at_msc=at_msc,
                magic=order.magic,
                comment=order.comment,
                sl=order.sl,
                tp=order.tp,
                closes=closes,
            )
        )
        if not left:
            done = replace(
                order, state="FILLED", volume_current=ZERO, time_done_msc=at_msc, position_id=deal.position_id
            )
            self.ledger.finish_order(done)
        return deal


def is_touched(order: Order, price: Decimal) -> bool:
    """Say whether the opening price has reached a pending order: limits wait for better, stops for worse."""
    better = order.price_open - price if order.type.side is Side.BUY else price - order.price_open
    return better >= 0 if order.type in {OrderType.BUY_LIMIT, OrderType.SELL_LIMIT} else better <= 0
