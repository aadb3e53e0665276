"""From the POST of a signal to its command in the hands of a terminal that waits, alone and with pushes beside.

The way is told in four parts, too, out of what the service keeps of each signal: to the arrival of the request, to the
worker that begins to decide, to the poll that begins to lease (with the decision's commit and its news before), and
back to the terminal.

--terminals N that wait (100), --signals N (300), --pushes N of 20 positions a second from other terminals (500).
"""

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

from tests.benchmarks.disk import kept_writes
from tests.benchmarks.lean_client import LeanClient
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Result, percentiles, progress
from tests.benchmarks.servers import allow_connections, new_user, service, terminal_tokens, uvicorn
from tests.integration.wire import HELLO, SPEC

PER_SECOND = 20
WARM_UP = 20
PARTS = (
    "POST sent to received",
    "received to decision begun",
    "decision begun to lease begun",
    "lease begun to command",
)
POSITIONS = 20
MONEY = {"balance": 10000, "equity": 10000, "margin": 0, "margin_free": 10000, "margin_level": 0, "profit": 0}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--terminals", type=int, default=100)
    parser.add_argument("--signals", type=int, default=300)
    parser.add_argument("--pushes", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class Waiting:
    """A terminal that tells its market every second, waits for commands, and refuses them."""

    def __init__(self, url: str, token: str, number: int) -> None:
        self.client = LeanClient(url, token)
        self.login = str(600000 + number)
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
            now = time.time()
            for command in said["commands"]:
                self.arrived.setdefault(command["order_id"], now)
                lease = command.get("lease_id", "")
                self._acks.append(
                    {"order_id": command["order_id"], "lease_id": lease, "outcome": "REFUSED", "code": "BENCHMARK"}
                )

    def _market(self, *, first: bool) -> dict[str, object]:
        told = {
            "account": MONEY,
            "ticks": [
                {"symbol": "EURUSD", "bid": 1.0999, "ask": 1.1, "time_msc": int(time.time() * 1000) + 10_800_000}
            ],
            "positions": [],
            "orders": [],
        }
        return told | ({"symbols": [SPEC]} if first else {})


async def bare_round_trips(url: str, number: int) -> list[float]:
    client = LeanClient(url)
    taken = []
    for _ in range(number + WARM_UP):
        begun = time.perf_counter()
        await client.request("POST", "/", {"symbol": "EURUSD"})
        taken.append(time.perf_counter() - begun)
    await client.close()
    return taken[WARM_UP:]


async def signals(url: str, number: int, terminals_number: int) -> tuple[list[float], list[float], list[list[float]]]:
    """Seconds from POST to the answer, from POST to the command at the terminal, and those of each part of the way."""
    access = await new_user(url)
    terminals = [Waiting(url, access, each) for each in range(terminals_number)]
    running = []
    for terminal in terminals:  # each at its own moment of the second
        running.append(asyncio.create_task(terminal.run()))
        await asyncio.sleep(1 / terminals_number)
    await asyncio.sleep(3)
    client = LeanClient(url, access)
    answered, sent = [], {}
    for place in range(number + WARM_UP):
        body = {
            "symbol": "EURUSD",
            "signal_type": "BUY",
            "stop_loss": 1.095,
            "take_profit": 1.11,
            "volume": 0.01,
            "account": terminals[place % terminals_number].login,
            "signal_time": datetime.now(UTC).isoformat(),
            "comment": f"benchmark {place}",
            "expires_in": 30,
        }
        begun = time.time()
        answer = await client.post("/api/v1/trading/signals", body)
        answered.append(time.time() - begun)
        sent[answer["id"]] = begun
        await asyncio.sleep(max(0, 1 / PER_SECOND - (time.time() - begun)))
    await asyncio.sleep(2)
    arrived = {order: at for terminal in terminals for order, at in terminal.arrived.items()}
    delays: list[float] = []
    parts: list[list[float]] = []
    for signal_id, begun in sent.items():
        status, raw = await client.request("GET", f"/api/v1/trading/signals/{signal_id}")
        said = json.loads(raw)
        if status != 200 or not said["orders"] or said["orders"][0]["id"] not in arrived:
            raise RuntimeError(f"signal {signal_id} led to no command: {raw[:400]!r}")
        order = said["orders"][0]
        leased = next(event["at"] for event in order["events"] if event["event"] == "HANDED_OUT")
        passed = [begun, *map(_seconds, (said["received_at"], said["decided_at"], leased)), arrived[order["id"]]]
        delays.append(passed[-1] - begun)
        parts.append([later - earlier for earlier, later in pairwise(passed)])
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return answered[WARM_UP:], delays[WARM_UP:], parts[WARM_UP:]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def main() -> None:
    said = options()
    allow_connections(said.pushes + said.terminals)
    seconds = (said.signals + WARM_UP) / PER_SECOND + 6
    disk = kept_writes()
    with uvicorn() as bare, service() as running, load() as generator:
        trips = asyncio.run(bare_round_trips(bare, said.signals))
        cases = {"alone": asyncio.run(signals(running.url, said.signals, said.terminals))}
        tokens = asyncio.run(terminal_tokens(running.url, said.pushes))
        progress("connected", generator.ask("connect", url=running.url, tokens=tokens, positions=POSITIONS))
        generator.start("open", kind="positions", rate=said.pushes, seconds=seconds, positions=POSITIONS)
        beside = f"with {said.pushes} pushes/s beside"
        cases[beside] = asyncio.run(signals(running.url, said.signals, said.terminals))
        pushed = generator.finish()
        progress("pushes", pushed)
        trips += asyncio.run(bare_round_trips(bare, said.signals))
    report = Report("signal-latency")
    report.add(disk)
    bare50, bare99 = percentiles(trips)
    report.add(Result("bare uvicorn round trip", bare50, "ms", p50_ms=bare50, p99_ms=bare99))
    for how, (answered, delays, parts) in cases.items():
        for case, taken in (("POST of a signal, answered", answered), ("POST to command at the terminal", delays)):
            p50, p99 = percentiles(taken)
            ratio = round(p50 / bare50, 2)
            report.add(Result(f"{case}, {how}", p50, "ms", ratio_to_bare=ratio, p50_ms=p50, p99_ms=p99))
        for part, taken in zip(PARTS, zip(*parts, strict=True), strict=True):
            p50, p99 = percentiles(list(taken))
            report.add(Result(f"  {part}, {how}", p50, "ms", p50_ms=p50, p99_ms=p99))
    report.add(Result("pushes beside, answered in time for their rate", round(pushed["per_second"]), "pushes/s",
                      p50_ms=pushed["p50_ms"], p99_ms=pushed["p99_ms"]))  # fmt: skip
    report.add(Result("pushes refused, cut or unanswered", sum(pushed["failed"].values()) + pushed["late"], "pushes"))
    report.print()


if __name__ == "__main__":
    main()
