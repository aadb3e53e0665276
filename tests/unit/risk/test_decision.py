import json
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal as D
from decimal import localcontext
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, eurusd, gbpusd, position, proposal, tick, usdjpy
from tests.unit.risk.strategies import TODAY, cases, held, specs

from rubi.domain.clock import BrokerClock, OffsetChange
from rubi.domain.risk.case import RiskCase, SizingChoice
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.correlation import Correlation
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.decision import Decision, show
from rubi.domain.risk.drawdown import open_nav
from rubi.domain.risk.exposure import notional, of_position
from rubi.domain.risk.gates import decide, decision_record, replay
from rubi.domain.risk.holdings import PendingOrder, Reservation
from rubi.domain.risk.loss import open_day
from rubi.domain.risk.policy import LockScope, RiskPolicy, SizingMode, StopGuard
from rubi.domain.risk.protections import Closure, Lock
from rubi.domain.risk.record import RecordError, build, canonical, digest, plain
from rubi.domain.signal import OrderType
from rubi.domain.symbol import SessionWindow
from rubi.domain.units import Side, on_grid
from rubi.flows.weigh_signal import Opening, order_of


def full() -> RiskCase:
    """A case with every optional input present."""
    return case(
        proposal=proposal(
            volume=D("0.3"), sizing=SizingChoice(SizingMode.SIGNAL_VOLUME, D(1)), expires_at=NOW + timedelta(seconds=5)
        ),
        policy=RiskPolicy(stop_guard=StopGuard(3, 60, 60), trading_sessions=(SessionWindow(3, 0, 86400),)),
        specs=(eurusd(sessions=(SessionWindow(3, 0, 86400),)), gbpusd(), usdjpy()),
        positions=(position("GBPUSD"), position("USDJPY", current="150.1", stop=None, margin=D(30))),
        pendings=(PendingOrder("EURUSD", Side.SELL, D("0.01"), D("1.2"), D("1.21")),),
        reservations=(Reservation("EURUSD", Side.BUY, D("0.01"), D(5), D(11), D("1.1"), 7),),
        locks=(Lock(LockScope.SYMBOL, DenialCode.SYMBOL_LOCKED, NOW, "over", "EURUSD"),),
        closures=(Closure("EURUSD", Side.BUY, NOW - timedelta(hours=1), D("-3.5")),),
        clock=BrokerClock((OffsetChange(NOW - timedelta(days=90), 7200),)),
        day=open_day(trading_day(NOW, RiskPolicy(), BrokerClock()), account(), RiskPolicy()),
        nav=open_nav(D(10000), D(10000), TODAY.day),
        correlations=(Correlation("EURUSD", "GBPUSD", D("0.712345"), 100),),
        ea_loss_per_lot=D("500.5"),
        ea_margin_per_lot=D(1100),
        atr=D("0.0025"),
    )


def test_a_case_survives_storage_exactly():
    stored = json.loads(json.dumps(full().to_record()))
    again = RiskCase.from_record(stored)
    assert again == full()
    assert canonical(again) == canonical(full())


WHOLE_NUMBERS = st.integers(-(2**63), 2**64 - 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | WHOLE_NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_the_canonical_text_is_that_of_the_standard_library(value):
    known = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == known


def test_a_stored_decision_replays_bit_by_bit():
    first = decide(full(), now=NOW)
    record = json.loads(json.dumps(decision_record(full(), first)))
    again = replay(record)
    assert first.approved
    assert again == first
    assert again.digest == record["digest"] == first.digest
    assert again.to_record() == record["decision"]


def test_a_stored_decision_can_be_read_back():
    first = decide(full(), now=NOW)
    assert build(Decision, json.loads(json.dumps(first.to_record()))) == first


def test_the_processes_decimal_context_changes_nothing():
    inputs = full()
    expected = decide(inputs, now=NOW).digest
    with localcontext() as context:
        context.prec = 6
        assert decide(inputs, now=NOW).digest == expected


@pytest.mark.parametrize("record", [{}, {"case": {}}, {"case": {}, "decision": {}}])
def test_a_record_without_a_case_is_refused(record):
    with pytest.raises(RecordError, match=r"needs case and decision\.decided_at"):
        replay(record)


def test_a_damaged_record_says_where():
    record = full().to_record()
    record["positions"][1]["volume"] = "much"
    with pytest.raises(RecordError, match=r"positions\[1\]\.volume: must be a number, not 'much'"):
        RiskCase.from_record(record)
    with pytest.raises(RecordError, match="must be an object, not list"):
        build(RiskCase, [])
    with pytest.raises(RecordError, match=r"proposal\.signal_time: must be an ISO 8601 datetime"):
        RiskCase.from_record({**full().to_record(), "proposal": {**plain(proposal()), "signal_time": "2026-02-12"}})


def test_what_has_no_plain_form_is_a_bug():
    with pytest.raises(TypeError, match="set has no plain form"):
        plain({1})


def test_equal_values_have_equal_digests():
    assert digest({"b": D("1.10"), "a": 1}) == digest({"a": 1, "b": D("1.10")})
    assert digest(full()) != digest(replace(full(), atr=D("0.0026")))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (D("1E+3"), "1000"),
        (D("0.30"), "0.30"),
        (D(2) / D(3), "0.66666667"),
        (D("0.12345678"), "0.12345678"),
        (D("1.100000000"), "1.1"),
        (D("-1E-9"), "-0"),
        (D("Infinity"), "Infinity"),
        (D("NaN"), "NaN"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (Side.BUY, "BUY"),
        (NOW, "2026-02-12T12:45:00+00:00"),
    ],
)
def test_the_record_is_written_for_people(value, text):
    assert show(value) == text


@given(one=cases)
@settings(max_examples=200)
def test_an_approved_order_passes_no_limit(one):
    decision = decide(one, now=NOW)
    if not decision.approved:
        assert decision.code is not None
        return
    money, policy = one.account, one.policy
    assert money is not None
    assert decision.volume is not None
    assert decision.risk is not None
    assert decision.loss_per_lot is not None
    open_ = sum((of_position(p, specs[p.symbol], policy).risk for p in one.positions), D(0))
    lower = min(money.balance, money.equity)
    assert on_grid(decision.volume, D("0.01"), D("0.01"))
    assert decision.volume * decision.loss_per_lot <= decision.risk
    assert decision.risk <= lower * policy.max_position_size_percent / 100
    assert open_ + decision.risk <= money.equity * policy.max_total_exposure_percent / 100
    assert policy.max_lot is None or decision.volume <= policy.max_lot
    assert one.day is not None
    assert policy.max_daily_loss_percent is not None
    floor = one.day.anchor * (1 - policy.max_daily_loss_percent / 100)
    assert money.equity - open_ - decision.risk >= floor


@given(one=cases)
def test_equal_cases_give_equal_decisions_through_storage(one):
    first = decide(one, now=NOW)
    record = json.loads(json.dumps(decision_record(one, first)))
    assert RiskCase.from_record(record["case"]) == one
    assert replay(record).digest == first.digest


@given(one=cases, wider=st.integers(1, 200))
def test_a_farther_stop_never_buys_more(one, wider):
    stop = one.proposal.stop
    assert stop is not None
    far = replace(one, proposal=replace(one.proposal, stop=stop - wider * D("0.0001")))
    near_decision, far_decision = decide(one, now=NOW), decide(far, now=NOW)
    assert (far_decision.volume or 0) <= (near_decision.volume or 0)


def reserved_by(one: RiskCase, decision: Decision) -> Reservation:
    """What the order of an approved decision reserves, out of the columns that are kept of it."""
    facts = SimpleNamespace(policy=one.policy, specs=one.specs, tick=one.tick)
    order = order_of(Opening(1, one.proposal), UUID(int=1), decision, facts, now=NOW)
    return Reservation(
        order.symbol,
        order.side,
        order.volume,
        order.reserved_risk,
        order.reserved_margin,
        order.reserved_price or order.price,
        kind=order.kind,
    )


def drained(one: RiskCase) -> tuple[RiskCase, int]:
    """Let the same signal come again and again, each approval reserved, until one is denied."""
    approved = 0
    while (decision := decide(one, now=NOW)).approved:
        approved += 1
        one = replace(one, reservations=(*one.reservations, reserved_by(one, decision)))
    return one, approved


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (RiskPolicy(max_positions=3), DenialCode.MAX_POSITIONS_REACHED),
        (RiskPolicy(max_total_exposure_percent=D("3.5")), DenialCode.OPEN_RISK_EXCEEDED),
        (RiskPolicy(max_daily_loss_percent=D(3)), DenialCode.DAILY_LOSS_BUDGET_EXCEEDED),
        (RiskPolicy(max_drawdown_percent=D(3)), DenialCode.DRAWDOWN_BUDGET_EXCEEDED),
        (RiskPolicy(max_correlated_risk_percent=D(3)), DenialCode.CORRELATED_RISK_EXCEEDED),
        (RiskPolicy(max_leverage=D(7)), DenialCode.LEVERAGE_EXCEEDED),
        (RiskPolicy(max_currency_exposure_percent=D(700)), DenialCode.CURRENCY_EXPOSURE_EXCEEDED),
        (RiskPolicy(min_margin_level_percent=D(1500)), DenialCode.MARGIN_LEVEL_TOO_LOW),
        (RiskPolicy(margin_reserve_percent=D(93)), DenialCode.MARGIN_INSUFFICIENT),
    ],
)
def test_with_headroom_for_three_exactly_three_are_approved(policy, code):
    full_, approved = drained(case(policy=policy))
    assert approved == 3
    assert decide(full_, now=NOW).code is code


@given(one=cases, leverage=st.decimals("1", "40", places=1))
@settings(max_examples=60)
def test_no_run_of_approvals_passes_a_limit(one, leverage):
    last, _ = drained(replace(one, policy=replace(one.policy, max_positions=40, max_leverage=leverage)))
    money, policy = last.account, last.policy
    assert money is not None
    held_risk = sum((of_position(p, specs[p.symbol], policy).risk for p in last.positions), D(0))
    reserved = sum((kept.risk for kept in last.reservations), D(0))
    if reserved:
        assert held_risk + reserved <= money.equity * policy.max_total_exposure_percent / 100
        assert last.day is not None
        assert policy.max_daily_loss_percent is not None
        assert money.equity - held_risk - reserved >= last.day.anchor * (1 - policy.max_daily_loss_percent / 100)
        assert policy.max_leverage is not None
        held_worth = sum((of_position(p, specs[p.symbol], policy).notional for p in last.positions), D(0))
        on_their_way = sum((notional(eurusd(), D("1.1"), kept.volume) for kept in last.reservations), D(0))
        assert held_worth + on_their_way <= money.equity * policy.max_leverage


prices = st.decimals("0.00001", "3", places=5)
odd = st.fixed_dictionaries(
    {},
    optional={
        "account": st.none()
        | st.builds(
            lambda balance, equity, margin: account(str(balance), str(equity), margin=margin, leverage=None),
            st.decimals("-100", "100", places=2),
            st.decimals("-100", "100000", places=2),
            st.decimals("0", "500", places=2),
        ),
        "tick": st.none() | st.builds(lambda bid, ask: tick(bid=str(bid), ask=str(ask)), prices, prices),
        "specs": st.sampled_from(
            [(), (eurusd(tick_value_loss=D(0)),), (gbpusd(),), (eurusd(commission_per_lot=D(7)),)]
        ),
        "positions": st.lists(held, max_size=3).map(tuple),
        "reconciled": st.booleans(),
        "policy": st.sampled_from(
            [
                RiskPolicy(),
                RiskPolicy(require_stop=False, min_risk_reward=None),
                RiskPolicy(max_daily_loss_percent=None, max_drawdown_percent=None, max_correlated_risk_percent=None),
                RiskPolicy(max_portfolio_risk_percent=D(1), max_currency_exposure_percent=D(1)),
            ]
        ),
        "nav": st.just(open_nav(D(0), D(0), TODAY.day)),
        "ea_loss_per_lot": st.decimals("-10", "1000", places=2),
        "ea_margin_per_lot": st.decimals("0", "1000", places=2),
        "proposal": st.builds(
            lambda order, side, entry, stop, target, mode, value, volume: proposal(
                order_type=order,
                side=side,
                entry=entry,
                stop=stop,
                target=target,
                volume=volume,
                sizing=SizingChoice(mode, value),
            ),
            st.sampled_from(OrderType),
            st.sampled_from(Side),
            st.none() | prices,
            st.none() | prices,
            st.none() | prices,
            st.sampled_from(SizingMode),
            st.decimals("0.01", "100", places=2),
            st.none() | st.decimals("0.01", "10", places=2),
        ),
    },
)


@given(changes=odd)
@settings(max_examples=300)
def test_whatever_is_missing_or_odd_the_answer_is_a_decision(changes):
    one = case(**changes)
    decision = decide(one, now=NOW)
    assert decision.approved == (decision.code is None)
    assert not decision.approved or all(gate.passed for gate in decision.gates)
    assert replay(json.loads(json.dumps(decision_record(one, decision)))).digest == decision.digest


def test_every_field_of_a_decision_is_in_its_record():
    assert set(decide(case(), now=NOW).to_record()) == {field.name for field in fields(Decision)}
