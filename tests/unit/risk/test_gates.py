from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from tests.unit.risk.cases import NOW, account, case, eurusd, gbpusd, position, proposal, tick

from rubi.domain.account import TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk.case import RiskCase, SizingChoice, TradingStates
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.correlation import Correlation
from rubi.domain.risk.day import TradingDay, trading_day
from rubi.domain.risk.drawdown import observe, open_nav
from rubi.domain.risk.gates import GATES, decide, decide_close
from rubi.domain.risk.holdings import PendingOrder, Reservation
from rubi.domain.risk.loss import open_day
from rubi.domain.risk.policy import LockScope, LowProfitGuard, RiskPolicy, SizingMode, StopGuard
from rubi.domain.risk.protections import Closure, Lock
from rubi.domain.signal import OrderType
from rubi.domain.symbol import OrderModes, SessionWindow, SymbolTradeMode
from rubi.domain.units import Side

CODE = DenialCode
POLICY = RiskPolicy()
TODAY = trading_day(NOW, POLICY, BrokerClock())
YESTERDAY = TradingDay(TODAY.day - timedelta(days=1), TODAY.starts - timedelta(days=1), TODAY.starts)
LOOSE = RiskPolicy(
    max_position_size_percent=D(100), max_total_exposure_percent=D(100), max_correlated_risk_percent=None
)


def sized(mode: SizingMode, value: str, **changes):
    return proposal(sizing=SizingChoice(mode, D(value)), **changes)


def lock(scope: LockScope, code: DenialCode) -> dict:
    return {"locks": (Lock(scope, code, NOW + timedelta(hours=1), "by hand", "EURUSD", Side.BUY),)}


def closes(*profits: str) -> tuple[Closure, ...]:
    return tuple(Closure("EURUSD", Side.BUY, NOW - timedelta(minutes=1), D(profit), by_stop=True) for profit in profits)


def states(**changes) -> dict:
    return {"states": TradingStates(**changes)}


def spec(**changes) -> dict:
    return {"specs": (eurusd(**changes),)}


def pending(order_type: OrderType, entry: str | None, **changes) -> dict:
    price = None if entry is None else D(entry)
    stop, target = ("1.0850", "1.1100") if order_type is OrderType.LIMIT else ("1.1000", "1.1400")
    values = {"stop": D(stop), "target": D(target), **changes}
    return {"proposal": proposal(order_type=order_type, entry=price, **values)}


def day(anchor: str, when: TradingDay = TODAY) -> dict:
    return {"day": open_day(when, account(anchor), POLICY)}


def nav(*equities: str) -> dict:
    state = open_nav(D(equities[0]), D(equities[0]), TODAY.day)
    for equity in equities[1:]:
        state = observe(state, D(equity), D(equity), TODAY.day)
    return {"nav": state}


HALTED, REDUCING = TradingState.HALTED, TradingState.REDUCING
DENIALS: list[tuple[DenialCode, dict]] = [
    (CODE.TRADING_HALTED, states(everywhere=HALTED)),
    (CODE.TRADING_REDUCING, states(everywhere=REDUCING)),
    (CODE.ACCOUNT_HALTED, states(account=HALTED)),
    (CODE.ACCOUNT_REDUCING, states(account=REDUCING)),
    (CODE.SYMBOL_HALTED, states(symbol=HALTED)),
    (CODE.SYMBOL_REDUCING, states(symbol=REDUCING)),
    (CODE.ACCOUNT_RECONCILING, {"reconciled": False}),
    (CODE.SYMBOL_HAS_UNKNOWN_ORDER, {"unknown_order": True}),
    (CODE.CLOCK_SUSPECT, {"clock": BrokerClock(suspect=True)}),
    (CODE.STALE_ACCOUNT, {"account": None}),
    (CODE.STALE_ACCOUNT, {"account": account(taken_at=NOW - timedelta(seconds=15, microseconds=1))}),
    (CODE.STALE_ACCOUNT, {"account": account(received_at=NOW - timedelta(seconds=16))}),
    (CODE.ACCOUNT_WITHOUT_EQUITY, {"account": account("10000", "0")}),
    (CODE.STALE_TICK, {"tick": None}),
    (CODE.STALE_TICK, {"tick": tick(age=11)}),
    (CODE.STALE_TICK, {"tick": tick("GBPUSD")}),
    (CODE.QUOTE_INVALID, {"tick": tick(bid="1.1", ask="1.0999")}),
    (CODE.QUOTE_INVALID, {"tick": tick(bid="0", ask="1.1")}),
    (CODE.STALE_SYMBOL, {"specs": ()}),
    (CODE.STALE_SYMBOL, spec(as_of=NOW - timedelta(hours=24, seconds=1))),
    (CODE.STALE_SYMBOL, {"specs": (eurusd(),), "positions": (position("GBPUSD"),)}),
    (CODE.SIGNAL_TOO_OLD, {"proposal": proposal(signal_time=NOW - timedelta(seconds=301))}),
    (CODE.SIGNAL_TOO_OLD, {"proposal": proposal(expires_at=NOW)}),
    (CODE.SIGNAL_IN_FUTURE, {"proposal": proposal(signal_time=NOW + timedelta(seconds=6))}),
    (CODE.SYMBOL_NOT_ALLOWED, {"policy": RiskPolicy(symbols_allowed=("GBPUSD",))}),
    (CODE.SYMBOL_NOT_ALLOWED, {"policy": RiskPolicy(symbols_blocked=("EURUSD",))}),
    (CODE.SYMBOL_DISABLED, spec(trade_mode=SymbolTradeMode.DISABLED)),
    (CODE.SYMBOL_CLOSE_ONLY, spec(trade_mode=SymbolTradeMode.CLOSEONLY)),
    (CODE.SYMBOL_SHORT_ONLY, spec(trade_mode=SymbolTradeMode.SHORTONLY)),
    (
        CODE.SYMBOL_LONG_ONLY,
        {
            **spec(trade_mode=SymbolTradeMode.LONGONLY),
            "proposal": proposal(side=Side.SELL, stop=D("1.1050"), target=D("1.0800")),
        },
    ),
    (CODE.ORDER_TYPE_NOT_ALLOWED, spec(order_modes=int(OrderModes.LIMIT))),
    (CODE.MARKET_CLOSED, spec(sessions=(SessionWindow(5, 0, 86400),))),
    (CODE.OUTSIDE_TRADING_SESSION, {"policy": RiskPolicy(trading_sessions=(SessionWindow(5, 0, 86400),))}),
    (
        CODE.OPPOSITE_POSITION_OPEN,
        {"policy": RiskPolicy(allow_opposite=False), "positions": (position(side=Side.SELL, stop="1.2"),)},
    ),
    (CODE.COOLDOWN_ACTIVE, {"policy": RiskPolicy(cooldown_seconds=120), "closures": closes("5")}),
    (CODE.STOP_LOSS_GUARD, {"policy": RiskPolicy(stop_guard=StopGuard(2, 600, 600)), "closures": closes("-5", "-5")}),
    (
        CODE.LOW_PROFIT_SYMBOL,
        {"policy": RiskPolicy(low_profit_guard=LowProfitGuard(2, 600, D(0), 600)), "closures": closes("-5", "-5")},
    ),
    (CODE.ACCOUNT_LOCKED, lock(LockScope.ACCOUNT, CODE.ACCOUNT_LOCKED)),
    (CODE.SYMBOL_LOCKED, lock(LockScope.SYMBOL, CODE.SYMBOL_LOCKED)),
    (CODE.SIDE_LOCKED, lock(LockScope.SIDE, CODE.SIDE_LOCKED)),
    (CODE.ENTRY_REQUIRED, pending(OrderType.LIMIT, None)),
    (CODE.ENTRY_WRONG_SIDE, pending(OrderType.LIMIT, "1.1001")),
    (CODE.ENTRY_WRONG_SIDE, pending(OrderType.STOP, "1.0990", stop=D("1.0900"))),
    (CODE.ENTRY_WRONG_SIDE, pending(OrderType.STOP_LIMIT, "1.1100", limit_price=D("1.1101"))),
    (CODE.ENTRY_TOO_CLOSE, {**pending(OrderType.LIMIT, "1.0999"), **spec(stops_level=50)}),
    (
        CODE.ENTRY_PRICE_MOVED,
        {"policy": RiskPolicy(max_entry_deviation_points=D(20)), "proposal": proposal(entry=D("1.0997"))},
    ),
    (CODE.STOP_WRONG_SIDE, {"proposal": proposal(stop=D("1.1001"))}),
    (CODE.STOP_WRONG_SIDE, {"proposal": proposal(side=Side.SELL, stop=D("1.0900"), target=D("1.08"))}),
    (CODE.TARGET_WRONG_SIDE, {"proposal": proposal(target=D("1.0999"))}),
    (CODE.STOP_TOO_CLOSE, {"proposal": proposal(stop=D("1.0998"), target=D("1.2")), **spec(stops_level=20)}),
    (CODE.STOP_TOO_CLOSE, {"proposal": proposal(stop=D("1.09999"), target=D("1.2"))}),
    (CODE.STOP_TOO_CLOSE, {"proposal": proposal(stop=D("1.0998"), target=D("1.2")), **spec(freeze_level=20)}),
    (
        CODE.TARGET_TOO_CLOSE,
        {
            "proposal": proposal(stop=D("1.0950"), target=D("1.1001")),
            "policy": RiskPolicy(min_risk_reward=None),
            **spec(stops_level=20),
        },
    ),
    (CODE.SPREAD_TOO_WIDE, {"policy": RiskPolicy(max_spread_points=D("1.9"))}),
    (CODE.STOP_REQUIRED, {"proposal": proposal(stop=None)}),
    (CODE.LOSS_NOT_POSITIVE, spec(tick_value_loss=D(0))),
    (CODE.TICK_VALUE_INCONSISTENT, {"ea_loss_per_lot": D(600)}),
    (CODE.TERMINAL_QUOTE_REQUIRED, {"policy": RiskPolicy(require_terminal_quote=True)}),
    (CODE.VOLUME_BELOW_MINIMUM, {"account": account("200")}),
    (CODE.VOLUME_LIMIT_REACHED, {**spec(volume_limit=D("0.2")), "positions": (position(),)}),
    (CODE.VOLUME_REQUIRED, {"proposal": sized(SizingMode.SIGNAL_VOLUME, "1")}),
    (CODE.REWARD_RISK_TOO_LOW, {**spec(commission_per_lot=D(7)), "proposal": proposal(target=D("1.1075"))}),
    (CODE.TARGET_REQUIRED, {"policy": RiskPolicy(require_target=True), "proposal": proposal(target=None)}),
    (CODE.MAX_POSITIONS_REACHED, {"policy": RiskPolicy(max_positions=1), "positions": (position(),)}),
    (
        CODE.MAX_SYMBOL_POSITIONS_REACHED,
        {"policy": RiskPolicy(max_positions_per_symbol=1), "positions": (position(),)},
    ),
    (CODE.RISK_PER_ORDER_EXCEEDED, {"proposal": sized(SizingMode.RISK_PERCENT, "2.1")}),
    (CODE.RISK_PER_ORDER_EXCEEDED, {"proposal": sized(SizingMode.FIXED_LOTS, "0.41")}),
    (CODE.OPEN_RISK_EXCEEDED, {"positions": (position(volume="1.30"),)}),
    (CODE.LEVERAGE_EXCEEDED, {"policy": RiskPolicy(max_leverage=D("2.1"))}),
    (CODE.CURRENCY_EXPOSURE_EXCEEDED, {"policy": RiskPolicy(max_currency_exposure_percent=D(219))}),
    (
        CODE.CORRELATED_RISK_EXCEEDED,
        {
            "positions": (position("GBPUSD", volume="0.75"),),
            "correlations": (Correlation("EURUSD", "GBPUSD", D("0.85"), 100),),
        },
    ),
    (CODE.PORTFOLIO_RISK_EXCEEDED, {"policy": RiskPolicy(max_portfolio_risk_percent=D("0.9"))}),
    (CODE.MARGIN_UNKNOWN, {"account": account(leverage=None)}),
    (CODE.MARGIN_INSUFFICIENT, {"account": account(margin=D(9800), margin_free=D(200))}),
    (CODE.MARGIN_LEVEL_TOO_LOW, {"account": account(margin=D(4800), margin_free=D(5200))}),
    (CODE.DAY_STATE_STALE, day("10000", YESTERDAY)),
    (CODE.DAILY_LOSS_REACHED, day("10527")),
    (CODE.DAILY_LOSS_BUDGET_EXCEEDED, day("10450")),
    (CODE.DRAWDOWN_REACHED, nav("12500", "10000")),
    (CODE.DRAWDOWN_BUDGET_EXCEEDED, nav("12400", "10000")),
]
DENIALS_ELSEWHERE = {
    CODE.POLICY_UNUSABLE,
    CODE.POSITION_NOT_OWNED,
    CODE.POSITION_UNKNOWN,
    CODE.CLOSE_VOLUME_INVALID,
}


def test_a_clean_case_is_approved_with_everything_an_order_needs():
    decision = decide(case(), now=NOW)
    assert decision.approved
    assert decision.code is None
    assert (decision.volume, decision.risk, decision.margin) == (D("0.20"), D("100.00"), D(220))
    assert (decision.entry, decision.stop, decision.target) == (D("1.10000"), D("1.09500"), D("1.11000"))
    assert decision.spec_version == eurusd().version
    assert decision.policy_version == 1


@pytest.mark.parametrize(("code", "changes"), DENIALS, ids=[f"{code}-{n}" for n, (code, _) in enumerate(DENIALS)])
def test_each_condition_has_its_code(code, changes):
    decision = decide(case(**changes), now=NOW)
    assert decision.code is code
    assert not decision.approved
    assert decision.detail.startswith(code.explanation)
    assert len(decision.gates) == len(GATES)


LIMITS = [
    ("account_fresh", {"account": account(taken_at=NOW - timedelta(seconds=15))}),
    ("tick_fresh", {"tick": tick(age=10)}),
    ("symbol_fresh", spec(as_of=NOW - timedelta(hours=24))),
    ("signal_fresh", {"proposal": proposal(signal_time=NOW - timedelta(seconds=300))}),
    ("signal_fresh", {"proposal": proposal(signal_time=NOW + timedelta(seconds=5))}),
    ("spread", {"policy": RiskPolicy(max_spread_points=D(2))}),
    ("prices", {"proposal": proposal(stop=D("1.09978"), target=D("1.2")), **spec(stops_level=20)}),
    (
        "prices",
        {"policy": RiskPolicy(max_entry_deviation_points=D(20)), "proposal": proposal(entry=D("1.0998"))},
    ),
    ("reward", {"proposal": proposal(target=D("1.1075"))}),
    ("counts", {"policy": RiskPolicy(max_positions=2), "positions": (position(),)}),
    ("order_risk", {"proposal": sized(SizingMode.RISK_PERCENT, "2")}),
    ("leverage", {"policy": RiskPolicy(max_leverage=D("2.2"))}),
    ("currency", {"policy": RiskPolicy(max_currency_exposure_percent=D(220))}),
    ("correlation", {"policy": RiskPolicy(max_correlated_risk_percent=D(1))}),
    ("margin", {"account": account(margin=D(4780), margin_free=D(5220))}),
    ("margin", {"account": account(margin_free=D(220))}),
    ("daily_budget", day("10421.05")),
    ("drawdown", nav("12375", "10000")),
]


@pytest.mark.parametrize(("gate", "changes"), LIMITS, ids=[f"{gate}-{n}" for n, (gate, _) in enumerate(LIMITS)])
def test_what_is_exactly_at_a_limit_passes_it(gate, changes):
    decision = decide(case(**changes), now=NOW)
    assert decision.approved, decision.detail
    assert gate in {result.gate for result in decision.gates}


def test_a_late_tick_is_stale_although_it_just_came_in():
    late = replace(tick(), time=NOW - timedelta(seconds=11))
    assert decide(case(tick=late), now=NOW).code is CODE.STALE_TICK


def test_the_day_that_ended_this_instant_is_over():
    ended = replace(open_day(TODAY, account(), POLICY), ends=NOW)
    assert decide(case(day=ended), now=NOW).code is CODE.DAY_STATE_STALE


def test_every_code_is_reached_by_some_case():
    assert {code for code, _ in DENIALS} | DENIALS_ELSEWHERE == set(DenialCode)


def test_a_denied_case_still_evaluates_the_gates_behind():
    decision = decide(case(reconciled=False), now=NOW)
    assert [gate.gate for gate in decision.gates if gate.passed is False] == ["reconciled"]
    assert decision.volume == D("0.20")


def test_the_first_failing_gate_gives_the_code():
    decision = decide(case(reconciled=False, unknown_order=True, tick=None, account=None), now=NOW)
    assert decision.code is CODE.ACCOUNT_RECONCILING
    unseen = {gate.gate for gate in decision.gates if gate.passed is None}
    assert {"prices", "size", "open_risk", "margin", "daily_budget", "drawdown"} <= unseen


def floored(new: str) -> RiskCase:
    """Equity 99,400, floor 99,000, 140 at risk; the order would add `new`."""
    policy = replace(LOOSE, initial_balance=D(100000), max_daily_loss_percent=D(1), max_drawdown_percent=None)
    return case(
        policy=policy,
        account=account("99400"),
        positions=(position(),),
        day=open_day(TODAY, account("100000"), policy),
        proposal=sized(SizingMode.MONEY, new),
    )


def test_the_day_survives_every_stop_being_hit():
    passes, denied = decide(floored("250"), now=NOW), decide(floored("300"), now=NOW)
    assert passes.approved
    assert passes.risk == 250
    assert denied.code is CODE.DAILY_LOSS_BUDGET_EXCEEDED
    gate = next(gate for gate in denied.gates if gate.gate == "daily_budget")
    assert (gate.threshold, gate.result) == ("99000.00", "98960.00")


def test_reservations_and_pendings_spend_the_budget_too():
    reserved = Reservation("EURUSD", Side.BUY, D("0.10"), D(100), D(110), D("1.1"))
    waiting = PendingOrder("EURUSD", Side.BUY, D("0.10"), D("1.0900"), D("1.0880"))
    assert decide(replace(floored("250"), reservations=(reserved,)), now=NOW).code is CODE.DAILY_LOSS_BUDGET_EXCEEDED
    assert decide(replace(floored("250"), pendings=(waiting,)), now=NOW).code is CODE.DAILY_LOSS_BUDGET_EXCEEDED


def test_heat_is_denied_only_above_its_limit():
    at_limit = case(
        policy=replace(
            LOOSE, max_total_exposure_percent=D(10), max_position_size_percent=D(10), max_daily_loss_percent=None
        ),
        positions=(position(volume="1.00", stop="1.0930"),),
    )
    assert decide(at_limit, now=NOW).approved
    above = replace(at_limit, positions=(position(volume="1.01", stop="1.0930"),))
    assert decide(above, now=NOW).code is CODE.OPEN_RISK_EXCEEDED


def test_confidence_never_raises_the_risk():
    plain = decide(case(), now=NOW)
    sure = decide(case(proposal=proposal(confidence=D(1))), now=NOW)
    assert sure.volume == plain.volume


def test_an_order_without_a_stop_gets_one_by_atr_and_it_is_sent():
    policy = RiskPolicy(atr_stop_multiple=D(2))
    decision = decide(case(policy=policy, proposal=proposal(stop=None), atr=D("0.0025001")), now=NOW)
    assert decision.approved
    assert decision.stop == D("1.09500")
    assert decide(case(policy=policy, proposal=proposal(stop=None)), now=NOW).code is CODE.STOP_REQUIRED


def test_a_stop_off_the_grid_moves_toward_the_entry():
    decision = decide(case(proposal=proposal(stop=D("1.094999"), target=D("1.110009"))), now=NOW)
    assert (decision.stop, decision.target) == (D("1.09500"), D("1.11000"))


def test_fixed_lots_without_a_stop_pass_where_the_policy_allows_it():
    policy = replace(LOOSE, require_stop=False)
    decision = decide(case(policy=policy, proposal=sized(SizingMode.FIXED_LOTS, "0.10", stop=None)), now=NOW)
    assert decision.approved
    assert decision.risk == 110  # its margin


@pytest.mark.parametrize(
    ("order_type", "side", "entry", "stop", "target"),
    [
        (OrderType.LIMIT, Side.BUY, "1.0900", "1.0850", "1.1100"),
        (OrderType.LIMIT, Side.SELL, "1.1100", "1.1150", "1.0900"),
        (OrderType.STOP, Side.BUY, "1.1100", "1.1050", "1.1300"),
        (OrderType.STOP, Side.SELL, "1.0900", "1.0950", "1.0700"),
    ],
)
def test_pending_orders_are_sized_from_their_own_price(order_type, side, entry, stop, target):
    wish = proposal(order_type=order_type, side=side, entry=D(entry), stop=D(stop), target=D(target))
    decision = decide(case(proposal=wish), now=NOW)
    assert decision.approved
    assert (decision.entry, decision.volume) == (D(entry), D("0.20"))


def test_a_stop_limit_order_is_sized_from_its_limit():
    wish = proposal(
        order_type=OrderType.STOP_LIMIT,
        entry=D("1.1100"),
        limit_price=D("1.1090"),
        stop=D("1.1040"),
        target=D("1.1200"),
    )
    decision = decide(case(proposal=wish), now=NOW)
    assert decision.approved
    assert (decision.entry, decision.volume) == (D("1.1090"), D("0.20"))


def test_a_sell_opens_at_the_bid():
    wish = proposal(side=Side.SELL, stop=D("1.10498"), target=D("1.0800"))
    decision = decide(case(proposal=wish), now=NOW)
    assert (decision.entry, decision.volume) == (D("1.09998"), D("0.20"))


def test_without_a_stored_day_this_snapshot_opens_it_and_says_so():
    gate = next(gate for gate in decide(case(), now=NOW).gates if gate.gate == "daily_budget")
    assert gate.inputs["estimated"] == "True"


def test_a_currency_that_already_carries_too_much_may_be_relieved():
    policy = replace(LOOSE, max_currency_exposure_percent=D(150), max_daily_loss_percent=None)
    short = position(side=Side.SELL, volume="0.30", current="1.1000", stop="1.1010")
    relief = case(policy=policy, positions=(short,), proposal=sized(SizingMode.FIXED_LOTS, "0.10"))
    assert decide(relief, now=NOW).approved
    more = case(
        policy=policy,
        positions=(replace(short, side=Side.BUY, stop=D("1.0990")),),
        proposal=sized(SizingMode.FIXED_LOTS, "0.10"),
    )
    assert decide(more, now=NOW).code is CODE.CURRENCY_EXPOSURE_EXCEEDED


def test_a_close_passes_when_the_position_is_owned():
    decision = decide_close(position(), owned=True, now=NOW)
    assert decision.approved
    assert decision.volume == D("0.20")


@pytest.mark.parametrize(
    ("held", "owned", "volume", "code"),
    [
        (None, True, None, CODE.POSITION_UNKNOWN),
        (position(), False, None, CODE.POSITION_NOT_OWNED),
        (position(), True, D("0.004"), CODE.CLOSE_VOLUME_INVALID),
        (position(), True, D(0), CODE.CLOSE_VOLUME_INVALID),
    ],
)
def test_a_close_is_denied_only_for_what_is_not_there(held, owned, volume, code):
    decision = decide_close(held, owned=owned, volume=volume, spec=eurusd(), now=NOW)
    assert (decision.approved, decision.code, decision.volume) == (False, code, None)


@pytest.mark.parametrize(
    ("volume", "closes_"),
    [("0.11", "0.11"), ("0.115", "0.11"), ("0.20", "0.20"), ("5", "0.20"), ("0.194", "0.19")],
)
def test_a_partial_close_stays_on_the_grid_and_inside_the_position(volume, closes_):
    decision = decide_close(position(), owned=True, volume=D(volume), spec=eurusd(), now=NOW)
    assert decision.volume == D(closes_)


def test_a_rest_too_small_to_hold_is_closed_with_the_part():
    spec_ = gbpusd(volume_min=D("0.10"), volume_step=D("0.01"))
    decision = decide_close(position("GBPUSD"), owned=True, volume=D("0.15"), spec=spec_, now=NOW)
    assert decision.volume == D("0.20")


def test_a_close_without_a_specification_takes_the_volume_as_it_is():
    assert decide_close(position(), owned=True, volume=D("0.05"), now=NOW).volume == D("0.05")
