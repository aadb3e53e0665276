from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account

from rubi.domain.account import TradingState
from rubi.domain.clock import BrokerClock, OffsetChange
from rubi.domain.risk.day import TradingDay, trading_day
from rubi.domain.risk.loss import LossLevel, day_loss, open_day, rebuild_day, with_flow
from rubi.domain.risk.policy import DayAnchor, LimitBase, RiskPolicy

TODAY = TradingDay(date(2026, 2, 12), datetime(2026, 2, 12, tzinfo=UTC), datetime(2026, 2, 13, tzinfo=UTC))
POLICY = RiskPolicy()
money = st.decimals("-5000", "5000", places=2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_deposit_is_taken_out_of_the_loss():
    state = with_flow(open_day(TODAY, account("10000"), POLICY), D(1000))
    loss = day_loss(state, D(10700), POLICY)
    assert loss is not None
    assert (loss.loss, loss.limit, loss.floor) == (300, D("500.00"), 10500)


@pytest.mark.parametrize(
    ("anchor", "value"),
    [(DayAnchor.BALANCE, 10000), (DayAnchor.EQUITY, 9700), (DayAnchor.MAX, 10000), (DayAnchor.INITIAL, 50000)],
)
def test_the_anchor_is_captured_by_its_mode(anchor, value):
    policy = RiskPolicy(day_anchor=anchor, initial_balance=D(50000))
    assert open_day(TODAY, account("10000", "9700"), policy).anchor == value


def test_the_initial_anchor_moves_with_every_flow_since_the_beginning():
    policy = RiskPolicy(day_anchor=DayAnchor.INITIAL, initial_balance=D(10000))
    state = open_day(TODAY, account("15000"), policy, all_flows=D(5000))
    loss = day_loss(state, D(15000), policy)
    assert loss is not None
    assert loss.loss == 0


def test_the_limit_is_a_percent_of_the_anchor_or_of_the_initial_balance():
    of_initial = RiskPolicy(daily_loss_base=LimitBase.INITIAL, initial_balance=D(100000))
    state = open_day(TODAY, account("104000"), of_initial)
    loss = day_loss(state, D(104000), of_initial)
    assert loss is not None
    assert (loss.limit, loss.floor) == (5000, 99000)
    of_anchor = day_loss(state, D(104000), POLICY)
    assert of_anchor is not None
    assert of_anchor.limit == 5200


def test_a_policy_without_a_daily_limit_has_no_daily_loss():
    policy = RiskPolicy(max_daily_loss_percent=None)
    assert day_loss(open_day(TODAY, account(), policy), D(1), policy) is None


@pytest.mark.parametrize(
    ("equity", "level", "state"),
    [
        ("9600.01", LossLevel.OK, TradingState.ACTIVE),
        ("9600", LossLevel.WARN, TradingState.ACTIVE),
        ("9525", LossLevel.REDUCING, TradingState.REDUCING),
        ("9500.01", LossLevel.REDUCING, TradingState.REDUCING),
        ("9500", LossLevel.HALTED, TradingState.HALTED),
        ("9000", LossLevel.HALTED, TradingState.HALTED),
    ],
)
def test_the_level_rises_from_warning_to_reducing_to_halted(equity, level, state):
    loss = day_loss(open_day(TODAY, account("10000"), POLICY), D(equity), POLICY)
    assert loss is not None
    assert loss.level is level
    assert level.trading_state is state


def test_a_missed_reset_is_rebuilt_from_the_deals_and_flagged():
    now = account("10300", "10250")
    state = rebuild_day(TODAY, now, POLICY, results=D(-200), flows=D(500))
    assert (state.anchor, state.flows, state.estimated) == (10000, 500, True)
    loss = day_loss(state, D(10250), POLICY)
    assert loss is not None
    assert (loss.loss, loss.estimated) == (250, True)


def test_a_rebuilt_initial_anchor_does_not_count_todays_flow_twice():
    policy = RiskPolicy(day_anchor=DayAnchor.INITIAL, initial_balance=D(10000))
    state = rebuild_day(TODAY, account("10400"), policy, results=D(-100), flows=D(500), all_flows=D(500))
    loss = day_loss(state, D(10400), policy)
    assert loss is not None
    assert loss.loss == 100


@given(flows=st.lists(money, max_size=6), result=money)
def test_deposits_and_withdrawals_neither_trip_nor_mask_the_days_loss(flows, result):
    opened = open_day(TODAY, account("20000"), POLICY)
    state, equity = opened, D(20000) + result
    for flow in flows:
        state, equity = with_flow(state, flow), equity + flow
    with_flows, without = day_loss(state, equity, POLICY), day_loss(opened, D(20000) + result, POLICY)
    assert with_flows is not None
    assert without is not None
    assert with_flows.loss == without.loss == -result
    assert with_flows.level is without.level
    assert equity - with_flows.floor == D(20000) + result - without.floor


CYPRUS = BrokerClock(
    (
        OffsetChange(at("2025-10-26T01:00:00"), 7200),
        OffsetChange(at("2026-03-29T01:00:00"), 10800),
        OffsetChange(at("2026-10-25T01:00:00"), 7200),
    )
)


def test_the_broker_day_begins_at_broker_midnight():
    day = trading_day(NOW, POLICY, CYPRUS)
    assert day == TradingDay(date(2026, 2, 12), at("2026-02-11T22:00:00"), at("2026-02-12T22:00:00"))
    late = trading_day(at("2026-02-12T22:00:00"), POLICY, CYPRUS)
    assert (late.day, late.starts) == (date(2026, 2, 13), day.ends)


@pytest.mark.parametrize(("moment", "hours"), [("2026-03-29T12:00:00", 23), ("2026-10-25T12:00:00", 25)])
@pytest.mark.parametrize("zone", ["BROKER", "Europe/Athens"])
def test_a_day_of_a_clock_change_has_23_or_25_hours(moment, hours, zone):
    day = trading_day(at(moment), RiskPolicy(day_zone=zone), CYPRUS)
    assert day.ends - day.starts == timedelta(hours=hours)


def test_a_reset_time_shifts_the_day():
    policy = RiskPolicy(day_zone="UTC", day_reset_minutes=30)
    assert trading_day(at("2026-02-12T00:29:59"), policy, BrokerClock()).day == date(2026, 2, 11)
    assert trading_day(at("2026-02-12T00:30:00"), policy, BrokerClock()).day == date(2026, 2, 12)


def test_a_reset_inside_the_skipped_hour_happens_at_the_jump():
    policy = RiskPolicy(day_reset_minutes=210)  # 03:30, and the broker's clock jumps from 03:00 to 04:00
    day = trading_day(at("2026-03-29T12:00:00"), policy, CYPRUS)
    assert day.starts == at("2026-03-29T01:00:00")


def test_a_clock_that_goes_back_over_midnight_begins_the_day_once():
    havana = RiskPolicy(day_zone="America/Havana")  # 2025-11-02 01:00 becomes 00:00
    first = trading_day(at("2025-11-02T04:30:00"), havana, BrokerClock())
    again = trading_day(at("2025-11-02T05:30:00"), havana, BrokerClock())
    assert first == again
    back = BrokerClock((OffsetChange(at("2025-01-01T00:00:00"), 0), OffsetChange(at("2025-06-02T00:30:00"), -3600)))
    before = trading_day(at("2025-06-02T00:10:00"), POLICY, back)
    after = trading_day(at("2025-06-02T00:40:00"), POLICY, back)
    assert before == after
    assert before.day == date(2025, 6, 2)


def test_before_the_history_begins_its_first_offset_holds():
    assert CYPRUS.offset_at(at("2020-01-01T00:00:00")) == timedelta(hours=2)
    assert BrokerClock().offset_at(NOW) == timedelta(0)


@given(
    minutes=st.integers(0, 60 * 24 * 800),
    zone=st.sampled_from(["BROKER", "UTC", "Europe/Prague", "America/New_York", "America/Havana", "Asia/Tokyo"]),
    reset=st.sampled_from([0, 30, 150, 1020]),
)
def test_every_moment_belongs_to_one_day_and_the_days_join(minutes, zone, reset):
    now = at("2025-01-01T00:00:00") + timedelta(minutes=minutes)
    policy = RiskPolicy(day_zone=zone, day_reset_minutes=reset)
    day = trading_day(now, policy, CYPRUS)
    assert day.starts <= now < day.ends
    assert timedelta(hours=23) <= day.ends - day.starts <= timedelta(hours=25)
    assert trading_day(day.starts, policy, CYPRUS) == day
    assert trading_day(day.ends - timedelta(seconds=1), policy, CYPRUS) == day
    following = trading_day(day.ends, policy, CYPRUS)
    assert following.starts == day.ends
    assert following.day == day.day + timedelta(days=1)


def test_a_change_of_the_policys_percent_moves_the_floor_at_once():
    state = open_day(TODAY, account("10000"), POLICY)
    loss = day_loss(state, D(10000), replace(POLICY, max_daily_loss_percent=D(1)))
    assert loss is not None
    assert loss.floor == 9900
