"""Start, stop, chart changes, accounts, transactions, several instances, signals of strategies."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from pathlib import Path

import pytest
from mql5.host.build import build
from tests.ea.conftest import CONNECTOR
from tests.ea.desk import ACCOUNT, Desk, opened, settings_for
from tests.ea.driver import running
from tests.ea.service import serving
from tests.ea.test_ea_network import signal

PROGRAMS = Path(__file__).parent / "programs"


async def test_a_chart_change_keeps_the_terminal_and_executes_nothing_twice(desk: Desk) -> None:
    await desk.open(1)
    first = desk.service.calls[0].body["terminal_instance_id"]
    assert await desk.terminal.ask("chart_change", symbol="EURUSD", period=5) == 0
    desk.service.order(1)
    await desk.advance(3000)
    connects = [c.body for c in desk.service.calls if c.path.endswith("/connect")]
    assert [c["terminal_instance_id"] for c in connects] == [first, first]
    assert len(desk.terminal.sends()) == 1
    assert "DUPLICATE" in desk.service.outcomes(1)


async def test_a_repeated_command_is_answered_with_its_recorded_result(desk: Desk) -> None:
    first = await desk.open(1)
    desk.service.order(1)
    await desk.advance(1500)
    assert desk.service.outcomes(1) == ["INTENT", "DUPLICATE"]
    last = desk.service.result(1)
    assert last is not None
    assert (last["retcode"], last["deal_ticket"]) == (first["retcode"], first["deal_ticket"])
    assert len(desk.terminal.sends()) == 1


async def test_another_account_begins_another_session(connector: Path, tmp_path: Path) -> None:
    other = {"login": 777, "server": "Other-Demo", "balance": 5.0}
    async with serving() as service, opened(connector, tmp_path / "t", service, other_accounts=[other]) as desk:
        await desk.advance(500)
        await desk.open(1)
        await desk.terminal.ask("switch_account", login=777)
        await desk.advance(2000)
        connects = [c.body for c in service.calls if c.path.endswith("/connect")]
        assert [c["account_number"] for c in connects] == ["12345678", "777"]
        assert connects[1]["journal"]["open"] == []
        assert service.last("positions") == []
        assert service.last("account")["balance"] == 5.0


async def test_orders_of_the_old_account_are_not_sent_on_the_new_one(connector: Path, tmp_path: Path) -> None:
    other = {"login": 777, "server": "Other-Demo"}
    async with serving() as service, opened(connector, tmp_path / "t", service, other_accounts=[other]) as desk:
        await desk.advance(500)

        async def log_in_elsewhere() -> None:
            await desk.terminal.ask("account_now", login=777)

        service.on_sync = log_in_elsewhere
        service.order(1)
        await desk.advance(3000)
        assert service.commands == deque(), "the order was never handed out"
        connects = [c.body["account_number"] for c in service.calls if c.path.endswith("/connect")]
        assert connects == ["12345678", "777"]
        assert desk.terminal.sends() == []
        assert 1 not in service.acks


async def test_a_terminal_without_a_connection_starts_and_waits(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, account={"login": 0}) as desk:
        await desk.advance(3000)
        assert (await desk.terminal.event("init"))["code"] == 0
        assert service.calls == []
        await desk.terminal.ask("account", login=12345678)
        await desk.advance(3000)
        assert service.calls[0].body["account_number"] == "12345678"


@pytest.mark.parametrize("mode", ["shuffle", "drop", "drop_deals", "hold"])
async def test_deals_arrive_whatever_happens_to_transactions(desk: Desk, mode: str) -> None:
    await desk.terminal.ask("transactions", mode=mode, seed=7)
    for n in range(1, 4):
        await desk.open(n)
    await desk.work(4, "CLOSE_ALL")
    await desk.advance(35_000)
    assert len(desk.service.deals) == 6
    assert {d["entry"] for d in desk.service.deals.values()} == {"IN", "OUT"}
    assert len(desk.terminal.sends()) == 6
    await desk.terminal.ask("release")
    await desk.advance(2000)
    assert len(desk.service.deals) == 6


async def test_deals_of_a_night_are_caught_up_from_history(desk: Desk) -> None:
    await desk.open(1)
    await desk.faults({"kind": "return", "value": -1, "error": 5203, "count": 100_000})
    await desk.terminal.ask("transactions", mode="drop")
    for _ in range(3):
        await desk.terminal.ask("balance", amount=1.0)
        await desk.advance(10_000)
    await desk.faults()
    await desk.advance(40_000)
    assert [d["type"] for d in desk.service.deals.values()] == ["BUY", "BALANCE", "BALANCE", "BALANCE"]


async def test_two_charts_of_one_terminal_do_not_both_work(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service) as first:
        await first.advance(1000)
        async with opened(connector, tmp_path / "t", service, ledger=str(tmp_path / "other.jsonl")) as second:
            calls = len(service.calls)
            await second.advance(3000)
            assert len(service.calls) == calls
            await first.advance(2000)
            assert len(service.calls) > calls
            assert service.epoch == 1


async def test_the_lock_of_a_dead_chart_is_taken_over(connector: Path, tmp_path: Path) -> None:
    async with serving() as service:
        async with opened(connector, tmp_path / "t", service) as first:
            await first.advance(1000)
            await first.terminal.kill()
        later = {"start_ms": 1761213600000 + 120_000}
        async with opened(connector, tmp_path / "t", service, **later) as second:
            await second.advance(5000)
            assert service.epoch == 2


async def test_a_signal_file_of_a_strategy_is_delivered_once(desk: Desk) -> None:
    await signal(desk, "one")
    await desk.advance(2000)
    (sent,) = desk.service.signals.values()
    assert (sent["symbol"], sent["signal_type"], sent["volume"]) == ("EURUSD", "BUY", 0.1)
    await desk.advance(3000)
    assert sum(len(body.get("signals", [])) for body in desk.service.syncs()) == 1


async def test_a_signal_stays_in_the_outbox_until_it_is_acknowledged(desk: Desk) -> None:
    desk.service.acknowledge = False
    await signal(desk, "one")
    await desk.advance(2000)
    await desk.terminal.ask("chart_change")
    desk.service.acknowledge = True
    desk.service.signals.clear()
    await desk.advance(3000)
    assert len(desk.service.signals) == 1


async def test_a_damaged_signal_file_is_put_aside(desk: Desk) -> None:
    folder = desk.terminal.folder / "Common" / "Files" / "Rubi" / "signals" / ACCOUNT
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread((folder / "bad.json").write_text, '{"symbol": "EURUSD", ')
    await signal(desk, "good")
    await desk.advance(3000)
    assert len(desk.service.signals) == 1


async def test_the_status_line_tells_the_state(desk: Desk) -> None:
    await desk.advance(500)
    texts = [e["text"] for e in desk.terminal.events if e["event"] in {"comment", "label"}]
    assert any("Connected" in text for text in texts)
    await desk.terminal.ask("flags", terminal_trade_allowed=False)
    await desk.advance(1000)
    texts = [e["text"] for e in desk.terminal.events if e["event"] in {"comment", "label"}]
    assert "Not trading" in texts[-1]


async def test_the_kill_switch_stops_openings_and_lets_closes_pass(desk: Desk) -> None:
    await desk.open(1)
    path = desk.terminal.folder / "globals.json"
    table = json.loads(path.read_text())
    table["Rubi.stop"] = {"value": 1.0, "used": 1761213600}
    path.write_text(json.dumps(table))
    await desk.work(2)
    assert desk.service.outcomes(2) == ["REFUSED:KILL_SWITCH"]
    closed = await desk.work(3, "CLOSE_ALL")
    assert closed is not None
    assert closed["retcode"] == 10009


async def test_ticks_and_bars_are_told(desk: Desk) -> None:
    base = 1761224340
    bars = [
        {"time": base + 60 * n, "open": 1.1, "high": 1.101, "low": 1.099, "close": 1.1005, "tick_volume": 10}
        for n in range(-3, 2)
    ]
    await desk.terminal.ask("bars", symbol="EURUSD", period=1, bars=bars)
    await desk.advance(3000)
    ticks = [t for body in desk.service.syncs() for t in body.get("ticks", [])]
    assert {t["symbol"] for t in ticks} == {"EURUSD"}
    assert [t["time_msc"] for t in ticks] == sorted({t["time_msc"] for t in ticks})
    assert any(body.get("bars") for body in desk.service.syncs())


async def test_a_strategy_of_ones_own_sends_signals_with_three_lines(desk: Desk) -> None:
    strategy = build(PROGRAMS / "strategy.mq5", include_dirs=[CONNECTOR.parent / "Include"]).executable
    shared = {"common": str(desk.terminal.folder / "Common")}
    async with opened(strategy, desk.terminal.folder.parent / "strategy", desk.service, **shared) as other:
        await other.quote(1.1)
        await other.advance(100)
        assert "the signal was not kept" not in other.terminal.prints()
    await desk.advance(2000)
    sent = list(desk.service.signals.values())
    assert sent
    assert {(s["symbol"], s["signal_type"], s["stop_loss"]) for s in sent} == {("EURUSD", "BUY", 1.095)}


async def test_the_example_sends_a_signal_when_its_averages_cross(desk: Desk) -> None:
    source = CONNECTOR.parent / "Experts" / "Rubi" / "RubiMovingAverageExample.mq5"
    example = build(source, include_dirs=[CONNECTOR.parent / "Include"]).executable
    base = 1761224340

    def bars(closes: list[float]) -> list[dict[str, float]]:
        return [
            {"time": base + 60 * n, "open": c, "high": c, "low": c, "close": c, "tick_volume": 1}
            for n, c in enumerate(closes)
        ]

    falling = [1.2 - n * 0.001 for n in range(60)]
    shared = {"common": str(desk.terminal.folder / "Common")}
    async with running(example, desk.terminal.folder.parent / "example", settings_for(desk.service, **shared)) as other:
        await other.ask("bars", period=1, bars=bars(falling))
        assert await other.ask("init") == 0
        await other.ask("bars", period=1, bars=bars([*falling, 1.4, 1.4]))
        await other.ask("quote", bid=1.4, ask=1.40002)
        await other.ask("advance", ms=100)
    await desk.advance(2000)
    sent = [(s["signal_type"], s.get("stop_loss"), s.get("take_profit")) for s in desk.service.signals.values()]
    assert sorted(sent, key=str) == [("BUY", 1.39702, 1.40602), ("CLOSE_SELL", None, None)]


@pytest.mark.parametrize("path", sorted((CONNECTOR.parent / "Scripts" / "Rubi").glob("*.mq5")), ids=lambda p: p.stem)
async def test_the_scripts_run(path: Path, tmp_path: Path) -> None:
    script = build(path, include_dirs=[CONNECTOR.parent / "Include"]).executable
    async with serving() as service, running(script, tmp_path / "t", settings_for(service)) as terminal:
        assert await terminal.ask("init") == 0
        assert terminal.prints()
