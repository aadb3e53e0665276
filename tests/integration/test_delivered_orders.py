"""An order that was handed out once may have been carried out, whatever was heard of it since."""

from datetime import UTC, datetime, timedelta

from tests.integration.wire import WireTerminal, deal, state_of

from rubi.domain.order import OrderEvent, OrderEventType, OrderKind
from rubi.flows.settle_order import settle
from rubi.flows.sweep_orders import sweep_orders


async def given_back(terminal, queue, ports, kind=OrderKind.OPEN, **more):
    """Handed out, its answer lost or its report on the way; the lease ran out, so it waits in the queue again."""
    order_id = await queue(terminal, kind, **more)
    (command,) = (await terminal.sync())["commands"]
    await sweep_orders(ports, now=datetime.now(UTC) + timedelta(seconds=6))
    return order_id, command


def another(terminal):
    return WireTerminal(terminal.client, terminal.headers["Authorization"].removeprefix("Bearer "))


async def test_an_order_that_one_terminal_had_is_never_given_to_another(terminal, queue, conn, ports):
    order_id, _ = await given_back(terminal, queue, ports)
    assert await state_of(conn, order_id) == "QUEUED"
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    other = another(terminal)
    await other.connect()
    said = await other.sync()
    assert [command for command in said["commands"] if command["kind"] != "QUERY"] == []
    assert await state_of(conn, order_id) == "UNKNOWN"


async def test_the_same_terminal_gets_it_again_and_is_asked_to_report(terminal, queue, conn, ports):
    order_id, _ = await given_back(terminal, queue, ports)
    said = await terminal.connect(journal={"open": [{"order_id": order_id, "phase": "RESULT"}]})
    assert said["journal_actions"] == [{"order_id": order_id, "action": "REPORT"}]
    again = await terminal.sync(positions=[], orders=[])
    assert [command["order_id"] for command in again["commands"]] == [order_id]


async def test_an_order_that_was_delivered_does_not_expire_unheard(terminal, queue, conn, ports):
    order_id, _ = await given_back(terminal, queue, ports)
    await sweep_orders(ports, now=datetime.now(UTC) + timedelta(seconds=31))
    row = await conn.fetchrow("SELECT state, released_at FROM trading_orders WHERE id = $1", order_id)
    assert tuple(row) == ("UNKNOWN", None)
    await terminal.sync(deals=[deal(7001, 55, 0.1)])
    report = {"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "order_ticket": "55"}
    await terminal.sync(reports=[report])
    row = await conn.fetchrow("SELECT state, late_fill FROM trading_orders WHERE id = $1", order_id)
    assert tuple(row) == ("FILLED", False)


async def test_a_cancel_of_what_was_delivered_is_final_when_its_terminal_says_so(terminal, queue, conn, ports):
    order_id, _ = await given_back(terminal, queue, ports)
    async with ports.pool.acquire() as one, one.transaction():
        await settle(one, order_id, OrderEvent(OrderEventType.CANCEL_ASKED, datetime.now(UTC)), actor="test")
    assert await state_of(conn, order_id) == "UNKNOWN"
    (query,) = (await terminal.sync())["commands"]
    assert query["kind"] == "QUERY"
    await terminal.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "NO_RECORD"}])
    assert await state_of(conn, order_id) == "EXPIRED"
