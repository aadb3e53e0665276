"""Cases and policies of every sort, for properties."""

from decimal import Decimal as D
from enum import Enum
from types import NoneType
from typing import get_args, get_type_hints

from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, account, case, eurusd, gbpusd, position, proposal

from rubi.domain.clock import BrokerClock
from rubi.domain.risk.case import SizingChoice
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.drawdown import open_nav
from rubi.domain.risk.loss import open_day
from rubi.domain.risk.policy import LowProfitGuard, RiskPolicy, SizingMode, StopGuard
from rubi.domain.units import Side

TODAY = trading_day(NOW, RiskPolicy(), BrokerClock())
specs = {"EURUSD": eurusd(), "GBPUSD": gbpusd()}
held = st.builds(
    lambda symbol, side, volume, distance: position(
        symbol, side, str(volume), "1.1000", str(D("1.1000") - side.sign * distance * D("0.0001"))
    ),
    st.sampled_from(["EURUSD", "GBPUSD"]),
    st.sampled_from(Side),
    st.decimals("0.01", "1", places=2),
    st.integers(-50, 100),
)
cases = st.builds(
    lambda positions, value, distance, balance, floating, policy, loss: case(
        positions=tuple(positions),
        proposal=proposal(
            stop=D("1.10000") - distance * D("0.0001"),
            target=D("1.5"),
            sizing=SizingChoice(SizingMode.RISK_PERCENT, value),
        ),
        account=account(str(balance), str(balance + floating)),
        policy=policy,
        day=open_day(TODAY, account(str(balance + loss)), policy),
        nav=open_nav(balance + loss, balance + loss, TODAY.day),
    ),
    st.lists(held, max_size=6),
    st.decimals("0.1", "4", places=2),
    st.integers(3, 300),
    st.decimals("500", "100000", places=2),
    st.decimals("-200", "200", places=2),
    st.builds(
        lambda order, total, daily, correlated, lot: RiskPolicy(
            max_position_size_percent=order,
            max_total_exposure_percent=total,
            max_daily_loss_percent=daily,
            max_correlated_risk_percent=correlated,
            max_lot=lot,
            reduce_at_percent=D(100),
        ),
        st.decimals("0.5", "3", places=1),
        st.decimals("3", "12", places=1),
        st.decimals("1", "6", places=1),
        st.decimals("1", "10", places=1),
        st.none() | st.decimals("0.01", "1", places=2),
    ),
    st.decimals("-100", "300", places=2),
)


def extremes(hint) -> st.SearchStrategy:
    """Values of one parameter of a policy, as JSON has them: from nothing to far beyond what is accepted."""
    kinds = set(get_args(hint)) or {hint}
    if StopGuard in kinds:
        seconds = st.sampled_from([1, 3600, 366 * 86400])
        guard = {"stops": st.integers(1, 10000), "window_seconds": seconds, "lock_seconds": seconds}
        return st.none() | st.fixed_dictionaries(guard)
    if LowProfitGuard in kinds:
        seconds, least = st.sampled_from([1, 366 * 86400]), st.sampled_from(["-999999999999.99", "0", "1e11"])
        guard = {"trades": st.integers(1, 5), "window_seconds": seconds, "min_profit": least, "lock_seconds": seconds}
        return st.none() | st.fixed_dictionaries(guard)
    kind = next(one for one in kinds if one is not NoneType)
    kind = getattr(kind, "__supertype__", kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.sampled_from([1, 2, 600, 1439, 10000, 86400, 366 * 86400, 10**12])
    if kind is D:
        numbers = ["0", "0.00000001", "0.01", "1", "80", "100", "100000", "999999999999.99999999", "1e12", "1e40"]
        return st.sampled_from(numbers) | (st.none() if NoneType in kinds else st.nothing())
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from([one.value for one in kind])
    return st.nothing()


PARAMETERS = {
    name: strategy
    for name, hint in get_type_hints(RiskPolicy).items()
    if name != "version" and not (strategy := extremes(hint)).is_empty
}
