"""Many terminals that only call: each a session of its own, telling its money and prices twice a second."""

import asyncio
import json
import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
from tests.faults.processes.proxy import Upstream, read_message

PERIOD_S = 0.5
ANSWER_TIMEOUT_S = 30.0
RETRY_AFTER_S = 0.04
HELLO = {"broker": "Crowd", "server": "Crowd-Demo", "currency": "USD", "protocol": 2, "poll_ms": 500}
MONEY = {"balance": 10000.0, "equity": 10000.0, "margin": 0.0, "margin_free": 10000.0, "profit": 0.0}


@dataclass(slots=True)
class Called:
    """What became of the calls of a crowd. A call that no retry saved is a failure."""

    calls: int = 0
    retried: int = 0
    failed: int = 0
    slowest_s: float = 0.0


class Crowd:
    """So many terminals of one user, until they are stopped."""

    def __init__(self, url: str, token: str, size: int) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._url, self._token, self._size = url, token, size
        self._address = (host, int(port))
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self.called = Called()

    async def start(self) -> None:
        """Connect everybody, then call evenly spread over the period."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(base_url=self._url, headers=headers, trust_env=False, timeout=30) as client:
            for number in range(self._size):
                hello = HELLO | {"account_number": str(7_000_000 + number), "terminal_instance_id": str(uuid4())}
                answer = await client.post("/api/v1/mt5/connect", json=hello | MONEY)
                answer.raise_for_status()
                session = {name: answer.json()[name] for name in ("session_id", "epoch")}
                self._running.append(asyncio.create_task(self._call(session, number * PERIOD_S / self._size)))

    async def stop(self) -> Called:
        """End all calls; what became of them."""
        self._stop.set()
        await asyncio.gather(*self._running)
        return self.called

    async def _call(self, session: dict[str, object], offset: float) -> None:
        await asyncio.sleep(offset)
        connection, seq = Upstream(self._address), 0
        while not self._stop.is_set():
            began, seq = time.monotonic(), seq + 1
            body = json.dumps({**session, "seq": seq, "account": MONEY}).encode()
            self.called.calls += 1
            for attempt in (0, 1):
                answered = await self._ask(connection, body)
                if answered:
                    break
                connection.close()
                connection = Upstream(self._address)
                if attempt == 0:
                    self.called.retried += 1
                    await asyncio.sleep(RETRY_AFTER_S)
            else:
                self.called.failed += 1
            took = time.monotonic() - began
            self.called.slowest_s = max(self.called.slowest_s, took)
            await asyncio.sleep(max(0.0, PERIOD_S - took))
        connection.close()

    async def _ask(self, connection: Upstream, body: bytes) -> bool:
        head = (
            f"POST /api/v1/mt5/sync HTTP/1.1\r\nHost: {self._address[0]}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                message = await read_message(await connection.send(head.encode() + body))
        except (OSError, EOFError, TimeoutError):
            return False
        return message.status == 200
