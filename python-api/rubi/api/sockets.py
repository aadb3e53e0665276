"""The WebSocket: who it is, what they hear, what they ask; one task sends, one listens."""

import asyncio
import contextlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter, WebSocket

from rubi.api.deps import doors_of
from rubi.api.doors import Doors
from rubi.api.live_snapshots import SnapshotError, snapshot
from rubi.api.strict_json import read_json
from rubi.api.wire import utc
from rubi.domain.auth import Principal, Scope
from rubi.domain.errors import RubiError
from rubi.live.hub import AUTH, FORBIDDEN, SLOW, TOO_MANY, Reader, TooManyReadersError, TooManyStrangersError, dump
from rubi.observability.metrics import WS_DROPS
from rubi.store import views

router = APIRouter()
log = structlog.get_logger(__name__)

AUTH_PATIENCE = 10.0
SEND_PATIENCE = 10.0
MOST_MESSAGE = 64 * 1024
TOO_BIG = 1009
TRY_AGAIN = 1013
_PROTOCOL = "bearer"
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class _ClosedError(Exception):
    """The socket is to be closed, for this reason; `deaf`: the other end reads nothing, so nothing is said."""

    def __init__(self, code: int, reason: str, *, deaf: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.deaf = deaf


class _GoneError(Exception):
    """The other end has gone."""


@router.websocket("/ws/live")
async def live(websocket: WebSocket) -> None:
    """All that happens to your accounts."""
    await _serve(websocket, None)


@router.websocket("/ws/trading/live/{session_id}")
async def live_session(websocket: WebSocket, session_id: str) -> None:
    """All that happens to the account of a session."""
    await _serve(websocket, session_id)


async def _serve(websocket: WebSocket, session_id: str | None) -> None:
    doors = doors_of(websocket.scope)
    offered = [part.strip() for part in websocket.headers.get("sec-websocket-protocol", "").split(",")]
    await websocket.accept(_PROTOCOL if offered[0] == _PROTOCOL else None)
    try:
        _check_origin(websocket, doors.settings.cors_origins)
        with doors.hub.stranger():
            principal = await _who(websocket, doors, offered)
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        account_id = await _account(doors, principal, session_id)
        reader = Reader(principal.user_id, principal.jti, principal.family, account_id, principal.expires_at)
        with doors.hub.joined(reader):
            await doors.audience.joins(reader.user_id)
            connected = {"session_id": session_id, "account_id": account_id, "user_id": principal.user_id}
            reader.tell("CONNECTED", dump(connected | {"server_time": utc(datetime.now(UTC))}))
            await _talk(websocket, doors, principal, reader)
    except _GoneError:
        return
    except TooManyReadersError:
        await _close(websocket, TOO_MANY, "ten sockets are open already; close one")
    except TooManyStrangersError:
        await _close(websocket, TRY_AGAIN, "too many sockets have not said who they are; try again")
    except _ClosedError as closed:
        await _close(websocket, closed.code, closed.reason, deaf=closed.deaf)
    except _AWAY as error:
        log.warning("socket.database_away", error_type=type(error).__name__)
        await _close(websocket, TRY_AGAIN, "the database does not answer; try again")


def _check_origin(websocket: WebSocket, allowed: Iterable[str]) -> None:
    """Browsers say where a page came from; a foreign page must not speak for its visitor. Programs say nothing."""
    origin, host = websocket.headers.get("origin"), websocket.headers.get("host")
    if origin is not None and origin not in allowed and (not host or urlsplit(origin).netloc != host):
        WS_DROPS.labels("forbidden").inc()
        raise _ClosedError(FORBIDDEN, "this origin is not in CORS_ORIGINS")


async def _who(websocket: WebSocket, doors: Doors, offered: list[str]) -> Principal:
    """The principal of the Authorization header, of the protocol `bearer, <token>`, or of the first message."""
    try:
        if "authorization" in websocket.headers:
            principal = await doors.doorkeeper.authenticate(websocket.scope["headers"])
        elif offered[0] == _PROTOCOL and len(offered) > 1:
            principal = await doors.doorkeeper.verify(offered[1])
        else:
            principal = await doors.doorkeeper.verify(await _token_of_first_message(websocket))
        return principal.require(Scope.READ)
    except RubiError as error:
        if error.status == 503:
            raise _ClosedError(TRY_AGAIN, error.detail) from error
        WS_DROPS.labels("auth").inc()
        raise _ClosedError(AUTH, error.detail) from error


async def _token_of_first_message(websocket: WebSocket) -> str:
    """A ping is answered before anybody is known; nothing else is."""
    try:
        async with asyncio.timeout(AUTH_PATIENCE):
            while True:
                said = await _receive(websocket)
                if said.get("type") == "ping":
                    await _send(websocket, _pong())
                elif said.get("type") == "auth" and isinstance(said.get("token"), str):
                    return str(said["token"])
                else:
                    break
    except TimeoutError:
        pass
    WS_DROPS.labels("auth").inc()
    raise _ClosedError(AUTH, 'send {"type":"auth","token":"…"} within 10 s')


async def _account(doors: Doors, principal: Principal, session_id: str | None) -> UUID | None:
    """The account to hear; None for all of the user's."""
    if session_id is None:
        return principal.account_id
    try:
        wanted = UUID(session_id)
        async with doors.ports().pool.acquire() as conn:
            account_id = await views.session_account(conn, principal.user_id, principal.account_id, wanted)
    except ValueError:
        account_id = None
    if account_id is None:
        WS_DROPS.labels("forbidden").inc()
        raise _ClosedError(FORBIDDEN, "there is no such session of yours")
    return account_id


async def _talk(websocket: WebSocket, doors: Doors, principal: Principal, reader: Reader) -> None:
    """Send what waits and answer what is asked, until one of the two ends."""
    sending = asyncio.create_task(_send_all(websocket, reader), name="socket sends")
    listening = asyncio.create_task(_listen(websocket, doors, principal, reader), name="socket listens")
    try:
        done, _ = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (sending, listening):
            task.cancel()
        await asyncio.gather(sending, listening, return_exceptions=True)


async def _send_all(websocket: WebSocket, reader: Reader) -> None:
    async for frame in reader.frames():
        await _send(websocket, frame)
    raise _ClosedError(reader.ended or AUTH, reader.reason)


async def _listen(websocket: WebSocket, doors: Doors, principal: Principal, reader: Reader) -> None:
    while True:
        said = await _receive(websocket)
        if said.get("type") == "ping":
            reader.put_raw(_pong())
        elif said.get("type") == "auth":
            continue  # known already, by header or protocol
        else:
            await _answer(doors, principal, reader, said)


async def _answer(doors: Doors, principal: Principal, reader: Reader, said: dict[str, Any]) -> None:
    error = None
    try:
        async with reader.snapshot() as frames, doors.ports().pool.acquire() as conn:
            stored = await snapshot(conn, principal, reader, said)
            frames += [(kind, dump(data)) for kind, data in stored]
            # What is stored may be nothing: the reader is told where it ends, and that changes follow.
            frames.append(("SNAPSHOT", dump({"action": said["action"], "count": len(stored)})))
    except SnapshotError as refused:
        error = (refused.code, refused.detail)
    except (RubiError, *_AWAY) as away:
        log.warning("socket.database_away", error_type=type(away).__name__)
        error = ("STORE_UNAVAILABLE", "the database does not answer; ask again")
    if error is not None:
        reader.tell("ERROR", dump({"code": error[0], "detail": error[1], "action": str(said.get("action"))[:64]}))


async def _receive(websocket: WebSocket) -> dict[str, Any]:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise _GoneError
    text = message.get("text")
    raw = text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""
    if len(raw) > MOST_MESSAGE:
        WS_DROPS.labels("too_big").inc()
        raise _ClosedError(TOO_BIG, "a message has at most 64 KiB")
    try:
        said = read_json(raw)
    except RubiError:
        said = None
    return said if isinstance(said, dict) else {"action": None}


async def _send(websocket: WebSocket, frame: str) -> None:
    try:
        async with asyncio.timeout(SEND_PATIENCE):
            await websocket.send({"type": "websocket.send", "text": frame})
    except TimeoutError:
        # The other end reads nothing at all: a closing handshake would wait for it as well.
        WS_DROPS.labels("slow").inc()
        raise _ClosedError(SLOW, "too slow", deaf=True) from None
    except (RuntimeError, OSError) as error:
        raise _GoneError from error


async def _close(websocket: WebSocket, code: int, reason: str, *, deaf: bool = False) -> None:
    """Say why, for readers that cannot see a close code, and close."""
    said = f'{{"type":"DISCONNECTED","data":{dump({"code": code, "reason": reason})}}}'
    with contextlib.suppress(RuntimeError, OSError, TimeoutError):
        async with asyncio.timeout(SEND_PATIENCE):
            if not deaf:
                await websocket.send({"type": "websocket.send", "text": said})
            await websocket.close(code, reason[:100])


def _pong() -> str:
    return json.dumps({"type": "pong", "timestamp": utc(datetime.now(UTC))})
