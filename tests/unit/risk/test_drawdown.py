from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.risk.drawdown import NavState, apply_flow, drawdown, observe, open_nav
from rubi.domain.risk.loss import LossLevel
from rubi.domain.risk.policy import DrawdownMode, LimitBase, PeakOf, RiskPolicy

DAY = date(2026, 2, 12)
POLICY = RiskPolicy()


def seen(state: NavState, *equities: str, day: date = DAY) -> NavState:
    for equity in equities:
        state = observe(state, D(equity), D(equity), day)
    return state


def down(state: NavState, policy: RiskPolicy = POLICY):
    result = drawdown(state, policy)
    assert result is not None
    return result


def test_deposits_and_withdrawals_leave_the_drawdown_where_it_is():
    found = []
    state = open_nav(D(10000), D(10000), DAY)
    found.append(down(state).percent)
    state = seen(state, "11000")
    found.append(down(state).percent)
    state = apply_flow(state, D(5000), equity_before=D(11000))
    state = seen(state, "15200")
    found.append(down(state).percent)
    state = apply_flow(state, D(-3000), equity_before=D(15200))
    found.append(down(state).percent)
    state = seen(state, "11800")
    found.append(down(state).percent)
    assert [round(percent, 4) for percent in found] == [0, 0, D("5.0"), D("5.0"), D("8.1148")]


def mode(name: DrawdownMode, **changes) -> RiskPolicy:
    return replace(POLICY, drawdown_mode=name, max_drawdown_percent=D(10), initial_balance=D(10000), **changes)


def test_each_mode_counts_from_its_own_peak():
    state = open_nav(D(10000), D(10000), DAY, initial_balance=D(10000))
    state = seen(state, "12000", "11000")
    state = seen(state, "11500", "10800", day=DAY + timedelta(days=1))
    floors = {name: down(state, mode(name)).floor for name in DrawdownMode}
    assert floors == {
        DrawdownMode.TRAILING_EQUITY: 10800,
        DrawdownMode.STATIC: 9000,
        DrawdownMode.EOD_TRAILING: 9900,
        DrawdownMode.INTRADAY: 10350,
    }


def test_an_end_of_day_peak_can_be_the_balance():
    state = open_nav(D(10000), D(10000), DAY, initial_balance=D(10000))
    state = observe(state, D(10000), D(10400), DAY)
    state = observe(state, D(10000), D(10300), DAY + timedelta(days=1))
    policy = mode(DrawdownMode.EOD_TRAILING, drawdown_peak_of=PeakOf.BALANCE, drawdown_base=LimitBase.INITIAL)
    assert down(state, policy).floor == 9400


def test_a_trailing_peak_can_be_the_balance():
    state = open_nav(D(100000), D(100000), DAY, initial_balance=D(100000))
    state = observe(state, D(109000), D(105000), DAY)
    policy = mode(DrawdownMode.TRAILING_EQUITY, drawdown_peak_of=PeakOf.BALANCE, drawdown_base=LimitBase.INITIAL)
    assert down(state, replace(policy, max_drawdown_percent=D(8))).floor == 97000


def test_the_floor_can_stop_rising_at_the_initial_value():
    state = seen(open_nav(D(10000), D(10000), DAY, initial_balance=D(10000)), "15000")
    policy = mode(DrawdownMode.TRAILING_EQUITY)
    assert down(state, policy).floor == 13500
    assert down(state, replace(policy, drawdown_lock_at_initial=True)).floor == 10000


def test_the_value_just_before_a_flow_counts_for_the_peaks():
    state = apply_flow(open_nav(D(10000), D(10000), DAY), D(1000), equity_before=D(12000))
    for name in (DrawdownMode.TRAILING_EQUITY, DrawdownMode.INTRADAY):
        assert down(state, mode(name)).peak == D("1.2")


def test_counting_may_begin_below_the_initial_balance():
    state = open_nav(D(97000), D(97000), DAY, initial_balance=D(100000))
    assert round(down(state).percent, 6) == 3
    assert down(state, replace(mode(DrawdownMode.STATIC), initial_balance=D(100000))).floor == 90000


@pytest.mark.parametrize(
    ("equity", "level"),
    [("9201", LossLevel.OK), ("9200", LossLevel.WARN), ("9050", LossLevel.REDUCING), ("9000", LossLevel.HALTED)],
)
def test_the_level_follows_how_much_of_the_limit_is_used(equity, level):
    state = seen(open_nav(D(10000), D(10000), DAY), equity)
    assert down(state, mode(DrawdownMode.TRAILING_EQUITY)).level is level


def test_a_policy_without_the_limit_has_no_drawdown():
    assert drawdown(open_nav(D(1), D(1), DAY), replace(POLICY, max_drawdown_percent=None)) is None


def test_no_deposit_hides_a_wiped_account():
    state = seen(open_nav(D(10000), D(10000), DAY), "0")
    state = apply_flow(state, D(10000), equity_before=D(0))
    state = seen(state, "10000")
    assert state.wiped
    assert down(state).percent == 100
    assert down(state).level is LossLevel.HALTED


def test_a_deposit_that_covers_a_negative_balance_does_not_hide_the_wipe():
    state = apply_flow(open_nav(D(10000), D(10000), DAY), D(200), equity_before=D(-200))
    assert down(state).percent == 100


def test_an_account_that_begins_with_nothing_must_be_opened_anew():
    assert open_nav(D(0), D(0), DAY).wiped


def test_an_emptied_account_keeps_its_value_until_the_next_deposit():
    state = seen(open_nav(D(10000), D(10000), DAY), "9000")
    state = apply_flow(state, D(-9000), equity_before=D(9000))
    state = seen(state, "0")
    assert not state.wiped
    assert down(state).percent == 10
    state = apply_flow(state, D(500), equity_before=D(0))
    state = seen(state, "500")
    assert down(state).percent == 10
    assert down(seen(state, "475")).percent == D("14.5")


flows = st.lists(st.decimals("-900", "3000", places=2), max_size=8)
moves = st.lists(st.decimals("0.9", "1.1", places=4), min_size=1, max_size=8)


@given(flows=flows, moves=moves)
def test_the_drawdown_is_that_of_the_market_moves_alone(flows, moves):
    with_flows = without = open_nav(D(10000), D(10000), DAY)
    equity, plain = D(10000), D(10000)
    for n, move in enumerate(moves):
        equity, plain = equity * move, plain * move
        with_flows, without = seen(with_flows, str(equity)), seen(without, str(plain))
        if n < len(flows) and equity + flows[n] > 100:
            with_flows = apply_flow(with_flows, flows[n], equity_before=equity)
            equity += flows[n]
    with_flows = seen(with_flows, str(equity))
    for name in DrawdownMode:
        policy = replace(POLICY, drawdown_mode=name)
        one, other = down(with_flows, policy), down(without, policy)
        assert abs(one.percent - other.percent) <= D("1e-12")  # the last digit that is kept may round either way
        assert one.level is other.level
