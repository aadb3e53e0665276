"""An answer that the server takes in one piece is, on the wire, the one that ASGI's two messages make."""

import asyncio
import gc
import re
import weakref
from urllib.parse import urlsplit

import pytest
from tests.serving import behind_uvicorn

from rubi.api.http_protocol import WHOLE

HEADERS = [(b"content-length", b"5"), (b"content-type", b"text/plain"), (b"x-one", b"1")]
LINES = b"".join(b"%b: %b\r\n" % header for header in HEADERS)


async def app(scope, receive, send):
    """Answer the path: in one piece where it says so and that is possible, else in two messages."""
    if scope["type"] != "http":
        return
    whole = scope.pop(WHOLE)
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    body = scope["query_string"].rjust(5)
    if scope["path"] != "/parts" and whole(LINES, body):
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body})


async def said_to(url, sent):
    """Everything that the server says to these bytes until it is silent, without the moment."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(sent)
    heard = b""
    try:
        async with asyncio.timeout(0.6):
            while more := await reader.read(4096):
                heard += more
            heard += b"<closed>"
    except TimeoutError:
        pass
    writer.close()
    return re.sub(rb"date: [^\r]+", b"date: now", heard)


def request(path, *headers, body=b"", version=b"1.1"):
    lines = b"".join(b"%b\r\n" % header for header in (b"Host: x", b"Content-Length: %d" % len(body), *headers))
    return b"POST %b HTTP/%b\r\n%b\r\n%b" % (path, version, lines, body)


@pytest.mark.parametrize(
    "sent",
    [
        lambda path: request(path + b"?a"),
        lambda path: request(path + b"?a", body=b"x" * 100_000),
        lambda path: request(path + b"?a") + request(path + b"?b"),
        lambda path: request(path + b"?a", b"Connection: close"),
        lambda path: request(path + b"?a", version=b"1.0"),
        lambda path: request(path + b"?a", b"Expect: 100-continue", body=b"body"),
    ],
    ids=["one", "large", "two at once", "the last one", "HTTP/1.0", "after 100"],
)
async def test_a_whole_answer_is_the_same_on_the_wire(sent):
    async with behind_uvicorn(app) as url:
        whole, parts = await said_to(url, sent(b"/whole")), await said_to(url, sent(b"/parts"))
    assert b"HTTP/1.1 200 OK\r\n" in parts
    assert whole == parts


async def test_whole_answers_keep_the_order_of_pipelined_requests():
    async with behind_uvicorn(app) as url:
        heard = await said_to(url, request(b"/slow?first") + request(b"/whole?later"))
    assert heard.index(b"first") < heard.index(b"later")


async def test_an_answer_to_somebody_who_has_gone_goes_nowhere():
    async with behind_uvicorn(app) as url:
        parts = urlsplit(url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request(b"/slow?a"))
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.4)
        assert (await said_to(url, request(b"/whole?b"))).endswith(b"    b")


async def test_nothing_of_a_request_is_left_to_the_garbage_collector():
    seen = []

    async def watching(scope, receive, send):
        if scope["type"] == "http":
            seen.append(weakref.ref(receive.__self__))  # what uvicorn keeps of the request
        await app(scope, receive, send)

    async with behind_uvicorn(watching) as url:
        gc.disable()
        try:
            for _ in range(5):
                await said_to(url, request(b"/whole?a"))
            assert len(seen) == 5
            assert [each for each in seen[:4] if each() is not None] == []
        finally:
            gc.enable()
