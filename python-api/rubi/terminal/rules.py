"""The broker's rules: which retcode a request earns before anything is executed (0: it would be taken)."""

from decimal import Decimal

from rubi.domain.retcodes import Retcode
from rubi.domain.units import Side, on_grid
from rubi.terminal.broker import FOK, IOC, Action, Filling, Flags, Order, OrderType, Position, Request, Tick
from rubi.terminal.instruments import Instrument
from rubi.terminal.ledger import Ledger
from rubi.terminal.margin import Valuation

TAKEN = 0
COMMENT_LIMIT = 31

LIMITS = {OrderType.BUY_LIMIT, OrderType.SELL_LIMIT}
STOP_LIMITS = {OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT}


class Rules:
    """Everything that can be wrong with a request, in the order a trade server looks at it."""

    def __init__(
        self, ledger: Ledger, valuation: Valuation, *, hedging: bool, hedge_allowed: bool, fifo: bool, limit_orders: int
    ) -> None:
        self.ledger = ledger
        self.valuation = valuation
        self.hedging = hedging
        self.hedge_allowed = hedge_allowed
        self.fifo = fifo
        self.limit_orders = limit_orders
        self.flags = Flags()
        self.closed: set[str] = set()
        """Symbols whose market is closed."""

    def verdict(self, request: Request, *, at_msc: int) -> int:
        """Return the retcode of a request at this moment, `TAKEN` when nothing stands against it."""
        if refused := self._permission():
            return refused
        if len(request.comment) > COMMENT_LIMIT:
            return Retcode.INVALID
        match request.action:
            case Action.SLTP:
                return self._protection(request)
            case Action.MODIFY | Action.REMOVE:
                return self._standing(request, at_msc)
            case Action.CLOSE_BY:
                return self._close_by(request)
            case Action.DEAL | Action.PENDING:
                return self._new(request, at_msc)

    def _permission(self) -> int:
        if not self.flags.connected:
            return Retcode.CONNECTION
        if not (self.flags.terminal_trade_allowed and self.flags.mql_trade_allowed):
            return Retcode.CLIENT_DISABLES_AT
        if not self.flags.account_trade_expert:
            return Retcode.SERVER_DISABLES_AT
        return TAKEN if self.flags.account_trade_allowed else Retcode.TRADE_DISABLED

    def _new(self, request: Request, at_msc: int) -> int:
        one = self.valuation.instruments.get(request.symbol)
        tick = self.valuation.prices.last(request.symbol)
        if one is None or tick is None or request.type.is_pending != (request.action is Action.PENDING):
            return Retcode.INVALID
        if one.trade_mode == "DISABLED":
            return Retcode.TRADE_DISABLED
        if request.symbol in self.closed:
            return Retcode.MARKET_CLOSED
        closes = self.ledger.positions.get(request.position) if request.position else None
        if request.position and closes is None:
            return Retcode.POSITION_CLOSED
        if refused := self._volume(request, one, closes):
            return refused
        if request.action is Action.DEAL and request.filling not in allowed_fillings(one):
            return Retcode.INVALID_FILL
        if closes is not None and self.hedging:
            return self._closing(request, closes)
        if refused := self._direction(request, one) or self._expiration(request, at_msc):
            return refused
        if refused := self._price(request, one, tick) or self._stops(request, one, tick):
            return refused
        return self._money(request, tick)

    def _volume(self, request: Request, one: Instrument, closes: Position | None) -> int:
        if closes is not None and self.hedging:
            if request.volume > closes.volume or request.volume <= 0 or not on_grid(request.volume, one.volume_step):
                return Retcode.INVALID_CLOSE_VOLUME
            return TAKEN
        inside = one.volume_min <= request.volume <= one.volume_max
        if not inside or not on_grid(request.volume, one.volume_step, one.volume_min):
            return Retcode.INVALID_VOLUME
        if one.volume_limit:
            same = [p.volume for p in self.ledger.positions.values() if is_same_way(p.symbol, p.type, request)]
            same += [
                o.volume_current for o in self.ledger.orders.values() if is_same_way(o.symbol, o.type.side, request)
            ]
            if sum(same, request.volume) > one.volume_limit:
                return Retcode.LIMIT_VOLUME
        return TAKEN

    def _closing(self, request: Request, closes: Position) -> int:
        if closes.symbol != request.symbol or closes.type is request.type.side:
            return Retcode.INVALID
        if self.fifo:
            same = [p for p in self.ledger.positions.values() if is_same_way(p.symbol, p.type, closes)]
            if min(same, key=lambda p: (p.open_time_msc, p.ticket)).ticket != closes.ticket:
                return Retcode.FIFO_CLOSE
        return TAKEN

    def _direction(self, request: Request, one: Instrument) -> int:
        side = request.type.side
        opposite = [p for p in self.ledger.positions.values() if p.symbol == one.name and p.type is side.opposite]
        reduces = not self.hedging and sum(p.volume for p in opposite) >= request.volume
        if one.trade_mode == "CLOSEONLY" and not reduces:
            return Retcode.CLOSE_ONLY
        if one.trade_mode == "LONGONLY" and side is Side.SELL and not reduces:
            return Retcode.LONG_ONLY
        if one.trade_mode == "SHORTONLY" and side is Side.BUY and not reduces:
            return Retcode.SHORT_ONLY
        if self.hedging and not self.hedge_allowed and opposite:
            return Retcode.HEDGE_PROHIBITED
        if request.action is Action.PENDING and self.limit_orders and len(self.ledger.orders) >= self.limit_orders:
            return Retcode.LIMIT_ORDERS
        return TAKEN

    def _expiration(self, request: Request, at_msc: int) -> int:
        dated = request.type_time.startswith("SPECIFIED")
        return Retcode.INVALID_EXPIRATION if dated and request.expiration * 1000 <= at_msc else TAKEN

    def _price(self, request: Request, one: Instrument, tick: Tick) -> int:
        prices = (request.price, request.stop_limit, request.sl, request.tp)
        if any(price < 0 or not on_grid(price, one.tick_size) for price in prices):
            return Retcode.INVALID_PRICE
        market = tick.opening(request.type.side)
        if request.action is Action.DEAL:
            moved = abs(request.price - market) > request.deviation * one.point
            return Retcode.REQUOTE if one.trade_exemode == "INSTANT" and moved else TAKEN
        distance = (request.price - market) * request.type.side.sign
        if request.type in LIMITS:
            distance = -distance
        if not request.price or distance < one.stops_level * one.point:
            return Retcode.INVALID_PRICE
        if request.type in STOP_LIMITS and (
            not request.stop_limit or (request.price - request.stop_limit) * request.type.side.sign < 0
        ):
            return Retcode.INVALID_PRICE
        return TAKEN

    def _stops(self, request: Request, one: Instrument, tick: Tick) -> int:
        if request.action is Action.DEAL:
            reference = tick.closing(request.type.side)
        else:
            reference = request.stop_limit if request.type in STOP_LIMITS else request.price
        return stops_verdict(request.type.side, request.sl, request.tp, reference, one)

    def _money(self, request: Request, tick: Tick) -> int:
        if request.action is Action.PENDING:
            return TAKEN
        price = tick.opening(request.type.side)
        after = [*self.ledger.positions.values()]
        if not self.hedging:
            standing = next((p for p in after if p.symbol == request.symbol), None)
            if standing and standing.type is not request.type.side and request.volume <= standing.volume:
                return TAKEN
            after = [p for p in after if not standing or standing.type is request.type.side or p is not standing]
        after.append(sketch(request, price))
        return Retcode.NO_MONEY if self.valuation.total_margin(after) > self.equity() else TAKEN

    def equity(self) -> Decimal:
        """Balance plus the floating result of all positions."""
        return self.valuation.equity(self.ledger.balance, self.ledger.positions.values())

    def _protection(self, request: Request) -> int:
        position = self.ledger.positions.get(request.position)
        if position is None and not self.hedging:
            position = next((p for p in self.ledger.positions.values() if p.symbol == request.symbol), None)
        if position is None:
            return Retcode.POSITION_CLOSED
        if position.symbol in self.closed:
            return Retcode.MARKET_CLOSED
        if (position.sl, position.tp) == (request.sl, request.tp):
            return Retcode.NO_CHANGES
        one = self.valuation.instruments[position.symbol]
        closing = self.valuation.quote(position.symbol).closing(position.type)
        if is_frozen(one, closing, position.sl) or is_frozen(one, closing, position.tp):
            return Retcode.FROZEN
        return stops_verdict(position.type, request.sl, request.tp, closing, one)

    def _standing(self, request: Request, at_msc: int) -> int:
        order = self.ledger.orders.get(request.order)
        if order is None:
            return Retcode.INVALID_ORDER
        one = self.valuation.instruments[order.symbol]
        tick = self.valuation.quote(order.symbol)
        if order.symbol in self.closed:
            return Retcode.MARKET_CLOSED
        if is_frozen(one, tick.opening(order.type.side), order.price_open):
            return Retcode.FROZEN
        if request.action is Action.REMOVE:
            return TAKEN
        changed = as_pending(order, request)
        if not is_change(order, changed):
            return Retcode.NO_CHANGES
        return self._expiration(changed, at_msc) or self._price(changed, one, tick) or self._stops(changed, one, tick)

    def _close_by(self, request: Request) -> int:
        one, other = (self.ledger.positions.get(ticket) for ticket in (request.position, request.position_by))
        if one is None or other is None:
            return Retcode.POSITION_CLOSED
        fits = self.hedging and one.symbol == other.symbol and one.type is not other.type
        return TAKEN if fits else Retcode.INVALID


def allowed_fillings(one: Instrument) -> set[Filling]:
    """Fillings of market orders: the symbol's flags; RETURN is forbidden under market execution."""
    allowed = {filling for flag, filling in ((FOK, Filling.FOK), (IOC, Filling.IOC)) if one.filling_flags & flag}
    return allowed if one.trade_exemode == "MARKET" else allowed | {Filling.RETURN}


def stops_verdict(side: Side, sl: Decimal, tp: Decimal, reference: Decimal, one: Instrument) -> int:
    """Stops lie on their side of the reference price, at least the stops level away."""
    room = one.stops_level * one.point
    wrong_sl = sl and (reference - sl) * side.sign <= (room or Decimal(0))
    wrong_tp = tp and (tp - reference) * side.sign <= (room or Decimal(0))
    return Retcode.INVALID_STOPS if wrong_sl or wrong_tp else TAKEN


def is_frozen(one: Instrument, market: Decimal, level: Decimal) -> bool:
    """Whether a price is so near the market that the broker no longer lets it be changed."""
    return bool(level and one.freeze_level) and abs(market - level) <= one.freeze_level * one.point


def is_same_way(symbol: str, side: Side, other: Request | Position) -> bool:
    """Whether something has the symbol and the direction of a request or a position."""
    other_side = other.type.side if isinstance(other, Request) else other.type
    return symbol == other.symbol and side is other_side


def as_pending(order: Order, request: Request) -> Request:
    """The request that would place a standing order anew with the changes of a modification."""
    return Request(
        action=Action.PENDING,
        symbol=order.symbol,
        type=order.type,
        volume=order.volume_current,
        price=request.price or order.price_open,
        stop_limit=request.stop_limit or order.stop_limit,
        sl=request.sl,
        tp=request.tp,
        type_time=request.type_time,
        expiration=request.expiration,
    )


def is_change(order: Order, changed: Request) -> bool:
    """Whether a modification changes anything."""
    old = (order.price_open, order.stop_limit, order.sl, order.tp, order.type_time, order.expiration)
    return old != (changed.price, changed.stop_limit, changed.sl, changed.tp, changed.type_time, changed.expiration)


def sketch(request: Request, price: Decimal) -> Position:
    """The position a market request would open, for its margin."""
    return Position(
        ticket=0,
        position_id=0,
        symbol=request.symbol,
        type=request.type.side,
        volume=request.volume,
        open_price=price,
        sl=request.sl,
        tp=request.tp,
        magic=request.magic,
        comment=request.comment,
        open_time_msc=0,
    )
