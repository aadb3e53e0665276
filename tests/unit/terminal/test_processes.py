"""Real processes, real sockets, real SIGKILL: the broker's ledger counts what was sent."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
import uvicorn

from .service import SmallService, command

SOURCES = Path(__file__).resolve().parents[3] / "python-api"


class Stage:
    """A small service on a port, a broker in its own process, and terminals that come and go."""

    def __init__(self, folder):
        self.folder = folder
        self.service = SmallService()
        self.processes = []

    async def rise(self):
        config = uvicorn.Config(self.service, port=0, log_level="error", lifespan="off", ws="none")
        self.server = uvicorn.Server(config)
        self.serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.broker = await self.start(
            "rubi.terminal.broker_server", "--ledger", self.folder / "broker.sqlite", "--listen", self.folder / "b.sock"
        )
        assert (await self.broker.stdout.readline()).startswith(b"ready ")

    async def fall(self):
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
            process._transport.close()
        self.server.should_exit = True
        await self.serving

    async def start(self, module, *arguments, **environment):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *map(str, arguments),
            env={**os.environ, "PYTHONPATH": str(SOURCES), "RUBI_TOKEN": "t", **environment},
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def terminal(self, **environment):
        return await self.start(
            "rubi.terminal",
            "--url",
            self.url,
            "--data",
            self.folder / "t",
            "--broker",
            self.folder / "b.sock",
            **environment,
        )

    def of_second(self):
        return [body for body in self.service.bodies if body["epoch"] == 2]

    def sent(self):
        ledger = sqlite3.connect(self.folder / "broker.sqlite")
        counts = dict(ledger.execute("SELECT comment, count(*) FROM sends GROUP BY 1"))
        ledger.close()
        return counts

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def stage(tmp_path):
    made = Stage(tmp_path)
    await made.rise()
    yield made
    await made.fall()


@pytest.mark.parametrize("point", ["after_send", "mid_report"])
async def test_a_killed_terminal_comes_back_and_nothing_was_sent_twice(stage, point):
    stage.service.answers = [{}, {"commands": [command(17), command(18)]}]
    first = await stage.terminal(RUBI_TERMINAL_DIES_AT=point)
    assert await asyncio.wait_for(first.wait(), 10) == -signal.SIGKILL
    before = stage.sent()
    assert before == ({"RS-R": 1} if point == "after_send" else {"RS-R": 1, "RS-S": 1})
    stage.service.answers = [{"commands": [command(17, lease_id="again"), command(18, lease_id="again")]}]
    second = await stage.terminal()
    await stage.until(lambda: {17, 18} <= {r["order_id"] for b in stage.of_second() for r in b.get("reports", [])})
    assert stage.sent() == {"RS-R": 1, "RS-S": 1}
    outcomes = {r["order_id"]: r["outcome"] for r in stage.service.told("reports")}
    assert outcomes == {17: "RECOVERED" if point == "after_send" else "RESULT", 18: "RESULT"}
    instances = {g["terminal_instance_id"] for g in stage.service.greetings}
    assert len(instances) == 1
    second.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(second.wait(), 2.5) == 0
    assert len(stage.service.farewells) == 1
