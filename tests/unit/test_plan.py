"""Plans: stops that only move toward profit, parts that the grid can hold."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import eurusd, tick

from rubi.domain.plan import BreakEven, Held, MoveStop, PlanRules, TakePart, Target, Trailing, next_step, plan_of
from rubi.domain.units import Side, on_grid

SPEC = eurusd()
LONG = Held(Side.BUY, D("1.10000"), D("0.20"), D("0.20"), D("1.09500"))
SHORT = Held(Side.SELL, D("1.10000"), D("0.20"), D("0.20"), D("1.10500"))
TRAIL = PlanRules(trailing=Trailing(D(200), D(20), D(0)))
EVEN = PlanRules(break_even=BreakEven(D(300), D(10)))


def at(bid):
    return tick(bid=bid, ask=str(D(bid) + D("0.00002")))


def step(rules, held, bid, spec=SPEC, done=()):
    return next_step(rules, held, at(bid), spec, frozenset(done))


def test_the_stop_follows_the_price_at_its_distance():
    assert step(TRAIL, LONG, "1.10300") == MoveStop(D("1.10100"), "trailing")
    assert step(TRAIL, SHORT, "1.09698") == MoveStop(D("1.09900"), "trailing")


def test_the_stop_moves_in_steps_and_never_backwards():
    held = replace(LONG, stop=D("1.10100"))
    assert step(TRAIL, held, "1.10319") is None
    assert step(TRAIL, held, "1.10320") == MoveStop(D("1.10120"), "trailing")
    assert step(TRAIL, held, "1.10000") is None


def test_trailing_begins_where_it_was_told_to():
    rules = PlanRules(trailing=Trailing(D(200), D(20), D(500)))
    assert step(rules, LONG, "1.10499") is None
    assert step(rules, LONG, "1.10500") == MoveStop(D("1.10300"), "trailing")


def test_the_stop_goes_to_the_entry_and_a_little_beyond():
    assert step(EVEN, LONG, "1.10299") is None
    assert step(EVEN, LONG, "1.10300") == MoveStop(D("1.10010"), "break_even")
    assert step(EVEN, replace(LONG, stop=D("1.10010")), "1.10400") is None
    assert step(EVEN, SHORT, "1.09690") == MoveStop(D("1.09990"), "break_even")


def test_of_two_rules_the_better_stop_counts():
    both = PlanRules(trailing=TRAIL.trailing, break_even=EVEN.break_even)
    assert step(both, LONG, "1.10300").why == "trailing"
    assert step(replace(both, trailing=Trailing(D(400), D(20))), LONG, "1.10300").why == "break_even"


def test_the_brokers_distance_is_kept_and_a_frozen_stop_is_left_alone():
    far = eurusd(stops_level=250)
    assert step(TRAIL, LONG, "1.10300", far) == MoveStop(D("1.10050"), "trailing")
    frozen = eurusd(freeze_level=100)
    assert step(TRAIL, replace(LONG, stop=D("1.10210")), "1.10300", frozen) is None


def test_a_part_is_closed_at_each_target_and_the_rest_that_cannot_be_held_with_it():
    rules = PlanRules(targets=(Target(D("1.11"), D(50)), Target(D("1.12"), D(30))))
    assert step(rules, LONG, "1.10999") is None
    assert step(rules, LONG, "1.11000") == TakePart(0, D("0.10"), whole=False)
    left = replace(LONG, volume=D("0.10"))
    assert step(rules, left, "1.12000", done=[0]) == TakePart(1, D("0.06"), whole=False)
    assert step(rules, replace(LONG, volume=D("0.06")), "1.12000", done=[0]) == TakePart(1, D("0.06"), whole=True)
    small = replace(LONG, opened=D("0.01"), volume=D("0.01"))
    assert step(rules, small, "1.12000") is None  # half of the smallest volume cannot be closed


def test_the_plan_of_a_signal_leaves_the_last_target_to_the_broker():
    targets = [{"price": "1.12", "share": "50"}, {"price": "1.11", "share": "50"}]
    rules, held = plan_of({"take_profits": targets}, Side.BUY, D("1.12"))
    assert (rules.targets, held) == ((Target(D("1.11"), D(50)),), D("1.12"))
    rules, held = plan_of({"take_profits": targets}, Side.BUY, D("1.13"))
    assert (len(rules.targets), held) == (2, D("1.13"))
    rules, held = plan_of({"take_profits": [{"price": "1.11", "share": "40"}]}, Side.BUY, D("1.11"))
    assert (rules.targets, held) == ((Target(D("1.11"), D(40)),), None)
    assert plan_of({"take_profits": [{"price": "1.11"}]}, Side.BUY, D("1.11")) == (None, D("1.11"))
    assert plan_of({}, Side.BUY, D("1.11")) == (None, D("1.11"))
    rules, _ = plan_of({"take_profits": [{"price": "1.09"}, {"price": "1.08"}, {"price": "1.07"}]}, Side.SELL, None)
    assert [each.price for each in rules.targets] == [D("1.09"), D("1.08")]
    assert sum(each.share for each in rules.targets) == pytest.approx(D(200) / 3)


def test_rules_are_stored_and_read_again():
    rules, _ = plan_of(
        {"trailing": {"distance": "200"}, "break_even": {"trigger": "300", "offset": "10"}}, Side.BUY, None
    )
    assert rules.trailing == Trailing(D(200), D(20), D(0))
    assert PlanRules.from_dict(rules.to_dict()) == rules


@given(
    st.lists(st.integers(109000, 111500), min_size=1, max_size=40),
    st.sampled_from([LONG, SHORT]),
    st.integers(0, 300),
    st.integers(1, 400),
)
def test_whatever_the_price_does_the_stop_only_moves_toward_profit_and_stays_behind_it(prices, held, level, distance):
    spec = eurusd(stops_level=level)
    rules = PlanRules(trailing=Trailing(D(distance), D(5)), break_even=EVEN.break_even)
    for price in prices:
        quote = at(str(D(price) / 100000))
        move = next_step(rules, held, quote, spec, frozenset())
        if move is None:
            continue
        closing = quote.closing(held.side)
        assert (move.price - held.stop) * held.side.sign > 0
        assert (closing - move.price) * held.side.sign >= max(level, 1) * spec.point
        assert on_grid(move.price, spec.tick_size)
        held = replace(held, stop=move.price)
