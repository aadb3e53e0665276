"""A request under a key is carried out once, however often and however fast it comes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import ORDER, new_trader
from tests.integration.wire import position
from tests.serving import client_of, make_token, serving, settings_for

from rubi.flows.sweep import KEY_LIFE, sweep


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_idempotency", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_idempotency")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


async def orders_of(trader) -> int:
    return await trader.value("SELECT count(*) FROM trading_orders WHERE user_id = $1", trader.user_id)


async def test_fifty_at_once_under_one_key_are_one_order(trader):
    answers = await asyncio.gather(*(trader.post("/trading/orders", ORDER, key="k") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 49
    assert await orders_of(trader) == 1
    assert await trader.value("SELECT count(*) FROM decisions WHERE user_id = $1", trader.user_id) == 1


async def test_a_repeated_request_gets_the_first_answer_to_the_letter(trader):
    first = await trader.post("/trading/orders", ORDER, key="again")
    await trader.post(f"/trading/orders/{first.json()['id']}/cancel")
    second = await trader.post("/trading/orders", dict(reversed(ORDER.items())), key="again")
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers


async def test_another_body_or_another_route_under_the_key_is_a_conflict(trader):
    order = (await trader.post("/trading/orders", ORDER, key="mine")).json()
    for path, body in (
        ("/trading/orders", {**ORDER, "volume": 0.02}),
        (f"/trading/orders/{order['id']}/cancel", None),
        ("/accounts/halt", {"reason": "x"}),
    ):
        answer = await trader.post(path, body, key="mine")
        assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert await orders_of(trader) == 1


async def test_a_denial_is_repeated_too(trader):
    wish = {**ORDER, "volume": 9}
    first, second = [await trader.post("/trading/orders", wish, key="denied") for _ in range(2)]
    assert first.json()["state"] == "DENIED"
    assert first.content == second.content
    assert await orders_of(trader) == 1


async def test_every_change_keeps_its_answer(trader):
    await trader.market(positions=[position(901), position(902)])
    order = await trader.order(volume=0.01)
    root = f"/accounts/{trader.account_id}"
    requests = [
        (f"/trading/orders/{order['id']}/cancel", None),
        ("/trading/positions/901/modify", {"sl": 1.096}),
        ("/trading/positions/901/close", {"percent": 50}),
        ("/trading/positions/close", {"all": True}),
        (f"{root}/take-over", None),
        (f"{root}/halt", {"reason": "x"}),
        (f"{root}/flatten", {"reason": "x"}),
        ("/accounts/resume", {"reason": "x"}),
        ("/api/orders", {"symbol": "EURUSD", "type": "BUY", "volume": 0.01, "sl": 1.095}),
    ]
    for number, (path, body) in enumerate(requests):
        first = await trader.post(path, body, key=f"key {number}")
        assert first.is_success, f"{path}: {first.text}"
        before = await orders_of(trader)
        again = await trader.post(path, body, key=f"key {number}")
        assert (again.content, again.headers.get("idempotent-replayed")) == (first.content, "true"), path
        assert await orders_of(trader) == before


async def test_a_refused_request_keeps_nothing_and_its_key_may_be_used(trader):
    first = await trader.post("/trading/positions/901/close", {}, key="early")
    assert first.status_code == 404
    await trader.market(positions=[position()])
    assert (await trader.post("/trading/positions/901/close", {}, key="early")).status_code == 201


async def test_keys_belong_to_their_user_and_to_the_account_of_the_token(trader, app, guest):
    other = await new_trader(guest, app.state.doors.ports())
    first = (await trader.post("/trading/orders", ORDER, key="shared")).json()
    second = (await other.post("/trading/orders", ORDER, key="shared")).json()
    assert first["id"] != second["id"]
    bound = (await make_token(guest, trader.access, "trade", account=trader.account_id))["token"]
    answer = await trader.post("/trading/orders", ORDER, key="shared", token=bound)
    assert answer.status_code == 409


async def test_without_a_key_each_request_counts(trader):
    for _ in range(2):
        await trader.order(volume=0.01)
    assert await orders_of(trader) == 2


@pytest.mark.parametrize("key", [" ", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_422(trader, key):
    answer = await trader.post("/trading/orders", ORDER, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_INVALID")


async def test_keys_are_kept_for_seven_days(trader):
    await trader.post("/trading/orders", ORDER, key="old")
    count = "SELECT count(*) FROM idempotency_keys WHERE user_id = $1 AND key = 'old'"
    await sweep(trader.ports, now=datetime.now(UTC) + KEY_LIFE - timedelta(minutes=1))
    assert await trader.value(count, trader.user_id) == 1
    await sweep(trader.ports, now=datetime.now(UTC) + KEY_LIFE + timedelta(minutes=1))
    assert await trader.value(count, trader.user_id) == 0
