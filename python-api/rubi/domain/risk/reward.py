"""What the target pays for the risk, after commission."""

from decimal import Decimal

from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import ZERO


def gross_reward_risk(entry: Decimal, stop: Decimal, target: Decimal) -> Decimal:
    """Return the ratio of the two distances."""
    return abs(target - entry) / abs(entry - stop)


def net_reward_risk(spec: SymbolSpec, entry: Decimal, stop: Decimal, target: Decimal) -> Decimal:
    """Return `(|T-E|/ts·tv_profit - c) / (|E-S|/ts·tv_loss + c)`; 0 when nothing can be lost by the numbers."""
    gain = abs(target - entry) / spec.tick_size * spec.tick_value_profit - spec.commission_per_lot
    loss = abs(entry - stop) / spec.tick_size * spec.tick_value_loss + spec.commission_per_lot
    return gain / loss if loss > 0 else ZERO
