"""uvicorn's HTTP with a limit on the time that the head of a request may take; it has none of its own.

Bodies are timed by the middleware (`SLOWEST_BODY`), idle connections by uvicorn's keep-alive.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SLOWEST_HEAD = 10.0
"""Seconds in which the head must have arrived; then the connection is closed without a word."""


class TimedHeads(HttpToolsProtocol):
    """For `uvicorn --http rubi.api.timed_heads:TimedHeads`."""

    _patience: asyncio.TimerHandle | None = None
    _head_came = False

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to wait for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
