"""The broker's books against what we believe: adopted, explained, resolved, and nothing said twice."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.wire import WireTerminal, deal, position, state_of

from rubi.api import terminals as api
from rubi.domain.order import OrderKind, comment_of
from rubi.flows import sync_terminal

FULL = {"orders": [], "flags": {"connected": True}}


@pytest.fixture
def later(monkeypatch):
    """Let the service's clock for terminals run ahead."""
    ahead = timedelta()

    def shift(seconds: float) -> None:
        nonlocal ahead
        ahead += timedelta(seconds=seconds)

    monkeypatch.setattr(api, "_utc_now", lambda: datetime.now(UTC) + ahead)
    return shift


async def unknown(terminal: WireTerminal, queue, kind: OrderKind = OrderKind.OPEN, **more) -> int:
    order_id = await queue(terminal, kind, **more)
    await terminal.sync()
    await terminal.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10012}])
    return order_id


async def test_the_first_whole_books_end_reconciling(terminal, conn):
    await terminal.connect()
    assert await conn.fetchval("SELECT reconciled_at FROM accounts") is None
    await terminal.sync(positions=[position()])
    assert await conn.fetchval("SELECT reconciled_at FROM accounts") is None
    await terminal.sync(positions=[position()], **FULL)
    assert await conn.fetchval("SELECT reconciled_at FROM accounts") is not None


async def test_what_was_queued_before_a_connect_waits_for_the_books_and_closes_do_not(terminal, queue):
    opening = await queue(terminal)
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await terminal.connect()
    assert [command["order_id"] for command in (await terminal.sync())["commands"]] == [close]
    assert (await terminal.sync(positions=[position()]))["commands"] == []
    said = await terminal.sync(positions=[position()], **FULL)
    assert [command["order_id"] for command in said["commands"]] == [opening]


async def test_a_position_that_is_not_ours_is_adopted_once(terminal, conn, later):
    await terminal.sync(positions=[position()], **FULL)
    later(31)
    await terminal.sync(positions=[position()], **FULL)
    found = await conn.fetch("SELECT differences FROM reconciliations")
    assert len(found) == 1
    assert "EXTERNAL_POSITION_ADOPTED" in found[0]["differences"]


async def test_a_close_without_a_deal_asks_for_deals_and_is_never_silent(terminal, conn, later):
    await terminal.sync(positions=[position()], deals=[deal(7001, 55, 0.1)], **FULL)
    later(31)
    said = await terminal.sync(positions=[], **FULL)
    assert "deals" in said["need"]
    assert said["deal_cursor"]["time_msc"] < 1761224400000 + 86_400_000
    later(31)
    await terminal.sync(positions=[], **FULL)
    assert await conn.fetchval("SELECT close_reason FROM trading_positions") == "UNEXPLAINED"
    assert await conn.fetchval("SELECT count(*) FROM alerts WHERE code = 'CLOSED_UNEXPLAINED'") == 1
    await terminal.sync(deals=[deal(7002, 56, 0.1, entry="OUT", type="SELL", reason="SL")])
    assert await conn.fetchval("SELECT close_reason FROM trading_positions") == "SL"


async def test_a_stop_that_is_missing_at_the_broker_is_alerted_once(terminal, queue, conn, later):
    order_id = await queue(terminal)
    await terminal.sync()
    bare = position(comment=comment_of(order_id), sl=0.0)
    for _ in range(3):
        await terminal.sync(positions=[bare], deals=[deal(7001, 55, 0.1, comment=comment_of(order_id))], **FULL)
        later(31)
    assert await conn.fetchval("SELECT count(*) FROM alerts WHERE code = 'PROTECTION_MISSING'") == 1


async def test_an_unknown_order_that_no_book_shows_expires_after_a_minute_and_two_states(terminal, queue, conn, later):
    order_id = await unknown(terminal, queue)
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s'")
    later(3)
    await terminal.sync(positions=[], **FULL)
    assert await state_of(conn, order_id) == "UNKNOWN"
    later(61)
    await terminal.sync(positions=[], **FULL)
    assert await state_of(conn, order_id) == "EXPIRED"
    assert await conn.fetchval("SELECT review FROM trading_orders WHERE id = $1", order_id) == "ORDER_NOT_FOUND"
    assert await conn.fetchval("SELECT released_at FROM trading_orders WHERE id = $1", order_id) is not None


async def test_an_unknown_order_that_shows_in_the_books_is_never_given_up(terminal, queue, conn, later):
    order_id = await unknown(terminal, queue)
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s'")
    shown = position(comment=comment_of(order_id))
    for _ in range(4):
        said = await terminal.sync(positions=[shown], **FULL)
        later(61)
    assert await state_of(conn, order_id) == "UNKNOWN"
    assert "deals" in said["need"]
    await terminal.sync(deals=[deal(7001, 55, 0.1, comment=comment_of(order_id))])
    assert await state_of(conn, order_id) == "FILLED"


async def test_the_terminal_is_asked_about_an_unknown_order(terminal, queue, later):
    order_id = await unknown(terminal, queue)
    later(3)
    said = await terminal.sync()
    (command,) = said["commands"]
    assert (command["order_id"], command["kind"], command["volume"]) == (order_id, "QUERY", None)
    assert len(command["sha256"]) == 64
    assert (await terminal.sync())["commands"] == []
    later(3)
    assert len((await terminal.sync())["commands"]) == 1


async def test_no_record_ends_an_open_only_past_its_time(terminal, queue, conn):
    order_id = await unknown(terminal, queue)
    no_record = {"order_id": order_id, "n": 1, "outcome": "NO_RECORD"}
    await terminal.sync(reports=[no_record])
    assert await state_of(conn, order_id) == "UNKNOWN"
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s'")
    await terminal.sync(reports=[no_record])
    assert await state_of(conn, order_id) == "EXPIRED"


async def test_a_close_that_never_came_is_replaced_by_another_order(terminal, queue, conn):
    order_id = await unknown(terminal, queue, OrderKind.CLOSE_POSITION, position_ticket=901)
    await terminal.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "NO_RECORD"}])
    assert await state_of(conn, order_id) == "REJECTED"
    row = await conn.fetchrow(
        "SELECT id, kind, position_ticket, volume, leg FROM trading_orders WHERE id > $1", order_id
    )
    assert (row["kind"], row["position_ticket"], row["leg"]) == ("CLOSE_POSITION", 901, 100)


async def test_another_terminals_missing_record_proves_nothing(terminal, queue, conn, client):
    order_id = await unknown(terminal, queue)
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s'")
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    other = WireTerminal(client, terminal.headers["Authorization"].removeprefix("Bearer "))
    await other.connect()
    await other.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "NO_RECORD"}])
    assert await state_of(conn, order_id) == "UNKNOWN"


async def test_passes_come_every_half_minute_and_sooner_while_an_order_is_unknown():
    now = datetime.now(UTC)
    assert sync_terminal.due(None, has_unknown=False, now=now) == "CONNECT"
    assert sync_terminal.due(now - timedelta(seconds=29), has_unknown=False, now=now) is None
    assert sync_terminal.due(now - timedelta(seconds=30), has_unknown=False, now=now) == "PERIODIC"
    assert sync_terminal.due(now - timedelta(seconds=3), has_unknown=True, now=now) == "UNKNOWN"
