"""Signals nobody can read, and keys nobody can acknowledge: they must not stop a terminal that trades."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ea.desk import ACCOUNT, Desk
from tests.ea.test_ea_network import signal

GOOD = {"symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1, "stop_loss": 1.095, "volume": 0.1}


async def drop(desk: Desk, name: str, text: str) -> None:
    """Put a signal file where strategies put them."""
    folder = desk.terminal.folder / "Common" / "Files" / "Rubi" / "signals" / ACCOUNT
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread((folder / f"{name}.json").write_text, text)


def aside(desk: Desk) -> list[Path]:
    """The signals that were set aside."""
    return sorted((desk.terminal.folder / "MQL5" / "Files" / "Rubi" / ACCOUNT / "inbox").glob("*.bad"))


def outbox(desk: Desk) -> Path:
    return desk.terminal.folder / "MQL5" / "Files" / "Rubi" / ACCOUNT / "outbox.log"


def sealed(record: dict[str, Any]) -> str:
    """A line as the terminal writes it."""
    line = json.dumps(record, separators=(",", ":"))
    return f"{hashlib.sha256(line.encode()).hexdigest()[:16]} {line}\n"


@pytest.mark.parametrize(
    "member",
    [
        r'"comment":"half \ud800 letter"',
        r'"comment":"\udc00\ud800"',
        r'"comment":"a zero \u0000"',
        r'"\ud83d":1',
        '"volume":1e999',
        '"volume":-1e15',
        '"magic":' + "9" * 400,
        '"volume":0.' + "1" * 60,
    ],
)
async def test_a_signal_that_no_service_could_read_is_set_aside(desk: Desk, member: str) -> None:
    await drop(desk, "poison", '{"symbol":"EURUSD","signal_type":"BUY",' + member + "}")
    await signal(desk, "good")
    await desk.advance(3000)
    assert [s["key"] for s in desk.service.signals.values()] == ["good"]
    assert [path.name for path in aside(desk)] == ["poison.json.bad"]
    assert all(body["seq"] for body in desk.service.syncs())
    await desk.open(1)


async def test_a_letter_of_two_halves_is_a_letter(desk: Desk) -> None:
    await drop(desk, "rocket", json.dumps(GOOD | {"comment": "🚀 up"}))
    await desk.advance(2000)
    assert [s["comment"] for s in desk.service.signals.values()] == ["🚀 up"]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_signal_that_the_service_refuses_is_found_and_the_rest_goes_on(desk: Desk, status: int) -> None:
    desk.service.poison = (b'"POISON"', status)
    for name in ("before", "poison", "between", "poison-2", "after"):
        await drop(desk, name, json.dumps(GOOD | ({"comment": "POISON"} if "poison" in name else {})))
    await desk.advance(40_000)
    assert sorted(s["key"] for s in desk.service.signals.values()) == ["after", "before", "between"]
    assert len(aside(desk)) == 2
    assert all("POISON" in path.read_text() for path in aside(desk))
    # Nothing is left of it: the whole state is told again, and orders are carried out.
    await desk.advance(5000)
    assert "positions" in desk.service.syncs()[-1]
    await desk.open(1)


async def test_orders_are_carried_out_while_a_poisoned_signal_is_looked_for(desk: Desk) -> None:
    desk.service.poison = (b'"POISON"', 422)
    await drop(desk, "poison", json.dumps(GOOD | {"comment": "POISON"}))
    desk.service.order(1)
    await desk.advance(6000)
    assert len(desk.executed(1)) == 1
    report = desk.service.result(1)
    assert report is not None
    assert report["retcode"] == 10009


async def test_a_signal_is_not_set_aside_for_what_is_wrong_with_the_service(desk: Desk) -> None:
    desk.service.poison = (b'"signals"', 500)
    await signal(desk, "one")
    await desk.advance(600_000)  # long enough for it to be sent alone
    assert any(call.raw.count(b'"key":') == 1 and b'"positions"' not in call.raw for call in desk.service.calls)
    assert aside(desk) == []
    desk.service.poison = None
    await desk.advance(120_000)
    assert list(desk.service.signals) == ["one"]


@pytest.mark.parametrize("key", ["x" * 129, "", None, 17, {"a": 1}])
async def test_every_key_becomes_one_that_the_service_acknowledges(desk: Desk, key: Any) -> None:
    await drop(desk, "file-name", json.dumps(GOOD | {"key": key}))
    await desk.advance(3000)
    (sent,) = desk.service.signals.values()
    wanted = {
        "x" * 129: f"sha256:{hashlib.sha256(b'x' * 129).hexdigest()}",
        17: "17",
    }.get(key if isinstance(key, (str, int)) else "", "file-name")
    assert sent["key"] == wanted
    assert sum(len(body.get("signals", [])) for body in desk.service.syncs()) == 1
    assert not any(call.raw.count(b'"key":') > 1 for call in desk.service.calls if b'"signals"' in call.raw)


async def test_a_long_file_name_is_a_key_too(desk: Desk) -> None:
    name = "n" * 140
    await drop(desk, name, json.dumps(GOOD))
    await desk.advance(3000)
    assert list(desk.service.signals) == [f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"]


async def test_an_old_outbox_with_a_key_that_is_never_acknowledged_does_not_stand_still(desk: Desk) -> None:
    await desk.terminal.ask("deinit")
    lines = [{"event": "ADD", "key": key, "body": GOOD | {"key": key}} for key in ("k" * 200, "good")]
    outbox(desk).write_text("".join(sealed(line) for line in lines))
    await desk.terminal.ask("init")
    await desk.advance(3000)
    assert list(desk.service.signals) == ["good"]
    assert len(aside(desk)) == 1


async def test_the_outbox_does_not_grow_for_ever(desk: Desk) -> None:
    for n in range(160):
        await drop(desk, f"s{n:03}", json.dumps(GOOD | {"comment": "c" * 7600}))
    await desk.advance(30_000)
    assert len(desk.service.signals) == 160
    assert outbox(desk).stat().st_size < 1_000_000
    await signal(desk, "last")
    await desk.terminal.ask("chart_change")
    await desk.advance(2000)
    assert "last" in desk.service.signals


async def test_quotes_of_a_symbol_that_is_not_there_do_not_hold_orders_up(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="XAUUSD", synchronized=False)
    await desk.terminal.ask("faults", faults=[{"kind": "return", "value": -1, "error": 5203, "count": 1}])
    for n in range(20):
        await drop(desk, f"gold{n:02}", json.dumps(GOOD | {"symbol": "XAUUSD"}))
    await desk.advance(3000)
    assert len(desk.service.signals) == 20
    waited = [event["ms"] for event in desk.terminal.events if event["event"] == "sleep"]
    assert waited == []
