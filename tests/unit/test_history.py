"""Which resolution serves a stretch of history, and in how many points."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.errors import RubiError
from rubi.domain.history import EPOCH, WIDTHS, choose_view

NOW = datetime(2025, 10, 23, 10, 7, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "points", "resolution"),
    [
        (3650, 500, "1d"),
        (365, 500, "6h"),
        (365, 5000, "1h"),
        (30, 500, "1h"),
        (7, 500, "15m"),
        (1, 500, "1m"),
        (0.1, 500, "raw"),
    ],
)
def test_a_stretch_is_served_from_the_coarsest_resolution_that_has_the_points(days, points, resolution):
    assert choose_view(NOW - timedelta(days=days), NOW, points).resolution == resolution


def test_what_is_older_than_the_snapshots_is_served_from_minutes():
    view = choose_view(NOW - timedelta(hours=1), NOW, 500, raw_from=NOW)
    assert (view.resolution, view.step) == ("1m", timedelta(minutes=1))


def test_an_end_before_the_start_is_refused():
    with pytest.raises(RubiError, match="is not before"):
        choose_view(NOW, NOW, 10)


@given(
    st.integers(1, 10 * 365 * 86400),
    st.integers(1, 5000),
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_a_view_covers_the_range_and_has_not_more_points_than_asked_and_one(seconds, points, start):
    end = start + timedelta(seconds=seconds)
    view = choose_view(start, end, points)
    width = WIDTHS.get(view.resolution, timedelta(seconds=1))
    assert start - width < view.start <= start
    assert view.end == end
    assert view.step % width == timedelta(0)
    first, last = (view.start - EPOCH) // view.step, (end - timedelta(microseconds=1) - EPOCH) // view.step
    assert last - first + 1 <= points + 2
