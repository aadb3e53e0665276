from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import account, eurusd, gbpusd, position, us30, usdjpy

from rubi.domain.order import OrderKind
from rubi.domain.risk.exposure import (
    ExposureKind,
    currency_exposure,
    has_no_worth,
    heat,
    leverage_used,
    notional,
    of_pending,
    of_position,
    of_reservation,
    open_risk,
    position_risk,
)
from rubi.domain.risk.holdings import PendingOrder, Reservation
from rubi.domain.risk.margin import margin_after, margin_per_lot
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.risk.reward import gross_reward_risk, net_reward_risk
from rubi.domain.units import Side

POLICY = RiskPolicy()


def test_open_risk_counts_from_the_current_closing_price():
    assert of_position(position(stop="1.0950"), eurusd(), POLICY).risk == 140


def test_a_stop_in_profit_risks_only_what_would_be_given_back():
    assert of_position(position(stop="1.1010"), eurusd(), POLICY).risk == 20


def test_a_sell_risks_the_way_up_to_its_stop():
    sell = position(side=Side.SELL, current="1.1020", stop="1.1050")
    assert of_position(sell, eurusd(), POLICY).risk == 60


def test_a_stop_already_passed_risks_nothing_more():
    assert position_risk(eurusd(), Side.BUY, D("1.0940"), D("1.0950"), D(1)) == 0


@pytest.mark.parametrize(
    ("policy", "margin", "leverage", "risk", "assumed"),
    [
        (POLICY, "220", 100, "220", "margin"),
        (replace(POLICY, no_stop_move_percent=D(2)), "220", 100, "440.8", "move of 2 %"),
        (POLICY, None, 100, "220.4", "margin at 1:100"),
        (POLICY, None, None, "22040", "whole worth"),
    ],
)
def test_a_position_without_a_stop_risks_a_move_its_margin_or_everything(policy, margin, leverage, risk, assumed):
    held = position(stop=None, margin=None if margin is None else D(margin))
    exposure = of_position(held, eurusd(), policy, leverage)
    assert (exposure.risk, exposure.assumed) == (D(risk), assumed)


def test_a_pending_order_risks_what_it_will_lose_once_filled():
    pending = PendingOrder("EURUSD", Side.BUY, D("0.10"), D("1.0900"), D("1.0850"))
    assert of_pending(pending, eurusd(commission_per_lot=D(7)), POLICY).risk == D("50.70")
    assert of_pending(replace(pending, stop=None), eurusd(), POLICY, 100).assumed == "margin at 1:100"


def test_a_reservation_risks_what_was_reserved():
    reserved = Reservation("EURUSD", Side.BUY, D("0.10"), D(50), D(110), D("1.1"))
    exposure = of_reservation(reserved, eurusd())
    assert (exposure.risk, exposure.notional) == (50, 11000)
    assert of_reservation(reserved, None).notional == 0
    assert not has_no_worth(reserved, eurusd())
    assert has_no_worth(reserved, None)
    assert has_no_worth(replace(reserved, price=None), eurusd())


def test_a_change_on_its_way_is_risk_and_nothing_else():
    change = Reservation("EURUSD", Side.BUY, D(0), D(50), D(0), kind=OrderKind.MODIFY_POSITION)
    exposure = of_reservation(change, eurusd())
    assert (exposure.kind, exposure.risk, exposure.notional) == (ExposureKind.CHANGE, 50, 0)
    assert not has_no_worth(change, None)


def test_worth_is_in_account_currency_whatever_the_symbol_is_quoted_in():
    assert notional(eurusd(), D("1.1"), D("0.5")) == 55000
    assert round(notional(usdjpy(), D(150), D(1)), 10) == 100000
    assert notional(us30(), D(35000), D(1)) == 35000


def test_heat_and_leverage_are_sums_over_the_equity():
    held = [of_position(position(), eurusd(), POLICY), of_position(position("GBPUSD"), gbpusd(), POLICY)]
    assert open_risk(held) == 280
    assert heat(held, D(10000)) == D("2.8")
    assert leverage_used(held, account("10000")) == D("4.408")
    assert heat(held, D(0)) == D("Infinity")
    assert heat([], D(0)) == 0
    assert leverage_used(held, account("0")) == D("Infinity")


def test_a_bought_pair_is_long_its_base_and_short_its_quote():
    buy = of_position(position(current="1.1000"), eurusd(), POLICY)
    sell = of_position(position("GBPUSD", Side.SELL, current="1.1000", stop="1.2"), gbpusd(), POLICY)
    index = of_position(position("US30", current="35000", stop="34000"), us30(), POLICY)
    specs = {"EURUSD": eurusd(), "GBPUSD": gbpusd(), "US30": us30()}
    assert currency_exposure([buy, sell, index], specs) == {"EUR": 22000, "GBP": -22000, "USD": 0}


@given(stop=st.integers(1, 200000), volume=st.decimals("0.01", "50", places=2), side=st.sampled_from(Side))
def test_a_risk_is_never_negative(stop, volume, side):
    assert position_risk(eurusd(), side, D("1.1"), stop * D("0.00001"), volume) >= 0


def test_reward_is_net_of_commission():
    prices = (D("1.1000"), D("1.0950"), D("1.1075"))
    assert gross_reward_risk(*prices) == D("1.5")
    assert net_reward_risk(eurusd(), *prices) == D("1.5")
    ratio = net_reward_risk(eurusd(commission_per_lot=D(7)), *prices)
    assert ratio == D(743) / D(507)
    assert round(ratio, 4) == D("1.4655")


def test_profit_and_loss_have_their_own_tick_values():
    spec = eurusd(tick_value_profit=D("0.5"))
    assert net_reward_risk(spec, D("1.1000"), D("1.0950"), D("1.1100")) == 1
    assert net_reward_risk(eurusd(tick_value_loss=D(0)), D("1.1"), D("1.0"), D("1.2")) == 0


def test_margin_comes_from_the_terminal_else_from_the_leverage():
    spec = eurusd()
    assert margin_per_lot(spec, D("1.1"), account(), D(1234)) == (1234, "terminal")
    assert margin_per_lot(spec, D("1.1"), account(leverage=50), None) == (2200, "estimate at 1:50")
    assert margin_per_lot(spec, D("1.1"), account(leverage=None), None) is None


def test_margin_after_an_order_counts_what_is_reserved():
    money = account("10000", margin=D(1000), margin_free=D(9000))
    after = margin_after(money, D(2000), D(1000), RiskPolicy(margin_reserve_percent=D(60)))
    assert (after.free, after.reserve, after.level) == (6000, 6000, 250)
    assert after.has_reserve
    assert after.keeps_level(D(250))
    assert not after.keeps_level(D("250.1"))
    assert margin_after(account(), D(0), D(0), POLICY).keeps_level(D(200))
