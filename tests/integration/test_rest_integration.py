"""The paths of specs/backend-integration.md, in its shapes, over the same flows."""

from datetime import UTC, datetime

import pytest
from tests.integration.rest import new_trader, wall_msc, working
from tests.integration.wire import position
from tests.serving import client_of, serving, settings_for

from rubi.flows.decide_signal import decide_signal

SIGNAL = {
    "symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1, "stop_loss": 1.095, "take_profit": 1.11,
    "volume": 0.1, "timeframe": "H1", "confidence": 0.85,
}  # fmt: skip


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_integration", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_integration")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


async def test_positions_have_the_specified_shape(trader):
    await trader.market(positions=[position(901, swap=-1.0, commission=-0.7)])
    (shown,) = (await trader.get("/api/positions")).json()
    expected = {
        "ticket": 901, "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "entry": 1.1, "current": 1.102, "sl": 1.095,
        "tp": 1.11, "pnl": 18.3, "profit": 20, "status": "OPEN",
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == pytest.approx(expected)
    assert (await trader.get("/api/positions/901")).json() == shown
    assert (await trader.get("/api/positions/5")).status_code == 404


async def test_a_ticket_that_a_browser_would_round_is_text(trader):
    await trader.market(positions=[position(2**53 + 1)])
    (shown,) = (await trader.get("/api/positions")).json()
    assert shown["ticket"] == str(2**53 + 1)
    assert (await trader.post("/api/positions/close", {"ticket": shown["ticket"]})).status_code == 201


async def test_a_position_is_closed_and_modified_by_its_ticket(trader):
    await trader.market(positions=[position()])
    moved = (await trader.post("/api/positions/modify", {"ticket": 901, "sl": 1.097, "tp": 1.12})).json()
    assert (moved["kind"], moved["sl"], moved["tp"]) == ("MODIFY_POSITION", 1.097, 1.12)
    part = await trader.post("/api/positions/close", {"ticket": "901", "volume": 0.04})
    assert (part.status_code, part.json()["kind"], part.json()["volume"]) == (201, "CLOSE_PARTIAL", 0.04)
    assert (await trader.post("/api/positions/close", {"volume": 1})).status_code == 422


@pytest.mark.parametrize(
    ("body", "kind", "order_type"),
    [
        ({"type": "BUY", "sl": 1.095}, "OPEN", "MARKET"),
        ({"type": "BUY_LIMIT", "price": 1.09, "sl": 1.085}, "PLACE_PENDING", "LIMIT"),
        ({"type": "sell stop", "price": 1.09, "sl": 1.095}, "PLACE_PENDING", "STOP"),
        ({"type": "BUY", "order_type": "STOP", "price": 1.11, "sl": 1.1}, "PLACE_PENDING", "STOP"),
    ],
)
async def test_an_order_is_placed_by_its_type(trader, body, kind, order_type):
    answer = await trader.post("/api/orders", {"symbol": "EURUSD", "volume": 0.1, **body})
    order = answer.json()
    assert answer.status_code == 201, order
    assert (order["state"], order["kind"], order["order_type"]) == ("QUEUED", kind, order_type)


async def test_orders_are_cancelled_and_modified_by_id_or_ticket(trader):
    order = await trader.order(order_type="LIMIT", price=1.09, sl=1.085, tp=1.11)
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902)
    await trader.market(orders=[working(902), working(950)])
    by_id = (await trader.post("/api/orders/modify", {"id": order["id"], "tp": 1.115})).json()
    assert by_id["instruction"]["tp"] == 1.115
    foreign = (await trader.post("/api/orders/modify", {"ticket": 950, "tp": 1.115})).json()
    assert (foreign["kind"], foreign["target_ticket"], foreign["target_order_id"]) == ("MODIFY_PENDING", "950", None)
    for command in await trader.commands():
        await trader.carry_out(command, ticket=int(command["order_ticket"]))
    await trader.market(orders=[working(902, tp=1.115), working(950, tp=1.115)])
    by_ticket = (await trader.post("/api/orders/cancel", {"ticket": 902})).json()
    assert (by_ticket["id"], by_ticket["state"]) == (order["id"], "PENDING_CANCEL")
    foreign = (await trader.post("/api/orders/cancel", {"ticket": "950"})).json()
    assert (foreign["kind"], foreign["state"]) == ("CANCEL_PENDING", "QUEUED")
    same = (await trader.post("/api/orders/cancel", {"ticket": "950"})).json()
    assert same["id"] == foreign["id"]
    assert (await trader.post("/api/orders/cancel", {"ticket": 5})).status_code == 404
    for nothing in ({}, {"id": 1, "ticket": 2}):
        assert (await trader.post("/api/orders/cancel", nothing)).status_code == 422


async def test_a_signal_is_executed_and_shown_with_confidence_of_a_hundred(trader):
    sent = await trader.post("/api/signals/execute", SIGNAL)
    shown = sent.json()
    assert sent.status_code == 200, shown
    expected = {"symbol": "EURUSD", "type": "BUY", "confidence": 85, "entry": 1.1, "sl": 1.095, "tp": 1.11,
                "risk_reward": 2, "timeframe": "H1", "status": "PENDING"}  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    assert isinstance(shown["id"], str)
    again = (await trader.post("/api/signals/execute", {"id": shown["id"]})).json()
    assert again["id"] == shown["id"]
    await decide_signal(trader.ports, int(shown["id"]), now=datetime.now(UTC))
    for _ in range(2):
        assert (await trader.post("/api/signals/execute", {"id": shown["id"]})).status_code == 200
    count = "SELECT count(*) FROM trading_orders WHERE signal_id = $1"
    assert await trader.value(count, int(shown["id"])) == 1
    assert (await trader.post("/api/signals/execute", {"id": 10**12})).status_code == 404


async def test_a_denied_signal_tells_its_reason(trader):
    shown = (await trader.post("/api/signals/execute", {**SIGNAL, "stop_loss": 1.2})).json()
    await decide_signal(trader.ports, int(shown["id"]), now=datetime.now(UTC))
    (denied,) = (await trader.get("/api/signals")).json()
    assert denied["status"] == "REJECTED"
    assert denied["reason"][0] == "STOP_WRONG_SIDE"


async def test_signals_are_listed_by_symbol_and_the_latest_of_each(trader):
    sent = [
        (await trader.post("/api/signals/execute", {**SIGNAL, "symbol": symbol, "comment": str(n)})).json()["id"]
        for n, symbol in enumerate(("EURUSD", "GBPUSD", "EURUSD"))
    ]
    assert [signal["id"] for signal in (await trader.get("/api/signals")).json()] == sent[::-1]
    assert [signal["id"] for signal in (await trader.get("/api/signals/latest")).json()] == [sent[2], sent[1]]
    assert [signal["id"] for signal in (await trader.get("/api/signals/EURUSD")).json()] == [sent[2], sent[0]]
    assert (await trader.get("/api/signals/XAUUSD")).json() == []


async def test_prices_candles_and_the_account_are_told(trader):
    bars = [
        {"symbol": "EURUSD", "timeframe": "H1", "time": (wall_msc() // 3_600_000 - n) * 3600, "open": 1.1, "high": 1.2,
         "low": 1.0, "close": 1.15, "tick_volume": 10 + n, "spread": 1, "real_volume": 0} for n in range(3)
    ]  # fmt: skip
    await trader.market(bars=bars)
    prices = (await trader.get("/api/market/prices", symbols="EURUSD")).json()
    assert [(price["symbol"], price["bid"], price["ask"]) for price in prices] == [("EURUSD", 1.0999, 1.1)]
    assert len((await trader.get("/api/market/prices")).json()) == 2
    candles = (await trader.get("/api/market/candles", symbol="EURUSD", timeframe="1H", count=2)).json()
    assert [candle["volume"] for candle in candles] == [11, 10]
    assert candles[0]["time"] < candles[1]["time"]
    assert (await trader.get("/api/market/candles", symbol="EURUSD", timeframe="2H")).status_code == 422
    account = (await trader.get("/api/market/account")).json()
    assert (account["balance"], account["freeMargin"], account["leverage"]) == (10000, 10000, 500)
    assert account["login"] == int(f"1000{trader.user_id}")


async def test_another_users_things_are_not_there(trader, app, guest):
    await trader.market(positions=[position()], orders=[working(902)])
    signal = (await trader.post("/api/signals/execute", SIGNAL)).json()
    stranger = await new_trader(guest, app.state.doors.ports())
    answers = [
        await stranger.get("/api/positions/901"),
        await stranger.post("/api/positions/close", {"ticket": 901}),
        await stranger.post("/api/positions/modify", {"ticket": 901, "sl": 1.0}),
        await stranger.post("/api/orders/cancel", {"ticket": 902}),
        await stranger.post("/api/orders/modify", {"ticket": 902, "sl": 1.0}),
        await stranger.post("/api/signals/execute", {"id": signal["id"]}),
        await stranger.get("/api/market/account", account=trader.account_id),
    ]
    assert [answer.status_code for answer in answers] == [404] * 7
    for path in ("/api/positions", "/api/signals", "/api/signals/latest"):
        assert (await stranger.get(path)).json() == []
