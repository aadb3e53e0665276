"""Snapshots that are not worked out, because those on both sides of them moved nothing, would have moved nothing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account

from rubi.domain.account import TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.memory import PastDeals, begin
from rubi.domain.risk.policy import RiskPolicy
from rubi.flows.judge_quietly import LimitsSeen
from rubi.store.risk_state import RiskAccount

POLICY = RiskPolicy(max_daily_loss_percent=Decimal(5), max_drawdown_percent=Decimal(10))


def watched() -> RiskAccount:
    """An account of 10,000 that was just saved."""
    today = trading_day(NOW, POLICY, BrokerClock())
    return RiskAccount(
        user_id=1,
        snapshot=account(),
        policy=POLICY,
        policy_fault=None,
        clock=BrokerClock(),
        deals_come=True,
        memory=begin(account(), POLICY, today, PastDeals()),
        trading_state=TradingState.ACTIVE,
        reason=None,
        flatten_since=None,
        saved_at=NOW,
    )


def told(equity: float) -> tuple[float, ...]:
    return (10_000.0, equity, 0.0, equity, 0.0, equity - 10_000, 0.0)


equities = st.one_of(st.integers(9_400, 10_150), st.integers(9_490, 9_510), st.integers(9_990, 10_010)).map(float)


@given(st.lists(st.tuples(equities, st.integers(0, 3000)), min_size=1, max_size=60))
def test_a_snapshot_between_two_that_moved_nothing_moves_nothing(steps):
    seen, at = LimitsSeen(watched()), NOW
    for equity, after_ms in steps:
        at += timedelta(milliseconds=after_ms)
        fresh = LimitsSeen(seen.account)
        at_rest = seen.at_rest(told(equity), at)
        quiet, memory = fresh.judge(told(equity), at, at)
        if at_rest:
            assert (quiet, memory) == (True, None), equity
            continue
        assert seen.judge(told(equity), at, at) == (quiet, memory)
        if not quiet:
            return  # its route takes over, and what is remembered is read anew
        if memory is not None:
            seen = seen.saved(memory, at)


def test_what_was_seen_to_be_quiet_stays_so_when_the_memory_is_kept_in_between():
    seen, at = LimitsSeen(watched()), NOW
    for equity in (9_990.0, 9_950.0):
        assert seen.judge(told(equity), at, at) == (True, None)
    at += timedelta(seconds=6)  # by now it is due to be kept
    assert not seen.at_rest(told(9_970.0), at)
    quiet, memory = seen.judge(told(9_970.0), at, at)
    assert quiet
    assert memory is not None
    assert seen.saved(memory, at).at_rest(told(9_960.0), at)
    higher = replace(memory, nav=replace(memory.nav, high=memory.nav.high * 2))
    assert not seen.saved(higher, at).at_rest(told(9_960.0), at)
