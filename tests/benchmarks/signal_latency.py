"""From the POST of a signal to its command in the hands of a terminal that waits, beside a bare round trip."""

import asyncio
import json
import time
from uuid import uuid4

from tests.benchmarks.lean_client import LeanClient
from tests.benchmarks.report import Report, Result, percentiles
from tests.benchmarks.servers import new_user, service, uvicorn
from tests.integration.wire import HELLO, SPEC

SIGNALS = 300
PER_SECOND = 20
TERMINALS = 10
WARM_UP = 20


class Waiting:
    """A terminal that tells its market every second, waits for commands, and refuses them."""

    def __init__(self, url: str, token: str, number: int) -> None:
        self.client = LeanClient(url, token)
        self.login = str(700000 + number)
        self.arrived: dict[int, float] = {}
        self._told = 0.0
        self._acks: list[dict[str, object]] = []

    async def run(self) -> None:
        """Until cancelled."""
        hello = {**HELLO, "account_number": self.login, "terminal_instance_id": str(uuid4())}
        session = await self.client.post("/api/v1/mt5/connect", hello)
        seq = 0
        while True:
            seq += 1
            body = {"session_id": session["session_id"], "epoch": session["epoch"], "seq": seq, "wait_ms": 1000}
            if time.perf_counter() - self._told > 1:
                self._told = time.perf_counter()
                body |= self._market(first=seq == 1)
            body["acks"], self._acks = self._acks, []
            said = await self.client.post("/api/v1/mt5/sync", body)
            now = time.perf_counter()
            for command in said["commands"]:
                self.arrived.setdefault(command["order_id"], now)
                lease = command.get("lease_id", "")
                self._acks.append(
                    {"order_id": command["order_id"], "lease_id": lease, "outcome": "REFUSED", "code": "BENCHMARK"}
                )

    def _market(self, *, first: bool) -> dict[str, object]:
        told = {
            "account": {"balance": 10000, "equity": 10000, "margin": 0, "margin_free": 10000, "profit": 0},
            "ticks": [
                {"symbol": "EURUSD", "bid": 1.0999, "ask": 1.1, "time_msc": int(time.time() * 1000) + 10_800_000}
            ],
            "positions": [],
            "orders": [],
        }
        return told | ({"symbols": [SPEC]} if first else {})


async def bare_round_trips(url: str) -> list[float]:
    client = LeanClient(url)
    taken = []
    for _ in range(SIGNALS + WARM_UP):
        begun = time.perf_counter()
        await client.request("POST", "/", {"symbol": "EURUSD"})
        taken.append(time.perf_counter() - begun)
    await client.close()
    return taken[WARM_UP:]


async def signals(url: str) -> tuple[list[float], list[float]]:
    """Seconds from POST to the answer, and from POST to the command at the terminal."""
    access = await new_user(url)
    terminals = [Waiting(url, access, number) for number in range(TERMINALS)]
    running = [asyncio.create_task(terminal.run()) for terminal in terminals]
    await asyncio.sleep(2)
    client = LeanClient(url, access)
    answered, sent = [], {}
    for number in range(SIGNALS + WARM_UP):
        terminal = terminals[number % TERMINALS]
        body = {
            "symbol": "EURUSD",
            "signal_type": "BUY",
            "stop_loss": 1.095,
            "take_profit": 1.11,
            "volume": 0.01,
            "account": terminal.login,
            "comment": f"benchmark {number}",
            "expires_in": 30,
        }
        begun = time.perf_counter()
        answer = await client.post("/api/v1/trading/signals", body)
        answered.append(time.perf_counter() - begun)
        sent[answer["id"]] = begun
        await asyncio.sleep(max(0, 1 / PER_SECOND - (time.perf_counter() - begun)))
    await asyncio.sleep(2)
    delays = []
    for signal_id, begun in sent.items():
        status, raw = await client.request("GET", f"/api/v1/trading/signals/{signal_id}")
        said = json.loads(raw)
        if status != 200 or not said["orders"]:
            raise RuntimeError(f"signal {signal_id} has no order: {raw[:400]!r}")
        order_id = said["orders"][0]["id"]
        arrived = next(t.arrived[order_id] for t in terminals if order_id in t.arrived)
        delays.append(arrived - begun)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return answered[WARM_UP:], delays[WARM_UP:]


def main() -> None:
    with uvicorn() as bare, service() as running:
        trips = asyncio.run(bare_round_trips(bare))
        answered, delays = asyncio.run(signals(running.url))
        trips += asyncio.run(bare_round_trips(bare))
    report = Report("signal-latency")
    bare50, bare99 = percentiles(trips)
    report.add(Result("bare uvicorn round trip", bare50, "ms", p50_ms=bare50, p99_ms=bare99))
    for case, taken in (("POST of a signal, answered", answered), ("POST to command at the terminal", delays)):
        p50, p99 = percentiles(taken)
        report.add(Result(case, p50, "ms", ratio_to_bare=round(p50 / bare50, 2), p50_ms=p50, p99_ms=p99))
    report.print()


if __name__ == "__main__":
    main()
