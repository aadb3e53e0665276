"""A seeded price process: the same seed and the same start give the same ticks, whoever asks and how often."""

import heapq
import math
import random
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from rubi.terminal.broker import Bar, Tick
from rubi.terminal.instruments import Instrument

REVERSION_PER_SECOND = 1e-4
"""Pull towards the starting price, so that a long run stays in a believable range."""

HISTORY_STEP_MS = 5_000
TICKS_KEPT = 2_000
BARS_KEPT = 1_500
MINUTE_MS = 60_000


class PriceSeries:
    """One symbol: a random walk of the mid price, its ticks and its M1 bars."""

    def __init__(self, instrument: Instrument, *, seed: int, speed: float) -> None:
        self.instrument = instrument
        self.mid = float(instrument.start)
        self.ticks: deque[Tick] = deque(maxlen=TICKS_KEPT)
        self.bars: deque[Bar] = deque(maxlen=BARS_KEPT)
        self._random = random.Random(f"{seed}:{instrument.name}")
        self._speed = speed

    def pause_ms(self, mean_ms: int) -> int:
        """Draw the time to the next tick."""
        return max(1, round(mean_ms * (0.5 + self._random.random())))

    def walk(self, elapsed_ms: int) -> float:
        """Move the mid price by one step of a mean-reverting geometric walk."""
        seconds = elapsed_ms / 1000
        shock = self.instrument.volatility * self._speed * math.sqrt(seconds) * self._random.gauss(0.0, 1.0)
        pull = REVERSION_PER_SECOND * seconds * math.log(self.mid / float(self.instrument.start))
        self.mid *= math.exp(shock - pull)
        return self.mid

    def quote(self, at_msc: int) -> Tick:
        """Make a tick of the current mid price."""
        points = self.instrument.spread_points + self._random.randint(0, self.instrument.spread_points // 4)
        tick = self.instrument.tick_size
        spread = self.instrument.point * points
        bid = Decimal(round((self.mid - float(spread) / 2) / float(tick))) * tick
        return self.keep(Tick(self.instrument.name, bid, bid + spread, at_msc))

    def keep(self, tick: Tick) -> Tick:
        """Append a tick and fold it into the running bar."""
        self.ticks.append(tick)
        opened = tick.time_msc // MINUTE_MS * 60
        spread = int((tick.ask - tick.bid) / self.instrument.point)
        if self.bars and self.bars[-1].time == opened:
            bar = self.bars.pop()
            high, low = max(bar.high, tick.bid), min(bar.low, tick.bid)
            self.bars.append(
                Bar(
                    bar.symbol,
                    "M1",
                    opened,
                    bar.open,
                    high,
                    low,
                    tick.bid,
                    bar.tick_volume + 1,
                    min(bar.spread, spread),
                )
            )
        else:
            self.bars.append(Bar(tick.symbol, "M1", opened, tick.bid, tick.bid, tick.bid, tick.bid, 1, spread))
        return tick


class Prices:
    """All symbols of the simulated broker, ticking in one order of time (milliseconds of the broker's wall clock)."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        seed: int,
        start_msc: int,
        interval_ms: int = 250,
        speed: float = 1.0,
        history_minutes: int = 60,
        resume_at: Mapping[str, float] | None = None,
    ) -> None:
        """Start at `start_msc` with `history_minutes` of past bars.

        `interval_ms` is the mean time between two ticks of a symbol; 0 stops the market, then only `put` moves it.
        `speed` multiplies the volatility. `resume_at` holds the mid prices where an earlier run ended.
        """
        self.series = {one.name: PriceSeries(one, seed=seed, speed=speed) for one in instruments}
        self.now_msc = start_msc
        self._interval_ms = interval_ms
        self._due: list[tuple[int, str]] = []
        for name, series in self.series.items():
            self._invent_past(series, history_minutes, (resume_at or {}).get(name))
            series.quote(start_msc)
            if interval_ms:
                heapq.heappush(self._due, (start_msc + series.pause_ms(interval_ms), name))

    def advance(self, until_msc: int) -> Iterator[Tick]:
        """Yield the ticks up to and including `until_msc`, in order of time."""
        while self._due and self._due[0][0] <= until_msc:
            at, name = heapq.heappop(self._due)
            series = self.series[name]
            series.walk(max(1, at - series.ticks[-1].time_msc))
            heapq.heappush(self._due, (at + series.pause_ms(self._interval_ms), name))
            self.now_msc = at
            yield series.quote(at)
        self.now_msc = max(self.now_msc, until_msc)

    def put(self, symbol: str, bid: Decimal, ask: Decimal | None = None) -> Tick:
        """Set the quote of a symbol now; the walk goes on from there."""
        series = self.series[symbol]
        ask = ask if ask is not None else bid + series.instrument.point * series.instrument.spread_points
        series.mid = float(bid + ask) / 2
        return series.keep(Tick(symbol, bid, ask, self.now_msc))

    def last(self, symbol: str) -> Tick | None:
        """The newest tick of a symbol, or None when the symbol is unknown."""
        series = self.series.get(symbol)
        return series.ticks[-1] if series else None

    def ticks(self, symbol: str, since_msc: int, limit: int) -> list[Tick]:
        """The newest `limit` ticks after `since_msc`, oldest first."""
        found: list[Tick] = []
        for tick in reversed(self.series[symbol].ticks):
            if tick.time_msc <= since_msc or len(found) == limit:
                break
            found.append(tick)
        return found[::-1]

    def bars(self, symbol: str, count: int) -> list[Bar]:
        """The newest `count` M1 bars, oldest first."""
        kept = self.series[symbol].bars
        return list(kept)[-count:] if count else []

    def mids(self) -> dict[str, float]:
        """Where each walk stands, for `resume_at` of the next run."""
        return {name: series.mid for name, series in self.series.items()}

    def _invent_past(self, series: PriceSeries, minutes: int, end_at: float | None) -> None:
        steps = [series.walk(HISTORY_STEP_MS) for _ in range(minutes * MINUTE_MS // HISTORY_STEP_MS)]
        end = series.mid if end_at is None else end_at
        scale = end / series.mid
        for back, mid in zip(range(len(steps), 0, -1), steps, strict=True):
            series.mid = mid * scale
            series.quote(self.now_msc - back * HISTORY_STEP_MS)
        series.mid = end
