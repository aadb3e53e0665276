"""What a position's history shows is what its samples say."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rubi.domain.history import EPOCH, step_of
from rubi.store import history

START = datetime(2025, 10, 25, 22, 30, 4, tzinfo=UTC)
POSITION = 901

sample = st.tuples(
    st.integers(-3600, 3 * 86400).map(lambda seconds: START + timedelta(seconds=seconds)),
    st.integers(1, 2000).map(lambda points: points / 1000),
    st.integers(-5000, 5000).map(float),
    st.one_of(st.none(), st.integers(1, 2000).map(float)),
)


async def keep(ports, account_id, samples, position_id=POSITION):
    await ports.pool.executemany(
        """INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price, sl, tp,
             profit, swap) VALUES ($1, $2, $3, 'EURUSD', 'BUY', 0.1, $4, $6, NULL, $5, -0.5)""",
        [(time, account_id, position_id, price, profit, sl) for time, price, profit, sl in samples],
    )


def expected(samples, start, end, step):
    """The points, the slow way."""
    made = {}
    for time, price, profit, sl in sorted(samples, key=lambda each: each[0]):
        if start <= time < end:
            made.setdefault(time - (time - EPOCH) % step, []).append((price, profit, sl))
    return [
        (
            at, inside[-1][0], max(p for p, _, _ in inside), min(p for p, _, _ in inside), inside[-1][1],
            max(m for _, m, _ in inside), min(m for _, m, _ in inside), inside[-1][2], len(inside),
        )
        for at, inside in made.items()
    ]  # fmt: skip


@given(samples=st.lists(sample, max_size=60, unique_by=lambda each: each[0]), points=st.integers(1, 200))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_step_keeps_its_extremes_and_its_last_sample(ports, desk, samples, points):
    await ports.pool.execute("DELETE FROM position_snapshots")
    await keep(ports, desk.account_id, samples)
    await keep(ports, desk.account_id, [(START, 9.0, 9999.0, None)], position_id=POSITION + 1)
    end = START + timedelta(days=2)
    step = step_of(end - START, points)
    async with ports.pool.acquire() as conn:
        rows = await history.position_points(conn, desk.account_id, POSITION, START, end, step)
    names = ("time", "price", "price_high", "price_low", "profit", "profit_high", "profit_low", "sl", "samples")
    assert [tuple(row[name] for name in names) for row in rows] == expected(samples, START, end, step)
    assert len(rows) <= points + 1
