"""Moving a stop: toward profit always, away from it only within the limits."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, eurusd, position, proposal

from rubi.domain.account import TradingState
from rubi.domain.risk.case import TradingStates
from rubi.domain.risk.exposure import position_risk
from rubi.domain.risk.gates_change import adds_risk, decide_stop
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.units import Side

MARKET = D("1.10000")


def change(stop, *, held=None, **facts):
    held = held or position(current="1.10000", stop="1.09500", position_id="1")
    stop = None if stop is None else D(stop)
    asked = proposal(stop=stop, volume=held.volume, side=held.side)
    return decide_stop(case(proposal=asked, positions=(held,), **facts), held, stop, now=NOW)


def test_a_stop_toward_profit_passes_when_everything_else_would_deny():
    halted = TradingStates(everywhere=TradingState.HALTED)
    decision = change("1.09600", states=halted, account=None, specs=(), policy=RiskPolicy())
    assert (decision.approved, decision.risk) == (True, 0)


def test_a_stop_away_from_profit_carries_what_it_adds():
    decision = change("1.09400")
    assert decision.approved
    assert decision.risk == D("20.00")  # 100 points of 0.20 lots at 1 a point and lot


def test_a_stop_beyond_what_one_order_may_lose_is_denied():
    decision = change("1.08900")  # 220 of 10,000; 2 % are allowed
    assert (decision.approved, decision.code, decision.risk) == (False, "RISK_PER_ORDER_EXCEEDED", None)


def test_everything_open_counts_against_the_sum_of_stops():
    held = position(current="1.10000", stop="1.09500", position_id="1")
    others = tuple(position(current="1.10000", stop="1.05100", position_id=str(n)) for n in (2, 3))
    asked = case(proposal=proposal(stop=D("1.09400"), volume=held.volume), positions=(held, *others))
    decision = decide_stop(asked, held, D("1.09400"), now=NOW)
    assert decision.code == "OPEN_RISK_EXCEEDED"


def test_the_position_itself_is_not_counted_twice():
    limits = RiskPolicy(max_position_size_percent=D("1.25"), max_total_exposure_percent=D("1.25"))
    assert change("1.09400", policy=limits).approved  # 120 of 125; its 100 at the old stop do not count beside it


def test_a_stop_cannot_be_taken_off_where_the_policy_wants_one():
    assert change(None).code == "STOP_REQUIRED"
    free = RiskPolicy(require_stop=False, max_position_size_percent=D(3))
    assert change(None, policy=free).risk == D(120)  # its margin of 220 is taken as its risk


def test_a_halted_account_and_stale_figures_deny_only_what_adds_risk():
    assert change("1.09400", states=TradingStates(account=TradingState.HALTED)).code == "ACCOUNT_HALTED"
    assert change("1.09400", account=None).code == "STALE_ACCOUNT"
    assert change("1.09400", specs=()).code == "STALE_SYMBOL"


prices = st.decimals("0.5", "2", places=5)


@given(side=st.sampled_from(Side), before=st.none() | prices, after=st.none() | prices)
def test_risk_is_added_exactly_when_more_is_lost_at_the_new_stop(side, before, after):
    if before is None:
        assert not adds_risk(side, before, after)  # no stop was no bound
        return
    if after is None:
        assert adds_risk(side, before, after)
        return
    market = D(2) if side is Side.BUY else D("0.5")  # both stops lie on the losing side of it

    def lost(stop):
        return position_risk(eurusd(), side, market, stop, D(1))

    assert adds_risk(side, before, after) == (lost(after) > lost(before))


@given(
    stop=st.decimals("1.05", "1.09999", places=5),
    volume=st.decimals("0.01", "1", places=2),
    equity=st.decimals("1000", "50000", places=2),
)
def test_an_approved_stop_never_passes_the_limit_of_one_order(stop, volume, equity):
    held = position(current="1.10000", stop="1.09999", volume=str(volume), position_id="1")
    decision = change(stop, held=held, account=account(str(equity)))
    lost = position_risk(eurusd(), Side.BUY, MARKET, stop, volume)
    if decision.approved and adds_risk(Side.BUY, held.stop, stop):
        assert lost <= equity * D("0.02")
