"""A terminal on a stopped market, joined to a small service."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from rubi.terminal.client import Client
from rubi.terminal.clock import ServiceClock
from rubi.terminal.executor import Executor
from rubi.terminal.journal import Journal
from rubi.terminal.outbox import Outbox
from rubi.terminal.points import nothing_happens
from rubi.terminal.session import Backoff, Wire

from .desk import HandClock, still_market
from .service import LossyTransport, SmallService


class Terminal:
    """Everything of one terminal. `clock` moves the broker and the terminal's own time together."""

    def __init__(self, folder, **account):
        self.folder = folder
        self.clock = HandClock()
        self.broker = still_market(self.clock, **account)
        self.service = SmallService()
        self.transport = LossyTransport(self.service)
        self.events = []
        self.at = nothing_happens
        self.open()

    def open(self):
        """Start the process (again): memory is new, the files are what they are."""
        self.stop = asyncio.Event()
        self.journal = Journal(self.folder / "journal.log", now=self.now())
        self.outbox = Outbox(self.folder / "outbox.log")
        self.service_clock = ServiceClock(self.now)
        self.executor = Executor(
            self.broker,
            self.journal,
            now=self.service_clock.now,
            at=self.reach,
            tell=self.tell,
            sleep=self.sleep,
        )

    def reach(self, point):
        self.at(point)

    def close(self):
        self.journal.close()
        self.outbox.close()

    def reopen(self):
        self.close()
        self.open()

    def now(self):
        return datetime.fromtimestamp(self.clock() / 1000, UTC)

    def later(self, seconds):
        return (self.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    def tell(self, name, facts):
        self.events.append((name, facts))

    async def sleep(self, seconds):
        self.clock.advance(seconds)

    async def until(self, condition, within_s=3.0):
        """Run the client until a condition holds, then stop it in an orderly way."""
        async with httpx.AsyncClient(transport=self.transport, base_url="http://service") as http:
            client = Client(
                Wire(http, self.service_clock, backoff=Backoff(0.001, 0.002), at=self.reach),
                self.broker,
                self.journal,
                self.outbox,
                self.executor,
                self.service_clock,
                tell=self.tell,
            )
            running = asyncio.create_task(client.run(self.stop))
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(within_s):
                    while not condition() and not running.done():
                        await asyncio.sleep(0.002)
            self.stop.set()
            await running
        self.stop = asyncio.Event()
        assert condition(), "it did not come to that"

    async def carried_out(self, *commands, within_s=3.0):
        """Hand out commands and run until everything about them is confirmed."""
        self.service.answers.append({"commands": list(commands)})
        ids = {c["order_id"] for c in commands}
        await self.until(
            lambda: (
                ids <= {r["order_id"] for r in self.service.told("reports") + self.service.told("acks")}
                and not self.journal.acks()
                and not self.journal.reports()
            ),
            within_s,
        )

    def report(self, order_id):
        return [r for r in self.service.told("reports") if r["order_id"] == order_id][-1]

    def acks(self):
        return [(a["order_id"], a["outcome"], a["code"]) for a in self.service.told("acks")]

    def sends(self):
        return [s.comment for s in self.broker.ledger.sends]


@pytest.fixture(autouse=True)
def logged():
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.fixture
def netting_terminal(tmp_path):
    made = Terminal(tmp_path, hedging=False)
    yield made
    made.close()
