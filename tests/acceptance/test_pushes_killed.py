"""What was answered is there after a kill of the database or of the API, and nothing is there twice."""

import asyncio
import contextlib
import os
import signal
from itertools import count

import asyncpg
import httpx
import pytest
from tests.integration.wire import WireTerminal

PUSHERS = 8
KILLED = ("postgres", "api", "postgres")
BETWEEN = 15
"""Answers between two kills."""


def money(equity: float) -> dict[str, float]:
    said = {"balance": 10_000.0, "equity": equity, "margin": 0.0, "margin_free": equity}
    return {**said, "margin_level": 0.0, "profit": round(equity - 10_000, 2)}


class Pusher:
    """A terminal whose every push names an equity of its own, and what became of each."""

    def __init__(self, terminal: WireTerminal, number: int) -> None:
        self.terminal, self.number = terminal, number
        self.answered: list[float] = []
        self.unknown: list[float] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Push on. A cycle is sent until it is answered; a push of money is sent once."""
        for n in count(1):
            if stop.is_set():
                return
            equity = round(9_000 + self.number * 100 + n * 0.01, 2)
            if self.number % 2:
                await self._cycle(equity)
            else:
                await self._once(equity)

    async def _once(self, equity: float) -> None:
        with contextlib.suppress(httpx.TransportError):
            answer = await self.terminal.post(
                "/mt5/account/update", {"session_id": self.terminal.session_id, **money(equity)}
            )
            if answer.status_code == 200:
                self.answered.append(equity)
                return
            assert answer.status_code == 503, answer.text
        self.unknown.append(equity)
        await asyncio.sleep(0.02)

    async def _cycle(self, equity: float) -> None:
        body = self.terminal.body(account=money(equity))
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.terminal.post("/mt5/sync", body)
                if answer.status_code == 200:
                    self.answered.append(equity)
                    return
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.02)


@pytest.mark.faults
async def test_every_answered_push_outlives_the_kill_of_postgres_and_of_the_api(new_stack, new_user):
    with new_stack() as running:
        person = await new_user(running.url)
        token = await person.token("ea")
        async with httpx.AsyncClient(base_url=running.url, timeout=20, trust_env=False) as client:
            pushers = []
            for number in range(PUSHERS):
                terminal = WireTerminal(client, token, account_number=str(500 + number))
                await terminal.connect()
                await terminal.market()
                pushers.append(Pusher(terminal, number))
            stop = asyncio.Event()
            running_pushers = asyncio.gather(*(pusher.run(stop) for pusher in pushers))
            wanted = 0
            for name in (*KILLED, None):
                wanted += BETWEEN * PUSHERS
                while sum(len(pusher.answered) for pusher in pushers) < wanted:
                    assert not running_pushers.done()
                    await asyncio.sleep(0.02)
                if name is not None:
                    os.kill(running.pid(name), signal.SIGKILL)
            stop.set()
            await asyncio.wait_for(running_pushers, 60)
        conn = await asyncpg.connect(running.database_url)
        stored = await conn.fetch("SELECT equity, count(*) FROM account_snapshots WHERE equity < 9900 GROUP BY equity")
        await conn.close()
    times = {round(row["equity"], 2): row["count"] for row in stored}
    answered = [equity for pusher in pushers for equity in pusher.answered]
    unknown = [equity for pusher in pushers for equity in pusher.unknown]
    assert {equity: times.get(equity, 0) for equity in answered} == dict.fromkeys(answered, 1)
    assert all(times.get(equity, 0) <= 1 for equity in unknown)
    assert set(times) <= set(answered) | set(unknown)
