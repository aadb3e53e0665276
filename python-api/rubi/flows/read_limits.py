"""The hard limits that a terminal enforces by itself, even when the service is wrong."""

from typing import Any

from rubi.domain.risk.fallback import policy_or_fallback
from rubi.domain.risk.policy import RiskPolicy

DEFAULT_MAX_LOT = 100
ORDERS_PER_MINUTE = 60


def limits_of(policy: dict[str, Any] | None) -> dict[str, Any]:
    """The limits of a stored policy (None: the defaults), as the wire tells them. `max_volume` in lots."""
    return limits_by(RiskPolicy() if policy is None else policy_or_fallback(policy)[0])


def limits_by(rules: RiskPolicy) -> dict[str, Any]:
    """The limits of a policy."""
    return {
        "max_volume": DEFAULT_MAX_LOT if rules.max_lot is None else rules.max_lot,
        "max_open_positions": rules.max_positions,
        "max_orders_per_minute": ORDERS_PER_MINUTE,
        "max_risk_percent": rules.max_position_size_percent,
        "demo_only": rules.demo_only,
    }
