"""The load generator: a process of its own that speaks HTTP over raw protocols and sends bodies made beforehand.

`Load` is its other end: it asks for one thing after another, a JSON line each way.
"""

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import uvloop
from tests.benchmarks.http_line import Line
from tests.benchmarks.senders import Parked, Sender, Tally, Terminal

from rubi.embedded.places import PROJECT_ROOT

AT_ONCE = 8
"""Terminals that connect at the same time."""


def keep_aside() -> None:
    """Stay on the last of this process's cores: it stands for other machines, and they take no server's core."""
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        os.sched_setaffinity(0, {max(cores)})


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

    async def park(self, polls: int, seconds: float, ramp: float) -> dict[str, Any]:
        """Keep so many terminals in long-polls, the first ones from the start, the last ones after `ramp` seconds."""
        parked = [Parked(terminal) for terminal in self.terminals[:polls]]
        begun, cpu = time.perf_counter(), time.process_time()
        until, waiting = begun + ramp + seconds, []
        gc.collect()
        async with asyncio.TaskGroup() as running:
            for place, each in enumerate(parked):
                while time.perf_counter() < begun + ramp * place / polls:
                    await asyncio.sleep(0.001)
                running.create_task(each.run(until))
            while time.perf_counter() < until:
                waiting.append(sum(each.waiting for each in parked))
                await asyncio.sleep(0.5)
        busy = (time.process_time() - cpu) / (time.perf_counter() - begun)
        arrived = {order_id: at for each in parked for order_id, at in each.arrived.items()}
        return self._told(parked, ramp + seconds) | {
            "arrived": arrived, "parked": median(waiting), "generator_cpu": round(busy, 2)
        }  # fmt: skip

    async def accounts(self) -> dict[str, Any]:
        """The accounts of the terminals, in their order."""
        return {"accounts": [terminal.account for terminal in self.terminals]}

    @staticmethod
    def _told(senders: list[Sender] | list[Parked], seconds: float) -> dict[str, Any]:
        whole = Tally()
        for sender in senders:
            whole.taken += sender.tally.taken
            whole.failed += sender.tally.failed
            whole.late += sender.tally.late
            whole.refusal = sender.tally.refusal or whole.refusal
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
    keep_aside()
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
