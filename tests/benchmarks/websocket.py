"""300 sockets that each hear 20 messages a second from one API process, and one that never reads."""

import asyncio
import contextlib
import json
import os
import re
import socket
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import redis.asyncio as redis
import websockets
from tests.benchmarks.report import Report, Result, percentiles
from tests.benchmarks.servers import new_user, service

from rubi.live.bus import Bus, Event

USERS = 30
SOCKETS_EACH = 10
PER_SECOND = 20
SECONDS = 10
WARM_UP = 2
PATIENCE = 40.0
SYMBOL = "EURUSD"
WANTED_P99_MS = 30


class Listener:
    """One socket: which numbers it heard, and how long each was under way."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.delays: list[float] = []
        self.last_seq = 0
        self.gaps = 0

    async def run(self, url: str, token: str, ready: asyncio.Event) -> None:
        """Until cancelled; a socket that is closed stops listening and so has lost what follows."""
        async with websockets.connect(f"{url.replace('http', 'ws')}/ws/live", compression=None, max_queue=None) as ws:
            await ws.send(json.dumps({"type": "auth", "token": token}))
            await ws.send(json.dumps({"action": "SUBSCRIBE_PRICES", "symbols": [SYMBOL]}))
            with contextlib.suppress(websockets.ConnectionClosed):
                async for text in ws:
                    now = time.time()
                    frame = json.loads(text)
                    if "seq" in frame:
                        self.gaps += frame["seq"] != self.last_seq + 1
                        self.last_seq = frame["seq"]
                    if frame["type"] == "SNAPSHOT":
                        ready.set()
                    elif frame["type"] == "PRICE_UPDATE":
                        self.numbers.append(frame["data"]["number"])
                        self.delays.append(now - frame["data"]["sent"])


@contextlib.contextmanager
def deaf_socket(url: str, token: str) -> Iterator[None]:
    """A socket that is opened and never read."""
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((host, int(port)))
        line.sendall(
            f"GET /ws/live HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        yield


async def flood_until_cut(url: str, bus: Bus, user: int) -> float | None:
    """Tell a user more than a deaf socket holds; seconds until the service has cut it, None after `PATIENCE`."""
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while time.monotonic() - began < PATIENCE:
            # What is not read of a line hides its end from the other side: the service is asked.
            if re.search(r'rubi_ws_drops_total{reason="slow"} [1-9]', (await client.get("/metrics")).text):
                return time.monotonic() - began
            for _ in range(10):
                await bus.publish([Event("ALERT", user, None, {"pad": "x" * 60_000})])
                await asyncio.sleep(0.1)
    return None


async def publish(bus: Bus, users: list[int], seconds: float, per_second: int) -> int:
    """Tell each user a price so many times a second, as any process of the service does; how many each was told."""
    count = int(seconds * per_second)
    began, step = time.perf_counter(), 1 / per_second / len(users)
    for number in range(count):
        for place, user in enumerate(users):
            # Not all in one instant: terminals have no common clock.
            due = began + number / per_second + place * step
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            price = {"symbol": SYMBOL, "bid": 1.1, "ask": 1.1001, "number": number, "sent": time.time()}
            await bus.publish([Event("PRICE_UPDATE", user, None, price)])
    return count


@dataclass(slots=True)
class Measured:
    """What one run found."""

    listeners: list[Listener]
    told: int
    """Messages each listener should have heard."""
    cut_after: float | None
    """Seconds until the socket that reads nothing was cut; None: it never was."""


async def measure(url: str, redis_url: str) -> Measured:
    """Open all sockets, tell them everything, and see what each heard."""
    access = [await new_user(url) for _ in range(USERS)]
    users = list(range(1, USERS + 1))
    listeners = [Listener() for _ in range(USERS * SOCKETS_EACH)]
    ready = [asyncio.Event() for _ in listeners]
    running = []
    for place, (listener, event) in enumerate(zip(listeners, ready, strict=True)):
        running.append(asyncio.create_task(listener.run(url, access[place // SOCKETS_EACH], event)))
        await asyncio.sleep(0.01)
    deaf_user = await new_user(url)
    async with asyncio.timeout(120):
        await asyncio.gather(*(event.wait() for event in ready))
    async with redis.from_url(redis_url) as client:
        bus = Bus(client)
        await publish(bus, users, WARM_UP, PER_SECOND)
        await asyncio.sleep(1)
        for listener in listeners:
            listener.numbers.clear()
            listener.delays.clear()
        with deaf_socket(url, deaf_user):
            cutting = asyncio.create_task(flood_until_cut(url, bus, USERS + 1))
            told = await publish(bus, users, SECONDS, PER_SECOND)
            await asyncio.sleep(1)
            cut_after = await cutting
        await bus.close()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return Measured(listeners, told, cut_after)


def main() -> None:
    with service() as running:
        found = asyncio.run(measure(running.url, running.redis_url))
    delays = [delay for listener in found.listeners for delay in listener.delays]
    whole = list(range(found.told))
    lost = sum(found.told - len(listener.numbers) for listener in found.listeners)
    disordered = sum(listener.numbers != whole[: len(listener.numbers)] for listener in found.listeners)
    p50, p99 = percentiles(delays)
    report = Report("websocket")
    case = f"{len(found.listeners)} sockets x {PER_SECOND} messages/s"
    report.add(Result(case, round(len(delays) / SECONDS), "messages/s", p50_ms=p50, p99_ms=p99))
    met = p99 < WANTED_P99_MS
    report.add(Result(f"p99 over {WANTED_P99_MS} ms", round(p99 / WANTED_P99_MS, 2), "met" if met else "NOT MET"))
    report.add(Result("messages lost", lost, "messages"))
    report.add(Result("sockets with a gap or another order", disordered, "sockets"))
    if found.cut_after is not None:
        report.add(Result("a socket that reads nothing is cut after", round(found.cut_after, 1), "s"))
    report.add(Result("load average of the last minute", round(os.getloadavg()[0], 1), f"{os.cpu_count()} cores"))
    report.print()
    if lost or disordered or found.cut_after is None:
        sys.exit("a message was lost, came in another order, or the deaf socket was not cut")
    if not met:
        sys.exit(f"p99 is {p99} ms, not below {WANTED_P99_MS} ms")


if __name__ == "__main__":
    main()
