import asyncio
import json
import time

import httpx
import pytest
import redis.asyncio as redis
import websockets
from tests.integration.wire import new_terminal, position
from tests.serving import bearer, listening, make_token, register, settings_for
from websockets.exceptions import ConnectionClosed

from rubi.live.bus import Bus, Event
from rubi.live.hub import MOST_PER_USER


@pytest.fixture
async def url(dsn, redis_url):
    async with listening(settings_for(dsn, redis_url, cors_origins=("https://app.example.com",))) as url:
        yield url


@pytest.fixture
async def client(url):
    async with httpx.AsyncClient(base_url=url) as client:
        yield client


def socket(url, path="/ws/live", **more):
    return websockets.connect(url.replace("http", "ws") + path, **more)


async def heard(ws, kind, within=5.0):
    """The next frame of a kind; others are passed over."""
    async with asyncio.timeout(within):
        while True:
            frame = json.loads(await ws.recv())
            if frame["type"] == kind:
                return frame


async def close_code(ws, within=5.0):
    async with asyncio.timeout(within):
        try:
            while True:
                await ws.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code


async def authenticate(ws, token):
    await ws.send(json.dumps({"type": "auth", "token": token}))
    return await heard(ws, "CONNECTED")


async def test_the_script_of_the_specification_pings_right_away(url):
    async with socket(url, "/ws/trading/live/session_id") as ws:
        await ws.send(json.dumps({"type": "ping"}))
        pong = json.loads(await ws.recv())
    assert pong["type"] == "pong"
    assert pong["timestamp"].endswith("Z")


@pytest.mark.parametrize("way", ["message", "header", "protocol"])
async def test_a_token_is_taken_from_the_first_message_a_header_or_the_protocol(client, url, way):
    token = (await register(client))["access_token"]
    more = {"header": {"additional_headers": bearer(token)}, "protocol": {"subprotocols": ["bearer", token]}}
    async with socket(url, **more.get(way, {})) as ws:
        if way == "message":
            await ws.send(json.dumps({"type": "auth", "token": token}))
        assert (await heard(ws, "CONNECTED"))["seq"] == 1
        await ws.send(json.dumps({"type": "ping"}))
        await heard(ws, "pong")
        assert ws.subprotocol == ("bearer" if way == "protocol" else None)


async def test_a_token_in_the_address_is_nobody(client, url):
    token = (await register(client))["access_token"]
    async with socket(url, f"/ws/live?token={token}") as ws:
        await ws.send(json.dumps({"action": "REQUEST_POSITIONS"}))
        assert await close_code(ws) == 4401


@pytest.mark.parametrize(
    "first", ['{"type":"auth","token":"nonsense"}', '{"type":"auth"}', "[]", "{", '{"action":"X"}']
)
async def test_who_does_not_say_a_good_token_is_closed_with_4401(url, first):
    async with socket(url) as ws:
        await ws.send(first)
        assert await close_code(ws) == 4401


async def test_who_says_nothing_is_closed(url, monkeypatch):
    monkeypatch.setattr("rubi.api.sockets.AUTH_PATIENCE", 0.2)
    async with socket(url) as ws:
        assert await close_code(ws) == 4401


async def test_sessions_that_are_unknown_or_anothers_are_closed_with_4403(client, url):
    terminal, _ = await new_terminal(client)
    await terminal.connect()
    stranger = (await register(client))["access_token"]
    for session_id in ("session_id", "6f1f5a54-0f0e-4c5e-9a0a-1d1d1d1d1d1d", terminal.session_id):
        async with socket(url, f"/ws/trading/live/{session_id}") as ws:
            await ws.send(json.dumps({"type": "auth", "token": stranger}))
            assert await close_code(ws) == 4403


async def test_a_page_of_a_foreign_origin_is_closed_with_4403(client, url):
    token = (await register(client))["access_token"]
    async with socket(url, origin="https://evil.example", additional_headers=bearer(token)) as ws:
        assert await close_code(ws) == 4403
    for origin in ("https://app.example.com", url):
        async with socket(url, origin=origin, additional_headers=bearer(token)) as ws:
            await heard(ws, "CONNECTED")


async def test_what_a_terminal_tells_is_heard_by_its_user_alone(client, url):
    terminal, person = await new_terminal(client)
    await terminal.connect()
    mine = person["Authorization"].removeprefix("Bearer ")
    theirs = (await register(client))["access_token"]
    async with (
        socket(url, f"/ws/trading/live/{terminal.session_id}") as one,
        socket(url) as all_of_mine,
        socket(url) as other,
    ):
        for ws, token in ((one, mine), (all_of_mine, mine), (other, theirs)):
            await authenticate(ws, token)
        await one.send(json.dumps({"action": "SUBSCRIBE_PRICES", "symbols": ["EURUSD"]}))
        await one.send(json.dumps({"type": "ping"}))
        await heard(one, "pong")
        await terminal.market(positions=[position()])
        for ws in (one, all_of_mine):
            update = await heard(ws, "POSITION_UPDATE")
            assert update["data"]["ticket"] == "901"
            assert update["data"]["volume"] == 0.1
        await terminal.market(bid=1.10190, ask=1.10200)
        price = await heard(one, "PRICE_UPDATE")
        assert price["data"]["symbol"] == "EURUSD"
        with pytest.raises(TimeoutError):
            await heard(other, "POSITION_UPDATE", within=0.3)


async def test_what_is_stored_is_told_on_request(client, url):
    terminal, person = await new_terminal(client)
    await terminal.connect()
    await terminal.market(
        positions=[position(901), position(902)],
        bars=[
            {
                "symbol": "EURUSD",
                "timeframe": "M1",
                "time": 1761224340,
                "open": 1,
                "high": 2,
                "low": 1,
                "close": 2,
                "tick_volume": 3,
                "spread": 5,
                "real_volume": 0,
            }
        ],
    )
    async with socket(url, additional_headers=person) as ws:
        await ws.send(json.dumps({"action": "REQUEST_POSITIONS"}))
        tickets = {(await heard(ws, "POSITION_UPDATE"))["data"]["ticket"] for _ in range(2)}
        assert tickets == {"901", "902"}
        await ws.send(json.dumps({"action": "SUBSCRIBE_PRICES", "symbols": ["EURUSD"]}))
        price = (await heard(ws, "PRICE_UPDATE"))["data"]
        assert (price["bid"], price["ask"]) == (1.0999, 1.1)
        await ws.send(json.dumps({"action": "REQUEST_MARKET_DATA", "symbols": ["EURUSD"], "timeframe": "M1"}))
        assert (await heard(ws, "MARKET_DATA"))["data"]["bars"][0]["high"] == 2
        await ws.send(json.dumps({"action": "REQUEST_ACCOUNT"}))
        assert (await heard(ws, "ACCOUNT_UPDATE"))["data"]["equity"] == 10000
        for wrong, code in (
            ({"action": "DROP TABLE"}, "ACTION_UNKNOWN"),
            ({"action": "SUBSCRIBE_PRICES", "symbols": [1]}, "SYMBOLS_INVALID"),
            ({"action": "REQUEST_MARKET_DATA", "symbols": ["EURUSD"], "timeframe": "M7"}, "TIMEFRAME_UNKNOWN"),
            ({"action": ["REQUEST_POSITIONS"]}, "ACTION_UNKNOWN"),
            ([], "ACTION_UNKNOWN"),
        ):
            await ws.send(json.dumps(wrong))
            assert (await heard(ws, "ERROR"))["data"]["code"] == code


async def test_signals_are_told_when_they_arrive_and_on_subscription(client, url):
    person = bearer((await register(client))["access_token"])
    signal = {
        "symbol": "EURUSD",
        "signal_type": "BUY",
        "entry_price": 1.1,
        "stop_loss": 1.095,
        "take_profit": 1.11,
        "volume": 0.1,
        "timeframe": "H1",
        "confidence": 0.8,
    }
    async with socket(url, additional_headers=person) as ws:
        await heard(ws, "CONNECTED")
        made = await client.post("/api/v1/trading/signals", headers=person, json=signal)
        assert made.status_code == 201, made.text
        assert (await heard(ws, "SIGNAL_UPDATE"))["data"]["symbol"] == "EURUSD"
        await ws.send(json.dumps({"action": "SUBSCRIBE_SIGNALS"}))
        assert (await heard(ws, "SIGNAL_UPDATE"))["data"]["id"] == made.json()["id"]


async def test_a_snapshot_says_where_it_ends_even_when_nothing_is_stored(client, url):
    person = bearer((await register(client))["access_token"])
    async with socket(url, additional_headers=person) as ws:
        await ws.send(json.dumps({"action": "SUBSCRIBE_POSITIONS"}))
        assert (await heard(ws, "SNAPSHOT"))["data"] == {"action": "SUBSCRIBE_POSITIONS", "count": 0}


async def test_a_socket_that_is_closed_is_told_why_before(client, url):
    async with socket(url) as ws:
        await ws.send(json.dumps({"type": "auth", "token": "wrong"}))
        told = await heard(ws, "DISCONNECTED")
        assert told["data"]["code"] == 4401
        assert await close_code(ws) == 4401


async def test_an_event_reaches_the_sockets_of_another_process(dsn, redis_url):
    settings = settings_for(dsn, redis_url)
    async with listening(settings) as one, listening(settings) as two, httpx.AsyncClient(base_url=one) as client:
        terminal, person = await new_terminal(client)
        await terminal.connect()
        async with socket(two, additional_headers=person) as ws:
            await heard(ws, "CONNECTED")
            await terminal.market(positions=[position()])
            assert (await heard(ws, "POSITION_UPDATE"))["data"]["ticket"] == "901"


async def test_an_eleventh_socket_is_one_too_many(client, url):
    person = bearer((await register(client))["access_token"])
    sockets = [await socket(url, additional_headers=person) for _ in range(MOST_PER_USER)]
    try:
        for ws in sockets:
            await heard(ws, "CONNECTED")
        async with socket(url, additional_headers=person) as ws:
            assert await close_code(ws) == 4429
        await sockets.pop().close()
        await asyncio.sleep(0.1)
        async with socket(url, additional_headers=person) as ws:
            await heard(ws, "CONNECTED")
    finally:
        for ws in sockets:
            await ws.close()


async def test_a_socket_too_many_of_nobody_known_is_told_to_try_again(url, monkeypatch):
    monkeypatch.setattr("rubi.live.hub.MOST_STRANGERS", 2)
    async with socket(url) as one, socket(url) as two:
        for ws in (one, two):
            await ws.send(json.dumps({"type": "ping"}))
            await heard(ws, "pong")
        async with socket(url) as ws:
            assert await close_code(ws) == 1013


async def test_a_socket_that_names_too_many_symbols_is_refused_and_hears_on(client, url):
    person = bearer((await register(client))["access_token"])
    async with socket(url, additional_headers=person) as ws:
        for part in range(5):
            names = [f"S{part}-{number}" for number in range(200)]
            await ws.send(json.dumps({"action": "SUBSCRIBE_PRICES", "symbols": names}))
            await heard(ws, "SNAPSHOT")
        await ws.send(json.dumps({"action": "SUBSCRIBE_PRICES", "symbols": ["ONE_MORE"]}))
        assert (await heard(ws, "ERROR"))["data"]["code"] == "SYMBOLS_INVALID"
        await ws.send(json.dumps({"action": "SUBSCRIBE_PRICES"}))
        await heard(ws, "SNAPSHOT")


async def test_a_message_over_64_kib_closes_the_socket(client, url):
    person = bearer((await register(client))["access_token"])
    async with socket(url, additional_headers=person) as ws:
        await heard(ws, "CONNECTED")
        await ws.send(json.dumps({"action": "x" * (64 * 1024)}))
        assert await close_code(ws) == 1009


async def test_revoking_a_token_closes_its_open_sockets(client, url):
    login = await register(client)
    made = await make_token(client, login["access_token"], "read")
    async with (
        socket(url, additional_headers=bearer(made["token"])) as program,
        socket(url, additional_headers=bearer(login["access_token"])) as person,
    ):
        await heard(program, "CONNECTED")
        await heard(person, "CONNECTED")
        began = time.monotonic()
        await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(login["access_token"]))
        assert await close_code(program) == 4401
        assert time.monotonic() - began < 5
        await client.post("/api/v1/auth/logout", headers=bearer(login["access_token"]))
        assert await close_code(person) == 4401


async def test_a_disabled_person_s_socket_closes_though_nothing_was_published(client, url, conn):
    login = await register(client, "leaving")
    async with socket(url, additional_headers=bearer(login["access_token"])) as ws:
        await heard(ws, "CONNECTED")
        await conn.execute("UPDATE users SET disabled_at = now()")
        assert await close_code(ws, within=6) == 4401


async def test_a_stopping_service_says_good_bye(dsn, redis_url):
    async with listening(settings_for(dsn, redis_url)) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            person = bearer((await register(client))["access_token"])
        ws = await socket(url, additional_headers=person)
        await heard(ws, "CONNECTED")
    assert await close_code(ws) in {1001, 1012}


async def test_redis_coming_back_tells_readers_to_read_afresh(client, url, redis_url):
    person = bearer((await register(client))["access_token"])
    async with socket(url, additional_headers=person) as ws:
        await heard(ws, "CONNECTED")
        cutter = redis.Redis.from_url(redis_url)
        await cutter.client_kill_filter(_type="pubsub")
        await cutter.aclose()
        assert (await heard(ws, "RESYNC"))["data"]["reason"] == "events were missed"


async def test_a_listener_that_fails_silences_nobody(redis_url):
    def fails(_event):
        raise RuntimeError("a mistake of one listener")

    told = asyncio.Queue()
    async with redis.Redis.from_url(redis_url) as client:
        bus = Bus(client)
        with bus.listen(fails), bus.listen(lambda event: told.put_nowait(event.data["n"])):
            async with bus.running():
                await asyncio.wait_for(bus.connected.wait(), 5)
                await bus.publish([Event("ALERT", 7, None, {"n": 1}), Event("ALERT", 7, None, {"n": 2})])
                async with asyncio.timeout(5):
                    assert [await told.get(), await told.get()] == [1, 2]
        await bus.close()
