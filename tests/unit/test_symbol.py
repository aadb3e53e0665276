from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from tests.unit.risk.cases import NOW, eurusd, tick, us30

from rubi.domain.symbol import SessionWindow
from rubi.domain.units import Side


def test_a_price_is_rounded_to_ticks_and_written_with_the_symbols_digits():
    assert str(eurusd().price(D("1.1"))) == "1.10000"
    assert eurusd().price(D("1.095034")) == D("1.09503")
    assert eurusd(tick_size=D("0.00005")).price(D("1.09504")) == D("1.09505")


def test_a_tick_finer_than_the_digits_is_kept():
    assert eurusd(digits=1, tick_size=D("0.25")).price(D("10.3")) == D("10.25")


def test_a_price_moves_toward_the_side_that_was_asked():
    assert eurusd().price_toward(D("1.095001"), D("1.1")) == D("1.09501")
    assert eurusd().price_toward(D("1.105009"), D("1.1")) == D("1.10500")


def test_distances_are_counted_in_ticks_and_points():
    spec = eurusd(tick_size=D("0.00005"))
    assert spec.ticks(D("0.005")) == 100
    assert spec.points(D("0.005")) == 500
    assert spec.is_on_grid(D("1.00005"))
    assert not spec.is_on_grid(D("1.00004"))


def test_a_volume_stays_within_what_the_broker_trades():
    assert us30().volume(D("0.09")) == 0
    assert us30().volume(D("0.37")) == D("0.3")
    assert us30(volume_max=D(2)).volume(D(5)) == D(2)


def test_the_version_tells_specifications_apart_but_not_their_age():
    spec = eurusd()
    assert spec.version == replace(spec, as_of=NOW + timedelta(days=1)).version
    assert spec.version == replace(spec, tick_value_loss=D("1.00")).version
    assert spec.version != replace(spec, tick_value_loss=D("1.01")).version


@pytest.mark.parametrize("field", ["point", "tick_size", "contract_size", "volume_min", "volume_max", "volume_step"])
def test_a_specification_without_a_size_is_refused(field):
    with pytest.raises(ValueError, match=f"EURUSD: {field} is 0; it must be positive"):
        eurusd(**{field: D(0)})


def test_a_minimum_above_the_maximum_is_refused():
    with pytest.raises(ValueError, match="volume_min 200 is above volume_max 100"):
        eurusd(volume_min=D(200))


@pytest.mark.parametrize("window", [(7, 0, 1), (0, 5, 5), (0, 0, 86401), (-1, 0, 1)])
def test_a_session_that_no_clock_shows_is_refused(window):
    with pytest.raises(ValueError, match="weekday is 0"):
        SessionWindow(*window)


def test_a_buy_opens_at_the_ask_and_closes_at_the_bid():
    quote = tick(bid="1.0998", ask="1.1000")
    assert quote.entry(Side.BUY) == quote.closing(Side.SELL) == D("1.1000")
    assert quote.entry(Side.SELL) == quote.closing(Side.BUY) == D("1.0998")
    assert quote.spread == D("0.0002")
