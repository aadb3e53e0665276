"""uvicorn's HTTP with what it lacks: a limit on the time of a request's head, and answers in one piece.

Bodies are timed by the middleware (`SLOWEST_BODY`), idle connections by uvicorn's keep-alive. Its timer is not made
anew for each request: one that comes too soon only looks how long the connection has been idle.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SLOWEST_HEAD = 10.0
"""Seconds in which the head must have arrived; then the connection is closed without a word."""

WHOLE = "rubi.whole_answer"
"""What takes an answer in one piece, in the ASGI scope. The application takes it out: it holds what holds the scope."""

AnswerWhole = Callable[[bytes, bytes], bool]
"""Takes the header lines of a 200, its length among them, and its body; False when it has to be sent as ASGI has it."""


class HttpProtocol(HttpToolsProtocol):
    """For `uvicorn --http rubi.api.http_protocol:HttpProtocol`."""

    _patience: asyncio.TimerHandle | None = None
    _head_came = False
    _idle_since: float | None = None
    """When the last answer was complete, by the loop's clock; None while a request is under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the next head from its first byte on, also when that is an empty line or the rest of a body.

        One that came whole, as nearly all do, has no timer made for it.
        """
        self._head_came = False
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if not self._head_came and self._patience is None and (cycle is None or cycle.response_complete):
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head_came = True
        self._stop_waiting()
        super().on_headers_complete()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.scope is self.scope:  # else it is to become a WebSocket
            scope = cast("dict[str, Any]", cycle.scope)
            scope[WHOLE] = partial(_answer_whole, cycle)

    def on_response_complete(self) -> None:
        """Begin the next request that has come already, or be idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._look_at_idle)

    def _look_at_idle(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        else:
            self.timeout_keep_alive_handler()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _answer_whole(cycle: RequestResponseCycle, headers: bytes, body: bytes) -> bool:
    """Do what `cycle.send` does with the two messages of an answer, without looking at each header."""
    if cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"HTTP/1.1 200 OK\r\n%b%b\r\n%b" % (_usual(*cycle.default_headers), headers, body))
    cycle.message_event.set()
    cycle.on_response()
    return True


@lru_cache(maxsize=4)
def _usual(*headers: tuple[bytes, bytes]) -> bytes:
    """The header lines that the server adds: the date, which is the same for a second."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)
