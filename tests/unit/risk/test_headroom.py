from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, eurusd, position, proposal, tick
from tests.unit.risk.strategies import TODAY, cases

from rubi.domain.account import TradingState
from rubi.domain.risk.case import SizingChoice, TradingStates
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.drawdown import open_nav
from rubi.domain.risk.gates import decide
from rubi.domain.risk.headroom import Headroom, Room, headroom_lots
from rubi.domain.risk.loss import LossLevel, open_day
from rubi.domain.risk.policy import LockScope, RiskPolicy, SizingMode
from rubi.domain.risk.protections import Lock
from rubi.domain.risk.status import status
from rubi.domain.risk.workings import Workings
from rubi.domain.units import Side


def standing_at(money: str, **changes):
    """The status of an account whose day and units began with 10 000."""
    policy = changes.pop("policy", RiskPolicy(max_position_size_percent=D(5)))
    state = {"day": open_day(TODAY, account("10000"), policy), "nav": open_nav(D(10000), D(10000), TODAY.day)}
    work = Workings(case(policy=policy, account=account(money), **{**state, **changes}), NOW)
    return work, status(work)


def test_the_status_shows_the_limit_that_leaves_the_least_room():
    work, found = standing_at("9800", positions=(position(),))
    assert found.day is not None
    assert found.drawdown is not None
    assert (found.open_risk, found.day.floor, found.drawdown.floor) == (140, 9500, 8000)
    assert (found.headroom.money, found.headroom.limit) == (160, "max_daily_loss_percent")
    assert headroom_lots(work, found.headroom) == Room(D("0.32"), "max_daily_loss_percent")
    assert found.level is LossLevel.OK
    assert found.trading_state == "ACTIVE"


def test_the_worst_limit_gives_the_level_and_no_headroom_is_negative():
    work, found = standing_at("9400", policy=RiskPolicy())
    assert found.level is LossLevel.HALTED
    assert found.headroom.money == 0
    assert headroom_lots(work, found.headroom).lots == 0
    _, unknown = standing_at("10000", policy=RiskPolicy(), day=None, nav=None)
    assert (unknown.level, unknown.day, unknown.headroom.money) == (LossLevel.OK, None, 200)
    assert standing_at("10000")[0].about(case()).account is not None
    assert status(Workings(case(account=None), NOW)) is None


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"states": TradingStates(account=TradingState.HALTED)}, "ACCOUNT_HALTED"),
        ({"states": TradingStates(everywhere=TradingState.REDUCING)}, "TRADING_REDUCING"),
        ({"reconciled": False}, "ACCOUNT_RECONCILING"),
        ({"policy": RiskPolicy(max_positions=1), "positions": (position(),)}, "MAX_POSITIONS_REACHED"),
        (
            {"locks": (Lock(LockScope.ACCOUNT, DenialCode.STOP_LOSS_GUARD, NOW + timedelta(1), "three stops"),)},
            "STOP_LOSS_GUARD",
        ),
    ],
)
def test_what_bars_the_whole_account_leaves_no_room_and_is_named(changes, limit):
    work, found = standing_at("10000", **changes)
    assert found.headroom == Headroom(D(0), limit)
    assert headroom_lots(work, found.headroom) == Room(D(0), limit)


@pytest.mark.parametrize(
    ("changes", "lots", "limit"),
    [
        ({"states": TradingStates(symbol=TradingState.HALTED)}, "0", "SYMBOL_HALTED"),
        ({"unknown_order": True}, "0", "SYMBOL_HAS_UNKNOWN_ORDER"),
        ({"policy": RiskPolicy(max_leverage=D("1.5"))}, "0.13", "max_leverage"),
        ({"policy": RiskPolicy(max_currency_exposure_percent=D(200))}, "0.18", "max_currency_exposure_percent"),
        ({"policy": RiskPolicy(margin_reserve_percent=D(98))}, "0.18", "margin_reserve_percent"),
        ({"policy": RiskPolicy(min_margin_level_percent=D(9000))}, "0.10", "min_margin_level_percent"),
        ({"policy": RiskPolicy(max_correlated_risk_percent=D(1))}, "0.20", "max_correlated_risk_percent"),
        ({"policy": RiskPolicy(max_portfolio_risk_percent=D(1))}, "0.20", "max_portfolio_risk_percent"),
        ({"policy": RiskPolicy(max_lot=D("0.15"))}, "0.15", "max_lot"),
        ({"specs": (eurusd(volume_limit=D("0.05")),)}, "0.05", "volume_limit"),
        ({"ea_loss_per_lot": D(505)}, "0.39", "max_position_size_percent"),
        ({"ea_loss_per_lot": D(600)}, "0", "TICK_VALUE_INCONSISTENT"),
        ({"tick": tick(age=60)}, "0", "STALE_TICK"),
        ({"account": account(leverage=None)}, "0", "MARGIN_UNKNOWN"),
    ],
)
def test_the_room_in_lots_names_the_limit_that_binds(changes, lots, limit):
    policy = changes.get("policy", RiskPolicy())
    work = Workings(case(**{"day": open_day(TODAY, account(), policy), **changes}), NOW)
    found = status(work)
    assert found is not None
    assert headroom_lots(work, found.headroom) == Room(D(lots), limit)


@given(
    one=cases,
    side=st.sampled_from(Side),
    leverage=st.none() | st.decimals("1", "40", places=1),
    percent=st.none() | st.integers(50, 3000),
    level=st.integers(100, 3000),
    gap=st.none() | st.integers(98, 102),
)
@settings(max_examples=300)
def test_the_room_in_lots_is_approved_and_one_step_more_is_not(one, side, leverage, percent, level, gap):
    """Whatever limits hold: the status promises no lot that the gates deny, and keeps none back."""
    points = abs(one.proposal.stop - D("1.1")) / D("0.00001")
    entry = one.tick.entry(side)
    stop = entry - side.sign * points * D("0.00001")
    one = replace(
        one,
        proposal=replace(one.proposal, side=side, stop=stop, target=None),
        policy=replace(
            one.policy, max_leverage=leverage, max_currency_exposure_percent=percent, min_margin_level_percent=level
        ),
        ea_loss_per_lot=None if gap is None else points * gap / 100,
    )
    work = Workings(one, NOW)
    found = status(work)
    room = headroom_lots(work, found.headroom)

    def fixed(lots):
        sizing = SizingChoice(SizingMode.FIXED_LOTS, lots)
        return decide(replace(one, proposal=replace(one.proposal, sizing=sizing)), now=NOW)

    if room.lots > 0:
        assert fixed(room.lots).approved, (room, fixed(room.lots).detail)
    more = fixed(room.lots + D("0.01"))
    # A fixed volume above max_lot or the broker's largest is cut, not denied.
    assert not more.approved or more.volume == room.lots, (room, more)


def test_what_the_status_calls_headroom_is_approved_and_a_cent_more_is_not():
    policy = RiskPolicy(max_position_size_percent=D(5))
    common = {"policy": policy, "account": account("9800"), "positions": (position(),), "tick": tick()}
    state = {"day": open_day(TODAY, account("10000"), policy), "nav": open_nav(D(10000), D(10000), TODAY.day)}
    for money, code in (("160", None), ("165", DenialCode.DAILY_LOSS_BUDGET_EXCEEDED)):
        wish = proposal(sizing=SizingChoice(SizingMode.MONEY, D(money)))
        assert decide(case(proposal=wish, **common, **state), now=NOW).code is code
