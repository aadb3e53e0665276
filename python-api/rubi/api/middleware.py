"""What every request passes: its id, its log line, limits on its body, and headers on its answer. Plain ASGI."""

import asyncio
import re
import time
from collections.abc import Iterable
from random import getrandbits
from typing import Any

import structlog
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rubi.api.errors import answer
from rubi.api.strict_json import read_json
from rubi.domain.errors import RubiError
from rubi.observability.crash_reports import report_crash
from rubi.observability.metrics import HTTP_CRASHES, HTTP_REQUESTS, HTTP_SECONDS

log = structlog.get_logger(__name__)

MOST_BODY = 256 * 1024
MOST_HOOK_BODY = 16 * 1024
HOOKS = "/api/v1/hooks/"
SLOWEST_BODY = 10.0
"""Seconds in which a body must have arrived."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET = frozenset(
    {
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/v1/mt5/sync",
        "/api/v1/mt5/ping",
        "/api/v1/mt5/account/update",
        "/api/v1/trading/positions/update",
        "/assets/{digest}/{name:path}",
    }
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Observe:
    """The outermost layer: an id, a log line and a count for each request; no exception goes further."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass a WebSocket on with its id."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(next((value for name, value in scope["headers"] if name == b"x-request-id"), b""))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(scope, message.get("headers", ()), request_id.encode())
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except Exception as error:
            if status:  # the answer has begun: all that is left is to cut it
                HTTP_CRASHES.inc()
                log.exception("http.cut")
                report_crash(error, request_id=request_id)
                raise
            response = answer(scope, error)
            if response.status_code == 500:
                HTTP_CRASHES.inc()
            await response(scope, receive, send_on)
        finally:
            _count(scope, status, time.perf_counter() - began)


class Bodies:
    """Bodies arrive whole, in time, within their limit, and without what MQL5 and Windows add to them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body in one piece."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _check_address(scope)
            body = await _whole(scope, receive)
        except RubiError as error:
            await answer(scope, error)(scope, receive, send)
            return
        if body is None:
            return  # the client has gone
        given = False

        async def receive_whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receive_whole, send)


class StrictJson:
    """Bodies of JSON are checked before the framework's lenient reader sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its body is JSON by the standard, or not JSON at all."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"} or not _says_json(scope):
            await self.app(scope, receive, send)
            return
        message = await receive()
        if message["type"] == "http.request" and message["body"]:
            try:
                read_json(message["body"])
            except RubiError as error:
                await answer(scope, error)(scope, receive, send)
                return
        given = False

        async def receive_again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return message

        await self.app(scope, receive_again, send)


class _TooLargeError(RubiError):
    status = 413


class _EncodedError(RubiError):
    status = 415


class _TooSlowError(RubiError):
    status = 408


class _BadAddressError(RubiError):
    status = 400


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise _BadAddressError("TEXT_HAS_NUL", "the address holds the character NUL")


async def _whole(scope: Scope, receive: Receive) -> bytes | None:
    length, encoding = _body_headers(scope["headers"])
    if encoding not in {b"", b"identity"}:
        raise _EncodedError("BODY_ENCODED", "send the body as it is, without Content-Encoding")
    most = MOST_HOOK_BODY if scope["path"].startswith(HOOKS) else MOST_BODY
    if length > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise _TooSlowError("BODY_TOO_SLOW", f"the body did not arrive within {SLOWEST_BODY:.0f} s") from None
    # MQL5's StringToCharArray copies the terminator; Windows tools begin with a byte order mark.
    return b"".join(parts).rstrip(b"\0").removeprefix(b"\xef\xbb\xbf")


def _body_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    length, encoding = 0, b""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    return length, encoding


def _too_large(most: int) -> RubiError:
    return _TooLargeError("BODY_TOO_LARGE", f"a body has at most {most // 1024} KiB here", limit=most)


def _says_json(scope: Scope) -> bool:
    if scope["path"].startswith(HOOKS):
        return False  # any content type; its own reader decides what it is
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return not kind or b"json" in kind.lower()


def request_id_of(said: bytes) -> str:
    """The id that the client gave its request, or one of ours."""
    if said and _REQUEST_ID.fullmatch(text := said.decode("latin-1")):
        return text
    return f"{getrandbits(128):032x}"


def our_headers(scope: Scope, request_id: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that has none of them."""
    ours = [*_HEADERS, (b"x-request-id", request_id), _NO_STORE, _NOTHING]
    return [*ours, _HSTS] if scope.get("scheme") == "https" else ours


def _with_ours(scope: Scope, headers: Iterable[tuple[bytes, bytes]], request_id: bytes) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    there = {name.lower() for name, _ in kept}
    ours = [*_HEADERS, (b"x-request-id", request_id)]
    if b"cache-control" not in there:
        ours.append(_NO_STORE)
    if b"content-security-policy" not in there:
        ours.append(_NOTHING)
    if scope.get("scheme") == "https":
        ours.append(_HSTS)
    return kept + [header for header in ours if header[0] not in there]


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = route_template(scope)
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    HTTP_REQUESTS.labels(route, method, f"{status // 100}xx" if status else "gone").inc()
    HTTP_SECONDS.labels(route, method).observe(seconds)
    said: dict[str, Any] = {
        "http.request.method": scope["method"],
        "url.path": route if route != "unmatched" else scope["path"][:200],
        "http.response.status_code": status,
        "event.duration": int(seconds * 1e9),
        "client.ip": scope["client"][0] if scope.get("client") else None,
    }
    if route in _QUIET and status < 400:
        log.debug("http.request", **said)
    else:
        log.info("http.request", **said)


def route_template(scope: Scope) -> str:
    """The template of the route that answered: a label with a bounded number of values."""
    if named := scope.get("state", {}).get("route"):
        return str(named)
    route = scope.get("route")
    return route.path if isinstance(route, APIRoute) else getattr(route, "path", "unmatched")
