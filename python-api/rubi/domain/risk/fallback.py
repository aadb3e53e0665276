"""What holds in the place of a stored policy that cannot hold: one that an earlier version took, with fewer bounds."""

from typing import Any

from rubi.domain.risk.policy import PolicyError, RiskPolicy

LOSS_LIMITS = frozenset({
    "max_daily_loss_percent", "max_drawdown_percent", "initial_balance", "day_zone", "day_reset_minutes", "day_anchor",
    "daily_loss_base", "drawdown_mode", "drawdown_base", "drawdown_peak_of", "drawdown_lock_at_initial",
})  # fmt: skip
"""What decides when a loss limit is reached."""


def policy_or_fallback(stored: dict[str, Any]) -> tuple[RiskPolicy, PolicyError | None]:
    """The stored policy, or what holds in its place and what is wrong with it.

    What cannot hold has its default; where the rest does not go together, everything has. Nothing is closed for a loss
    limit that the account never had: with a default in the place of one, `flatten_on_breach` is off.
    """
    try:
        return RiskPolicy.from_dict(stored), None
    except PolicyError as fault:
        return _fallback(stored, fault), fault


def _fallback(stored: dict[str, Any], fault: PolicyError) -> RiskPolicy:
    kept = dict(stored)
    while (name := fault.parameter) in kept:
        del kept[name]
        if name in LOSS_LIMITS:
            kept["flatten_on_breach"] = False
        try:
            return RiskPolicy.from_dict(kept)
        except PolicyError as another:
            fault = another
    return RiskPolicy(version=stored.get("version", 1))
