"""How symbols move together: log returns, shrinkage, clusters and the risk of the whole portfolio.

Coefficients are computed in floats, whose order of operations is fixed here, and rounded to six decimals: from there on
everything is Decimal again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from rubi.domain.risk.exposure import Exposure
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import ZERO, Money

LEAST_RETURNS = 50
WINDOW = 100
SHRINK = 10
SIX = Decimal("0.000001")
SHARED_CURRENCY = Decimal("0.8")
SAME_CLASS = Decimal("0.5")

FIAT = frozenset(
    {"USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "PLN", "HUF", "CZK", "TRY", "ZAR"}
    | {"MXN", "SGD", "HKD", "CNH", "CNY", "THB", "ILS", "RUB"}
)
METALS = frozenset({"XAU", "XAG", "XPT", "XPD"})


class Source(StrEnum):
    """Where a coefficient comes from."""

    SAME = "SAME"
    MEASURED = "MEASURED"
    SHARED_CURRENCY = "SHARED_CURRENCY"
    SAME_CLASS = "SAME_CLASS"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Correlation:
    """A measured coefficient of two symbols, shrunk already, from `n` common returns."""

    a: str
    b: str
    r: Decimal
    n: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient and where it comes from; an assumed one never counts as a hedge."""

    r: Decimal
    source: Source

    @property
    def assumed(self) -> bool:
        """Whether it stands in for missing data."""
        return self.source not in {Source.SAME, Source.MEASURED}


def measure(
    a: str, closes_a: Mapping[datetime, float], b: str, closes_b: Mapping[datetime, float]
) -> Correlation | None:
    """Correlate the log returns of two close series on their common times; None below 50 returns or without movement.

    The newest 100 returns count. Shrunk to `r·n/(n+10)`, so that a short history claims less.
    """
    times = sorted(closes_a.keys() & closes_b.keys())[-(WINDOW + 1) :]
    n = len(times) - 1
    if n < LEAST_RETURNS:
        return None
    x = [math.log(closes_a[now] / closes_a[then]) for then, now in pairwise(times)]
    y = [math.log(closes_b[now] / closes_b[then]) for then, now in pairwise(times)]
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    var_x = math.fsum((v - mean_x) ** 2 for v in x)
    var_y = math.fsum((v - mean_y) ** 2 for v in y)
    if var_x <= 0 or var_y <= 0:
        return None
    both = math.fsum((v - mean_x) * (w - mean_y) for v, w in zip(x, y, strict=True))
    r = max(-1.0, min(1.0, both / math.sqrt(var_x * var_y)))
    return Correlation(a, b, Decimal(r * n / (n + SHRINK)).quantize(SIX), n)


class Book:
    """Coefficients of symbol pairs: measured where there is data, else assumed from what the symbols are."""

    def __init__(self, measured: Sequence[Correlation], specs: Mapping[str, SymbolSpec]) -> None:
        self._measured = {frozenset((pair.a, pair.b)): pair for pair in measured if pair.n >= LEAST_RETURNS}
        self._specs = specs

    def between(self, a: str, b: str) -> Estimate:
        """Return the coefficient of two symbols, both taken as bought."""
        if a == b:
            return Estimate(Decimal(1), Source.SAME)
        pair = self._measured.get(frozenset((a, b)))
        if pair is not None:
            return Estimate(pair.r, Source.MEASURED)
        one, other = self._specs.get(a), self._specs.get(b)
        return Estimate(ZERO, Source.NONE) if one is None or other is None else assume(one, other)

    def factor(self, one: Exposure, other: Exposure) -> Estimate:
        """Return the coefficient of two positions: `r·side·side`."""
        estimate = self.between(one.symbol, other.symbol)
        return Estimate(estimate.r * one.side.sign * other.side.sign, estimate.source)


def assume(one: SymbolSpec, other: SymbolSpec) -> Estimate:
    """Stand in for missing data: a shared currency 0.8 (minus when it stands on opposite legs), the same class 0.5."""
    legs_one, legs_other = legs(one), legs(other)
    shared = [sign * legs_other[currency] for currency, sign in legs_one.items() if currency in legs_other]
    if len(shared) == 2 and shared[0] == shared[1]:
        return Estimate(Decimal(shared[0]), Source.SAME)
    if shared:
        return Estimate(SHARED_CURRENCY * shared[0], Source.SHARED_CURRENCY)
    if symbol_class(one) == symbol_class(other):
        return Estimate(SAME_CLASS, Source.SAME_CLASS)
    return Estimate(ZERO, Source.NONE)


def legs(spec: SymbolSpec) -> dict[str, int]:
    """Return what a bought symbol is long and short of; an index or share quoted in its own currency has no legs."""
    if spec.currency_base == spec.currency_profit:
        return {}
    return {spec.currency_base: 1, spec.currency_profit: -1}


def symbol_class(spec: SymbolSpec) -> str:
    """Return the class: the broker's first folder, else what the currencies tell."""
    folder = spec.path.replace("/", "\\").split("\\")[0].strip().upper()
    if folder and folder != spec.name.upper():
        return folder
    if spec.currency_base in METALS:
        return "METALS"
    if spec.currency_base == spec.currency_profit:
        return "INDEXES AND SHARES"
    return "FOREX" if {spec.currency_base, spec.currency_profit} <= FIAT else "OTHER"


def cluster(new: Exposure, open_: Sequence[Exposure], book: Book, threshold: Decimal) -> tuple[Money, tuple[str, ...]]:
    """Return the risk of the new position and of those that move with it, and their symbols."""
    joined = [one for one in open_ if one.risk > 0 and book.factor(new, one).r >= threshold]
    total = new.risk + sum((one.risk for one in joined), ZERO)
    return Money(total), tuple(sorted({one.symbol for one in joined}))


def portfolio_risk(exposures: Sequence[Exposure], book: Book) -> Money:
    """Return `sqrt(w'Rw)` of the signed risks per symbol, account currency, with R repaired where it must be.

    An assumed coefficient counts only where it adds risk: a hedge has to be measured.
    """
    weights: dict[str, Decimal] = {}
    for one in exposures:
        weights[one.symbol] = weights.get(one.symbol, ZERO) + one.side.sign * one.risk
    symbols = sorted(symbol for symbol, weight in weights.items() if weight != 0)
    w = [weights[symbol] for symbol in symbols]
    matrix = [[_entry(book, a, b, weights) for b in symbols] for a in symbols]
    if not is_positive(matrix):
        matrix = repair(matrix)
    total = sum((w[i] * w[j] * matrix[i][j] for i in range(len(w)) for j in range(len(w))), ZERO)
    return Money(max(ZERO, total).sqrt())


def _entry(book: Book, a: str, b: str, weights: Mapping[str, Decimal]) -> Decimal:
    estimate = book.between(a, b)
    if estimate.assumed and estimate.r * weights[a] * weights[b] < 0:
        return ZERO
    return estimate.r


def is_positive(matrix: Sequence[Sequence[Decimal]]) -> bool:
    """Say whether a symmetric matrix has a Cholesky root, that is, whether it is a possible correlation matrix."""
    root: list[list[float]] = []
    for i, row in enumerate(matrix):
        line: list[float] = []
        for j in range(i):
            rest = float(row[j]) - math.fsum(line[k] * root[j][k] for k in range(j))
            line.append(rest / root[j][j])
        pivot = float(row[i]) - math.fsum(value * value for value in line)
        if pivot <= 1e-12:
            return False
        line.append(math.sqrt(pivot))
        root.append(line)
    return True


def repair(matrix: Sequence[Sequence[Decimal]]) -> list[list[Decimal]]:
    """Return a possible correlation matrix near this one: negative eigenvalues raised to 0, the diagonal back to 1."""
    values, vectors = eigen([[float(cell) for cell in row] for row in matrix])
    size = len(values)
    kept = [max(value, 0.0) for value in values]
    raised = [
        [math.fsum(vectors[i][k] * kept[k] * vectors[j][k] for k in range(size)) for j in range(size)]
        for i in range(size)
    ]
    scale = [math.sqrt(raised[i][i]) or 1.0 for i in range(size)]
    return [
        [Decimal(1) if i == j else Decimal(raised[i][j] / (scale[i] * scale[j])).quantize(SIX) for j in range(size)]
        for i in range(size)
    ]


def eigen(matrix: list[list[float]]) -> tuple[list[float], list[list[float]]]:
    """Return eigenvalues and eigenvectors (in columns) of a symmetric matrix, by cyclic Jacobi rotations."""
    size = len(matrix)
    a = [row[:] for row in matrix]
    v = [[1.0 if i == j else 0.0 for j in range(size)] for i in range(size)]
    for _ in range(60):
        if math.fsum(a[i][j] ** 2 for i in range(size) for j in range(i)) < 1e-22:
            break
        for p in range(size):
            for q in range(p + 1, size):
                if abs(a[p][q]) > 1e-15:
                    _rotate(a, v, p, q)
    return [a[i][i] for i in range(size)], v


def _rotate(a: list[list[float]], v: list[list[float]], p: int, q: int) -> None:
    theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    t = math.copysign(1.0, theta) / (abs(theta) + math.sqrt(theta * theta + 1))
    c = 1 / math.sqrt(t * t + 1)
    s = t * c
    for k in range(len(a)):
        a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
    for k in range(len(a)):
        a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
        v[k][p], v[k][q] = c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]
