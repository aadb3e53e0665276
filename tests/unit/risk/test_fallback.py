"""What holds while a stored policy cannot."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.risk.fallback import LOSS_LIMITS, policy_or_fallback
from rubi.domain.risk.policy import PolicyError, RiskPolicy


def test_a_policy_that_can_hold_is_itself():
    policy = RiskPolicy(version=3, max_positions=4, flatten_on_breach=True)
    assert policy_or_fallback(policy.to_dict()) == (policy, None)


def test_what_cannot_hold_has_its_default_and_the_rest_stays():
    stored = RiskPolicy(version=7, max_daily_loss_percent=D(3), flatten_on_breach=True).to_dict()
    policy, fault = policy_or_fallback(stored | {"max_signal_age_seconds": 10**9, "max_positions": 10**6})
    assert fault is not None
    assert fault.field in {"max_signal_age_seconds", "max_positions"}
    assert policy == RiskPolicy(version=7, max_daily_loss_percent=D(3), flatten_on_breach=True)


def test_a_part_of_a_parameter_takes_the_whole_with_it():
    guard = {"stops": 3, "window_seconds": 10**9, "lock_seconds": 60, "scope": "ACCOUNT"}
    policy, fault = policy_or_fallback(RiskPolicy(max_positions=4).to_dict() | {"stop_guard": guard})
    assert (fault.field, policy.stop_guard, policy.max_positions) == ("stop_guard.window_seconds", None, 4)


def test_nothing_is_closed_for_a_loss_limit_that_the_account_never_had():
    stored = RiskPolicy(flatten_on_breach=True).to_dict() | {"max_daily_loss_percent": "150"}
    policy, fault = policy_or_fallback(stored)
    assert (fault.field, policy.max_daily_loss_percent) == ("max_daily_loss_percent", D(5))
    assert not policy.flatten_on_breach


def test_what_does_not_go_together_gives_way_to_the_defaults():
    stored = RiskPolicy(version=5, flatten_on_breach=True).to_dict() | {"max_total_exposure_percent": "1"}
    policy, fault = policy_or_fallback(stored)
    assert (fault.field, policy) == ("max_position_size_percent", RiskPolicy(version=5))


@pytest.mark.parametrize("stored", [{"from_another_time": 1}, {"sizing_mode": "LUCK", "day_zone": "Mars/Base"}])
def test_unknown_words_are_faults_too(stored):
    policy, fault = policy_or_fallback(stored)
    assert isinstance(fault, PolicyError)
    assert policy == RiskPolicy()


names = st.sampled_from(sorted(RiskPolicy().to_dict()))
odd = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("1e99") | st.lists(st.integers())


@given(st.dictionaries(names, odd, max_size=6))
def test_whatever_is_stored_something_holds(changes):
    stored = RiskPolicy().to_dict() | changes | {"version": 2}
    policy, fault = policy_or_fallback(stored)
    assert policy.version == 2
    if fault is not None and fault.parameter in LOSS_LIMITS:
        assert not policy.flatten_on_breach
