"""Calls that terminals make every second, in front of everything: read, committed with others, answered.

Whatever is not quiet passes on untouched to the routes, which check it, say what is wrong with it, and do what it asks.
The routes of these paths stand in `terminals`; this layer answers nothing that they would not.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rubi.api import quiet_reader, quiet_sync, wire_hot
from rubi.api.doors import Doors
from rubi.api.errors import answer
from rubi.api.http_protocol import WHOLE, AnswerWhole
from rubi.api.middleware import MOST_BODY, SLOWEST_BODY, our_headers, request_id_of
from rubi.domain.auth import Principal
from rubi.domain.auth import Scope as TokenScope
from rubi.domain.errors import RubiError
from rubi.flows.known_terminals import KnownTerminal
from rubi.flows.quiet_cycle import Push
from rubi.flows.sync_terminal import Cycle, answer_quiet_cycle
from rubi.observability.metrics import HOT, HTTP_REQUESTS, HTTP_SECONDS, Gathered

log = structlog.get_logger(__name__)

SYNC = "/api/v1/mt5/sync"
Read = Callable[[Any, bytes, KnownTerminal, datetime], Push | None]


class _Route:
    """One path: how its bodies are read, and what it answers."""

    def __init__(self, path: str, decoder: "msgspec.json.Decoder[Any]", read: Read, message: bytes) -> None:
        self.path = path
        self.decode = decoder.decode
        self.read = read
        self.answer = b'{"status":"ok","message":"%b"}' % message
        self.committed = Gathered(
            HTTP_SECONDS.labels(path, "POST"), HTTP_REQUESTS.labels(path, "POST", "2xx"), HOT.labels(path, "committed")
        )
        self.declined = HOT.labels(path, "declined")

    def loud(self, said: Any) -> bool:  # noqa: ARG002 - cycles say more than this
        """Whether the body alone says that something happened."""
        return False

    async def carry_out(self, doors: Doors, push: Push) -> bytes | None:
        """Commit the call, and what its route would answer; None when nothing of it was written."""
        if not await doors.writer.submit(push):
            return None
        return self.answer if push.marks is None else self.answer % len(push.marks.position_ids)


class _SyncRoute(_Route):
    """A cycle is answered with what waits for the terminal, and waits for that itself."""

    def loud(self, said: wire_hot.Sync) -> bool:
        """Whether the cycle brings any of what is no money and no price."""
        return quiet_sync.loud(said)

    async def carry_out(self, doors: Doors, push: Push) -> bytes | None:
        """Commit the cycle, then wait for a command."""
        cycle = push.numbered
        assert cycle is not None, "the reader of cycles numbers them"
        ports = doors.ports()
        with ports.bus.waiter(push.key) as waiting:
            if not await doors.writer.submit(push):
                return None
            return await answer_quiet_cycle(
                ports,
                push.known.terminal,
                Cycle(epoch=cycle.epoch, seq=cycle.seq, body_sha256=cycle.sha256, wait=cycle.wait, flags=cycle.flags),
                waiting,
                deal_cursor=push.deal_cursor,
                limits=push.known.told_limits,
                now=push.now,
                clock=_utc_now,
            )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _routes() -> dict[str, _Route]:
    calls = (
        ("/api/v1/mt5/ping", wire_hot.PING, quiet_reader.ping, b"Ping received"),
        ("/api/v1/mt5/account/update", wire_hot.ACCOUNT_UPDATE, quiet_reader.account_update, b"Account info updated"),
        (
            "/api/v1/trading/positions/update",
            wire_hot.POSITIONS_UPDATE,
            quiet_reader.positions_update,
            b"%d positions updated",
        ),
    )
    routes = {path: _Route(path, decoder, read, message) for path, decoder, read, message in calls}
    routes[SYNC] = _SyncRoute(SYNC, wire_hot.SYNC, quiet_sync.sync, b"")
    return routes


@dataclass(slots=True)
class _Head:
    authorization: bytes | None = None
    request_id: bytes = b""
    plain: bool = True
    """No header asks for anything but to take a body of JSON."""
    known: KnownTerminal | None = None
    """Who calls, as it is remembered."""


class Hot:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes = _routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a quiet call; pass on every other."""
        whole: AnswerWhole | None = scope.pop(WHOLE, None)
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        heard: list[Message] = []
        doors: Doors | None = getattr(scope["app"].state, "doors", None)
        try:
            push, head = await _quiet(scope, receive, doors, route, heard)
            answered = None if push is None or doors is None else await route.carry_out(doors, push)
        except Exception as error:  # noqa: BLE001 - what became of the call may be unknown: no route may repeat it
            await self._refuse(scope, send, error)
            return
        if answered is None:
            route.declined.inc()
            if head.known is not None and doors is not None:  # its route is about to change what is remembered
                doors.known.forget(head.known)
            await self.app(scope, _again(heard, receive), send)
            return
        await _send(scope, send, whole, head, answered)
        route.committed.observe(time.perf_counter() - began)
        if log_requests.isEnabledFor(logging.DEBUG):
            log.debug("http.request", **{"url.path": route.path, "http.response.status_code": 200})

    async def _refuse(self, scope: Scope, send: Send, error: Exception) -> None:
        request_id = request_id_of(next((value for name, value in scope["headers"] if name == b"x-request-id"), b""))
        scope.setdefault("state", {})["request_id"] = request_id
        response = answer(scope, error)
        HTTP_REQUESTS.labels(scope["path"], "POST", f"{response.status_code // 100}xx").inc()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *our_headers(scope, request_id.encode())]
            await send(message)

        await response(scope, _nothing, send_on)


log_requests = logging.getLogger(__name__)


async def _quiet(
    scope: Scope, receive: Receive, doors: Doors | None, route: _Route, heard: list[Message]
) -> tuple[Push | None, _Head]:
    """The call as a push; None when it is for the route. What was received of its body is in `heard`."""
    head = _head(scope)
    if not head.plain or scope["query_string"] or doors is None or head.authorization is None:
        return None, head
    who = doors.doorkeeper.remembered(head.authorization)
    if who is None or not who.may(TokenScope.EA):
        return None, head
    body = await _body(receive, heard)
    if body is None or b"\\" in body:
        return None, head
    try:
        said = route.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, head
    if route.loud(said):
        head.known = doors.known.get(said.session_id, who.user_id)
        return None, head
    known = head.known = doors.known.get(said.session_id, who.user_id) or await _load(doors, said.session_id, who)
    if known is None:
        return None, head
    if who.account_id is not None and known.terminal.account_id != who.account_id:
        return None, head
    try:
        return route.read(said, body, known, datetime.now(UTC)), head
    except (RubiError, quiet_reader.UnlikeError):
        return None, head


async def _load(doors: Doors, session_id: str, who: Principal) -> KnownTerminal | None:
    try:
        return await doors.known.load(doors.ports().pool, session_id, who.user_id)
    except Exception as error:  # noqa: BLE001 - the route says what is wrong
        log.debug("hot.unread", error_type=type(error).__name__)
        return None


def _head(scope: Scope) -> _Head:
    head = _Head()
    for name, value in scope["headers"]:
        if name == b"authorization":
            head.plain = head.plain and head.authorization is None
            head.authorization = value
        elif name == b"x-request-id":
            head.request_id = value
        elif name in (b"origin", b"content-encoding"):
            head.plain = False
        elif name == b"content-type":
            head.plain = head.plain and b"json" in value.lower()
    return head


async def _body(receive: Receive, heard: list[Message]) -> bytes | None:
    """The body in one piece; None when it is too large, too slow, or its sender has gone."""
    message = await receive()
    heard.append(message)
    if message["type"] != "http.request":
        return None
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        try:
            async with asyncio.timeout(SLOWEST_BODY):
                while message.get("more_body", False) and len(body) <= MOST_BODY:
                    message = await receive()
                    heard.append(message)
                    if message["type"] != "http.request":
                        return None
                    body += message.get("body", b"")
        except TimeoutError:
            return None
    return body.rstrip(b"\0") if len(body) <= MOST_BODY else None


def _again(heard: list[Message], receive: Receive) -> Receive:
    waiting = iter(heard)

    async def receive_again() -> Message:
        for message in waiting:
            return message
        return await receive()

    return receive_again


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _send(scope: Scope, send: Send, whole: AnswerWhole | None, head: _Head, body: bytes) -> None:
    request_id = request_id_of(head.request_id).encode()
    if whole is not None:
        same = _SAME_BY_HTTPS if scope["scheme"] == "https" else _SAME_BY_HTTP
        if whole(b"content-length: %d\r\nx-request-id: %b\r\n%b" % (len(body), request_id, same), body):
            return
    headers = [(b"content-length", b"%d" % len(body)), _JSON, *our_headers(scope, request_id)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_JSON = (b"content-type", b"application/json")


def _same(scheme: str) -> bytes:
    """Header lines that are the same in each answer."""
    headers = [_JSON, *our_headers({"scheme": scheme}, b"")]
    return b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != b"x-request-id")


_SAME_BY_HTTP, _SAME_BY_HTTPS = _same("http"), _same("https")
