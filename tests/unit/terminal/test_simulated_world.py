"""Prices, determinism, and books that outlive their process."""

import asyncio
import sqlite3

import pytest

from rubi.domain.units import Side
from rubi.terminal.broker import DealCursor, NoAnswerError
from rubi.terminal.broker_server import BrokerServer
from rubi.terminal.execution import Behaviour
from rubi.terminal.remote import RemoteBroker
from rubi.terminal.simulated import SimulatedBroker

from .desk import NOON, HandClock, d, market, pending, still_market


async def ten_minutes(seed, steps):
    clock = HandClock()
    broker = SimulatedBroker(seed=seed, clock=clock, speed=8)
    for step in range(6):
        for _ in range(steps):
            clock.advance(60 / steps)
            await broker.positions()
        if step % 2 == 0:
            tick = await broker.tick("EURUSD")
            await broker.order_send(market(sl=tick.bid - d("0.00100"), tp=tick.bid + d("0.00150")))
            await broker.order_send(market("SELL", "0.10", "XAUUSD"))
    return [(x.time_msc, x.symbol, x.price, x.profit) for x in broker.ledger.deals], broker.prices.mids()


async def test_a_seed_and_a_clock_give_one_history_however_often_one_looks():
    first = await ten_minutes(7, steps=1)
    assert first == await ten_minutes(7, steps=4)
    assert first != await ten_minutes(8, steps=1)
    assert len(first[0]) > 5


async def test_every_quote_lies_on_the_grid_with_the_bid_below_the_ask():
    clock = HandClock()
    broker = SimulatedBroker(seed=3, clock=clock, speed=20)
    clock.advance(600)
    for symbol in await broker.symbols():
        ticks = await broker.ticks(symbol.name, 0, 2000)
        assert len(ticks) > 500
        assert all(t.bid < t.ask and t.bid % symbol.tick_size == 0 and t.ask % symbol.tick_size == 0 for t in ticks)
        assert [t.time_msc for t in ticks] == sorted(t.time_msc for t in ticks)


async def test_bars_are_whole_minutes_with_a_past_before_the_first_tick():
    clock = HandClock()
    broker = SimulatedBroker(seed=3, clock=clock)
    clock.advance(150)
    bars = await broker.bars("USDJPY", "M1", 30)
    assert len(bars) == 30
    assert [b.time for b in bars] == [bars[0].time + 60 * n for n in range(30)]
    assert all(b.low <= min(b.open, b.close) <= max(b.open, b.close) <= b.high and b.tick_volume > 0 for b in bars)
    assert await broker.bars("USDJPY", "H1", 30) == []


async def test_broker_time_is_the_offset_apart_from_gmt():
    broker = still_market()
    time = await broker.time()
    assert (time.gmt * 1000, time.server - time.gmt, time.tick_msc) == (NOON, 10_800, NOON + 10_800_000)


async def test_the_books_outlive_the_process(tmp_path):
    clock = HandClock()
    broker = still_market(clock, path=tmp_path / "broker.sqlite")
    await broker.order_send(market(comment="RS-A"))
    await broker.order_send(pending("BUY_LIMIT", "1.09000"))
    closed = await broker.order_send(market("SELL", comment="RS-B"))
    await broker.order_send(market("BUY", position=closed.order))
    before = (
        broker.ledger.balance,
        await broker.orders(),
        broker.ledger.deals,
        broker.ledger.history,
        broker.ledger.sends,
    )
    # not closed: the next process finds what was committed, as after a kill
    after = still_market(clock, path=tmp_path / "broker.sqlite")
    ledger = after.ledger
    assert (ledger.balance, await after.orders(), ledger.deals, ledger.history, ledger.sends) == before
    assert [p.comment for p in await after.positions()] == ["RS-A"]
    assert after.ledger.next_ticket() not in {d.ticket for d in ledger.deals}
    broker.close()
    after.close()
    rows = sqlite3.connect(tmp_path / "broker.sqlite")
    assert rows.execute("SELECT comment, count(*) FROM sends WHERE comment <> '' GROUP BY 1").fetchall() == [
        ("RS-A", 1),
        ("RS-B", 1),
    ]
    rows.close()


async def test_deals_are_given_once_by_the_cursor():
    broker = still_market()
    for _ in range(5):
        await broker.order_send(market())
    cursor, seen = DealCursor(), []
    while page := await broker.deals(cursor, 2):
        seen += page
        cursor = DealCursor(page[-1].time_msc, page[-1].ticket)
    assert seen == broker.ledger.deals


@pytest.fixture
async def remote(tmp_path):
    server = BrokerServer(still_market())
    address = await server.start(socket_path=tmp_path / "b.sock")
    broker = RemoteBroker(address, timeout_s=0.3)
    yield server, broker
    await broker.close()
    await server.stop()


async def test_a_broker_in_another_process_answers_as_the_one_in_this(remote):
    server, broker = remote
    local = server.broker
    assert (await broker.order_send(market(comment="RS-A"))).retcode == 10009
    assert (await broker.order_send(pending("BUY_LIMIT", "1.09000"))).retcode == 10009
    for method, args in (
        ("account", ()), ("flags", ()), ("time", ()), ("positions", ()), ("orders", ()), ("symbols", ()),
        ("tick", ("EURUSD",)), ("tick", ("NOSUCH",)), ("ticks", ("EURUSD", 0)), ("bars", ("EURUSD", "M1", 3)),
        ("deals", (DealCursor(),)), ("history_orders", (0,)), ("order_check", (market(),)),
        ("order_calc_profit", (Side.BUY, "USDJPY", d(1), d(150), d(151))),
        ("order_calc_margin", (Side.BUY, "US30", d(1), d(39500))),
    ):  # fmt: skip
        assert await getattr(broker, method)(*args) == await getattr(local, method)(*args), method
    assert [s.comment for s in await broker.sends()] == ["RS-A", ""]


async def test_silence_and_a_cut_connection_are_no_answer(remote):
    server, broker = remote
    await broker.script(Behaviour(silent=True))
    with pytest.raises(NoAnswerError):
        await broker.order_send(market())
    await broker.script(Behaviour(delay_ms=2_000))
    with pytest.raises(NoAnswerError):
        await broker.order_send(market())
    assert len(await broker.positions()) == 2
    await server.stop()
    await broker.close()
    with pytest.raises(NoAnswerError):
        await broker.order_send(market())
    with pytest.raises(ConnectionError):
        await broker.positions()


async def test_a_wrong_call_is_an_error_of_the_caller(remote):
    _, broker = remote
    with pytest.raises(ValueError, match="KeyError"):
        await broker.ticks("NOSUCH", 0)
    assert await asyncio.wait_for(broker.flags(), 1)
