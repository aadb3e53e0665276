"""Units of the domain: what a Decimal means, and the roundings that money, prices and volumes need.

Everything is `Decimal`: in floats `floor(0.29 / 0.01)` is 28, which is a wrong lot. A unit is a `NewType`, so it costs
nothing at run time; arithmetic gives a plain `Decimal` back and the author says again what it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from enum import StrEnum
from typing import NewType

Price = NewType("Price", Decimal)
"""Quote currency per unit of the symbol."""
Lots = NewType("Lots", Decimal)
"""Volume in lots."""
Money = NewType("Money", Decimal)
"""Account currency."""
Percent = NewType("Percent", Decimal)
"""2 means 2 %."""
Ticks = NewType("Ticks", Decimal)
"""A distance in steps of the symbol's tick size."""

ZERO = Decimal(0)
HUNDRED = Decimal(100)
NO_MONEY = Money(ZERO)
NO_LOTS = Lots(ZERO)
SNAP = Decimal("1e-8")
"""A step count this close to an integer is that integer: 100/150 is not exact in decimal either."""

EXACT = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Every decision is computed in this context, so that it can be replayed bit by bit whatever the process set before."""


@contextmanager
def exact() -> Iterator[None]:
    """Compute with `EXACT` inside the block."""
    with localcontext(EXACT):
        yield


class Side(StrEnum):
    """The direction of an order or a position."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


def floor_money(value: Decimal, digits: int = 2) -> Money:
    """Round account currency down to `digits` decimals: budgets are never rounded in the trader's disfavour."""
    return Money(value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR))


def ceil_money(value: Decimal, digits: int = 2) -> Money:
    """Round account currency up to `digits` decimals: a risk is never written smaller than it is."""
    return Money(value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_CEILING))


def percent_of(base: Decimal, percent: Decimal, digits: int = 2) -> Money:
    """`percent` of `base`, floored to the account's digits."""
    return floor_money(base * percent / HUNDRED, digits)


def whole_steps(steps: Decimal) -> int:
    """Return the number of whole steps: the nearest integer when within `SNAP` of it, else the floor."""
    nearest = steps.to_integral_value(rounding=ROUND_HALF_EVEN)
    if abs(steps - nearest) <= SNAP:
        return int(nearest)
    return int(steps.to_integral_value(rounding=ROUND_FLOOR))


def snap_volume(volume: Decimal, *, minimum: Decimal, step: Decimal) -> Lots:
    """Return the largest tradable volume `minimum + n·step` not above `volume`; 0 when that is below the minimum."""
    if step <= 0:
        raise ValueError(f"volume step is {step}; it must be positive")
    steps = whole_steps((volume - minimum) / step)
    return Lots(minimum + steps * step) if steps >= 0 else Lots(ZERO)


def on_grid(value: Decimal, step: Decimal, origin: Decimal = ZERO) -> bool:
    """Say whether `value` is `origin` plus a whole number of steps, exactly."""
    return (value - origin) % step == 0


def round_to_grid(value: Decimal, step: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Round `value` to a multiple of `step`; within `SNAP` of a multiple it is that one, whatever the rounding."""
    if step <= 0:
        raise ValueError(f"grid step is {step}; it must be positive")
    steps = value / step
    nearest = steps.to_integral_value(rounding=ROUND_HALF_EVEN)
    if abs(steps - nearest) <= SNAP:
        return nearest * step
    return steps.to_integral_value(rounding=rounding) * step
