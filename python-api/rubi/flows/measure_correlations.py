"""Correlations out of the bars that terminals send, measured once in a while and remembered by the process.

A decision stores the coefficients it was made with, so that it can be replayed whatever this process remembers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from uuid import UUID

from rubi.domain.risk.correlation import LEAST_RETURNS, WINDOW, Correlation, measure
from rubi.store import closes
from rubi.store.closes import Closes
from rubi.store.pool import Connection

KEPT_FOR = timedelta(minutes=5)
MINUTES_BACK = timedelta(days=7)
"""How far back hours are made of minutes: a hundred trading hours with a weekend between them."""
MOST_ACCOUNTS = 1000

_TIMEFRAMES = ("D1", "H1")


@dataclass(slots=True)
class _Measured:
    """What is known of one account's symbols. A pair without enough common bars is known, too: it is None."""

    until: datetime
    series: dict[str, dict[str, Closes]] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Correlation | None] = field(default_factory=dict)


_known: dict[UUID, _Measured] = {}


async def measure_correlations(
    conn: Connection, account_id: UUID, symbols: Iterable[str], *, now: datetime
) -> tuple[Correlation, ...]:
    """The coefficients of all pairs of these symbols that have enough bars in common: daily, else hourly closes."""
    names = sorted(set(symbols))
    if len(names) < 2:
        return ()
    known = _known.get(account_id)
    if known is None or now >= known.until or known.until - now > KEPT_FOR:
        if len(_known) >= MOST_ACCOUNTS:
            _known.clear()
        known = _known[account_id] = _Measured(now + KEPT_FOR)
    missing = [name for name in names if name not in known.series]
    if missing:
        for name, series in (await _read(conn, account_id, missing, now)).items():
            known.series[name] = series
    found = []
    for pair in combinations(names, 2):
        if pair not in known.pairs:
            known.pairs[pair] = _pair(pair, known.series)
        coefficient = known.pairs[pair]
        if coefficient is not None:
            found.append(coefficient)
    return tuple(found)


async def _read(conn: Connection, account_id: UUID, symbols: list[str], now: datetime) -> dict[str, dict[str, Closes]]:
    found: dict[str, dict[str, Closes]] = {symbol: {} for symbol in symbols}
    for timeframe in _TIMEFRAMES:
        for symbol, series in (await closes.closes(conn, account_id, symbols, timeframe, WINDOW + 1)).items():
            found[symbol][timeframe] = series
    poor = [symbol for symbol in symbols if len(found[symbol]["H1"]) <= LEAST_RETURNS]
    if poor:
        for symbol, series in (await closes.hours_of_minutes(conn, account_id, poor, now - MINUTES_BACK)).items():
            found[symbol]["H1"] = series | found[symbol]["H1"]
    return found


def _pair(pair: tuple[str, str], series: dict[str, dict[str, Closes]]) -> Correlation | None:
    one, other = pair
    for timeframe in _TIMEFRAMES:
        measured = measure(one, series[one][timeframe], other, series[other][timeframe])
        if measured is not None:
            return measured
    return None
