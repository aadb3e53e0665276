from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.units import (
    EXACT,
    Side,
    ceil_money,
    exact,
    floor_money,
    on_grid,
    percent_of,
    round_to_grid,
    snap_volume,
    whole_steps,
)

STEPS = st.sampled_from([D("0.01"), D("0.1"), D(1), D("0.001"), D("0.05"), D("0.25")])


def test_floats_give_a_wrong_lot_and_decimals_do_not():
    assert int(0.29 / 0.01) == 28
    assert snap_volume(D("0.29"), minimum=D("0.01"), step=D("0.01")) == D("0.29")


def test_money_is_floored_for_budgets_and_raised_for_risks():
    assert floor_money(D("96.339")) == D("96.33")
    assert ceil_money(D("96.331")) == D("96.34")
    assert floor_money(D("-0.001")) == D("-0.01")
    assert floor_money(D("150.9"), 0) == D(150)
    assert percent_of(D("1234.56"), D("1.5")) == D("18.51")


def test_a_step_count_within_a_hundred_millionth_of_an_integer_is_that_integer():
    assert whole_steps(D("73.999999999")) == 74
    assert whole_steps(D("73.9999")) == 73
    assert whole_steps(D("74.000000001")) == 74


def test_a_volume_below_the_minimum_is_nothing():
    assert snap_volume(D("0.004"), minimum=D("0.01"), step=D("0.01")) == 0


def test_the_grid_begins_at_the_minimum():
    assert snap_volume(D("0.34"), minimum=D("0.05"), step=D("0.1")) == D("0.25")


@pytest.mark.parametrize("step", [D(0), D(-1)])
def test_a_step_that_is_not_positive_is_refused(step):
    with pytest.raises(ValueError, match="must be positive"):
        snap_volume(D(1), minimum=D(1), step=step)
    with pytest.raises(ValueError, match="must be positive"):
        round_to_grid(D(1), step)


def test_the_opposite_of_a_side_has_the_other_sign():
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert Side.BUY.sign == -Side.SELL.sign == 1


def test_exact_arithmetic_does_not_depend_on_the_process():
    with exact():
        assert D(1) / D(3) == EXACT.divide(D(1), D(3))


@given(volume=st.decimals("0", "1000", places=6), minimum=STEPS, step=STEPS)
def test_a_snapped_volume_is_on_the_grid_and_not_above_what_was_asked(volume, minimum, step):
    snapped = snap_volume(volume, minimum=minimum, step=step)
    if snapped == 0:
        assert volume < minimum
    else:
        assert on_grid(snapped, step, minimum)
        assert snapped <= volume + step * D("1e-8")
        assert volume - snapped < step


@given(price=st.decimals("0.00001", "100000", places=7), step=STEPS)
def test_a_price_is_rounded_to_the_nearest_tick(price, step):
    rounded = round_to_grid(price, step)
    assert on_grid(rounded, step)
    assert abs(rounded - price) <= step / 2
