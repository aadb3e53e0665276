"""Commands made into trade requests: filling from the symbol's flags, prices on the tick grid, positions by ticket."""

from decimal import Decimal

from rubi.domain.units import ZERO, round_to_grid
from rubi.terminal.broker import FOK, IOC, Action, Filling, OrderType, Position, Request, Symbol, Tick
from rubi.terminal.commands import Command


def filling_of(command: Command, symbol: Symbol) -> Filling:
    """AUTO is FOK where the symbol has it, else IOC, else RETURN; a pending order always uses RETURN."""
    if command.kind == "PLACE_PENDING":
        return Filling.RETURN
    if command.filling != "AUTO":
        return Filling(command.filling)
    if symbol.filling_flags & FOK:
        return Filling.FOK
    return Filling.IOC if symbol.filling_flags & IOC else Filling.RETURN


def on_tick_grid(price: Decimal, symbol: Symbol) -> Decimal:
    """The nearest price the symbol can have; 0 stays 0."""
    return round_to_grid(price, symbol.tick_size).quantize(symbol.point)


def opening(command: Command, symbol: Symbol, tick: Tick, *, utc_offset_s: int) -> Request:
    """A market order, or a pending one."""
    assert command.side is not None, "the guards refuse an opening command without a side"
    pending = command.kind == "PLACE_PENDING"
    kind = OrderType(f"{command.side}_{command.order_type}" if pending else command.side.value)
    return Request(
        action=Action.PENDING if pending else Action.DEAL,
        symbol=symbol.name,
        type=kind,
        volume=command.volume,
        price=on_tick_grid(command.price, symbol) if pending else tick.opening(command.side),
        stop_limit=on_tick_grid(command.stop_limit, symbol),
        sl=on_tick_grid(command.sl, symbol),
        tp=on_tick_grid(command.tp, symbol),
        deviation=command.deviation_points,
        filling=filling_of(command, symbol),
        type_time=command.type_time,
        expiration=broker_seconds(command, utc_offset_s),
        magic=command.magic,
        comment=command.comment,
    )


def closing(command: Command, position: Position, symbol: Symbol, tick: Tick, volume: Decimal) -> Request:
    """The opposite deal, by ticket."""
    return Request(
        action=Action.DEAL,
        symbol=position.symbol,
        type=OrderType(position.type.opposite.value),
        volume=volume,
        price=tick.closing(position.type),
        deviation=command.deviation_points,
        filling=filling_of(command, symbol),
        magic=command.magic,
        comment=command.comment,
        position=position.ticket,
    )


def protection(command: Command, position: Position, symbol: Symbol) -> Request:
    """New stop and target of a position; absent ones are removed."""
    return Request(
        action=Action.SLTP,
        symbol=position.symbol,
        sl=on_tick_grid(command.sl, symbol),
        tp=on_tick_grid(command.tp, symbol),
        magic=command.magic,
        comment=command.comment,
        position=position.ticket,
    )


def changing(command: Command, symbol: Symbol | None, *, utc_offset_s: int) -> Request:
    """Change or withdraw a pending order, or close a position by an opposite one (its ticket is in `order_ticket`)."""
    action = {"MODIFY_PENDING": Action.MODIFY, "CANCEL_PENDING": Action.REMOVE, "CLOSE_BY": Action.CLOSE_BY}[
        command.kind
    ]
    by = command.order_ticket if action is Action.CLOSE_BY else 0

    def gridded(price: Decimal) -> Decimal:
        return on_tick_grid(price, symbol) if symbol is not None and price else ZERO

    return Request(
        action=action,
        symbol=command.symbol,
        price=gridded(command.price),
        stop_limit=gridded(command.stop_limit),
        sl=gridded(command.sl),
        tp=gridded(command.tp),
        type_time=command.type_time,
        expiration=broker_seconds(command, utc_offset_s),
        magic=command.magic,
        comment=command.comment,
        position=command.position_ticket if by else 0,
        position_by=by,
        order=0 if by else command.order_ticket,
    )


def broker_seconds(command: Command, utc_offset_s: int) -> int:
    """The expiration as MT5 takes it: seconds of the broker's wall clock."""
    return 0 if command.expiration is None else int(command.expiration.timestamp()) + utc_offset_s
