"""The demonstration's strategy: trades the momentum of the last ticks, and now and then asks for something foolish.

It exists to be watched: the third opening signal and then every fourth is one that the risk rules must deny (a target
nearer than the stop, or a stop on the wrong side), so that a denial and its reason can be seen.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import structlog

from rubi.domain.units import Side, round_to_grid, snap_volume
from rubi.terminal.broker import Broker, Position, Symbol, Tick
from rubi.terminal.executor import Told, nobody_listens
from rubi.terminal.outbox import Outbox, OutboxFullError
from rubi.terminal.session import Session
from rubi.terminal.wire import iso

log = structlog.get_logger(__name__)

WARM_UP_S = 0.5
EVERY_S = 2.5
FOOLISH_EVERY, FOOLISH_FIRST = 4, 2
MOST_OPEN = 4
"""Positions and signals under way; each risks `RISK_PERCENT`, so the account's cap on open risk is far away."""

CLOSE_AFTER_S = 14.0
"""From then on a position in profit is closed by a signal, from `LONGEST_HELD_S` on any."""

LONGEST_HELD_S = 45.0
ASKED_FOR_S = 8.0
"""A symbol rests this long after a signal, unless its position shows up."""

RISK_PERCENT = Decimal("0.25")
STOP_SPREADS = 12
"""Distance of the stop in spreads: some 9 pips in EURUSD, 2 dollars in gold."""

REWARD = Decimal("2.2")
"""Target over stop before commission: net of 7 per lot it stays above 1.5."""

POOR_REWARD = Decimal("0.4")
MOMENTUM_TICKS = 40


class Strategy:
    """One step per sync: perhaps a signal into the outbox."""

    def __init__(
        self,
        broker: Broker,
        outbox: Outbox,
        *,
        seed: int,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        tell: Told = nobody_listens,
        new_key: Callable[[], UUID] = uuid4,
    ) -> None:
        """`now` is the service's UTC, `clock` counts seconds."""
        self._broker = broker
        self._outbox = outbox
        self._now = now
        self._clock = clock
        self._tell = tell
        self._new_key = new_key
        self._random = random.Random(f"strategy:{seed}")
        self._opened = 0
        self._next_at: float | None = None
        self._asked: dict[str, float] = {}
        self._seen: dict[int, float] = {}
        self._closing: set[int] = set()

    async def step(self, session: Session) -> None:
        """Send at most one signal; nothing before the service has had the first sync of the session."""
        now = self._clock()
        if session.seq == 0 or session.trading_state != "ACTIVE":
            return
        if self._next_at is None:
            self._next_at = now + WARM_UP_S
        if now < self._next_at:
            return
        positions = await self._broker.positions()
        self._remember(positions, now)
        signal = self._closing_signal(positions, now) or await self._opening_signal(positions, now)
        if signal is None:
            return
        self._next_at = now + EVERY_S * self._random.uniform(0.8, 1.2)
        try:
            self._outbox.put(signal, at=self._now())
        except OutboxFullError as full:
            log.warning("signal.not_taken", why=str(full))
            return
        self._tell("signal_made", signal)

    def _remember(self, positions: list[Position], now: float) -> None:
        held = {one.position_id for one in positions}
        self._seen = {one: self._seen.get(one, now) for one in held}
        self._closing &= held
        shown = {one.symbol for one in positions}
        self._asked = {name: at for name, at in self._asked.items() if name not in shown and now < at + ASKED_FOR_S}

    def _closing_signal(self, positions: list[Position], now: float) -> dict[str, Any] | None:
        for one in positions:
            age = now - self._seen[one.position_id]
            wanted = age > LONGEST_HELD_S or (age > CLOSE_AFTER_S and one.profit > 0)
            if wanted and one.position_id not in self._closing:
                same = (p.position_id for p in positions if (p.symbol, p.type) == (one.symbol, one.type))
                self._closing.update(same)
                return self._signal(one.symbol, f"CLOSE_{one.type}", entry_price=one.current_price)
        return None

    async def _opening_signal(self, positions: list[Position], now: float) -> dict[str, Any] | None:
        busy = {one.symbol for one in positions} | set(self._asked)
        free = [one for one in await self._broker.symbols() if one.name not in busy]
        if not free or len(busy) >= MOST_OPEN:
            return None
        symbol, side, tick = await self._strongest(free)
        foolish = self._opened % FOOLISH_EVERY == FOOLISH_FIRST
        wrong_way = foolish and self._opened % (2 * FOOLISH_EVERY) != FOOLISH_FIRST
        stop_distance = (tick.ask - tick.bid) * STOP_SPREADS
        target_distance = stop_distance * (POOR_REWARD if foolish else REWARD)
        entry = tick.opening(side)
        stop = entry - side.sign * stop_distance * (-1 if wrong_way else 1)
        target = round_to_grid(entry + side.sign * target_distance, symbol.tick_size)
        volume = await self._volume(symbol, side, entry, stop)
        if volume <= 0:
            return None
        self._opened += 1
        if not foolish:
            self._asked[symbol.name] = now
        return self._signal(
            symbol.name, side.value, entry_price=entry, stop_loss=stop, take_profit=target, volume=volume
        )

    async def _strongest(self, symbols: list[Symbol]) -> tuple[Symbol, Side, Tick]:
        """The symbol whose price has moved most, in spreads, over the last ticks; and which way."""
        moves: list[tuple[Decimal, Symbol, Tick]] = []
        for symbol in symbols:
            ticks = await self._broker.ticks(symbol.name, 0, MOMENTUM_TICKS)
            last = ticks[-1]
            moves.append(((last.bid - ticks[0].bid) / (last.ask - last.bid), symbol, last))
        move, symbol, tick = max(moves, key=lambda one: abs(one[0]))
        return symbol, Side.BUY if move >= 0 else Side.SELL, tick

    async def _volume(self, symbol: Symbol, side: Side, entry: Decimal, stop: Decimal) -> Decimal:
        account = await self._broker.account()
        lost = await self._broker.order_calc_profit(side, symbol.name, Decimal(1), entry, stop)
        if not lost:
            return Decimal(0)
        wanted = account.balance * RISK_PERCENT / 100 / (abs(lost) + symbol.commission_per_lot)
        return snap_volume(min(wanted, symbol.volume_max), minimum=symbol.volume_min, step=symbol.volume_step)

    def _signal(self, symbol: str, signal_type: str, **prices: Decimal) -> dict[str, Any]:
        return {
            "key": str(self._new_key()),
            "symbol": symbol,
            "signal_type": signal_type,
            **prices,
            "timeframe": "M1",
            "confidence": Decimal(self._random.randint(55, 95)) / 100,
            "signal_time": iso(self._now()),
        }
