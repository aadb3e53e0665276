"""Terminals of the load process: what each sends, when, and what it notes of the answers."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.benchmarks import bodies
from tests.benchmarks.http_line import Answered, Line
from tests.benchmarks.report import percentiles

LONGEST_PARK_MS = 1500


class Terminal:
    """A connected terminal: its session, and what it sends."""

    def __init__(self, host: str, port: int, token: str, number: int) -> None:
        self.line = Line(host, port)
        self.head = f"Host: {host}:{port}\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
        self.number = number
        self.session, self.account, self.epoch, self.seq = "", "", 0, 0
        self._steps = count(number)

    def request(self, path: str, body: bytes) -> bytes:
        return f"POST {path} HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def connect(self, positions: int) -> None:
        """Connect, tell everything once, as the terminal does after each connect, and be quiet once.

        The connect and both cycles bring a tick: with the third the broker's clock is learned.
        """
        body = json.dumps(bodies.hello(self.number)).encode()
        said = await self._say("/api/v1/mt5/connect", body)
        self.session, self.account, self.epoch, self.seq = said["session_id"], said["account_id"], said["epoch"], 0
        await self._say("/api/v1/mt5/sync", self.sync_body(positions, symbols=True))
        await self._say("/api/v1/mt5/sync", self.sync_body(positions))

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

    def poll_body(self, acks: list[dict[str, Any]], wait_ms: int) -> bytes:
        """A cycle that tells nothing but what became of commands."""
        self.seq += 1
        told = {"session_id": self.session, "epoch": self.epoch, "seq": self.seq, "wait_ms": wait_ms}
        return json.dumps(told | {"acks": acks} if acks else told).encode()

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


class Tally:
    """What a run saw: how long each good answer took, and what else came back."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.failed: Counter[int] = Counter()
        self.late = 0
        self.refusal = ""

    def count(self, status: int, seconds: float, body: bytes = b"") -> None:
        if status == 200:
            self.taken.append(seconds)
        else:
            self.failed[status] += 1
            self.refusal = body[:300].decode(errors="replace")

    def told(self, seconds: float) -> dict[str, Any]:
        if len(self.taken) < 2:
            raise RuntimeError(f"nothing was answered: {dict(self.failed)} {self.refusal}")
        p50, p99 = percentiles(self.taken)
        return {
            "answered": len(self.taken),
            "per_second": len(self.taken) / seconds,
            "failed": dict(self.failed),
            "refusal": self.refusal,
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

    def _note(self, status: int, body: bytes) -> float:
        now = time.perf_counter()
        self.busy = False
        if self._begun >= self.counting_from:
            self.tally.count(status, now - self._begun, body)
        return now

    def _once_more(self, status: int, body: bytes) -> None:
        now = self._note(status, body)
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

    def _next_due(self, status: int, body: bytes) -> None:
        self._note(status, body)
        if self._due:
            self._send(self._due.popleft(), self._next_due)

    async def settle(self, patience: float) -> None:
        """Wait for the last answer; what was due and has none is late."""
        deadline = time.perf_counter() + patience
        while (self.busy or self._due) and time.perf_counter() < deadline:
            await asyncio.sleep(0.02)
        self.tally.late += len(self._due) + self.busy
        self._due.clear()


class Parked:
    """A terminal that is always in a long-poll, and refuses the commands that end one."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.tally = Tally()
        self.waiting = False
        self.arrived: dict[int, float] = {}

    async def run(self, until: float) -> None:
        """One poll after the other; what counts in the tally is how much later than its time a poll came back."""
        acks: list[dict[str, Any]] = []
        while (begun := time.perf_counter()) < until:
            request = self.terminal.request("/api/v1/mt5/sync", self.terminal.poll_body(acks, LONGEST_PARK_MS))
            self.waiting = True
            status, body = await self.terminal.line.request(request)
            now = time.perf_counter()
            self.waiting = False
            acks = []
            if status != 200:
                self.tally.count(status, 0, body)
                await asyncio.sleep(1)
                continue
            commands = json.loads(body)["commands"]
            for command in commands:
                self.arrived.setdefault(command["order_id"], now)
                acks.append({"order_id": command["order_id"], "lease_id": command["lease_id"],
                             "outcome": "REFUSED", "code": "BENCHMARK"})  # fmt: skip
            if not commands:
                self.tally.count(status, max(0.0, now - begun - LONGEST_PARK_MS / 1000))
