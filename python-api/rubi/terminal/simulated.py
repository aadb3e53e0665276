"""A simulated broker: one account, seeded prices, MT5's answers. Deterministic under a seed and a clock.

It is not a broker: it has no liquidity, no slippage of its own and no news. What it does have is every retcode, hedging
and netting, and a script by which a test or a fault run says how the next requests are to be treated.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import msgspec

from rubi.domain.retcodes import name_of
from rubi.domain.units import ZERO, Side
from rubi.terminal.broker import (
    Account,
    Bar,
    BrokerTime,
    Check,
    Deal,
    DealCursor,
    Flags,
    NoAnswerError,
    Order,
    Position,
    Request,
    Result,
    Symbol,
    Tick,
)
from rubi.terminal.execution import Behaviour, Execution
from rubi.terminal.instruments import INSTRUMENTS, Instrument
from rubi.terminal.ledger import Ledger
from rubi.terminal.margin import Valuation
from rubi.terminal.matching import DAY_MS, Matching
from rubi.terminal.prices import Prices
from rubi.terminal.rules import TAKEN, Rules

STOP_OUT_EVERY_MS = 1_000


@dataclass(frozen=True)
class AccountTerms:
    """What kind of account the broker keeps. `utc_offset_s` is broker wall clock minus UTC."""

    login: int = 50012345
    server: str = "RubiSim-Demo"
    company: str = "Rubi Simulated Markets"
    currency: str = "USD"
    deposit: Decimal = Decimal(10_000)
    leverage: int = 500
    hedging: bool = True
    hedge_allowed: bool = True
    fifo_close: bool = False
    limit_orders: int = 200
    utc_offset_s: int = 10_800
    build: int = 4755


def utc_msc() -> int:
    """The wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


class SimulatedBroker:
    """Implements `Broker`. The market moves when somebody looks: every call first lets the missing ticks happen."""

    def __init__(
        self,
        terms: AccountTerms | None = None,
        *,
        seed: int = 1,
        clock: Callable[[], int] = utc_msc,
        instruments: Iterable[Instrument] = INSTRUMENTS,
        interval_ms: int = 250,
        speed: float = 1.0,
        history_minutes: int = 60,
        ledger_path: Path | None = None,
    ) -> None:
        """Open the account, or go on with the one in `ledger_path`.

        `clock` gives UTC in milliseconds and must not go back. `interval_ms` 0 stops the market (see `quote`).
        """
        self.terms = terms or AccountTerms()
        self.ledger = Ledger(ledger_path)
        self._clock = clock
        self._script: deque[Behaviour] = deque()
        listed = tuple(instruments)
        runs = int(self.ledger.meta.get("runs", 0))
        mids = msgspec.json.decode(self.ledger.meta.get("mids", "{}"), type=dict[str, float])
        self.prices = Prices(
            listed,
            seed=seed + runs,
            start_msc=self.now_msc(),
            interval_ms=interval_ms,
            speed=speed,
            history_minutes=history_minutes,
            resume_at=mids,
        )
        self.valuation = Valuation(listed, self.prices, currency=self.terms.currency, leverage=self.terms.leverage)
        self.matching = Matching(self.ledger, self.valuation, hedging=self.terms.hedging)
        self.rules = Rules(
            self.ledger,
            self.valuation,
            hedging=self.terms.hedging,
            hedge_allowed=self.terms.hedge_allowed,
            fifo=self.terms.fifo_close,
            limit_orders=self.terms.limit_orders,
        )
        self.execution = Execution(self.matching, self.rules)
        self._day = self.now_msc() // DAY_MS
        self._stop_out_at = 0
        self.ledger.set_meta("runs", str(runs + 1))
        if self.ledger.is_new:
            self.transfer(self.terms.deposit)
        self.ledger.commit()

    def now_msc(self) -> int:
        """The broker's wall clock."""
        return self._clock() + self.terms.utc_offset_s * 1000

    def script(self, *behaviours: Behaviour) -> None:
        """Queue how the next `order_send` calls are treated, one behaviour each."""
        self._script.extend(behaviours)

    def set_flags(self, flags: Flags) -> None:
        """Press or release the permissions."""
        self.rules.flags = flags

    def set_market(self, symbol: str, *, open_: bool) -> None:
        """Open or close the market of one symbol."""
        (self.rules.closed.discard if open_ else self.rules.closed.add)(symbol)

    def quote(self, symbol: str, bid: Decimal, ask: Decimal | None = None) -> Tick:
        """Set a price by hand and let it trigger what it triggers."""
        self.catch_up()
        tick = self.prices.put(symbol, bid, ask)
        self.matching.on_tick(tick)
        self.matching.stop_out(tick.time_msc)
        self.ledger.commit()
        return tick

    def transfer(self, amount: Decimal, comment: str = "Deposit") -> Deal:
        """Deposit (or withdraw, below 0) account currency: a BALANCE deal."""
        deal = Deal(
            ticket=self.ledger.next_ticket(),
            order=0,
            position_id=0,
            symbol="",
            type="BALANCE",
            entry="IN",
            volume=ZERO,
            price=ZERO,
            sl=ZERO,
            tp=ZERO,
            profit=amount,
            swap=ZERO,
            commission=ZERO,
            fee=ZERO,
            magic=0,
            comment=comment,
            reason="CLIENT",
            time_msc=self.now_msc(),
        )
        self.ledger.add_deal(deal)
        self.ledger.commit()
        return deal

    def catch_up(self) -> None:
        """Let every tick up to now happen, with its triggers, the nightly swap and the stop-out."""
        now = self.now_msc()
        for tick in self.prices.advance(now):
            self._roll_over(tick.time_msc)
            self.matching.on_tick(tick)
            if tick.time_msc >= self._stop_out_at:
                self._stop_out_at = tick.time_msc + STOP_OUT_EVERY_MS
                self.matching.stop_out(tick.time_msc)
        self._roll_over(now)
        for ticket, due in list(self.matching.due.items()):
            if due <= now and ticket in self.ledger.orders:
                order = self.ledger.orders[ticket]
                self.matching.on_tick(replace(self.valuation.quote(order.symbol), time_msc=now))
        if self.ledger.is_changed:
            self.ledger.set_meta("mids", msgspec.json.encode(self.prices.mids()).decode())
            self.ledger.commit()

    def close(self) -> None:
        """Close the ledger file."""
        self.ledger.close()

    async def account(self) -> Account:
        """State of the account."""
        self.catch_up()
        equity = self.rules.equity()
        margin = self.valuation.total_margin(self.ledger.positions.values())
        terms = self.terms
        return Account(
            login=terms.login,
            server=terms.server,
            company=terms.company,
            currency=terms.currency,
            leverage=terms.leverage,
            margin_mode="HEDGING" if terms.hedging else "NETTING",
            trade_mode="DEMO",
            fifo_close=terms.fifo_close,
            hedge_allowed=terms.hedge_allowed,
            limit_orders=terms.limit_orders,
            balance=self.ledger.balance,
            equity=equity,
            margin=margin,
            margin_free=equity - margin,
            margin_level=round(equity * 100 / margin, 2) if margin else ZERO,
            profit=equity - self.ledger.balance,
            credit=ZERO,
            build=terms.build,
        )

    async def flags(self) -> Flags:
        """Permissions and connection."""
        return self.rules.flags

    async def time(self) -> BrokerTime:
        """Clocks."""
        self.catch_up()
        newest = max(series.ticks[-1].time_msc for series in self.prices.series.values())
        return BrokerTime(gmt=self._clock() // 1000, server=self.now_msc() // 1000, tick_msc=newest)

    async def positions(self) -> list[Position]:
        """Open positions with their floating profit."""
        self.catch_up()
        shown = []
        for one in self.ledger.positions.values():
            closing = self.valuation.quote(one.symbol).closing(one.type)
            shown.append(replace(one, current_price=closing, profit=self.valuation.floating(one)))
        return shown

    async def orders(self) -> list[Order]:
        """Orders in the book."""
        self.catch_up()
        return list(self.ledger.orders.values())

    async def history_orders(self, since_msc: int) -> list[Order]:
        """Orders that left the book at or after `since_msc`, oldest first."""
        self.catch_up()
        return self.ledger.history_since(since_msc)

    async def deals(self, after: DealCursor, limit: int = 100) -> list[Deal]:
        """Deals after the cursor, oldest first."""
        self.catch_up()
        return self.ledger.deals_after(after, limit)

    async def symbols(self) -> list[Symbol]:
        """Specifications with the tick values of this moment."""
        self.catch_up()
        return [self.valuation.symbol(name) for name in self.valuation.instruments]

    async def tick(self, symbol: str) -> Tick | None:
        """The last quote, or None for an unknown symbol."""
        self.catch_up()
        return self.prices.last(symbol)

    async def ticks(self, symbol: str, since_msc: int, limit: int = 100) -> list[Tick]:
        """The newest `limit` quotes after `since_msc`, oldest first."""
        self.catch_up()
        return self.prices.ticks(symbol, since_msc, limit)

    async def bars(self, symbol: str, timeframe: str, count: int) -> list[Bar]:
        """The newest `count` bars; only M1 is kept, other timeframes are empty."""
        self.catch_up()
        return self.prices.bars(symbol, count) if timeframe == "M1" else []

    async def order_check(self, request: Request) -> Check:
        """Say what the broker would answer, without doing anything."""
        self.catch_up()
        verdict = self.rules.verdict(request, at_msc=self.now_msc())
        margin = self.valuation.total_margin(self.ledger.positions.values())
        comment = "Done" if verdict == TAKEN else name_of(verdict)
        return Check(verdict, margin=margin, margin_free=self.rules.equity() - margin, comment=comment)

    async def order_send(self, request: Request) -> Result:
        """Execute a request as scripted, else by the rules; recorded in the ledger before the answer leaves."""
        self.catch_up()
        as_scripted = self._script.popleft() if self._script else Behaviour()
        if as_scripted.lost:
            raise NoAnswerError("the broker lost the request")
        result = self.execution.execute(request, as_scripted, self.now_msc())
        self.ledger.add_send(request, result, at_msc=self.now_msc(), answered=not as_scripted.silent)
        self.ledger.commit()
        if as_scripted.delay_ms:
            await asyncio.sleep(as_scripted.delay_ms / 1000)
        if as_scripted.silent:
            raise NoAnswerError("the broker's answer was lost")
        return result

    async def order_calc_profit(
        self, side: Side, symbol: str, volume: Decimal, opened: Decimal, closed: Decimal
    ) -> Decimal | None:
        """Profit in account currency between two prices; None for an unknown symbol."""
        return self.valuation.profit(side, symbol, volume, opened, closed)

    async def order_calc_margin(self, side: Side, symbol: str, volume: Decimal, price: Decimal) -> Decimal | None:
        """Margin in account currency of a new position; None for an unknown symbol."""
        return self.valuation.margin(side, symbol, volume, price)

    def _roll_over(self, at_msc: int) -> None:
        if at_msc // DAY_MS > self._day:
            self._day = at_msc // DAY_MS
            self.matching.charge_swap(at_msc)
