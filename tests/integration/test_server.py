"""The service behind the server it runs on: slow sockets, proxies, what a browser is told."""

import asyncio
import contextlib
import os
from itertools import count
from urllib.parse import urlsplit

import httpx
import pytest
import websockets
from tests.serving import listening, settings_for

from rubi.api import http_protocol, middleware
from rubi.embedded.serve_api import options

SOCKETS = 500
SLOW_FOR = 6.0


@pytest.fixture(scope="module")
async def settings(cluster, template, redis_server):
    name = f"rubi_test_server_{os.getpid()}"
    dsn = await cluster.create(name, template)
    yield settings_for(dsn, redis_server.url())
    await cluster.drop(name)


async def dribble_until_hung_up(address, first, rest):
    """Send `first`, then a byte of `rest` each half second, for as long as the server listens."""
    reader, writer = await asyncio.open_connection(*address)
    with contextlib.suppress(ConnectionError):
        for number in count():
            writer.write(first if number == 0 else rest[number % len(rest) :][:1])
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while await reader.read(4096):
                        pass  # an answer, and then the end
                    break
    writer.close()


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (b"", b"G"),
        (b"GET /health/live HTTP/1.1\r\n", b"x-slow: y\r\n"),
        (b"\r\n", b"\r\n"),
        (b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b"{ "),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
    ],
)
async def test_a_socket_that_is_slow_on_purpose_is_hung_up(settings, monkeypatch, first, rest):
    monkeypatch.setattr(http_protocol, "SLOWEST_HEAD", 1.0)
    monkeypatch.setattr(middleware, "SLOWEST_BODY", 1.0)
    async with listening(settings) as url, asyncio.timeout(30):  # without a limit it would go on for ever
        parts = urlsplit(url)
        await dribble_until_hung_up((parts.hostname, parts.port), first, rest)


async def test_five_hundred_slow_sockets_do_not_hurt_others(settings, monkeypatch):
    monkeypatch.setattr(http_protocol, "SLOWEST_HEAD", SLOW_FOR)
    async with listening(settings) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        parts = urlsplit(url)
        opened = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(SOCKETS)]
        for _, writer in opened:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nx-slow: ")
        for _ in range(20):
            assert (await client.get("/health/ready")).status_code == 200
        async with asyncio.timeout(SLOW_FOR + 20):
            ends = await asyncio.gather(*(reader.read() for reader, _ in opened))
        assert set(ends) == {b""}  # hung up, each of them
        for _, writer in opened:
            writer.close()
        # On a new connection: the client's old one was idle for about as long as the service keeps one.
        async with httpx.AsyncClient(base_url=url, trust_env=False) as later:
            assert (await later.get("/health/ready")).status_code == 200


async def test_a_connection_that_is_kept_serves_one_request_after_the_other(settings, monkeypatch):
    monkeypatch.setattr(http_protocol, "SLOWEST_HEAD", 0.5)
    async with listening(settings) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        for _ in range(4):
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.sleep(0.3)


async def test_a_connection_that_is_idle_is_closed_after_its_time_and_not_before(settings):
    request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    async with listening(settings, timeout_keep_alive=2) as url, asyncio.timeout(20):
        parts, clock = urlsplit(url), asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in range(3):  # the second request comes before the timer of the first, the third after it
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.read(4096)
            answered = clock.time()
            await asyncio.sleep(1.2)
        assert await reader.read() == b""
        assert 1.9 < clock.time() - answered < 5
        writer.close()


async def test_a_websocket_is_not_taken_for_a_slow_head(settings, monkeypatch):
    monkeypatch.setattr(http_protocol, "SLOWEST_HEAD", 0.5)
    async with listening(settings) as url, websockets.connect(url.replace("http", "ws") + "/ws/live") as ws:
        await asyncio.sleep(1.2)
        await asyncio.wait_for(await ws.ping(), 2)


@pytest.mark.parametrize("proxies", ["", "127.0.0.1"])
async def test_what_a_proxy_forwards_is_believed_where_it_is_named(settings, proxies):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    async with (
        listening(settings, **options({"FORWARDED_ALLOW_IPS": proxies})) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        answer = await client.get("/health/live", headers=forwarded)
    assert ("strict-transport-security" in answer.headers) is bool(proxies)
    assert "server" not in answer.headers
