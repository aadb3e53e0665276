from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from tests.unit.risk.cases import NOW, eurusd

from rubi.domain.clock import BrokerClock, OffsetChange
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.policy import LockScope, LowProfitGuard, RiskPolicy, StopGuard
from rubi.domain.risk.protections import Closure, Lock, locks_from
from rubi.domain.risk.sessions import market_open, policy_trades
from rubi.domain.symbol import SessionWindow
from rubi.domain.units import Side


def ago(seconds: int, symbol="EURUSD", side=Side.BUY, profit="-10", *, by_stop=True) -> Closure:
    return Closure(symbol, side, NOW - timedelta(seconds=seconds), D(profit), by_stop=by_stop)


def codes(closures, policy, symbol="EURUSD", side=Side.BUY) -> list[DenialCode]:
    return [lock.code for lock in locks_from(closures, symbol, side, policy, NOW)]


def test_a_symbol_cools_down_after_a_close():
    policy = RiskPolicy(cooldown_seconds=60)
    assert codes([ago(59)], policy) == [DenialCode.COOLDOWN_ACTIVE]
    assert codes([ago(60)], policy) == []
    assert codes([ago(5)], policy, symbol="GBPUSD") == []
    assert codes([ago(5)], RiskPolicy()) == []


GUARD = StopGuard(stops=3, window_seconds=600, lock_seconds=900)


def test_stop_outs_lock_the_account():
    policy = RiskPolicy(stop_guard=GUARD)
    three = [ago(100), ago(200, "GBPUSD"), ago(300, "XAUUSD", Side.SELL)]
    assert codes(three, policy, "US30") == [DenialCode.STOP_LOSS_GUARD]
    assert codes(three[:2], policy) == []


def test_winning_stops_and_other_closes_do_not_count():
    policy = RiskPolicy(stop_guard=GUARD)
    assert codes([ago(1, profit="5"), ago(2), ago(3)], policy) == []
    assert codes([ago(1, profit="0"), ago(2), ago(3)], policy) == []
    assert codes([ago(1, by_stop=False), ago(2), ago(3)], policy) == []


def test_the_lock_outlives_its_window_and_then_ends():
    policy = RiskPolicy(stop_guard=GUARD)
    assert codes([ago(890), ago(895), ago(899)], policy) == [DenialCode.STOP_LOSS_GUARD]
    assert codes([ago(900), ago(905), ago(909)], policy) == []
    assert codes([ago(100), ago(400), ago(701)], policy) == []


@pytest.mark.parametrize(
    ("scope", "locked"),
    [
        (LockScope.ACCOUNT, {("EURUSD", Side.BUY), ("EURUSD", Side.SELL), ("GBPUSD", Side.BUY)}),
        (LockScope.SYMBOL, {("EURUSD", Side.BUY), ("EURUSD", Side.SELL)}),
        (LockScope.SIDE, {("EURUSD", Side.BUY)}),
    ],
)
def test_a_guard_locks_as_wide_as_its_scope(scope, locked):
    policy = RiskPolicy(stop_guard=StopGuard(3, 600, 900, scope))
    hits = [ago(1), ago(2), ago(3)]
    tried = [("EURUSD", Side.BUY), ("EURUSD", Side.SELL), ("GBPUSD", Side.BUY)]
    assert {(symbol, side) for symbol, side in tried if codes(hits, policy, symbol, side)} == locked


def test_a_symbol_that_earns_too_little_pauses():
    policy = RiskPolicy(low_profit_guard=LowProfitGuard(2, 3600, D(0), 600))
    assert codes([ago(10, profit="5"), ago(20, profit="-6")], policy) == [DenialCode.LOW_PROFIT_SYMBOL]
    assert codes([ago(10, profit="5"), ago(20, profit="-5")], policy) == []
    assert codes([ago(10)], policy) == []
    assert codes([ago(601), ago(700)], policy) == []


def test_a_pause_for_low_profit_outlasts_its_window():
    policy = RiskPolicy(low_profit_guard=LowProfitGuard(2, 60, D(0), 600))
    assert codes([ago(500), ago(540)], policy) == [DenialCode.LOW_PROFIT_SYMBOL]
    assert codes([ago(500), ago(561)], policy) == []
    assert codes([ago(10, profit="50"), ago(500), ago(540)], policy) == [DenialCode.LOW_PROFIT_SYMBOL]


def test_a_stored_lock_ends_by_itself():
    lock = Lock(LockScope.SIDE, DenialCode.SIDE_LOCKED, NOW + timedelta(seconds=1), "by hand", "EURUSD", Side.BUY)
    assert lock.covers("EURUSD", Side.BUY, NOW)
    assert not lock.covers("EURUSD", Side.SELL, NOW)
    assert not lock.covers("GBPUSD", Side.BUY, NOW)
    assert not lock.covers("EURUSD", Side.BUY, NOW + timedelta(seconds=1))


CLOCK = BrokerClock((OffsetChange(datetime(2025, 1, 1, tzinfo=UTC), 7200),))
THURSDAY = SessionWindow(3, 15 * 3600, 86400)


def test_the_market_is_open_by_the_brokers_clock():
    spec = eurusd(sessions=(THURSDAY,))
    assert not market_open(spec, NOW, CLOCK)  # 12:45 UTC, 14:45 at the broker
    assert market_open(spec, NOW + timedelta(minutes=15), CLOCK)
    assert not market_open(spec, NOW + timedelta(minutes=15), BrokerClock())
    assert market_open(spec, datetime(2026, 2, 12, 21, 59, 59, tzinfo=UTC), CLOCK)
    assert not market_open(spec, datetime(2026, 2, 12, 22, 0, tzinfo=UTC), CLOCK)
    assert market_open(eurusd(), NOW, CLOCK)
    assert not market_open(eurusd(sessions=()), NOW, CLOCK)


def test_the_policy_trades_by_its_own_zone():
    policy = RiskPolicy(trading_sessions=(THURSDAY,), session_zone="Asia/Tokyo")
    assert policy_trades(policy, NOW, CLOCK)  # 21:45 in Tokyo
    assert not policy_trades(RiskPolicy(trading_sessions=(THURSDAY,), session_zone="Europe/London"), NOW, CLOCK)
    assert policy_trades(RiskPolicy(), NOW, CLOCK)
