"""What a terminal tells and gets: sessions, epochs, sequence numbers, leases, reports, deals, books."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.integration.wire import MSC, WireTerminal, deal, new_terminal, position, state_of
from tests.serving import client_of

from rubi.domain.order import OrderKind, comment_of
from rubi.domain.units import Lots
from rubi.flows.follow_terminal import disconnect_terminal
from rubi.flows.sweep_orders import sweep_orders
from rubi.live.bus import Event
from rubi.store import terminals


async def test_connect_answers_as_the_specification_and_the_protocol_say(client):
    terminal, _ = await new_terminal(client)
    said = await terminal.connect()
    assert said["message"] == "Connected successfully"
    assert said["epoch"] == 1
    assert said["trading_state"] == "ACTIVE"
    assert said["need"] == ["symbols", "deals"]
    assert said["resume"] == {"deal_cursor": {"time_msc": 0, "ticket": "0"}, "bars": {}}


async def test_a_terminal_that_comes_back_hears_from_which_bar_to_go_on(client):
    terminal, _ = await new_terminal(client)
    await terminal.connect()
    hour = MSC // 3_600_000 * 3600
    times = {"M1": [MSC // 1000 - 120, MSC // 1000 - 60], "H1": [hour - 7200, hour - 3600]}
    shape = {"symbol": "EURUSD", "open": 1.1, "high": 1.2, "low": 1.0, "close": 1.15}
    bars = [shape | {"timeframe": frame, "time": at} for frame, opened in times.items() for at in opened]
    await terminal.market(bars=bars)
    said = await terminal.connect()
    assert said["resume"]["bars"] == {"EURUSD": {frame: opened[-1] for frame, opened in times.items()}}
    other, _ = await new_terminal(client)
    assert (await other.connect())["resume"]["bars"] == {}


async def test_a_second_live_terminal_is_refused_until_the_first_has_gone(client):
    first, _ = await new_terminal(client)
    await first.connect()
    second = WireTerminal(client, first.headers["Authorization"].removeprefix("Bearer "))
    answer = await second.post("/mt5/connect", second.hello)
    assert answer.status_code == 423
    assert answer.json()["code"] == "ACCOUNT_LEASED_ELSEWHERE"
    await first.post("/mt5/disconnect", {"session_id": first.session_id})
    assert (await second.connect())["epoch"] == 2


async def test_an_older_connector_at_another_place_is_another_one_while_the_first_lives(app, client, conn):
    terminal, _ = await new_terminal(client, protocol=1, terminal_instance_id=None)
    await terminal.connect()
    assert (await terminal.connect())["epoch"] == 2  # a restart at the same place
    async with client_of(app, address="203.0.113.8") as elsewhere:
        second = WireTerminal(elsewhere, terminal.headers["Authorization"].removeprefix("Bearer "), **terminal.hello)
        refused = await second.post("/mt5/connect", second.hello)
        assert (refused.status_code, refused.json()["code"]) == (423, "ACCOUNT_LEASED_ELSEWHERE")
        await conn.execute("UPDATE mt5_sessions SET last_seen_at = now() - interval '16 s'")
        assert (await second.connect())["epoch"] == 3


async def test_a_terminal_that_names_its_last_session_restarts_at_once_also_after_a_lost_answer(client):
    terminal, _ = await new_terminal(client)
    first = (await terminal.connect())["session_id"]
    for _ in range(3):  # the answers are lost: it goes on naming the session that it knows
        said = await terminal.connect(last_session_id=first)
    await terminal.sync()
    assert (await terminal.connect(last_session_id=said["session_id"]))["epoch"] == 5


async def test_a_copied_data_folder_is_another_terminal(terminal, queue, conn):
    copied = terminal.session_id
    await terminal.connect(last_session_id=copied)
    order_id = await queue(terminal)
    assert len((await terminal.sync(positions=[], orders=[]))["commands"]) == 1
    copy = WireTerminal(
        terminal.client,
        terminal.headers["Authorization"].removeprefix("Bearer "),
        terminal_instance_id=terminal.hello["terminal_instance_id"],
    )
    refused = await copy.post("/mt5/connect", {**copy.hello, "last_session_id": copied})
    assert (refused.status_code, refused.json()["code"]) == (423, "ACCOUNT_LEASED_ELSEWHERE")
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    said = await copy.connect(last_session_id=copied)
    assert said["journal_actions"] == []
    assert (await copy.sync(positions=[], orders=[]))["commands"] == []
    assert await state_of(conn, order_id) == "UNKNOWN"
    await copy.sync()
    again = await copy.connect(last_session_id=copy.session_id)  # and it may restart as what it is now
    assert again["epoch"] == said["epoch"] + 1


async def test_an_older_epoch_is_fenced(terminal, client):
    before = {"session_id": terminal.session_id, "epoch": terminal.epoch}
    await terminal.connect()
    answer = await terminal.post("/mt5/sync", {**before, "seq": 1})
    assert answer.status_code == 409
    assert answer.json()["code"] == "EPOCH_FENCED"


async def test_a_repeated_cycle_gets_the_stored_answer_and_no_second_lease(terminal, queue, conn):
    order_id = await queue(terminal)
    body = terminal.body()
    first = await terminal.post("/mt5/sync", body)
    second = await terminal.post("/mt5/sync", body)
    assert first.json()["commands"][0]["order_id"] == order_id
    assert first.content == second.content
    assert await conn.fetchval("SELECT deliveries FROM trading_orders WHERE id = $1", order_id) == 1


async def test_a_repeated_cycle_whose_answer_was_empty_is_taken_in_once(terminal, queue, conn):
    money = {"balance": 10000.0, "equity": 9990.0}
    body = terminal.body(account=money, positions=[position()], orders=[])
    first = (await terminal.post("/mt5/sync", body)).json()
    order_id = await queue(terminal)
    second = (await terminal.post("/mt5/sync", body)).json()
    assert first["commands"] == []
    assert [command["order_id"] for command in second["commands"]] == [order_id]
    same = ("seq_ack", "epoch", "trading_state", "need", "deal_cursor", "limits")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert await conn.fetchval("SELECT count(*) FROM account_snapshots WHERE equity = 9990") == 1
    assert await conn.fetchval("SELECT count(*) FROM position_snapshots") == 1


async def test_a_seq_with_another_body_or_from_the_past_is_a_conflict(terminal):
    body = terminal.body()
    await terminal.post("/mt5/sync", body)
    other = await terminal.post("/mt5/sync", {**body, "wait_ms": 1})
    assert (other.status_code, other.json()["code"]) == (409, "SEQ_CONFLICT")
    await terminal.sync()
    late = await terminal.post("/mt5/sync", body)
    assert (late.status_code, late.json()["code"]) == (409, "SEQ_STALE")


async def test_a_parked_cycle_wakes_when_an_order_is_queued(terminal, queue, ports):
    parked = asyncio.create_task(terminal.sync(wait_ms=1500))
    await asyncio.sleep(0.3)
    assert not parked.done()
    order_id = await queue(terminal)
    account_id = await ports.pool.fetchval("SELECT account_id FROM trading_orders WHERE id = $1", order_id)
    await ports.bus.publish([Event("COMMAND_WAITS", 0, account_id)])
    said = await asyncio.wait_for(parked, 1)
    assert [command["order_id"] for command in said["commands"]] == [order_id]


async def test_the_way_of_an_order_from_lease_to_fill(terminal, queue, conn):
    order_id = await queue(terminal)
    (command,) = (await terminal.sync())["commands"]
    assert command["kind"] == "OPEN"
    assert command["comment"] == comment_of(order_id)
    acks = [{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}]
    said = await terminal.sync(acks=acks)
    assert said["ack_acks"] == [f"{order_id}:INTENT"]
    assert await state_of(conn, order_id) == "ACKED"
    report = {"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "order_ticket": "55", "price": 1.1}
    said = await terminal.sync(reports=[report])
    assert said["report_acks"] == [f"{order_id}:1"]
    assert await state_of(conn, order_id) == "SUBMITTED"
    await terminal.sync(deals=[deal(7001, 55, 0.04)])
    assert await state_of(conn, order_id) == "PARTIALLY_FILLED"
    said = await terminal.sync(deals=[deal(7001, 55, 0.04), deal(7002, 55, 0.06)], positions=[position()], orders=[])
    assert said["deal_cursor"] == {"time_msc": MSC + 7002, "ticket": "7002"}
    row = await conn.fetchrow("SELECT * FROM trading_orders WHERE id = $1", order_id)
    assert (row["state"], row["filled_volume"], row["position_id"]) == ("FILLED", Lots(row["volume"]), 901)
    assert row["released_at"] is not None
    ours = await conn.fetchrow("SELECT origin, order_id FROM trading_positions WHERE position_id = 901")
    assert tuple(ours) == ("OURS", order_id)
    events = await conn.fetch("SELECT event FROM order_events WHERE order_id = $1 ORDER BY n", order_id)
    assert [e["event"] for e in events] == ["APPROVED", "HANDED_OUT", "INTENT", "PLACED", "DEAL", "DEAL"]


async def test_repeated_facts_are_stored_once(terminal, queue, conn):
    order_id = await queue(terminal)
    (command,) = (await terminal.sync())["commands"]
    acks = [{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}]
    report = {"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "order_ticket": "55"}
    for _ in range(3):
        await terminal.sync(acks=acks, reports=[report], deals=[deal(7001, 55, 0.1)])
    assert await conn.fetchval("SELECT count(*) FROM order_events WHERE order_id = $1", order_id) == 5
    assert await conn.fetchval("SELECT count(*) FROM deals") == 1


async def test_a_deal_that_comes_before_its_report_still_counts(terminal, queue, conn):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(deals=[deal(7001, 55, 0.1)])
    report = {"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "order_ticket": "55"}
    await terminal.sync(reports=[report])
    assert await state_of(conn, order_id) == "FILLED"


async def test_a_closing_deal_that_copies_our_comment_does_not_fill_the_opening_order(terminal, queue, conn):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(deals=[deal(7009, 99, 0.1, entry="OUT", type="SELL", comment=comment_of(order_id))])
    assert await state_of(conn, order_id) == "LEASED"


async def test_a_refused_command_is_rejected_with_the_terminals_code(terminal, queue, conn):
    order_id = await queue(terminal)
    (command,) = (await terminal.sync())["commands"]
    acks = [{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "REFUSED", "code": "SPREAD_TOO_WIDE"}]
    await terminal.sync(acks=acks)
    row = await conn.fetchrow("SELECT state, code, released_at FROM trading_orders WHERE id = $1", order_id)
    assert (row["state"], row["code"]) == ("REJECTED", "SPREAD_TOO_WIDE")
    assert row["released_at"] is not None


@pytest.mark.parametrize(
    ("retcode", "state"), [(10006, "REJECTED"), (10019, "REJECTED"), (10012, "UNKNOWN"), (0, "UNKNOWN")]
)
async def test_a_return_code_decides_the_state(terminal, queue, conn, retcode, state):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": retcode}])
    assert await state_of(conn, order_id) == state


async def test_an_unknown_order_keeps_its_reservation_and_bars_the_symbol_but_not_closes(terminal, queue, conn):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10012}])
    assert await conn.fetchval("SELECT released_at FROM trading_orders WHERE id = $1", order_id) is None
    opening = await queue(terminal)
    closing = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    commands = [c["order_id"] for c in (await terminal.sync())["commands"] if c["kind"] != "QUERY"]
    assert commands == [closing]
    assert await state_of(conn, opening) == "QUEUED"


async def test_a_lease_that_ran_out_goes_back_to_the_same_terminal(terminal, queue, conn, ports):
    order_id = await queue(terminal)
    (first,) = (await terminal.sync())["commands"]
    await conn.execute("UPDATE trading_orders SET lease_expires_at = now() - interval '1 s'")
    await sweep_orders(ports, now=datetime.now(UTC))
    (second,) = (await terminal.sync())["commands"]
    assert (second["order_id"], second["lease_id"] != first["lease_id"]) == (order_id, True)


async def test_a_lease_of_a_terminal_that_was_replaced_is_unknown(terminal, queue, conn, client):
    order_id = await queue(terminal)
    await terminal.sync()
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    other = WireTerminal(client, terminal.headers["Authorization"].removeprefix("Bearer "))
    await other.connect()
    assert await state_of(conn, order_id) == "UNKNOWN"
    assert (await other.sync())["commands"] == []


async def test_an_order_that_nobody_fetched_expires_but_a_close_does_not(terminal, queue, conn, ports):
    opening = await queue(terminal)
    closing = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await conn.execute("UPDATE trading_orders SET not_after = now() - interval '1 s' WHERE not_after IS NOT NULL")
    await sweep_orders(ports, now=datetime.now(UTC))
    assert await state_of(conn, opening) == "EXPIRED"
    assert await state_of(conn, closing) == "QUEUED"


async def test_nothing_is_handed_out_while_the_terminal_cannot_trade(terminal, queue):
    await queue(terminal)
    off = {"connected": True, "terminal_trade_allowed": False}
    assert (await terminal.sync(flags=off))["commands"] == []
    assert len((await terminal.sync(flags={"connected": True}))["commands"]) == 1


async def test_positions_replace_and_an_empty_list_of_a_cut_off_terminal_says_nothing(terminal, conn):
    await terminal.sync(positions=[position(901), None, position(902)])
    await terminal.sync(positions=[], flags={"connected": False})
    assert await conn.fetchval("SELECT count(*) FROM trading_positions WHERE status = 'OPEN'") == 2
    await terminal.sync(positions=[position(902)], flags={"connected": True})
    assert await conn.fetchval("SELECT array_agg(position_id) FROM trading_positions WHERE status = 'OPEN'") == [902]


async def test_an_older_list_of_positions_is_ignored(terminal, conn):
    await terminal.sync(positions=[position(901)], taken_at="2025-10-23T10:00:02Z")
    await terminal.sync(positions=[], taken_at="2025-10-23T10:00:01Z")
    assert await conn.fetchval("SELECT count(*) FROM trading_positions WHERE status = 'OPEN'") == 1


async def test_broker_times_become_utc_by_the_offset_of_the_connect(terminal, conn):
    await terminal.sync(deals=[deal(7001, 55, 0.1)], positions=[position()])
    assert await conn.fetchval("SELECT executed_at FROM deals") == datetime(2025, 10, 23, 10, 0, 7, 1000, tzinfo=UTC)
    assert await conn.fetchval("SELECT opened_at FROM trading_positions") == datetime(2025, 10, 23, 10, tzinfo=UTC)


async def test_a_poisoned_item_fails_alone_and_is_named(terminal, conn):
    said = await terminal.sync(deals=[deal(7001, 55, 0.1), deal(7002, 55, 0.1, time_msc=5)], positions=[position()])
    assert [item["code"] for item in said["rejected"]] == ["TIME_INVALID"]
    assert await conn.fetchval("SELECT count(*) FROM deals") == 1
    assert await conn.fetchval("SELECT count(*) FROM trading_positions") == 1


async def test_a_signal_in_a_sync_is_kept_once_and_a_wrong_one_is_not_to_be_repeated(terminal, conn):
    good = {"key": "k1", "symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.09, "take_profit": 1.2, "volume": 0.1}
    said = await terminal.sync(signals=[good, {**good, "key": "k2", "signal_type": "UP"}])
    first, second = said["signal_acks"]
    assert (first["key"], first["status"], second["status"]) == ("k1", "PENDING", "INVALID")
    again = await terminal.sync(signals=[good])
    assert again["signal_acks"][0]["id"] == first["id"]
    assert await conn.fetchval("SELECT count(*) FROM trading_signals") == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, None),
        (b'{"session_id":"x"}', 422, "BODY_INVALID"),
        (b'{"session_id":"x","epoch":1,"seq":1}', 422, "SESSION_ID_INVALID"),
        (b'{"session_id":"7b0c2c62-6a6d-4c0e-9b39-2b4d0f9b5a10","epoch":1,"seq":1}\0', 404, "SESSION_NOT_FOUND"),
        (b'{"session_id":"7b0c2c62-6a6d-4c0e-9b39-2b4d0f9b5a10","epoch":1,"seq":0}', 422, "BODY_INVALID"),
    ],
)
async def test_a_bad_cycle_is_answered_with_a_problem(terminal, body, status, code):
    answer = await terminal.client.post("/api/v1/mt5/sync", headers=terminal.headers, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code in (None, answer.json()["code"])


async def test_another_users_session_is_not_there(terminal, client):
    stranger, _ = await new_terminal(client)
    answer = await stranger.post("/mt5/sync", {"session_id": terminal.session_id, "epoch": 1, "seq": 1})
    assert answer.status_code == 404


async def test_another_accounts_order_cannot_be_reported(terminal, queue, conn, client):
    order_id = await queue(terminal)
    await terminal.sync()
    token = terminal.headers["Authorization"].removeprefix("Bearer ")
    other = WireTerminal(client, token, account_number="999")
    await other.connect()
    await other.sync(reports=[{"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10006}])
    assert await state_of(conn, order_id) == "LEASED"


@pytest.mark.parametrize("skew", [-600, 600])
async def test_a_terminal_and_a_broker_whose_clocks_are_wrong_make_nothing_stale(terminal, conn, skew):
    now = int(datetime.now(UTC).timestamp()) + skew
    server = now + 10_800 + skew
    await terminal.sync(
        time={"gmt": now, "server": server, "tick_msc": server * 1000 - 400},
        taken_at=datetime.fromtimestamp(now - 2, UTC).isoformat(),
        account={"balance": 1.0, "equity": 1.0, "margin": 0, "margin_free": 1.0, "profit": 0},
        ticks=[{"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time_msc": server * 1000 - 4000}],
    )
    ages = "extract(epoch FROM received_at - {})::float8"
    assert 1.5 < await conn.fetchval(f"SELECT {ages.format('taken_at')} FROM account_states") < 3.5
    assert await conn.fetchval(f"SELECT {ages.format('quoted_at')} FROM latest_ticks") == 4


async def test_a_disconnect_that_a_fence_overtook_changes_nothing(terminal, ports, conn):
    read = await terminals.find(ports.pool, UUID(terminal.session_id), await conn.fetchval("SELECT id FROM users"))
    await conn.execute("UPDATE mt5_sessions SET state = 'FENCED' WHERE id = $1", terminal.session_id)
    await disconnect_terminal(ports, read, {"total_errors": 0}, now=datetime.now(UTC))
    state = await conn.fetchrow("SELECT state, totals FROM mt5_sessions WHERE id = $1", terminal.session_id)
    assert state["state"] == "FENCED"
    assert await conn.fetchval("SELECT count(*) FROM audit_log WHERE action = 'terminal.disconnect'") == 0
