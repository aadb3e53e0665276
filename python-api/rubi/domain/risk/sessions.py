"""Trading hours: the broker's for a symbol, and the policy's own."""

from collections.abc import Sequence
from datetime import datetime

from rubi.domain.clock import BrokerClock
from rubi.domain.risk.day import wall_clock
from rubi.domain.risk.policy import BROKER_ZONE, RiskPolicy
from rubi.domain.symbol import SessionWindow, SymbolSpec


def is_inside(windows: Sequence[SessionWindow], wall: datetime) -> bool:
    """Say whether a naive wall-clock lies in one of the windows; `opens` is inside, `closes` is not."""
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    return any(window.weekday == wall.weekday() and window.opens <= second < window.closes for window in windows)


def market_open(spec: SymbolSpec, now: datetime, clock: BrokerClock) -> bool:
    """Say whether the symbol's session is open; True when the broker's sessions are not known."""
    return spec.sessions is None or is_inside(spec.sessions, wall_clock(now, BROKER_ZONE, clock))


def policy_trades(policy: RiskPolicy, now: datetime, clock: BrokerClock) -> bool:
    """Say whether the policy trades at this hour; True when it names no hours."""
    if policy.trading_sessions is None:
        return True
    return is_inside(policy.trading_sessions, wall_clock(now, policy.session_zone, clock))
