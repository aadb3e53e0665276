from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, eurusd, proposal, us30, usdjpy, xauusd

from rubi.domain.risk.case import SizingChoice
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.gates import decide
from rubi.domain.risk.policy import BelowMinimum, RiskBasis, RiskPolicy, SizingMode
from rubi.domain.risk.sizing import Denial, Sized, SizeRequest, basis, loss_per_lot, size, tick_value_gap
from rubi.domain.units import on_grid

WIDE = RiskPolicy(max_position_size_percent=D(100), max_total_exposure_percent=D(100))


def ask(entry="1.10000", stop="1.09500", value="1", mode=SizingMode.RISK_PERCENT, **changes) -> SizeRequest:
    return SizeRequest(entry=D(entry), stop=None if stop is None else D(stop), mode=mode, value=D(value), **changes)


def test_eurusd_one_percent_of_ten_thousand_at_fifty_pips_is_a_fifth_of_a_lot():
    sized = size(ask(), WIDE, account("10000"), eurusd())
    assert isinstance(sized, Sized)
    assert (sized.loss_per_lot, sized.volume, sized.risk) == (500, D("0.20"), D("100.00"))


def test_commission_is_part_of_the_loss():
    sized = size(ask(), WIDE, account("10000"), eurusd(commission_per_lot=D(7)))
    assert isinstance(sized, Sized)
    assert (sized.loss_per_lot, sized.volume, sized.risk) == (507, D("0.19"), D("96.33"))


def test_usdjpy_needs_the_snap_because_two_thirds_is_not_a_decimal():
    sized = size(ask("150.000", "149.600", "2"), WIDE, account("10000"), usdjpy())
    assert isinstance(sized, Sized)
    assert sized.volume == D("0.75")
    assert sized.risk == D("200.00")


def test_a_snap_never_passes_the_budget_by_a_visible_amount():
    big = eurusd(volume_min=D(1), volume_step=D(1), tick_value_loss=D(2000))
    sized = size(ask(value="2999999.99", mode=SizingMode.MONEY), WIDE, account(), big)
    assert isinstance(sized, Sized)
    assert (sized.loss_per_lot, sized.volume) == (1000000, 2)
    denial = size(ask(value="999999.99", mode=SizingMode.MONEY), WIDE, account(), big)
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.VOLUME_BELOW_MINIMUM


def test_the_remainder_of_a_terminals_double_is_not_a_cent_of_risk():
    spec = usdjpy(tick_value_loss=D("0.6666666666666667"))
    sized = size(ask("150.000", "149.600", "2"), WIDE, account("10000"), spec)
    assert isinstance(sized, Sized)
    assert sized.volume * sized.loss_per_lot > 200
    assert (sized.volume, sized.risk) == (D("0.75"), D("200.00"))


def test_gold_with_a_five_dollar_stop():
    sized = size(ask("2000.00", "1995.00"), WIDE, account("5000"), xauusd())
    assert isinstance(sized, Sized)
    assert sized.volume == D("0.10")


def test_an_index_whose_smallest_volume_is_too_big_is_denied():
    denial = size(ask("35000", "34880"), WIDE, account("1000"), us30())
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.VOLUME_BELOW_MINIMUM
    assert denial.detail == "The smallest volume 0.1 would lose 12.00 at the stop; the budget is 10.00."


def test_a_small_account_cannot_buy_a_hundredth_of_a_lot():
    denial = size(ask(), WIDE, account("200"), eurusd())
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.VOLUME_BELOW_MINIMUM
    assert D(denial.inputs["raw_volume"]) == D("0.004")


def test_the_minimum_is_taken_only_within_its_factor():
    lenient = replace(WIDE, below_minimum=BelowMinimum.USE_MINIMUM, below_minimum_factor=D("1.2"))
    taken = size(ask("35000", "34880"), lenient, account("1000"), us30())
    assert isinstance(taken, Sized)
    assert (taken.volume, taken.risk) == (D("0.1"), D("12.00"))
    strict = replace(lenient, below_minimum_factor=D("1.19"))
    assert isinstance(size(ask("35000", "34880"), strict, account("1000"), us30()), Denial)


def test_slippage_adds_ticks_to_the_loss():
    assert loss_per_lot(eurusd(), D("1.1"), D("1.095"), D(10)) == 510
    sized = size(ask(), replace(WIDE, slippage_ticks=D(10)), account("10000"), eurusd())
    assert isinstance(sized, Sized)
    assert sized.volume == D("0.19")


def test_a_tick_value_that_the_terminal_contradicts_is_denied():
    denial = size(ask(ea_loss_per_lot=D("510.3")), WIDE, account(), eurusd())
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.TICK_VALUE_INCONSISTENT
    assert "510.30" in denial.detail
    assert "500.00" in denial.detail


def test_within_the_tolerance_the_larger_loss_counts():
    sized = size(ask(ea_loss_per_lot=D(509)), WIDE, account("10000"), eurusd())
    assert isinstance(sized, Sized)
    assert (sized.loss_per_lot, sized.volume) == (509, D("0.19"))
    smaller = size(ask(ea_loss_per_lot=D(495)), WIDE, account("10000"), eurusd())
    assert isinstance(smaller, Sized)
    assert smaller.loss_per_lot == 500


@pytest.mark.parametrize(("stated", "gap"), [("0", "100"), ("-5", "100"), ("400", "25"), ("500", "0")])
def test_the_gap_is_a_percent_of_what_the_terminal_states(stated, gap):
    assert tick_value_gap(D(500), D(stated)) == D(gap)


def test_a_tick_value_of_zero_is_denied():
    denial = size(ask(), WIDE, account(), eurusd(tick_value_loss=D(0)))
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.LOSS_NOT_POSITIVE


@pytest.mark.parametrize(
    ("choice", "money"),
    [
        (RiskBasis.BALANCE, "10000"),
        (RiskBasis.EQUITY, "9000"),
        (RiskBasis.MIN_BALANCE_EQUITY, "9000"),
        (RiskBasis.FREE_MARGIN, "7000"),
        (RiskBasis.FIXED_CAPITAL, "50000"),
    ],
)
def test_the_basis_of_a_percent_is_chosen(choice, money):
    policy = RiskPolicy(risk_basis=choice, fixed_capital=D(50000))
    assert basis(policy, account("10000", "9000", margin_free=D(7000))) == D(money)


def test_a_negative_basis_is_nothing():
    assert basis(RiskPolicy(), account("10000", "-5")) == 0


@pytest.mark.parametrize(
    ("mode", "value", "volume"),
    [
        (SizingMode.MONEY, "75", "0.15"),
        (SizingMode.FIXED_LOTS, "0.37", "0.37"),
        (SizingMode.LOTS_PER_BALANCE, "0.01", "0.10"),
        (SizingMode.MARGIN_PERCENT, "5", "0.45"),
    ],
)
def test_every_mode_gives_its_volume(mode, value, volume):
    sized = size(ask(value=value, mode=mode, margin_per_lot=D(1100)), WIDE, account("10000"), eurusd())
    assert isinstance(sized, Sized)
    assert sized.volume == D(volume)
    assert sized.risk == D(volume) * 500


def test_the_signals_own_volume_is_capped_by_risk():
    small = size(ask(mode=SizingMode.SIGNAL_VOLUME, own_volume=D("0.05")), WIDE, account(), eurusd())
    large = size(ask(mode=SizingMode.SIGNAL_VOLUME, own_volume=D(5)), WIDE, account(), eurusd())
    assert isinstance(small, Sized)
    assert isinstance(large, Sized)
    assert (small.volume, large.volume) == (D("0.05"), D("0.20"))
    assert (small.capped_by, large.capped_by) == ("", "budget")
    limited = size(ask(mode=SizingMode.SIGNAL_VOLUME, own_volume=D(5)), WIDE, account(), eurusd(volume_max=D("0.1")))
    assert isinstance(limited, Sized)
    assert (limited.volume, limited.capped_by) == (D("0.1"), "volume_max")


def test_modes_say_what_they_lack():
    own = size(ask(mode=SizingMode.SIGNAL_VOLUME), WIDE, account(), eurusd())
    margin = size(ask(mode=SizingMode.MARGIN_PERCENT), WIDE, account(), eurusd())
    assert isinstance(own, Denial)
    assert isinstance(margin, Denial)
    assert (own.code, margin.code) == (DenialCode.VOLUME_REQUIRED, DenialCode.MARGIN_UNKNOWN)


@pytest.mark.parametrize("mode", [SizingMode.RISK_PERCENT, SizingMode.MONEY])
def test_a_risk_budget_needs_a_stop_whatever_the_policy_says(mode):
    lenient = replace(WIDE, require_stop=False)
    denial = size(ask(stop=None, mode=mode, assumed_loss_per_lot=D(1000)), lenient, account(), eurusd())
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.STOP_REQUIRED


def test_fixed_lots_without_a_stop_need_the_policys_leave_and_an_assumed_loss():
    request = ask(stop=None, value="0.10", mode=SizingMode.FIXED_LOTS, assumed_loss_per_lot=D(1000))
    assert isinstance(size(request, WIDE, account(), eurusd()), Denial)
    sized = size(request, replace(WIDE, require_stop=False), account(), eurusd())
    assert isinstance(sized, Sized)
    assert sized.risk == D("100.00")


@pytest.mark.parametrize(
    ("changes", "already", "volume", "cap"),
    [
        ({"volume_max": D("0.15")}, "0", "0.15", "volume_max"),
        ({"volume_limit": D("0.50")}, "0.38", "0.12", "volume_limit"),
        ({}, "0", "0.20", ""),
    ],
)
def test_the_brokers_caps_hold(changes, already, volume, cap):
    sized = size(ask(already=D(already)), WIDE, account(), eurusd(**changes))
    assert isinstance(sized, Sized)
    assert (sized.volume, sized.capped_by) == (D(volume), cap)


def test_the_policys_own_cap_holds():
    sized = size(ask(), replace(WIDE, max_lot=D("0.118")), account(), eurusd())
    assert isinstance(sized, Sized)
    assert (sized.volume, sized.capped_by) == (D("0.11"), "max_lot")


def test_a_used_up_direction_is_denied():
    denial = size(ask(already=D("0.50")), WIDE, account(), eurusd(volume_limit=D("0.50")))
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.VOLUME_LIMIT_REACHED


specs = st.builds(
    lambda minimum, step, tick_value, commission, limit: eurusd(
        volume_min=minimum,
        volume_step=step,
        volume_max=minimum + 500 * step,
        volume_limit=limit,
        tick_value_loss=tick_value,
        commission_per_lot=commission,
    ),
    st.sampled_from([D("0.01"), D("0.1"), D("0.05"), D(1)]),
    st.sampled_from([D("0.01"), D("0.1"), D("0.05"), D(1)]),
    st.one_of(st.decimals("0.1", "20", places=5), st.sampled_from([D(2) / D(3), D(100) / D(157)])),
    st.decimals("0", "15", places=2),
    st.sampled_from([D(0), D("0.35"), D(2)]),
)
stops = st.integers(50, 20000).map(lambda ticks: D("1.10000") - ticks * D("0.00001"))
percents = st.decimals("0.01", "10", places=2)
balances = st.decimals("10", "1000000", places=2)


@given(spec=specs, stop=stops, percent=percents, balance=balances, lots=st.none() | st.decimals("0.02", "5", places=3))
def test_a_size_is_on_the_grid_within_its_budget_and_under_every_cap(spec, stop, percent, balance, lots):
    policy = replace(WIDE, max_lot=lots)
    sized = size(ask(stop=str(stop), value=str(percent)), policy, account(str(balance)), spec)
    if isinstance(sized, Denial):
        assert sized.code in {DenialCode.VOLUME_BELOW_MINIMUM, DenialCode.VOLUME_LIMIT_REACHED}
        return
    assert sized.budget is not None
    assert on_grid(sized.volume, spec.volume_step, spec.volume_min)
    assert spec.volume_min <= sized.volume <= spec.volume_max
    assert lots is None or sized.volume <= lots
    assert not spec.volume_limit or sized.volume <= spec.volume_limit
    assert sized.volume * sized.loss_per_lot <= sized.budget + D("0.0001")
    assert sized.risk <= sized.budget
    assert sized.risk >= sized.volume * sized.loss_per_lot - D("0.0001")


@given(spec=specs, near=stops, far=stops, percent=percents, balance=balances)
def test_a_farther_stop_never_gives_more_lots(spec, near, far, percent, balance):
    near, far = max(near, far), min(near, far)
    volumes = [
        sized.volume if isinstance(sized, Sized) else D(0)
        for stop in (near, far)
        for sized in [size(ask(stop=str(stop), value=str(percent)), WIDE, account(str(balance)), spec)]
    ]
    assert volumes[0] >= volumes[1]


@given(spec=specs, stop=stops, percent=percents, balance=balances)
def test_the_next_step_would_break_the_budget_or_a_cap(spec, stop, percent, balance):
    sized = size(ask(stop=str(stop), value=str(percent)), WIDE, account(str(balance)), spec)
    if isinstance(sized, Sized) and not sized.capped_by:
        assert (sized.volume + spec.volume_step) * sized.loss_per_lot > sized.budget


def test_the_record_says_whether_the_tick_value_was_checked_by_the_terminal():
    def size_gate(decision):
        return next(gate for gate in decision.gates if gate.gate == "size")

    assert size_gate(decide(case(), now=NOW)).inputs["tick_value_check"] == "none"
    assert size_gate(decide(case(ea_loss_per_lot=D(500)), now=NOW)).inputs["tick_value_check"] == "terminal"


def test_a_policy_may_want_the_terminals_own_computation():
    careful = RiskPolicy(require_terminal_quote=True)
    assert decide(case(policy=careful), now=NOW).code is DenialCode.TERMINAL_QUOTE_REQUIRED
    assert decide(case(policy=careful, ea_loss_per_lot=D(500)), now=NOW).approved
    bare = replace(proposal(), stop=None)
    assert decide(case(policy=careful, proposal=bare), now=NOW).code is DenialCode.STOP_REQUIRED
    lots = SizingChoice(SizingMode.FIXED_LOTS, D("0.01"))
    unguarded = case(policy=replace(careful, require_stop=False), proposal=replace(bare, sizing=lots))
    assert decide(unguarded, now=NOW).code is DenialCode.TERMINAL_QUOTE_REQUIRED
