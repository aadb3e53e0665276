"""A keep-alive connection over a raw protocol: the least work a client can have with a request."""

import asyncio
import time
from collections.abc import Callable

IDLE = 4.0
"""Seconds after which a line is opened anew: uvicorn closes those that were silent for five."""

Answered = Callable[[int, bytes], None]


class _Wire(asyncio.Protocol):
    """One connection of a line; what it hears after the line was opened anew is nobody's."""

    def __init__(self, line: "Line") -> None:
        self.line = line
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return
        at = data.find(b"content-length: ", 0, end)
        length = int(data[at + 16 : data.index(b"\r\n", at)]) if at >= 0 else 0
        if len(data) < end + 4 + length:
            self._rest = data
            return
        self._rest = b""
        if self.line.wire is self:
            self.line.answer(int(data[9:12]), data[end + 4 :])

    def connection_lost(self, error: Exception | None) -> None:
        if self.line.wire is self:
            self.line.wire = self.line.transport = None
            self.line.answer(0, b"")


class Line:
    """One keep-alive connection that carries one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.address = host, port
        self.transport: asyncio.Transport | None = None
        self.wire: _Wire | None = None
        self.used = 0.0
        self._then: Answered | None = None
        self._opening: asyncio.Task[None] | None = None

    def send(self, request: bytes, then: Answered) -> None:
        """Send, and call `then` with status and body; status 0 when the line breaks first."""
        self._then = then
        if self.transport is None or time.perf_counter() - self.used > IDLE:
            self._opening = asyncio.ensure_future(self._open(request))
        else:
            self.transport.write(request)

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """The same for a caller with patience."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.send(request, lambda status, body: answer.set_result((status, body)))
        return await answer

    def answer(self, status: int, body: bytes) -> None:
        self.used = time.perf_counter()
        then, self._then = self._then, None
        if then is not None:
            then(status, body)

    def close(self) -> None:
        self.wire = None
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    async def _open(self, request: bytes) -> None:
        self.close()
        self.wire = wire = _Wire(self)
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: wire, *self.address)
        except OSError:
            self.wire = None
            self.answer(0, b"")
            return
        self.transport = transport
        transport.write(request)
