from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.price_guard import price_guard
from rubi.domain.symbol import SymbolSpec

D = Decimal
SPEC = SymbolSpec(
    "EURUSD", 5, D("0.00001"), D("0.00001"), D(1), D(1), D(100000), D("0.01"), D(100), D("0.01"), "EUR", "USD",
    datetime(2025, 10, 23, tzinfo=UTC),
)  # fmt: skip


def guard(stop="1.095", spread="0.0001", most=None):
    return price_guard(SPEC, entry=D("1.1"), stop=D(stop) if stop else None, spread=D(spread), most_points=most)


def test_a_tenth_of_the_stops_distance_may_be_lost_to_slippage():
    band = guard()
    assert (band.low, band.high, band.deviation_points) == (D("1.0995"), D("1.1005"), 50)


def test_at_least_twenty_points_and_three_spreads():
    assert guard(stop=None, spread="0").deviation_points == 20
    assert guard(stop=None, spread="0.0002").deviation_points == 60


def test_never_more_than_half_way_to_the_stop_nor_than_the_policy_says():
    assert guard(stop="1.0999").deviation_points == 5
    assert guard(most=D(7)).deviation_points == 7


@given(
    stop=st.decimals(D("1.05"), D("1.15"), places=5).filter(lambda stop: stop != D("1.1")) | st.none(),
    spread=st.decimals(D(0), D("0.01"), places=5),
    most=st.integers(1, 500).map(D) | st.none(),
)
def test_the_band_holds_the_entry_and_not_the_stop(stop, spread, most):
    band = price_guard(SPEC, entry=D("1.1"), stop=stop, spread=spread, most_points=most)
    assert 0 < band.low <= D("1.1") <= band.high
    assert band.deviation_points >= 1
    if stop is not None and abs(stop - D("1.1")) > D("0.00002"):
        assert not band.low <= stop <= band.high
