from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.legacy_risk import decide_legacy
from rubi.domain.risk.case import Proposal, RiskCase, TradingStates
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.gates import GATES
from rubi.domain.risk.holdings import OpenPosition
from rubi.domain.risk.loss import DayState
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.units import Side

NOW = datetime(2025, 10, 23, 10, 0, tzinfo=UTC)
D = Decimal
ACCOUNT = AccountSnapshot(D(10000), D(10000), D(0), D(10000), "USD", NOW, NOW)
PROPOSAL = Proposal("EURUSD", Side.BUY, NOW, entry=D("1.1"), stop=D("1.095"), target=D("1.11"), volume=D("0.1"))
CASE = RiskCase(PROPOSAL, RiskPolicy(), ACCOUNT, None, (), reconciled=False)
prices = st.decimals(D("0.5"), D(2), places=5)


def decide(case=CASE, **proposal):
    return decide_legacy(replace(case, proposal=replace(case.proposal, **proposal)), now=NOW)


def test_the_signals_own_volume_is_the_upper_bound():
    decision = decide()
    assert (decision.approved, decision.volume, decision.risk) == (True, D("0.1"), None)


def test_every_gate_is_in_the_record_and_the_blind_ones_say_why():
    gates = {gate.gate: gate for gate in decide().gates}
    assert len(gates) == len(GATES)
    assert all(gate.result for gate in gates.values() if gate.passed is None)
    assert gates["open_risk"].passed is None


def test_max_lot_caps_the_volume():
    case = replace(CASE, policy=RiskPolicy(max_lot=D("0.05")))
    assert decide(case).volume == D("0.05")


def test_a_halted_account_an_unknown_order_and_too_many_positions_deny():
    held = OpenPosition("EURUSD", Side.BUY, D("0.1"), D("1.1"), D("1.1"))
    halted = replace(CASE, states=TradingStates(account=TradingState.HALTED))
    assert decide(halted).code is DenialCode.ACCOUNT_HALTED
    assert decide(replace(CASE, unknown_order=True)).code is DenialCode.SYMBOL_HAS_UNKNOWN_ORDER
    assert decide(replace(CASE, positions=(held,) * 10)).code is DenialCode.MAX_POSITIONS_REACHED


def test_opposite_positions_count_without_a_specification():
    held = OpenPosition("EURUSD", Side.SELL, D("0.1"), D("1.1"), D("1.1"))
    case = replace(CASE, policy=RiskPolicy(allow_opposite=False), positions=(held,))
    assert decide(case).code is DenialCode.OPPOSITE_POSITION_OPEN


def test_figures_may_be_two_minutes_old_and_there_must_be_equity():
    late = replace(CASE, account=replace(ACCOUNT, received_at=NOW - timedelta(seconds=121)))
    assert decide(late).code is DenialCode.STALE_ACCOUNT
    assert decide(replace(CASE, account=None)).code is DenialCode.STALE_ACCOUNT
    assert decide(replace(CASE, account=replace(ACCOUNT, equity=D(0)))).code is DenialCode.ACCOUNT_WITHOUT_EQUITY


def test_the_days_loss_counts_where_its_anchor_is_known():
    day = DayState(NOW.date(), NOW - timedelta(hours=10), NOW + timedelta(hours=14), D(10000))
    lost = replace(CASE, day=day, account=replace(ACCOUNT, equity=D(9500)))
    assert decide(lost).code is DenialCode.DAILY_LOSS_REACHED
    assert decide(replace(CASE, day=day)).approved


@given(entry=prices | st.none(), stop=prices | st.none(), target=prices | st.none(), side=st.sampled_from(Side))
def test_what_is_approved_has_its_stop_and_target_on_their_sides(entry, stop, target, side):
    decision = decide(entry=entry, stop=stop, target=target, side=side)
    if not decision.approved:
        assert decision.code is not None
        assert decision.volume is None
        return
    assert stop is not None
    if entry is not None:
        assert (entry - stop) * side.sign > 0
    if target is not None:
        assert (target - stop) * side.sign > 0
    if entry is not None and target is not None:
        assert abs(target - entry) >= D("1.5") * abs(entry - stop)
