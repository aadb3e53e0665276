"""The specification's terminal calls and the life of the older connector, replayed at the running service."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

PAYLOADS = Path(__file__).parent.parent / "payloads"


def payload(name: str, **more) -> dict:
    return json.loads((PAYLOADS / f"{name}.json").read_text()) | more


async def post(person, path: str, body, status: int = 200) -> dict:
    """Send the bytes as MQL5 does: UTF-8 with the terminating zero, no charset."""
    raw = json.dumps(body).encode() + b"\0"
    answer = await person.client.post(f"/api/v1{path}", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    return answer.json()


async def get(person, path: str, **params) -> dict:
    answer = await person.client.get(f"/api/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def person(new_user):
    return await new_user()


async def test_every_request_of_the_specification_answers_as_written(person):
    connected = await post(person, "/mt5/connect", payload("spec_connect"))
    assert connected["message"] == "Connected successfully"
    assert datetime.fromisoformat(connected["connected_at"]).tzinfo is not None
    session = str(UUID(connected["session_id"]))

    said = await post(person, "/mt5/ping", payload("spec_ping", session_id=session))
    assert said == {"status": "ok", "message": "Ping received"}

    said = await post(person, "/mt5/account/update", payload("spec_account", session_id=session))
    assert said == {"status": "ok", "message": "Account info updated"}
    account = await get(person, f"/mt5/account/{session}")
    told = {name: value for name, value in payload("spec_account").items() if name != "session_id"}
    assert told.items() <= account.items()
    assert (account["session_id"], account["account_number"], account["broker"]) == (session, "12345678", "IC Markets")

    kept = await post(person, "/trading/signals", payload("spec_signal"), 201)
    assert kept["status"] == "received"
    assert isinstance(kept["id"], int)
    listed = await get(person, "/trading/signals", symbol="EURUSD", limit=100)
    assert [signal["id"] for signal in listed["signals"]] == [kept["id"]]
    assert listed["total"] == 1
    waiting = await get(person, "/trading/signals/pending", session_id=session)
    assert waiting == {"total": 0, "signals": []}  # its time lies in the past: it is denied, and visibly so

    report = payload("spec_status", signal_id=kept["id"])
    said = await post(person, f"/trading/signals/{kept['id']}/status", report)
    assert said == {"status": "ok", "message": "Signal status updated"}

    said = await post(person, "/trading/positions/update", payload("spec_positions", session_id=session))
    assert said == {"status": "ok", "message": "1 positions updated"}
    positions = await get(person, "/trading/positions", session_id=session)
    assert (positions["session_id"], positions["total"]) == (session, 1)
    (sent,) = payload("spec_positions")["positions"]
    numbers = {name: value for name, value in sent.items() if name != "open_time"}
    assert numbers.items() <= positions["positions"][0].items()

    sessions = await get(person, "/mt5/sessions")
    assert (sessions["total"], sessions["sessions"][0]["session_id"]) == (1, session)
    stats = await get(person, "/stats")
    assert stats["signals"]["total"] == 1
    assert stats["sessions"] == {"active": 1, "total": 1}
    assert stats["positions"] == {"open": 1}

    said = await post(person, "/mt5/disconnect", payload("spec_disconnect", session_id=session))
    assert said == {"status": "ok", "message": "Disconnected successfully"}
    assert (await get(person, "/mt5/sessions"))["total"] == 0


async def until_pending(person, session: str) -> dict:
    async with asyncio.timeout(10):
        while True:
            waiting = await get(person, "/trading/signals/pending", session_id=session)
            if waiting["signals"]:
                return waiting["signals"][0]
            await asyncio.sleep(0.1)


async def test_the_older_connector_trades_a_signal_once(person):
    session = (await post(person, "/mt5/connect", payload("connector_connect")))["session_id"]
    await post(person, "/mt5/ping", payload("connector_ping", session_id=session))
    said = await post(person, "/trading/positions/update", payload("connector_positions", session_id=session))
    assert said["message"] == "2 positions updated"
    shown = {
        each["ticket"]: each for each in (await get(person, "/trading/positions", session_id=session))["positions"]
    }
    assert {ticket: each["type"] for ticket, each in shown.items()} == {"123456789": "BUY", "987654321": "SELL"}
    opened = datetime.fromisoformat(shown["123456789"]["open_time"])
    assert opened == datetime(2025, 10, 23, 12, tzinfo=UTC), "MT5's own form of a time; no clock was told, so it is UTC"

    fresh = payload("spec_signal", signal_time=datetime.now(UTC).isoformat())
    kept = await post(person, "/trading/signals", fresh, 201)
    signal = await until_pending(person, session)
    assert signal["id"] == kept["id"]
    assert (signal["symbol"], signal["signal_type"], signal["volume"]) == ("EURUSD", "BUY", 0.1)
    assert (signal["stop_loss"], signal["take_profit"]) == (1.095, 1.11)
    again = await get(person, "/trading/signals/pending", session_id=session)
    assert again["signals"] == []  # it keeps no journal: one delivery, never a second

    report = payload("spec_status", signal_id=kept["id"], timestamp="2025.10.23 13:01:00")
    await post(person, f"/trading/signals/{kept['id']}/status", report)
    await post(person, f"/trading/signals/{kept['id']}/status", report)
    ended = await get(person, f"/trading/signals/{kept['id']}")
    assert (ended["status"], ended["detail_status"]) == ("EXECUTED", "FILLED")
    assert len(ended["orders"]) == 1

    none = payload("connector_positions", session_id=session, positions=[None])
    assert (await post(person, "/trading/positions/update", none))["message"] == "0 positions updated"
    assert (await get(person, "/trading/positions", session_id=session))["positions"] == []
    await post(person, "/mt5/account/update", payload("spec_account", session_id=session))
    await post(person, "/mt5/disconnect", payload("spec_disconnect", session_id=session))
    await post(person, "/mt5/ping", payload("connector_ping", session_id=session), 409)


async def test_the_older_connectors_rejection_is_kept_with_its_words(person):
    session = (await post(person, "/mt5/connect", payload("connector_connect")))["session_id"]
    fresh = payload("spec_signal", signal_time=datetime.now(UTC).isoformat())
    kept = await post(person, "/trading/signals", fresh, 201)
    await until_pending(person, session)
    words = "Error: 4756 - not enough money"
    await post(
        person,
        f"/trading/signals/{kept['id']}/status",
        {"signal_id": kept["id"], "status": "REJECTED", "message": words},
    )
    ended = await get(person, f"/trading/signals/{kept['id']}")
    assert (ended["status"], ended["message"]) == ("REJECTED", words)


async def test_a_connector_that_reconnects_after_a_failed_ping_goes_on(person):
    first = (await post(person, "/mt5/connect", payload("connector_connect")))["session_id"]
    second = (await post(person, "/mt5/connect", payload("connector_connect")))["session_id"]
    assert first != second
    problem = await post(person, "/mt5/ping", payload("connector_ping", session_id=first), 409)
    assert problem["code"] == "EPOCH_FENCED"
    await post(person, "/mt5/ping", payload("connector_ping", session_id=second))


@pytest.mark.parametrize(
    ("path", "name", "change", "field"),
    [
        ("/mt5/connect", "spec_connect", {"balance": "a lot"}, "balance"),
        ("/mt5/connect", "spec_connect", {"broker": ""}, "broker"),
        ("/mt5/ping", "spec_ping", {"session_id": "uuid"}, "session_id"),
        ("/trading/signals", "spec_signal", {"volume": -1}, "volume"),
        ("/trading/signals", "spec_signal", {"signal_type": "UP"}, "signal_type"),
        ("/trading/positions/update", "spec_positions", {"positions": 5}, "positions"),
    ],
)
async def test_bad_input_names_its_field(person, path, name, change, field):
    problem = await post(person, path, payload(name) | change, 422)
    assert problem["code"]
    assert field in json.dumps(problem["context"])
