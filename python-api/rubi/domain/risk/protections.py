"""Pauses after bad luck or bad judgement: stop-loss guard, cooldown, low-profit symbol, and the locks they leave.

A lock is stored with its reason and can be deleted by a person. The same rules are also evaluated from the recent
closes at every decision, so that a lock which was not stored yet holds too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.policy import LockScope, RiskPolicy
from rubi.domain.units import ZERO, Money, Side


@dataclass(frozen=True, slots=True)
class Lock:
    """Nothing opens inside `scope` before `until`."""

    scope: LockScope
    code: DenialCode
    until: datetime
    reason: str
    symbol: str | None = None
    side: Side | None = None

    def covers(self, symbol: str, side: Side, now: datetime) -> bool:
        """Whether an opening of this symbol and side is locked now."""
        if now >= self.until:
            return False
        if self.scope is LockScope.ACCOUNT:
            return True
        if self.symbol != symbol:
            return False
        return self.scope is LockScope.SYMBOL or self.side is side


@dataclass(frozen=True, slots=True)
class Closure:
    """A position that was closed: its net result, and whether its stop did it."""

    symbol: str
    side: Side
    closed_at: datetime
    profit: Money
    by_stop: bool = False


def locks_from(closures: Sequence[Closure], symbol: str, side: Side, policy: RiskPolicy, now: datetime) -> list[Lock]:
    """Return the locks that the recent closes cause for this symbol and side, now."""
    found = (
        cooldown(closures, symbol, policy),
        stop_guard(closures, symbol, side, policy, now),
        low_profit(closures, symbol, policy, now),
    )
    return [lock for lock in found if lock is not None and lock.covers(symbol, side, now)]


def cooldown(closures: Sequence[Closure], symbol: str, policy: RiskPolicy) -> Lock | None:
    """Pause a symbol after a close."""
    times = [close.closed_at for close in closures if close.symbol == symbol]
    if policy.cooldown_seconds == 0 or not times:
        return None
    until = max(times) + timedelta(seconds=policy.cooldown_seconds)
    return Lock(LockScope.SYMBOL, DenialCode.COOLDOWN_ACTIVE, until, f"{symbol} was closed at {max(times)}", symbol)


def stop_guard(closures: Sequence[Closure], symbol: str, side: Side, policy: RiskPolicy, now: datetime) -> Lock | None:
    """Pause after n losing stop-outs in a window, counted and locked in the guard's scope."""
    guard = policy.stop_guard
    if guard is None:
        return None
    since = now - timedelta(seconds=guard.window_seconds + guard.lock_seconds)
    hits = sorted(
        close.closed_at
        for close in closures
        if close.by_stop
        and close.profit < ZERO
        and since <= close.closed_at <= now
        and (guard.scope is LockScope.ACCOUNT or close.symbol == symbol)
        and (guard.scope is not LockScope.SIDE or close.side is side)
    )
    last = _last_full_window(hits, guard.stops, timedelta(seconds=guard.window_seconds))
    if last is None:
        return None
    return Lock(
        guard.scope,
        DenialCode.STOP_LOSS_GUARD,
        last + timedelta(seconds=guard.lock_seconds),
        f"{guard.stops} stops were hit within {guard.window_seconds} s, the last at {last}",
        None if guard.scope is LockScope.ACCOUNT else symbol,
        side if guard.scope is LockScope.SIDE else None,
    )


def low_profit(closures: Sequence[Closure], symbol: str, policy: RiskPolicy, now: datetime) -> Lock | None:
    """Pause a symbol after a close at which its trades in the window had earned less than required."""
    guard = policy.low_profit_guard
    if guard is None:
        return None
    window, pause = timedelta(seconds=guard.window_seconds), timedelta(seconds=guard.lock_seconds)
    mine = sorted((one for one in closures if one.symbol == symbol and one.closed_at <= now), key=_closed_at)
    for last in reversed(mine):
        if last.closed_at + pause <= now:
            break
        recent = [one for one in mine if last.closed_at - window <= one.closed_at <= last.closed_at]
        earned = sum((one.profit for one in recent), ZERO)
        if len(recent) >= guard.trades and earned < guard.min_profit:
            reason = f"{len(recent)} trades of {symbol} earned {earned}, less than {guard.min_profit}"
            return Lock(LockScope.SYMBOL, DenialCode.LOW_PROFIT_SYMBOL, last.closed_at + pause, reason, symbol)
    return None


def _closed_at(closure: Closure) -> datetime:
    return closure.closed_at


def _last_full_window(hits: Sequence[datetime], count: int, window: timedelta) -> datetime | None:
    full = [hits[n] for n in range(count - 1, len(hits)) if hits[n] - hits[n - count + 1] <= window]
    return full[-1] if full else None
