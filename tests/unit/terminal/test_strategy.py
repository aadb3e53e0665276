"""The demonstration must be worth watching: signals soon, fills, stops and targets reached, a denial."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rubi.domain.units import Side
from rubi.terminal.broker import Action, OrderType, Request
from rubi.terminal.outbox import Outbox
from rubi.terminal.run import DEMO_SPEED
from rubi.terminal.session import Session
from rubi.terminal.simulated import SimulatedBroker
from rubi.terminal.strategy import Strategy

from .desk import HandClock


class Watched:
    """A strategy on moving prices; its opening signals are filled at once, as far as they are sound."""

    def __init__(self, folder, seed):
        self.clock = HandClock()
        self.broker = SimulatedBroker(seed=seed, clock=self.clock, speed=DEMO_SPEED)
        self.outbox = Outbox(folder / "o.log")
        self.session = Session("s", 1, "ACTIVE", seq=1)
        self.strategy = Strategy(
            self.broker,
            self.outbox,
            seed=seed,
            now=lambda: datetime.fromtimestamp(self.clock() / 1000, UTC),
            clock=lambda: self.clock() / 1000,
        )
        self.signals = []  # (seconds, signal, net reward over risk or None)

    async def watch(self, seconds):
        started = self.clock()
        while self.clock() < started + seconds * 1000:
            await self.strategy.step(self.session)
            for signal in self.outbox.first(10):
                self.outbox.answered([signal["key"]])
                ratio = await self.reward(signal) if "stop_loss" in signal else None
                self.signals.append(((self.clock() - started) / 1000, signal, ratio))
                await self.follow(signal, ratio)
            self.clock.advance(0.25)

    async def reward(self, signal):
        """Net reward over risk, as the risk rules compute it; None when a stop lies on the wrong side."""
        side, name = Side(signal["signal_type"]), signal["symbol"]
        entry, stop, target = signal["entry_price"], signal["stop_loss"], signal["take_profit"]
        if (entry - stop) * side.sign <= 0:
            return Decimal(-1)
        cost = self.broker.valuation.instruments[name].commission_per_lot
        win = await self.broker.order_calc_profit(side, name, Decimal(1), entry, target)
        loss = await self.broker.order_calc_profit(side, name, Decimal(1), entry, stop)
        return (win - cost) / (-loss + cost)

    async def follow(self, signal, ratio):
        kind = signal["signal_type"]
        if kind.startswith("CLOSE"):
            for p in await self.broker.positions():
                if (p.symbol, f"CLOSE_{p.type}") == (signal["symbol"], kind):
                    close = Request(
                        Action.DEAL, p.symbol, OrderType(p.type.opposite.value), p.volume, position=p.ticket
                    )
                    assert (await self.broker.order_send(close)).retcode == 10009
        elif ratio is not None and ratio > Decimal("1.5"):
            wish = Request(
                Action.DEAL, signal["symbol"], OrderType(kind), signal["volume"],
                sl=signal["stop_loss"], tp=signal["take_profit"],
            )  # fmt: skip
            assert (await self.broker.order_send(wish)).retcode == 10009


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_forty_seconds_show_signals_fills_and_a_denial(tmp_path, seed):
    watched = Watched(tmp_path, seed)
    await watched.watch(40)
    opening = [ratio for _, _, ratio in watched.signals if ratio is not None]
    assert watched.signals[0][0] < 1
    assert len(watched.signals) >= 8
    assert sum(ratio > Decimal("1.6") for ratio in opening) >= 3
    assert sum(ratio < Decimal("0.5") for ratio in opening) >= 1
    assert all(ratio > Decimal("1.6") or ratio < Decimal("0.5") for ratio in opening)
    assert len({signal["key"] for _, signal, _ in watched.signals}) == len(watched.signals)


async def test_ten_minutes_reach_stops_and_targets_and_close_by_signal_with_little_at_risk(tmp_path):
    watched = Watched(tmp_path, seed=4)
    await watched.watch(600)
    closed = [deal for deal in watched.broker.ledger.deals if deal.entry == "OUT"]
    assert {deal.reason for deal in closed} == {"SL", "TP", "EXPERT"}
    worst = min(deal.profit + deal.commission for deal in closed)
    assert worst > Decimal(-60), "a quarter of a percent each, and some slippage"
    kinds = {signal["signal_type"] for _, signal, _ in watched.signals}
    assert kinds == {"BUY", "SELL", "CLOSE_BUY", "CLOSE_SELL"}
    assert (await watched.broker.account()).equity > 9_000


async def test_nothing_is_asked_for_while_the_account_may_not_trade(tmp_path):
    watched = Watched(tmp_path, seed=1)
    watched.session.trading_state = "HALTED"
    await watched.watch(20)
    assert watched.signals == []
