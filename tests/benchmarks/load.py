"""The load generator: a process of its own that speaks HTTP over raw protocols and sends bodies made beforehand.

`Load` is its other end: it asks for one thing after another, a JSON line each way.
"""

import asyncio
import gc
import json
import resource
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import uvloop
from tests.benchmarks import bodies
from tests.benchmarks.report import percentiles

from rubi.embedded.places import PROJECT_ROOT

IDLE = 4.0
"""Seconds after which a line is opened anew: uvicorn closes those that were silent for five."""
AT_ONCE = 8
"""Terminals that connect at the same time."""

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


class Tally:
    """What a run saw: how long each good answer took, and what else came back."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.failed: Counter[int] = Counter()
        self.late = 0

    def count(self, status: int, seconds: float) -> None:
        if status == 200:
            self.taken.append(seconds)
        else:
            self.failed[status] += 1

    def told(self, seconds: float) -> dict[str, Any]:
        if len(self.taken) < 2:
            raise RuntimeError(f"nothing was answered: {dict(self.failed)}")
        p50, p99 = percentiles(self.taken)
        return {
            "answered": len(self.taken),
            "per_second": len(self.taken) / seconds,
            "failed": dict(self.failed),
            "late": self.late,
            "p50_ms": p50,
            "p99_ms": p99,
            "longest_ms": round(max(self.taken) * 1000, 1),
        }


class Sender:
    """One terminal's line: what it sends next is asked of `make`."""

    def __init__(self, line: Line, make: Callable[[], bytes]) -> None:
        self.line, self.make = line, make
        self.tally = Tally()
        self.counting_from = self.until = self._begun = 0.0
        self.busy = False
        self._due: deque[float] = deque()
        self._idle = asyncio.Event()

    async def closed_loop(self, counting_from: float, until: float) -> None:
        """One request after the other."""
        self.counting_from, self.until = counting_from, until
        self._idle.clear()
        self._send(time.perf_counter(), self._once_more)
        await self._idle.wait()

    def _send(self, due: float, then: Answered) -> None:
        self._begun, self.busy = due, True
        self.line.send(self.make(), then)

    def _note(self, status: int) -> float:
        now = time.perf_counter()
        self.busy = False
        if self._begun >= self.counting_from:
            self.tally.count(status, now - self._begun)
        return now

    def _once_more(self, status: int, _: bytes) -> None:
        now = self._note(status)
        if now >= self.until:
            self._idle.set()
        elif status:
            self._send(now, self._once_more)
        else:  # a server that is away is not asked as fast as this loop turns
            asyncio.get_running_loop().call_later(0.1, lambda: self._send(time.perf_counter(), self._once_more))

    async def open_loop(self, first: float, period: float, counting_from: float, until: float) -> None:
        """A request each `period`, whatever became of the last one; counted from the moment it was due."""
        self.counting_from, self.until = counting_from, until
        loop = asyncio.get_running_loop()
        ahead = loop.time() - time.perf_counter()
        over: asyncio.Future[None] = loop.create_future()

        def tick(due: float) -> None:
            if due >= until:
                over.set_result(None)
                return
            if self.busy:
                self._due.append(due)
            else:
                self._send(due, self._next_due)
            loop.call_at(due + period + ahead, tick, due + period)

        loop.call_at(first + ahead, tick, first)
        await over

    def _next_due(self, status: int, _: bytes) -> None:
        self._note(status)
        if self._due:
            self._send(self._due.popleft(), self._next_due)

    async def settle(self, patience: float) -> None:
        """Wait for the last answer; what was due and has none is late."""
        deadline = time.perf_counter() + patience
        while (self.busy or self._due) and time.perf_counter() < deadline:
            await asyncio.sleep(0.02)
        self.tally.late += len(self._due) + self.busy
        self._due.clear()


class Terminal:
    """A connected terminal: its session, and what it sends."""

    def __init__(self, host: str, port: int, token: str, number: int) -> None:
        self.line = Line(host, port)
        self.head = f"Host: {host}:{port}\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
        self.number = number
        self.session, self.epoch, self.seq = "", 0, 0
        self._steps = count(number)

    def request(self, path: str, body: bytes) -> bytes:
        return f"POST {path} HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def connect(self, positions: int) -> None:
        """Connect, and tell everything once, as the terminal does after each connect."""
        body = json.dumps(bodies.hello(self.number)).encode()
        said = await self._say("/api/v1/mt5/connect", body)
        self.session, self.epoch, self.seq = said["session_id"], said["epoch"], 0
        await self._say("/api/v1/mt5/sync", self.sync_body(positions, symbols=True))

    async def _say(self, path: str, body: bytes) -> dict[str, Any]:
        status, answer = await self.line.request(self.request(path, body))
        if status != 200:
            raise RuntimeError(f"{path}: {status} {answer[:300]!r}")
        return json.loads(answer)

    def sync_body(self, positions: int, *, symbols: bool = False, wait_ms: int = 0) -> bytes:
        self.seq += 1
        return bodies.sync(
            self.session, self.epoch, self.seq, next(self._steps), positions, symbols=symbols, wait_ms=wait_ms
        )

    def sync_maker(self, positions: int) -> Callable[[], bytes]:
        """A cycle after the other, with the positions at new prices."""
        return lambda: self.request("/api/v1/mt5/sync", self.sync_body(positions))

    def maker(self, kind: str, positions: int, path: str | None = None) -> Callable[[], bytes]:
        """One of some bodies that were made beforehand, in turn: what is measured is not their making."""
        if kind == "sync":
            return self.sync_maker(positions)
        if kind == "positions":
            made = [bodies.positions_update(self.session, step, positions) for step in range(bodies.STEPS)]
            path = path or "/api/v1/trading/positions/update"
        else:
            made = [bodies.account_update(self.session, step) for step in range(bodies.STEPS)]
            path = path or "/api/v1/mt5/account/update"
        ready = [self.request(path, body) for body in made]
        return lambda: ready[next(self._steps) % bodies.STEPS]


class Generator:
    """What the process can be asked for."""

    def __init__(self) -> None:
        self.terminals: list[Terminal] = []

    async def connect(self, url: str, tokens: list[str], positions: int) -> dict[str, Any]:
        """Connect a terminal for each token, through the real wire, beside those that are."""
        parts = urlsplit(url)
        new = [
            Terminal(str(parts.hostname), int(parts.port or 80), token, len(self.terminals) + place)
            for place, token in enumerate(tokens)
        ]
        begun, waiting = time.perf_counter(), iter(new)

        async def some() -> None:
            for terminal in waiting:
                await terminal.connect(positions)

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        self.terminals += new
        return {"terminals": len(self.terminals), "seconds": round(time.perf_counter() - begun, 1)}

    async def closed(
        self, kind: str, concurrency: int, seconds: float, positions: int, url: str | None = None, warm_up: float = 0.5
    ) -> dict[str, Any]:
        """`concurrency` terminals that each send as fast as they are answered; `url`: the same to somebody else."""
        senders = []
        for terminal in self.terminals[:concurrency]:
            line, path = terminal.line, None
            if url is not None:
                parts = urlsplit(url)
                line, path = Line(str(parts.hostname), int(parts.port or 80)), parts.path or "/"
            senders.append(Sender(line, terminal.maker(kind, positions, path)))
        gc.collect()
        begun, cpu = time.perf_counter(), time.process_time()
        counting_from = begun + warm_up
        await asyncio.gather(*(sender.closed_loop(counting_from, counting_from + seconds) for sender in senders))
        busy = (time.process_time() - cpu) / (time.perf_counter() - begun)
        if url is not None:
            for sender in senders:
                sender.line.close()
        return self._told(senders, seconds) | {"generator_cpu": round(busy, 2)}

    async def open(
        self, kind: str, rate: float, seconds: float, positions: int, terminals: int | None = None, warm_up: float = 2
    ) -> dict[str, Any]:
        """`rate` requests a second over all terminals, each at its own moment; latency counts from when it was due."""
        chosen = self.terminals[:terminals]
        senders = [Sender(terminal.line, terminal.maker(kind, positions)) for terminal in chosen]
        gc.collect()
        begun, cpu = time.perf_counter(), time.process_time()
        first, period = begun + 0.2, len(chosen) / rate
        until = first + warm_up + seconds
        async with asyncio.TaskGroup() as running:
            for place, sender in enumerate(senders):
                running.create_task(sender.open_loop(first + place / rate, period, first + warm_up, until))
        busy = (time.process_time() - cpu) / (time.perf_counter() - begun)
        await asyncio.gather(*(sender.settle(10) for sender in senders))
        return self._told(senders, seconds) | {"generator_cpu": round(busy, 2)}

    @staticmethod
    def _told(senders: list[Sender], seconds: float) -> dict[str, Any]:
        whole = Tally()
        for sender in senders:
            whole.taken += sender.tally.taken
            whole.failed += sender.tally.failed
            whole.late += sender.tally.late
        return whole.told(seconds)


class Load:
    """The load process, as a benchmark sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, what: str, **how: Any) -> dict[str, Any]:
        """Have it do something; what it found."""
        self.start(what, **how)
        return self.finish()

    def start(self, what: str, **how: Any) -> None:
        """Have it do something while the caller does something else."""
        self._process.stdin.write(json.dumps([what, how]) + "\n")
        self._process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        """What it found in the end."""
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the load process ended")
        said = json.loads(answer)
        if "error" in said:
            raise RuntimeError(said["error"])
        return said


@contextmanager
def load() -> Iterator[Load]:
    """A load process, for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.benchmarks.load"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Load(process)
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


async def serve() -> None:
    """Do what the lines of standard input ask for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    generator, loop = Generator(), asyncio.get_running_loop()
    gc.disable()  # between the runs it is called by hand
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, how = json.loads(line)
        try:
            said = await getattr(generator, what)(**how)
        except (RuntimeError, OSError, ExceptionGroup) as error:
            said = {"error": f"{what}: {error!r}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
