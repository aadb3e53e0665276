import json
from decimal import Decimal as D

import pytest

from rubi.domain.errors import NotFoundError
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.policy import (
    DrawdownMode,
    LimitBase,
    LowProfitGuard,
    PolicyError,
    RiskBasis,
    RiskPolicy,
    SizingMode,
    StopGuard,
)
from rubi.domain.risk.profiles import apply, profiles
from rubi.domain.symbol import SessionWindow


def test_the_defaults_are_those_of_the_specification():
    policy = RiskPolicy()
    assert (
        policy.max_position_size_percent,
        policy.max_total_exposure_percent,
        policy.max_daily_loss_percent,
        policy.max_drawdown_percent,
        policy.min_risk_reward,
        policy.max_positions,
        policy.min_margin_level_percent,
    ) == (2, 10, 5, 20, D("1.5"), 10, 200)


def test_a_policy_survives_json():
    policy = RiskPolicy(
        max_lot=D("0.50"),
        stop_guard=StopGuard(3, 60, 60),
        low_profit_guard=LowProfitGuard(4, 3600, D("-5.5"), 60),
        trading_sessions=(SessionWindow(0, 0, 3600),),
        symbols_allowed=("EURUSD",),
        day_zone="Europe/Prague",
    )
    stored = json.loads(json.dumps(policy.to_dict()))
    assert stored["max_lot"] == "0.50"
    assert RiskPolicy.from_dict(stored) == policy
    assert RiskPolicy.from_dict({}) == RiskPolicy()


def test_numbers_may_come_as_json_numbers():
    assert RiskPolicy.from_dict({"min_risk_reward": 1.1, "max_positions": 3}).min_risk_reward == D("1.1")


def test_an_unknown_parameter_is_refused_by_name():
    with pytest.raises(PolicyError, match="max_dayly_loss: unknown; known are allow_opposite") as caught:
        RiskPolicy.from_dict({"max_dayly_loss": 5})
    assert (caught.value.code, caught.value.field) == ("POLICY_INVALID", "max_dayly_loss")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"max_positions": 0}, "max_positions: is 0; it must be above 0"),
        ({"max_positions": "3"}, "max_positions: must be a whole number, not '3'"),
        ({"max_positions": True}, "max_positions: must be a whole number, not True"),
        ({"max_daily_loss_percent": "101"}, "must be above 0 and at most 100 percent"),
        ({"max_daily_loss_percent": "five"}, "max_daily_loss_percent: must be a number, not 'five'"),
        ({"max_daily_loss_percent": "NaN"}, "must be a finite number"),
        ({"slippage_ticks": -1}, "slippage_ticks: is -1; it must not be negative"),
        ({"sizing_mode": "MARTINGALE"}, "sizing_mode: 'MARTINGALE' is none of RISK_PERCENT, MONEY"),
        ({"sizing_value": "150"}, "sizing_value: is 150 percent; it must be at most 100"),
        ({"risk_basis": "FIXED_CAPITAL"}, "fixed_capital: is needed"),
        ({"max_position_size_percent": "11"}, "no order of that size could ever open"),
        ({"below_minimum_factor": "0.5"}, "must be at least 1"),
        ({"correlation_threshold": "1.1"}, "correlation_threshold: is 1.1"),
        ({"warn_at_percent": "99"}, "must not be above reduce_at_percent 95"),
        ({"daily_loss_base": "INITIAL"}, "initial_balance: is needed"),
        ({"day_anchor": "INITIAL"}, "initial_balance: is needed"),
        ({"day_reset_minutes": 1440}, "it must be 0 to 1439"),
        ({"day_zone": "Atlantis/Centre"}, "neither BROKER nor a known zone"),
        ({"session_zone": "../etc"}, "neither BROKER nor a known zone"),
        ({"stop_guard": {"stops": 0, "window_seconds": 1, "lock_seconds": 1}}, "stop_guard: its count"),
        ({"stop_guard": {"stops": 1}}, "stop_guard.window_seconds: missing"),
        ({"stop_guard": 3}, "stop_guard: must be an object, not int"),
        ({"trading_sessions": [{"weekday": 9, "opens": 0, "closes": 1}]}, "weekday is 0"),
        ({"symbols_blocked": "EURUSD"}, "symbols_blocked: must be a list, not 'EURUSD'"),
        ({"symbols_blocked": [1]}, "symbols_blocked.0.: must be text, not 1"),
        ({"require_stop": "yes"}, "require_stop: must be true or false, not 'yes'"),
        ({"cooldown_seconds": 10**12}, "cooldown_seconds: is 1000000000000; it must be at most 31622400 seconds"),
        ({"max_tick_age_seconds": 31622401}, "max_tick_age_seconds: .* at most 31622400 seconds"),
        (
            {"stop_guard": {"stops": 1, "window_seconds": 1, "lock_seconds": 10**9}},
            "stop_guard.lock_seconds: .* 31622400 seconds",
        ),
        ({"low_profit_guard": {"trades": 10**5, "window_seconds": 1, "min_profit": 0, "lock_seconds": 1}}, "10000"),
        ({"low_profit_guard": {"trades": 1, "window_seconds": 1, "min_profit": "1e40", "lock_seconds": 1}}, "10\\^12"),
        ({"max_lot": "1e40"}, "max_lot: is 1E\\+40; it must be below 10\\^12, with at most 8 decimals"),
        ({"sizing_value": "0.123456789"}, "sizing_value: is 0.123456789; it must be below 10"),
        ({"max_leverage": "1e-30"}, "max_leverage: .* at most 8 decimals"),
        ({"max_currency_exposure_percent": 100001}, "must be at most 100000 percent"),
        ({"min_margin_level_percent": "1e6"}, "min_margin_level_percent: .* at most 100000 percent"),
        ({"max_positions": 10001}, "max_positions: is 10001; it must be at most 10000"),
    ],
)
def test_a_policy_that_cannot_hold_says_why(data, message):
    with pytest.raises(PolicyError, match=message):
        RiskPolicy.from_dict(data)


def test_a_change_is_the_next_version():
    policy = RiskPolicy().changed(max_positions=3)
    assert (policy.version, policy.max_positions) == (2, 3)


def test_an_optional_limit_is_switched_off_by_null():
    policy = RiskPolicy.from_dict({"max_daily_loss_percent": None, "min_risk_reward": None})
    assert policy.max_daily_loss_percent is None
    assert policy.min_risk_reward is None


def test_every_profile_gives_a_policy_and_names_its_source():
    assert set(profiles()) == {"breakout-2-step", "ftmo-1-step", "ftmo-2-step", "the5ers-high-stakes"}
    for name, profile in profiles().items():
        assert profile.source.startswith("https://")
        policy = apply(name, RiskPolicy(max_positions=3), D(100000))
        assert (policy.version, policy.max_positions, policy.initial_balance) == (2, 3, 100000)


def test_a_profile_changes_the_loss_limits_only():
    base = RiskPolicy(sizing_mode=SizingMode.MONEY, sizing_value=D(50), risk_basis=RiskBasis.EQUITY)
    policy = apply("ftmo-2-step", base, D(100000))
    assert (policy.sizing_mode, policy.sizing_value, policy.risk_basis) == (SizingMode.MONEY, 50, RiskBasis.EQUITY)
    assert (policy.drawdown_mode, policy.daily_loss_base) == (DrawdownMode.STATIC, LimitBase.INITIAL)
    assert policy.day_zone == "Europe/Prague"


def test_an_unknown_profile_says_which_there_are():
    with pytest.raises(NotFoundError, match="'ftmo' is none of breakout-2-step"):
        apply("ftmo", RiskPolicy(), D(1))


def test_every_code_has_one_sentence_for_a_trader():
    for code in DenialCode:
        assert code.explanation.endswith(".")
        assert code.explanation.count(". ") == 0
        assert code == code.name
    assert DenialCode("STALE_TICK") is DenialCode.STALE_TICK
