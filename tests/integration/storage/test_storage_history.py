"""What history shows of an account is what its snapshots say, whatever it is read from."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.storage.snapshots import drawdown, insert, new_account

from rubi.domain.history import EPOCH, WIDTHS, View, choose_view
from rubi.flows.roll_up_metrics import roll_up_metrics
from rubi.store import history

START = datetime(2025, 10, 25, 22, 30, tzinfo=UTC)

sample = st.tuples(
    st.integers(0, 3 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.integers(-100, 5000).map(float),
    st.integers(0, 3000).map(float),
)


async def read(ports, account, view):
    async with ports.pool.acquire() as conn:
        return [tuple(row) for row in await history.points(conn, account, view)]


def expected(samples, view):
    """The points of a view, the slow way."""
    inside = sorted(each for each in samples if view.start <= each[0] < view.end)
    made = {}
    for n, (time, equity, balance) in enumerate(inside):
        at = time - (time - EPOCH) % view.step
        so_far = drawdown_at([e for _, e, _ in inside[: n + 1]])
        opened, high, low, _, _, worst, count = made.get(at, (equity, equity, equity, 0, 0, 0.0, 0))
        made[at] = (opened, max(high, equity), min(low, equity), equity, balance, max(worst, so_far), count + 1)
    return [(at, *figures) for at, figures in made.items()]


def drawdown_at(equities):
    peak = max(equities)
    return max(0.0, min((peak - equities[-1]) / peak, 1.0)) if peak > 0 else 0.0


def same(found, wanted):
    assert [row[0] for row in found] == [row[0] for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one[1:] == pytest.approx(other[1:], rel=1e-12, abs=1e-12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=st.lists(sample, min_size=1, max_size=50), steps=st.one_of(st.just(1), st.integers(2, 30)))
async def test_every_resolution_shows_the_same_extremes_and_the_same_worst_drawdown(ports, samples, steps):
    account = new_account()
    await insert(ports.pool, account, samples)
    await roll_up_metrics(ports)
    for resolution, width in {"raw": timedelta(seconds=90), **WIDTHS}.items():
        unit = WIDTHS.get(resolution, timedelta(seconds=1))
        start = START - (START - EPOCH) % unit
        view = View(resolution, start, start + timedelta(days=4), width * steps)
        found = await read(ports, account, view)
        same(found, expected(samples, view))
        worst = drawdown([equity for _, equity, _ in sorted(samples)])
        assert max(row[6] for row in found) == pytest.approx(worst, abs=1e-12)


async def test_a_month_is_read_from_six_hours_and_keeps_the_spike_of_one_second(ports):
    account = new_account()
    samples = [(START + timedelta(minutes=10 * n), 1000.0, 1000.0) for n in range(30 * 24 * 6)]
    spike = (START + timedelta(days=11, seconds=1), 400.0, 1000.0)
    await insert(ports.pool, account, [*samples, spike])
    while await roll_up_metrics(ports):
        pass
    view = choose_view(START, START + timedelta(days=30), 100)
    assert view.resolution == "6h"
    found = await read(ports, account, view)
    assert len(found) <= 101
    assert min(row[3] for row in found) == 400.0
    assert max(row[6] for row in found) == 0.6
    assert found[0][1] == found[-1][4] == 1000.0


async def test_another_account_is_not_in_it(ports):
    mine, other = new_account(), new_account()
    await insert(ports.pool, mine, [(START, 1.0, 1.0)])
    await insert(ports.pool, other, [(START, 9.0, 9.0)])
    await roll_up_metrics(ports)
    for resolution in ("raw", *WIDTHS):
        width = WIDTHS.get(resolution, timedelta(seconds=1))
        view = View(resolution, START - (START - EPOCH) % width, START + timedelta(days=1), width)
        assert [row[1] for row in await read(ports, mine, view)] == [1.0]
