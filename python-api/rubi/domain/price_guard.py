"""How far the market may move between our decision and the terminal's send, and the order still be the same one."""

from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import Price

LEAST_POINTS = Decimal(20)
SHARE_OF_STOP = Decimal("0.1")
"""The loss at the stop grows by the share of its distance that the entry slips."""
SPREADS = 3
MOST_OF_STOP = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class PriceGuard:
    """The terminal refuses to send outside `low` … `high`; `deviation_points` goes into the request itself."""

    low: Price
    high: Price
    deviation_points: int


def price_guard(
    spec: SymbolSpec, *, entry: Price, stop: Price | None, spread: Decimal, most_points: Decimal | None
) -> PriceGuard:
    """The band around the entry (price): a tenth of the stop's distance, at least 20 points and three spreads.

    Never more than half the stop's distance, nor than the policy's `most_points`.
    """
    distance = max(LEAST_POINTS * spec.point, SPREADS * spread)
    if stop is not None:
        to_stop = abs(entry - stop)
        distance = min(max(distance, SHARE_OF_STOP * to_stop), MOST_OF_STOP * to_stop)
    if most_points is not None:
        distance = min(distance, most_points * spec.point)
    points = int(distance / spec.point)
    low, high = spec.price(entry - distance), spec.price(entry + distance)
    return PriceGuard(low if low > 0 else spec.price(spec.tick_size), high, max(points, 1))
