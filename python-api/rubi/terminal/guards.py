"""What must hold before a command may reach the broker. A refusal is a code; nothing has been sent then."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from rubi.domain.units import Side
from rubi.terminal.broker import Account, Filling, Flags, Order, Position, Symbol, Tick
from rubi.terminal.commands import KINDS, Command
from rubi.terminal.limits import Limits

FILLINGS = frozenset({"AUTO", *Filling})
HALF_A_CENT = Decimal("0.005")
"""The service rounds to cents; a computation that differs by less than half of one is the same."""
NEEDS_POSITION = frozenset({"CLOSE_POSITION", "CLOSE_PARTIAL", "MODIFY_POSITION"})
PENDING_TYPES = frozenset({"LIMIT", "STOP", "STOP_LIMIT"})


@dataclass(frozen=True)
class View:
    """What the terminal sees when it decides: read just before."""

    now: datetime
    """The service's UTC, by the offset learnt from its answers."""
    account: Account
    flags: Flags
    positions: list[Position]
    orders: list[Order]
    symbol: Symbol | None
    tick: Tick | None
    limits: Limits
    sent_last_minute: int
    position: Position | None = field(default=None)
    """The position that the command names."""
    loss_at_stop: Decimal | None = field(default=None)
    """What the command would lose at its stop by the broker's own calculation; None: no stop, or not computable."""


def refusal(command: Command, view: View) -> str | None:
    """Return the code of the first condition that does not hold, or None."""
    if not command.is_intact:
        return "COMMAND_CORRUPT"
    if not is_supported(command):
        return "COMMAND_UNSUPPORTED"
    if command.not_after is not None and view.now > command.not_after:
        return "COMMAND_EXPIRED"
    if not view.flags.connected:
        return "BROKER_DISCONNECTED"
    if not view.flags.may_trade:
        return "TRADING_NOT_ALLOWED"
    if view.limits.demo_only and view.account.trade_mode == "REAL" and not command.closes:
        return "LIMIT_DEMO_ONLY"
    if (command.symbol and view.symbol is None) or (command.opens and view.tick is None):
        return "SYMBOL_UNKNOWN"
    if command.kind in NEEDS_POSITION:
        return position_refusal(command, view.position) or risk_refusal(command, view)
    return opening_refusal(command, view) or risk_refusal(command, view) if command.opens else None


def is_supported(command: Command) -> bool:
    """Whether this terminal knows how to do it."""
    if command.kind not in KINDS or (command.opens and command.side is None) or command.filling not in FILLINGS:
        return False
    return command.order_type in (PENDING_TYPES if command.kind == "PLACE_PENDING" else {*PENDING_TYPES, "MARKET"})


def position_refusal(command: Command, position: Position | None) -> str | None:
    """The position that is to be changed stands, and is as large as the service believes."""
    if position is None:
        return None  # nothing is left to do: the service is told POSITION_CLOSED, as by the broker
    expected = command.guards.expect_volume
    if expected is not None and position.volume != expected:
        return "POSITION_CHANGED"
    return "POSITION_TOO_SMALL" if command.volume > position.volume else None


def opening_refusal(command: Command, view: View) -> str | None:
    """Own limits, and the price of a market order."""
    if command.volume > view.limits.max_volume:
        return "LIMIT_VOLUME"
    if len(view.positions) + len(view.orders) >= view.limits.max_open_positions:
        return "LIMIT_POSITIONS"
    if view.sent_last_minute >= view.limits.max_orders_per_minute:
        return "LIMIT_ORDERS_PER_MINUTE"
    if command.guards.reduce_only and not reduces(command, view):
        return "GUARD_REDUCE_ONLY"
    assert view.tick is not None, "checked by the caller"
    assert view.symbol is not None, "checked by the caller"
    assert command.side is not None, "checked by the caller"
    spread = (view.tick.ask - view.tick.bid) / view.symbol.point
    if command.guards.max_spread_points is not None and spread > command.guards.max_spread_points:
        return "GUARD_SPREAD"
    if command.kind == "OPEN" and not in_band(command, view.tick.opening(command.side)):
        return "GUARD_PRICE_BAND"
    return None


def adds_risk(command: Command, position: Position | None) -> bool:
    """Whether its stop is a new one, or farther from profit than the one that the position has."""
    if command.sl <= 0 or command.closes:
        return False
    if command.kind != "MODIFY_POSITION" or position is None or position.sl <= 0:
        return command.opens
    return (command.sl < position.sl) if position.type is Side.BUY else (command.sl > position.sl)


def risk_refusal(command: Command, view: View) -> str | None:
    """No more is lost at the stop than the limit allows; a stop that comes closer is always taken."""
    if not adds_risk(command, view.position) or command.guards.reduce_only:
        return None
    equity = view.account.equity
    if view.loss_at_stop is None or equity <= 0:
        return "RISK_UNKNOWN"
    allowed = equity * view.limits.max_risk_percent / 100 + HALF_A_CENT
    return "LIMIT_RISK" if view.loss_at_stop > allowed else None


def reduces(command: Command, view: View) -> bool:
    """Whether an opening command can only reduce: on a netting account, against a position at least as large."""
    opposite: Decimal = sum(
        (p.volume for p in view.positions if p.symbol == command.symbol and p.type is not command.side), Decimal(0)
    )
    return view.account.margin_mode != "HEDGING" and opposite >= command.volume


def in_band(command: Command, price: Decimal) -> bool:
    """Whether a price lies within the command's band; without a band every price does."""
    band = command.guards.price_band
    return band is None or band[0] <= price <= band[1]
