import math
import random
from datetime import timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.risk.cases import NOW, eurusd, gbpusd, us30, usdjpy, xauusd

from rubi.domain.risk.correlation import (
    Book,
    Correlation,
    Source,
    assume,
    cluster,
    eigen,
    is_positive,
    measure,
    portfolio_risk,
    repair,
    symbol_class,
)
from rubi.domain.risk.exposure import Exposure, ExposureKind
from rubi.domain.units import Side

SPECS = {spec.name: spec for spec in (eurusd(), gbpusd(), usdjpy(), xauusd(), us30())}
TWO = (Correlation("EURUSD", "GBPUSD", D("0.85"), 100),)


def exposure(symbol="EURUSD", risk="100", side=Side.BUY) -> Exposure:
    return Exposure(ExposureKind.POSITION, symbol, side, D("0.1"), D(risk), D(11000))


def walk(seed: int, n: int, other: list[float] | None = None, weight: float = 0.0) -> list[float]:
    chance = random.Random(seed)
    steps = [chance.gauss(0, 0.01) for _ in range(n)]
    if other is not None:
        theirs = [math.log(b / a) for a, b in pairwise(other)]
        steps = [weight * t + math.sqrt(1 - weight**2) * s for t, s in zip(theirs, steps, strict=True)]
    closes = [1.0]
    for step in steps:
        closes.append(closes[-1] * math.exp(step))
    return closes


def series(closes: list[float], skip: int = 0) -> dict:
    return {NOW + timedelta(days=n + skip): close for n, close in enumerate(closes)}


def test_a_measured_coefficient_is_shrunk_by_its_length():
    closes = walk(1, 60)
    pair = measure("A", series(closes), "B", series(closes))
    assert pair is not None
    assert (pair.r, pair.n) == (round(D(60) / D(70), 6), 60)


def test_the_measure_finds_the_coefficient_that_made_the_series():
    first = walk(1, 100)
    pair = measure("A", series(first), "B", series(walk(2, 100, first, 0.8)))
    assert pair is not None
    assert abs(pair.r * 110 / 100 - D("0.8")) < D("0.1")
    inverse = measure("A", series(first), "B", series([1 / close for close in first]))
    assert inverse is not None
    assert inverse.r == round(D(-100) / D(110), 6)


def test_only_the_newest_hundred_common_returns_count():
    first, second = walk(1, 300), walk(2, 300)
    pair = measure("A", series(first), "B", series(second))
    newest = measure("A", series(first[-101:], 200), "B", series(second[-101:], 200))
    assert pair == newest
    assert pair is not None
    assert pair.n == 100


def test_too_short_or_motionless_series_are_not_measured():
    assert measure("A", series(walk(1, 49)), "B", series(walk(2, 49))) is None
    assert measure("A", series(walk(1, 100)), "B", series(walk(2, 100), skip=60)) is None
    assert measure("A", series(walk(1, 60)), "B", series([1.0] * 61)) is None


@pytest.mark.parametrize(
    ("one", "other", "r", "source"),
    [
        (eurusd(), gbpusd(), "0.8", Source.SHARED_CURRENCY),
        (eurusd(), usdjpy(), "-0.8", Source.SHARED_CURRENCY),
        (eurusd(), eurusd(name="EURUSD.a"), "1", Source.SAME),
        (eurusd(), xauusd(), "0.8", Source.SHARED_CURRENCY),
        (us30(), us30(name="DE40", currency_base="EUR", currency_profit="EUR"), "0.5", Source.SAME_CLASS),
        (us30(), eurusd(), "0", Source.NONE),
        (eurusd(path="Majors\\EURUSD"), us30(path="Majors\\US30"), "0.5", Source.SAME_CLASS),
    ],
)
def test_missing_data_is_assumed_from_what_the_symbols_are(one, other, r, source):
    estimate = assume(one, other)
    assert (estimate.r, estimate.source) == (D(r), source)


def test_the_class_comes_from_the_brokers_folder_or_the_currencies():
    assert symbol_class(eurusd(path="Forex\\Majors\\EURUSD")) == "FOREX"
    assert [symbol_class(spec) for spec in SPECS.values()] == [
        "FOREX",
        "FOREX",
        "FOREX",
        "METALS",
        "INDEXES AND SHARES",
    ]


def test_measured_beats_assumed_and_unknown_symbols_have_nothing():
    book = Book(TWO, SPECS)
    assert book.between("GBPUSD", "EURUSD").r == D("0.85")
    assert book.between("EURUSD", "EURUSD").r == 1
    assert book.between("EURUSD", "NOWHERE").source is Source.NONE
    thin = Book((Correlation("EURUSD", "GBPUSD", D("0.1"), 49),), SPECS)
    assert thin.between("EURUSD", "GBPUSD").r == D("0.8")


def test_two_pairs_at_one_percent_each_risk_less_than_two():
    book = Book(TWO, SPECS)
    whole = portfolio_risk([exposure("EURUSD", "100"), exposure("GBPUSD", "100")], book)
    assert round(whole / 100, 4) == D("1.9235")


def test_a_measured_hedge_lowers_the_portfolio_and_an_assumed_one_does_not():
    pair = [exposure("EURUSD"), exposure("GBPUSD", side=Side.SELL)]
    measured = portfolio_risk(pair, Book(TWO, SPECS))
    assumed = portfolio_risk(pair, Book((), SPECS))
    assert round(measured, 4) == round(D(30).sqrt() * 10, 4)
    assert round(assumed, 4) == round(D(2).sqrt() * 100, 4)


def test_a_cluster_counts_what_moves_the_same_way():
    book = Book(TWO, SPECS)
    held = [exposure("GBPUSD", "70"), exposure("US30", "50"), exposure("GBPUSD", "30", Side.SELL), exposure()]
    risk, symbols = cluster(exposure(risk="10"), held, book, D("0.7"))
    assert (risk, symbols) == (180, ("EURUSD", "GBPUSD"))


def test_a_position_without_risk_is_in_no_cluster():
    assert cluster(exposure(risk="10"), [exposure("GBPUSD", "0")], Book(TWO, SPECS), D("0.7")) == (10, ())


def test_a_sold_pair_joins_the_cluster_of_an_inverse_one():
    risk, symbols = cluster(exposure(risk="10"), [exposure("USDJPY", "40", Side.SELL)], Book((), SPECS), D("0.7"))
    assert (risk, symbols) == (50, ("USDJPY",))


def test_impossible_coefficients_are_repaired():
    bad = [[D(1), D("0.9"), D("-0.9")], [D("0.9"), D(1), D("0.9")], [D("-0.9"), D("0.9"), D(1)]]
    assert not is_positive(bad)
    good = repair(bad)
    values, _ = eigen([[float(cell) for cell in row] for row in good])
    assert min(values) > -1e-5
    assert all(good[i][i] == 1 for i in range(3))
    assert all(good[i][j] == good[j][i] for i in range(3) for j in range(3))


def test_eigenvectors_rebuild_the_matrix():
    matrix = [[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 3.0]]
    values, vectors = eigen(matrix)
    for i in range(3):
        for j in range(3):
            rebuilt = sum(vectors[i][k] * values[k] * vectors[j][k] for k in range(3))
            assert rebuilt == pytest.approx(matrix[i][j], abs=1e-9)


coefficients = st.decimals("-1", "1", places=3)


@given(rs=st.lists(coefficients, min_size=10, max_size=10), risks=st.lists(st.integers(0, 500), min_size=5, max_size=5))
def test_the_portfolio_is_never_riskier_than_the_sum_of_its_parts(rs, risks):
    names = sorted(SPECS)
    pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :]]
    book = Book([Correlation(a, b, r, 100) for (a, b), r in zip(pairs, rs, strict=True)], SPECS)
    held = [exposure(name, str(risk)) for name, risk in zip(names, risks, strict=True)]
    whole = portfolio_risk(held, book)
    assert 0 <= whole <= sum(risks) + D("0.01")


@given(rs=st.lists(coefficients, min_size=10, max_size=10))
def test_a_repaired_matrix_is_a_correlation_matrix(rs):
    values = iter(rs)
    matrix = [[D(1)] * 5 for _ in range(5)]
    for i in range(5):
        for j in range(i):
            matrix[i][j] = matrix[j][i] = next(values)
    good = repair(matrix)
    smallest = min(eigen([[float(cell) for cell in row] for row in good])[0])
    assert smallest > -1e-5
    assert all(abs(cell) <= D("1.000001") for row in good for cell in row)
