"""Two things at the same moment, held exactly there by a lock that a test takes in the middle."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tests.integration.conftest import app, client, ports, queue, terminal
from tests.integration.wire import deal, state_of
from tests.serving import bearer, register

from rubi.domain.order import OrderEvent, OrderEventType, OrderKind
from rubi.flows.settle_order import settle
from rubi.flows.sweep_orders import sweep_orders

__all__ = ["app", "client", "ports", "queue", "terminal"]

MONEY = {"balance": 10000.0, "equity": 10000.0, "margin": 0.0, "margin_free": 10000.0, "profit": 0.0}
SIGNAL = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.095, "signal_time": "2025-10-23T10:00:00Z"}


@pytest.fixture
async def other(dsn):
    """A second connection."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def blocked(conn, count=1):
    """Wait until so many statements wait for a lock."""
    async with asyncio.timeout(5):
        while count > await conn.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_a_halt_that_was_answered_holds_for_cycles_under_way(terminal, queue, conn, other, dsn):
    await terminal.sync(account=MONEY)
    await queue(terminal)
    halting = await asyncpg.connect(dsn)
    hold = other.transaction()
    await hold.start()
    await other.execute("SELECT FROM account_states FOR UPDATE")
    cycle = asyncio.create_task(terminal.sync(account=MONEY))
    await blocked(conn)
    halt = asyncio.create_task(halting.execute("UPDATE accounts SET trading_state = 'HALTED'"))
    await asyncio.sleep(0.2)
    halted_first = halt.done()
    await hold.rollback()
    commands = (await cycle)["commands"]
    await halt
    await halting.close()
    assert not (halted_first and commands), "an order left after its account was halted"
    assert [command["kind"] for command in commands] == ["OPEN"]


async def test_an_order_that_is_being_cancelled_is_not_handed_out(terminal, queue, conn, ports):
    order_id, free = await queue(terminal), await queue(terminal)
    async with ports.pool.acquire() as one, one.transaction():
        await settle(one, order_id, OrderEvent(OrderEventType.CANCEL_ASKED, datetime.now(UTC)), actor="test")
        said = await asyncio.wait_for(terminal.sync(), 2)
    assert [command["order_id"] for command in said["commands"]] == [free]
    assert await state_of(conn, order_id) == "CANCELED"
    assert (await terminal.sync())["commands"] == []


async def test_a_connect_and_a_cycle_at_once_do_not_lock_each_other_out(terminal, queue, conn, other):
    order_id = await queue(terminal)
    connect = other.transaction()
    await connect.start()
    await other.execute("UPDATE accounts SET epoch = epoch + 1")
    cycle = asyncio.create_task(terminal.post("/mt5/sync", terminal.body()))
    await blocked(conn)
    await other.execute("UPDATE mt5_sessions SET state = 'FENCED'", timeout=0.8)  # before Postgres looks for deadlocks
    await connect.commit()
    assert (await cycle).json()["code"] == "EPOCH_FENCED"
    assert await state_of(conn, order_id) == "QUEUED"


async def test_a_cycle_that_comes_twice_at_once_does_not_lock_itself_out(terminal, conn, other):
    hold = other.transaction()
    await hold.start()
    await other.execute("SELECT FROM account_states FOR UPDATE")
    body = terminal.body(account=MONEY, deals=[deal(7001, 55, 0.1)], positions=[], orders=[])
    copies = [asyncio.create_task(terminal.post("/mt5/sync", body)) for _ in range(2)]
    await blocked(conn, 2)
    await hold.rollback()
    answers = await asyncio.gather(*copies)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.content for answer in answers}) == 1


async def test_a_halted_account_is_given_only_what_reduces(terminal, queue, conn):
    await queue(terminal)
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await conn.execute("UPDATE accounts SET trading_state = 'HALTED'")
    assert [command["order_id"] for command in (await terminal.sync())["commands"]] == [close]


async def test_an_order_of_which_nothing_was_heard_is_not_sent_again(terminal, queue, conn, ports):
    order_id = await queue(terminal)
    (command,) = (await terminal.sync())["commands"]
    await terminal.sync(acks=[{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}])
    await sweep_orders(ports, now=datetime.now(UTC) + timedelta(seconds=11))
    assert await state_of(conn, order_id) == "UNKNOWN"
    assert [again["kind"] for again in (await terminal.sync())["commands"]] == ["QUERY"]


async def test_an_accepted_signal_is_there_when_its_answer_is(client, terminal, conn):
    headers = bearer((await register(client))["access_token"])
    answer = await client.post("/api/v1/trading/signals", headers=headers, json=SIGNAL)
    assert answer.status_code == 201, answer.text
    assert await conn.fetchval("SELECT count(*) FROM trading_signals") == 1
