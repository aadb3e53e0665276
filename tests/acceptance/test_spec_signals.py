import pytest
from tests.acceptance.signalling import SIGNALS, connect, decided, wish


@pytest.fixture
async def trader(new_user):
    return (await new_user()).client


async def test_the_specifications_requests_answer_as_written(trader):
    await connect(trader)
    body = {
        "symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1000, "stop_loss": 1.0950, "take_profit": 1.1100,
        "volume": 0.1, "timeframe": "H1", "confidence": 0.8, "signal_time": "2025-10-23T10:00:00Z",
    }  # fmt: skip
    answer = await trader.post(SIGNALS, json=body)
    assert (answer.status_code, answer.json()["status"]) == (201, "received")
    signal_id = answer.json()["id"]
    assert isinstance(signal_id, int)
    listed = (await trader.get(SIGNALS, params={"symbol": "EURUSD", "status": "PENDING", "limit": 100})).json()
    assert set(listed) == {"total", "signals"}
    signal = await decided(trader, signal_id)
    assert (signal["status"], signal["code"]) == ("REJECTED", "SIGNAL_TOO_OLD")


async def test_a_worker_makes_a_signal_an_order_within_a_second(trader):
    await connect(trader)
    sent = (await trader.post(SIGNALS, json=wish())).json()
    signal = await decided(trader, sent["id"])
    (order,) = signal["orders"]
    assert (order["state"], order["volume"], order["symbol"]) == ("QUEUED", 0.1, "EURUSD")
    assert signal["decision"]["approved"] is True
    waited = await trader.get(f"{SIGNALS}/{sent['id']}/decision")
    assert waited.json()["record"]["case"]["proposal"]["volume"] == "0.1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stop_loss": 1.105}, "STOP_WRONG_SIDE"),
        ({"stop_loss": None}, "STOP_REQUIRED"),
        ({"take_profit": 1.101}, "REWARD_RISK_TOO_LOW"),
        ({"volume": None}, "VOLUME_REQUIRED"),
        ({"signal_type": "SELL"}, "STOP_WRONG_SIDE"),
        ({"signal_time": 4000000000}, "SIGNAL_IN_FUTURE"),
    ],
)
async def test_a_denial_is_visible_with_its_code_and_inputs(trader, change, code):
    await connect(trader)
    signal = await decided(trader, (await trader.post(SIGNALS, json=wish(**change))).json()["id"])
    assert (signal["status"], signal["detail_status"], signal["code"]) == ("REJECTED", "DENIED", code)
    failed = [gate for gate in signal["decision"]["gates"] if gate["passed"] is False]
    assert failed[0]["code"] == code
    assert signal["message"]
    assert signal["orders"] == []


async def test_without_a_terminal_the_denial_says_so(trader):
    signal = await decided(trader, (await trader.post(SIGNALS, json=wish())).json()["id"])
    assert (signal["code"], signal["decision"]["approved"]) == ("NO_ACCOUNT", False)
