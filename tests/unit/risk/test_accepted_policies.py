from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, position
from tests.unit.risk.strategies import PARAMETERS

from rubi.domain.clock import BrokerClock
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.gates import decide
from rubi.domain.risk.memory import PastDeals, begin, watch
from rubi.domain.risk.policy import PolicyError, RiskPolicy
from rubi.domain.risk.protections import Closure
from rubi.domain.units import Side


@given(values=st.lists(st.sampled_from(sorted(PARAMETERS)), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: PARAMETERS[name] for name in names})
), rich=st.booleans())  # fmt: skip
@settings(max_examples=600, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_policy_that_is_accepted_gives_an_answer(values, rich):
    try:
        policy = RiskPolicy.from_dict(values)
    except PolicyError:
        return
    money = account("99999999999.99", digits=8) if rich else account()
    closed = Closure("EURUSD", Side.BUY, NOW - timedelta(days=2), D("-3.5"), by_stop=True)
    one = case(policy=policy, account=money, positions=(position(),), closures=(closed,) * 3, atr=D("0.0025"))
    one = replace(one, proposal=replace(one.proposal, stop=None)) if rich and not policy.require_stop else one
    decision = decide(one, now=NOW)
    assert decision.approved == (decision.code is None)
    today_ = trading_day(NOW, policy, BrokerClock())
    assert watch(begin(money, policy, today_, PastDeals()), money, policy, today_, deals_come=True, now=NOW)
