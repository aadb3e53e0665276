"""An HTTP/1.1 proxy that does to requests and answers what networks do: it loses, cuts, delays, repeats and resets."""

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TOLD = ("commands", "revoke", "report_acks", "ack_acks", "signal_acks", "rejected")
"""Parts of an answer to a sync that are lost with it; one without any of them holds nothing but the time."""


class Fault(StrEnum):
    DROP_REQUEST = "drop_request"
    DROP_RESPONSE = "drop_response"
    CUT_REQUEST = "cut_request"
    CUT_RESPONSE = "cut_response"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often each fault strikes, as a probability of each request; delays in seconds."""

    odds: Mapping[Fault, float] = field(default_factory=dict)
    delay_s: tuple[float, float] = (0.05, 0.5)


CLEAR = Plan()


def evenly(probability: float, *faults: Fault) -> Plan:
    """Every fault, or the named ones, as often as the others; together as often as `probability`."""
    chosen = faults or tuple(Fault)
    return Plan(dict.fromkeys(chosen, probability / len(chosen)))


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer, as bytes."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def raw(self) -> bytes:
        return self.head + self.body


class Cut(ConnectionError):
    """The connection to the client ends here, on purpose."""


class FaultProxy:
    """Listens on loopback and forwards to one server, under the plan of the moment."""

    def __init__(self, url: str, *, seed: int) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.upstream = (host, int(port))
        self.plan = CLEAR
        self.injected: Counter[Fault] = Counter()
        self.requests = 0
        self.replays = 0
        self.different: list[str] = []
        """Repeated requests whose second answer was not the first to the byte."""
        self._random = random.Random(seed)
        self._open = asyncio.Event()
        self._open.set()
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """The proxy's own URL."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self.url

    async def stop(self) -> None:
        self._server.close()
        self._hang_up()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def part(self) -> None:
        """A partition begins: nothing passes, nobody is told."""
        self._open.clear()

    def heal(self) -> None:
        """The partition ends; what was on its way is lost."""
        self._hang_up()
        self._open.set()

    def _hang_up(self) -> None:
        for task in self._clients:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._clients.add(task)
        upstream = Upstream(self.upstream)
        try:
            while True:
                request = await read_message(reader)
                await self._open.wait()
                self.requests += 1
                answer = await self._passed(request, upstream, writer)
                await self._open.wait()
                writer.write(answer.raw)
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # a fault of ours, of the server, or of the client: the connection ends
        finally:
            self._clients.discard(task)
            upstream.close()
            writer.close()

    def _draw(self) -> Fault | None:
        drawn = self._random.random()
        for fault, odds in self.plan.odds.items():
            drawn -= odds
            if drawn < 0:
                self.injected[fault] += 1
                return fault
        return None

    async def _passed(self, request: Message, upstream: "Upstream", writer: asyncio.StreamWriter) -> Message:
        match self._draw():
            case Fault.DROP_REQUEST:
                raise Cut
            case Fault.CUT_REQUEST:
                await upstream.send(request.raw[: len(request.head) + len(request.body) // 2])
                raise Cut
            case Fault.RESET:
                if self._random.random() < 0.5:
                    await upstream.exchange(request)
                reset(writer)
                raise Cut
            case Fault.DROP_RESPONSE:
                await upstream.exchange(request)
                raise Cut
            case Fault.CUT_RESPONSE:
                answer = await upstream.exchange(request)
                writer.write(answer.raw[: len(answer.head) + len(answer.body) // 2])
                await writer.drain()
                raise Cut
            case Fault.DELAY:
                before, after = (self._random.uniform(*self.plan.delay_s) / 2 for _ in range(2))
                await asyncio.sleep(before)
                answer = await upstream.exchange(request)
                await asyncio.sleep(after)
                return answer
            case Fault.DUPLICATE:
                return await self._twice(request, upstream)
            case _:
                return await upstream.exchange(request)

    async def _twice(self, request: Message, upstream: "Upstream") -> Message:
        """The same bytes two times, one after the other or side by side."""
        other = Upstream(self.upstream)
        try:
            if self._random.random() < 0.5:
                first = await upstream.exchange(request)
                second = await other.exchange(request)
            else:
                first, second = await asyncio.gather(upstream.exchange(request), other.exchange(request))
        finally:
            other.close()
        self.compare(request, first, second)
        return second if self._random.random() < 0.5 else first

    def compare(self, request: Message, first: Message, second: Message) -> None:
        """Note two different answers to one request, where the protocol promises the same."""
        if first.status >= 300 or second.status >= 300 or not repeatable(request, first, second):
            return
        self.replays += 1
        if first.body != second.body:
            self.different.append(f"{request.path}: {first.body[:300]!r} then {second.body[:300]!r}")


def repeatable(request: Message, first: Message, second: Message) -> bool:
    """Whether both answers must be equal: a keyed POST, or a sync that had something to say."""
    if b"\r\nidempotency-key:" in request.head.lower():
        return True
    if not request.path.endswith("/sync"):
        return False
    return any(json.loads(each.body).get(name) for each in (first, second) for name in TOLD)


class Upstream:
    """One connection to the server, opened when it is needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, raw: bytes) -> asyncio.StreamReader:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(raw)
        await writer.drain()
        return reader

    async def exchange(self, request: Message) -> Message:
        return await read_message(await self.send(request.raw))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def read_message(reader: asyncio.StreamReader) -> Message:
    """One request or answer with its whole body. Raises EOFError, or OSError when the connection breaks."""
    head = await reader.readuntil(b"\r\n\r\n")
    lowered = head.lower()
    if b"\r\ntransfer-encoding:" in lowered:
        raise ValueError(f"the proxy does not read chunks: {head!r}")
    at = lowered.find(b"\r\ncontent-length:")
    length = int(lowered[at + 17 : lowered.index(b"\r\n", at + 2)]) if at >= 0 else 0
    return Message(head, await reader.readexactly(length) if length else b"")


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with an RST instead of a FIN."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def injected(*proxies: FaultProxy) -> dict[str, Any]:
    """What the proxies did, for the report."""
    total = sum((proxy.injected for proxy in proxies), Counter())
    return {"requests": sum(proxy.requests for proxy in proxies), **{str(k): v for k, v in sorted(total.items())}}
