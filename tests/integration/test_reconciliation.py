"""The broker's books against what we believe: adopted, explained, resolved, and nothing said twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.integration.rest import working
from tests.integration.wire import WireTerminal, deal, position, state_of

from rubi.api import terminals as api
from rubi.domain.order import OrderKind, comment_of
from rubi.domain.signal import OrderType
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


async def test_nobody_is_given_up_while_the_terminal_has_more_deals_to_tell(terminal, queue, conn, later):
    order_id = await unknown(terminal, queue)
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s'")
    for first in range(8000, 8400, 100):
        later(61)
        page = [deal(first + n, 1000 + n, 0.01) for n in range(100)]
        await terminal.sync(positions=[], deals=page, **FULL)
    assert await state_of(conn, order_id) == "UNKNOWN"
    await terminal.sync(deals=[deal(8401, 55, 0.1, comment=comment_of(order_id))])
    assert await state_of(conn, order_id) == "FILLED"


async def test_an_order_that_was_filled_in_part_ends_when_the_rest_waits_nowhere(terminal, queue, conn, later):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(deals=[deal(7001, 55, 0.04, comment=comment_of(order_id))], positions=[position()])
    assert await state_of(conn, order_id) == "PARTIALLY_FILLED"
    later(31)
    await terminal.sync(positions=[position()], **FULL)
    assert await state_of(conn, order_id) == "PARTIALLY_FILLED"
    later(31)
    await terminal.sync(positions=[position()], **FULL)
    row = await conn.fetchrow("SELECT state, code, filled_volume FROM trading_orders WHERE id = $1", order_id)
    assert tuple(row) == ("CANCELED", "REST_NOT_FILLED", Decimal("0.04"))
    await terminal.sync(deals=[deal(7002, 55, 0.06)])
    row = await conn.fetchrow("SELECT state, late_fill FROM trading_orders WHERE id = $1", order_id)
    assert tuple(row) == ("FILLED", True)


@pytest.mark.parametrize("state", ["FILLED", "PARTIAL", None])
async def test_a_pending_order_ends_in_part_only_after_it_has_left_the_book(terminal, queue, conn, later, state):
    order_id = await queue(terminal, OrderKind.PLACE_PENDING, order_type=OrderType.LIMIT, price=Decimal("1.09"))
    await terminal.sync()
    await terminal.sync(positions=[], orders=[working(55, comment=comment_of(order_id))])
    await terminal.sync(deals=[deal(7001, 55, 0.04)], positions=[position()], orders=[working(55)])
    assert await state_of(conn, order_id) == "PARTIALLY_FILLED"
    gone = [] if state is None else [working(55, state=state, time_done_msc=1761224400000)]
    await terminal.sync(order_history=gone)
    for _ in range(2):
        later(61)
        await terminal.sync(positions=[position()], **FULL)
    assert await state_of(conn, order_id) == ("PARTIALLY_FILLED" if state is None else "CANCELED")


@pytest.mark.parametrize("open_still", [False, True])
async def test_a_close_of_all_of_unknown_fate_ends_by_what_is_open(terminal, queue, conn, later, open_still):
    order_id = await unknown(terminal, queue, OrderKind.CLOSE_ALL, volume=None)
    held = [position(901, type="BUY" if open_still else "SELL")]
    for _ in range(2):
        later(61)
        await terminal.sync(positions=held, deals=[deal(7001, 55, 0.1, comment=comment_of(order_id))], **FULL)
        later(61)
        await terminal.sync(positions=held, **FULL)
    assert await state_of(conn, order_id) == ("EXPIRED" if open_still else "DONE")


async def test_the_deals_of_a_close_of_all_are_its_own_however_many(terminal, queue, conn):
    order_id = await queue(terminal, OrderKind.CLOSE_ALL, volume=None)
    (command,) = (await terminal.sync())["commands"]
    ours = comment_of(order_id)
    out = [
        deal(7000 + n, 55 + n, 0.1, entry="OUT", type="SELL", position_id=str(900 + n), comment=ours) for n in (1, 2)
    ]
    acks = [{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}]
    report = {"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "order_ticket": "56"}
    await terminal.sync(acks=acks, reports=[report], deals=out)
    row = await conn.fetchrow("SELECT state, filled_volume, review FROM trading_orders WHERE id = $1", order_id)
    assert tuple(row) == ("DONE", Decimal("0.2"), None)
    assert await conn.fetchval("SELECT count(*) FROM deals WHERE order_id = $1", order_id) == 2


async def test_a_terminal_that_was_cut_off_or_silent_is_compared_at_once(terminal, conn, later):
    await conn.execute("UPDATE accounts SET reconciled_at = now() - interval '3 s'")
    await terminal.sync(positions=[position()], **FULL)
    assert await conn.fetchval("SELECT count(*) FROM reconciliations") == 0
    await terminal.sync(flags={"connected": False})
    await terminal.sync(positions=[position()], **FULL)
    await conn.execute("UPDATE mt5_sessions SET last_seen_at = now() - interval '16 s'")
    await terminal.sync(positions=[position(), position(902)], **FULL)
    found = await conn.fetch("SELECT reason FROM reconciliations ORDER BY id")
    assert [row["reason"] for row in found] == ["GAP", "GAP"]


async def test_two_accounts_are_told_of_the_same_ticket_each(client, terminal, conn, later):
    twin = WireTerminal(client, terminal.headers["Authorization"].removeprefix("Bearer "), account_number="777")
    await twin.connect()
    for each in (terminal, twin):
        await each.sync(positions=[position()], **FULL)
    for _ in range(2):
        later(31)
        for each in (terminal, twin):
            await each.sync(positions=[], **FULL)
    told = await conn.fetch("SELECT account_id FROM alerts WHERE code = 'CLOSED_UNEXPLAINED'")
    assert len({row["account_id"] for row in told}) == len(told) == 2


async def test_passes_come_every_half_minute_and_sooner_while_an_order_is_unknown():
    now = datetime.now(UTC)
    assert sync_terminal.due(None, has_unknown=False, now=now) == "CONNECT"
    assert sync_terminal.due(now - timedelta(seconds=29), has_unknown=False, now=now) is None
    assert sync_terminal.due(now - timedelta(seconds=30), has_unknown=False, now=now) == "PERIODIC"
    assert sync_terminal.due(now - timedelta(seconds=3), has_unknown=True, now=now) == "UNKNOWN"
    assert sync_terminal.due(now - timedelta(seconds=3), has_unknown=False, gap=True, now=now) == "GAP"


@pytest.mark.parametrize(("margin_mode", "waits"), [("NETTING", True), ("HEDGING", False)])
async def test_what_an_order_adds_to_a_netted_position_is_reserved_until_a_list_shows_it(
    terminal, queue, conn, later, margin_mode, waits
):
    """A list from before the fill has the position already, without what the order added."""
    await conn.execute("UPDATE accounts SET margin_mode = $1", margin_mode)
    await terminal.sync(positions=[position()], deals=[deal(7001, 55, 0.1)], **FULL)
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(
        deals=[deal(7002, 56, 0.1, comment=comment_of(order_id), position_id=position()["position_id"])]
    )
    assert await state_of(conn, order_id) == "FILLED"
    await conn.execute("UPDATE trading_orders SET filled_at = filled_at + interval '1 h', final_at = NULL")
    await terminal.sync(positions=[position()], **FULL)
    released = "SELECT released_at IS NOT NULL FROM trading_orders WHERE id = $1"
    assert await conn.fetchval(released, order_id) is not waits
    await conn.execute("UPDATE trading_orders SET filled_at = filled_at - interval '2 h'")
    later(1)
    await terminal.sync(positions=[position()], **FULL)
    assert await conn.fetchval(released, order_id)
