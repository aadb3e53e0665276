"""The wire: one number, one body, until it is answered."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from rubi.terminal.broker import Flags
from rubi.terminal.clock import ServiceClock
from rubi.terminal.session import Backoff, TerminalStoppedError

from .desk import HandClock, d, market, pending
from .service import command


def syncs(terminal):
    return [raw for path, raw in terminal.service.received if path == "sync"]


@pytest.mark.parametrize("fate", ["drop_answer", "garble_answer", "drop_request"])
async def test_after_a_lost_answer_the_very_same_bytes_are_sent_again(terminal, fate):
    terminal.transport.script = ["deliver", "deliver", fate, fate]
    terminal.service.answers = [{}, {"commands": [command(17)]}]
    await terminal.until(lambda: terminal.service.told("reports"))
    by_number = {}
    for raw in syncs(terminal):
        by_number.setdefault(json.loads(raw)["seq"], set()).add(raw)
    assert all(len(bodies) == 1 for bodies in by_number.values())
    assert [b["seq"] for b in terminal.service.bodies] == list(range(1, len(terminal.service.bodies) + 1))
    assert terminal.sends() == ["RS-R"]
    if fate != "drop_request":
        assert syncs(terminal)[1] == syncs(terminal)[2] == syncs(terminal)[3]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_service_in_trouble_is_asked_again(terminal, status):
    terminal.service.refusals = [status, status]
    await terminal.until(lambda: len(terminal.service.bodies) > 1)
    assert terminal.service.epoch == 1


@pytest.mark.parametrize("status", [404, 409])
async def test_a_lost_session_is_opened_anew_and_nothing_is_lost_with_it(terminal, status):
    terminal.outbox.put({"key": "k", "symbol": "EURUSD", "signal_type": "BUY"}, at=terminal.now())
    terminal.service.acknowledges = False
    await terminal.until(lambda: len(terminal.service.bodies) > 1)
    terminal.reopen()
    terminal.service.acknowledges = True
    terminal.transport.script = ["deliver"]

    def refuse_once():
        if terminal.service.epoch == 2 and not terminal.service.refusals and not refused:
            refused.append(terminal.service.refusals.append(status))
        return terminal.service.epoch == 3 and not len(terminal.outbox)

    refused = []
    await terminal.until(refuse_once)
    assert next(b["seq"] for b in terminal.service.bodies if b["epoch"] == 3) == 1


async def test_an_account_traded_elsewhere_is_waited_for(terminal):
    terminal.service.refusals = [423]
    started = time.monotonic()
    await terminal.until(lambda: terminal.service.epoch == 1)
    assert time.monotonic() - started > 0.9
    assert terminal.events[0] == ("leased_elsewhere", {"retry_after_s": 1.0})


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_stops_the_terminal_with_the_way_out(terminal, status):
    terminal.service.refusals = [status]
    with pytest.raises(TerminalStoppedError, match="rubi token create"):
        await terminal.until(lambda: False)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_body_the_service_cannot_read_is_replaced_by_a_plain_one(terminal, status, monkeypatch):
    monkeypatch.setattr("rubi.terminal.client.REFUSED_PAUSE_S", 0.01)

    def refuse_second():
        if terminal.service.bodies and not refused:
            refused.append(terminal.service.refusals.append(status))
        return len(terminal.service.bodies) > 3

    refused = []
    await terminal.until(refuse_second)
    plain = next(b for b in terminal.service.bodies[1:] if "positions" in b or "account" in b)
    numbers = [b["seq"] for b in terminal.service.bodies]
    assert numbers == sorted(set(numbers))
    assert "ticks" not in plain
    assert "sync_refused" in {name for name, _ in terminal.events}


async def test_the_greeting_says_who_and_what_this_terminal_is(terminal):
    await terminal.until(lambda: terminal.service.bodies)
    (greeting,) = terminal.service.greetings
    assert (greeting["account_number"], greeting["broker"], greeting["balance"]) == (
        "50012345",
        "Rubi Simulated Markets",
        10000,
    )
    assert (greeting["protocol"], greeting["margin_mode"], greeting["terminal_instance_id"]) == (
        2,
        "HEDGING",
        terminal.journal.instance_id,
    )
    assert greeting["time"]["server"] - greeting["time"]["gmt"] == 10_800
    assert len(greeting["symbols_hash"]) == 64


async def test_the_first_sync_tells_everything_and_later_ones_what_is_new(terminal):
    await terminal.broker.order_send(market())
    await terminal.broker.order_send(pending("BUY_LIMIT", "1.09000"))
    await terminal.until(lambda: len(terminal.service.bodies) > 5)
    first, *later = terminal.service.bodies
    assert {s["name"] for s in first["symbols"]} == {"EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "US30"}
    assert [(x["type"], x["ticket"][:1]) for x in first["deals"]] == [("BALANCE", "1"), ("BUY", "1")]
    assert (first["positions"][0]["magic"], first["orders"][0]["state"]) == ("0", "PLACED")
    assert [o["state"] for o in first["order_history"]] == ["FILLED"]
    assert {t["symbol"] for t in first["ticks"]} == {s["name"] for s in first["symbols"]}
    assert first["bars"][0]["timeframe"] == "M1"
    assert all(isinstance(p[k], str) for p in first["positions"] for k in ("ticket", "position_id", "magic"))
    assert "filling" not in first["orders"][0]
    assert not any(part in body for body in later for part in ("symbols", "deals", "order_history", "ticks", "bars"))
    assert not any("positions" in body for body in later), "nothing changed within the second"
    assert all("account" in body and "flags" in body and "time" in body for body in later)


async def test_a_change_in_the_books_is_told_at_once_and_a_new_tick_value_too(terminal):
    await terminal.until(lambda: len(terminal.service.bodies) > 2)
    count = len(terminal.service.bodies)
    terminal.reopen()
    changed = []

    def change():
        if len(terminal.service.bodies) > count + 3 and not changed:
            terminal.broker.quote("USDJPY", d("148.000"))
            changed.append(asyncio.ensure_future(terminal.broker.order_send(market())))
        return len(terminal.service.bodies) > count + 8

    await terminal.until(change)
    after = terminal.service.bodies[count + 3 :]
    assert [len(b["positions"]) for b in after if "positions" in b] == [1]
    assert [[s["name"] for s in b["symbols"]] for b in after if "symbols" in b] == [["USDJPY"]]
    assert [x["type"] for b in after for x in b.get("deals", [])] == ["BUY"]


async def test_the_services_cursor_decides_which_deals_are_told(terminal):
    for _ in range(3):
        terminal.clock.advance(1)
        await terminal.broker.order_send(market())
    third = terminal.broker.ledger.deals[2]
    terminal.service.connect_answer = {
        "resume": {"deal_cursor": {"time_msc": third.time_msc, "ticket": str(third.ticket)}}
    }
    await terminal.until(lambda: len(terminal.service.bodies) > 2)
    assert [x["ticket"] for x in terminal.service.told("deals")] == [str(terminal.broker.ledger.deals[3].ticket)]


async def test_a_gap_in_the_bars_is_filled_from_where_the_service_has_got_to(terminal):
    for _ in range(180):  # the service was away for three hours
        terminal.clock.advance(60)
        terminal.broker.quote("EURUSD", d("1.10000"))
    have = await terminal.broker.bars("EURUSD", "M1", 1000)
    terminal.service.connect_answer = {"resume": {"bars": {"EURUSD": {"M1": have[-181].time}}}}
    await terminal.until(lambda: len(terminal.service.bodies) > 2)
    told = [bar["time"] for bar in terminal.service.told("bars") if bar["symbol"] == "EURUSD"]
    assert told == [bar.time for bar in have[-181:]], "the bar that grew is told again, whole"


async def test_without_a_connection_to_the_broker_no_books_are_told(terminal):
    terminal.broker.set_flags(Flags(connected=False))
    await terminal.until(lambda: len(terminal.service.bodies) > 1)
    assert all(b["flags"]["connected"] is False and "positions" not in b for b in terminal.service.bodies)


async def test_a_signal_is_told_with_the_brokers_own_arithmetic_until_it_is_answered_for(terminal):
    terminal.outbox.put(
        {"key": "k", "symbol": "USDJPY", "signal_type": "BUY", "stop_loss": d("149.610"), "entry_price": d("150.010")},
        at=terminal.now(),
    )
    terminal.service.acknowledges = False
    await terminal.until(lambda: len(terminal.service.told("signals")) > 1)
    terminal.reopen()
    terminal.service.acknowledges = True
    await terminal.until(lambda: not len(terminal.outbox))
    assert {s["key"] for s in terminal.service.told("signals")} == {"k"}
    quote = terminal.service.told("quotes")[0]
    assert (quote["side"], quote["entry"], quote["loss_per_lot"], quote["margin_per_lot"]) == (
        "BUY",
        150.01,
        266.67,
        200,
    )


async def test_the_journal_does_what_the_service_says_at_connect(terminal):
    terminal.service.acknowledges = False
    terminal.service.answers.append({"commands": [command(17), command(18)]})
    await terminal.until(lambda: {17, 18} == {r["order_id"] for r in terminal.service.told("reports")})
    terminal.reopen()
    terminal.service.connect_answer = {
        "journal_actions": [{"order_id": 17, "action": "FORGET"}, {"order_id": 18, "action": "REPORT"}]
    }
    count = len(terminal.service.bodies)
    await terminal.until(lambda: len(terminal.service.bodies) > count + 1)
    later = terminal.service.bodies[count:]
    assert {r["order_id"] for b in later for r in b.get("reports", [])} == {18}


async def test_a_stop_says_goodbye_with_the_totals(terminal):
    await terminal.carried_out(command(17), command(18, symbol="NOSUCH"))
    (farewell,) = terminal.service.farewells
    assert farewell["session_id"] == "s1"
    assert (farewell["total_signals_received"], farewell["total_orders_executed"]) == (2, 1)


async def test_a_stop_is_quick_even_when_the_service_is_gone(terminal):
    await terminal.until(lambda: terminal.service.bodies)
    terminal.reopen()

    def cut():
        if terminal.service.epoch == 2 and len(terminal.service.bodies) > 2:
            terminal.transport.script = ["drop_request"] * 10_000
        return bool(terminal.transport.script)

    started = time.monotonic()
    await terminal.until(cut)
    assert time.monotonic() - started < 2.5


async def test_a_body_that_is_too_big_leaves_the_dispensable_for_later(terminal, monkeypatch):
    monkeypatch.setattr("rubi.terminal.client.BIGGEST_BODY", 2_000)
    await terminal.until(lambda: len(terminal.service.bodies) > 2)
    assert all(len(raw) < 3_000 for raw in syncs(terminal))
    assert all("account" in b for b in terminal.service.bodies)


async def test_an_empty_answer_at_once_does_not_make_the_terminal_spin(terminal):
    terminal.service.connect_answer = {"poll": {"idle_ms": 100}}
    terminal.service.answers = [{"next_poll_ms": 100}] * 100
    started = time.monotonic()
    await terminal.until(lambda: len(terminal.service.bodies) >= 5)
    assert time.monotonic() - started > 0.2


def test_waits_grow_to_a_cap_and_are_drawn_at_random():
    ends = [Backoff(0.1, 2.0, lambda low, high: high).wait_s(n) for n in range(1, 9)]
    assert ends == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0]
    assert Backoff(0.1, 2.0, lambda low, high: low).wait_s(1_000) == 0.1


async def test_answers_of_another_number_end_the_session(terminal):
    terminal.service.answers = [{}, {"seq_ack": 99}]
    await terminal.until(lambda: terminal.service.epoch == 2)
    assert "session_lost" in {name for name, _ in terminal.events}


async def test_transport_errors_are_httpx_errors():
    assert issubclass(httpx.ReadError, httpx.TransportError)


async def test_a_stored_answer_does_not_set_the_clock_back(terminal):
    terminal.service.server_time = terminal.later(0)
    terminal.transport.script = ["deliver", "deliver", "drop_answer"]
    terminal.service.answers = [{}, {"commands": [command(17, not_after=terminal.later(5))]}]
    lost = []

    def while_the_answer_is_lost():
        if not terminal.transport.script and not lost:
            lost.append(True)
            terminal.clock.advance(10)  # the stored answer will be read ten seconds after it was made
        return bool(terminal.service.told("acks"))

    await terminal.until(while_the_answer_is_lost)
    assert terminal.acks()[0] == (17, "REFUSED", "COMMAND_EXPIRED")


def test_the_answer_that_travelled_fastest_tells_the_time():
    own = HandClock()
    clock = ServiceClock(lambda: datetime.fromtimestamp(own() / 1000, UTC))
    for late_ms in (900, 40, 700):
        clock.learn(datetime.fromtimestamp((own() + 60_000 - late_ms) / 1000, UTC).isoformat())
    clock.learn(None)
    assert clock.offset == timedelta(milliseconds=59_960)


async def test_what_the_service_cannot_read_is_not_sent_for_ever(terminal):
    terminal.service.acknowledges = False
    terminal.service.answers = [
        {"commands": [command(17)], "rejected": [{"part": "deals", "code": "X", "detail": "y"}]},
        {"rejected": [{"part": "reports", "code": "X", "detail": "y"}], "ack_acks": ["17:INTENT"]},
    ]
    await terminal.until(lambda: len(terminal.service.bodies) > 5)
    tickets = [x["ticket"] for x in terminal.service.told("deals")]
    balance = str(terminal.broker.ledger.deals[0].ticket)
    assert tickets.count(balance) == 1
    assert len(set(tickets)) == 2
    assert len(terminal.service.told("reports")) == 1
    assert terminal.journal.knows(17)
    assert ("rejected", {"part": "deals", "code": "X", "detail": "y"}) in terminal.events


async def test_another_server_at_the_address_is_asked_again_calmly(terminal):
    terminal.service.answer = lambda path, raw: (200, {"hello": "world"})
    await terminal.until(lambda: len(terminal.service.received) > 3)
    assert {path for path, _ in terminal.service.received} == {"connect"}
