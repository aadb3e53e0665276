"""The real service as processes, and desks in front of it: a broker and a terminal each, also as processes."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
from tests.conftest import RunningStack

from rubi.embedded import process
from rubi.embedded.loopback import free_port
from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT
from rubi.embedded.stack import healthy
from rubi.terminal.execution import Behaviour
from rubi.terminal.points import VARIABLE
from rubi.terminal.remote import RemoteBroker
from rubi.terminal.simulated import AccountTerms

PASSWORD = "SecurePassword123!"
GENEROUS = {
    "max_position_size_percent": 50,
    "max_total_exposure_percent": 100,
    "max_daily_loss_percent": None,
    "max_drawdown_percent": None,
    "max_correlated_risk_percent": None,
    "min_risk_reward": None,
    "max_account_age_seconds": 60,
    "max_tick_age_seconds": 60,
}
"""Orders are to flow: what is tested here is that none is lost or doubled, not what is denied."""

FoundT = TypeVar("FoundT")
numbers = count(1)


class NotInTimeError(Exception):
    """What was waited for did not come."""


async def until(
    condition: Callable[[], Awaitable[FoundT] | FoundT], what: str, *, within: float = 60.0, every: float = 0.05
) -> FoundT:
    """The first true value of a condition. Raises NotInTimeError."""
    deadline = time.monotonic() + within
    while True:
        found = condition()
        value = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotInTimeError(f"{what}: not within {within:.0f} s")
        await asyncio.sleep(every)


@contextmanager
def started(folder: Path) -> Iterator[RunningStack]:
    """The service with data in `folder`, supervised by `family`."""
    environment = os.environ | {
        "PYTHONPATH": f"{SOURCE_ROOT}{os.pathsep}{PROJECT_ROOT}",
        "RUBI_HOME": str(folder),
        "LOG_FILE": str(folder / "rubi-studio.log"),
        "LOG_LEVEL": "WARNING",
        "DATABASE_URL": "",  # present and empty: the developer's own .env is not used either
        "REDIS_URL": "",
    }
    command = [sys.executable, "-m", "tests.faults.processes.family", "--port", str(free_port())]
    with (folder / "supervisor.log").open("w") as log:
        supervisor = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        first = supervisor.stdout.readline().split()
        if first[:1] != ["ready"]:
            supervisor.wait(30)
            raise RuntimeError(f"the service did not start: {(folder / 'supervisor.log').read_text()}")
        yield RunningStack(first[1], folder, supervisor)
    finally:
        supervisor.terminate()
        supervisor.wait(60)
        supervisor.stdout.close()


@dataclass(slots=True)
class Trader:
    """A user of one scenario: what a sender and a terminal need."""

    id: int
    access: str
    sending: str
    trading: str


class Stage:
    """One running service, and everything a scenario starts in front of it."""

    def __init__(self, folder: Path, running: RunningStack, desk_type: "type[Desk] | None" = None) -> None:
        """`desk_type`: whose terminals and brokers; the Python ones when it is not said."""
        self.desk_type = desk_type or Desk
        self.folder = folder
        self.running = running
        self.url = running.url
        self.desks: list[Desk] = []

    @asynccontextmanager
    async def database(self, *, within: float = 30.0) -> AsyncIterator[asyncpg.Connection]:
        """A fresh connection: the server may have been killed since the last."""

        async def connect() -> asyncpg.Connection | None:
            try:
                return await asyncpg.connect(self.running.database_url, timeout=5)
            except (OSError, asyncpg.PostgresError):
                return None

        conn = await until(connect, "a connection to Postgres", within=within)
        try:
            await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
            yield conn
        finally:
            await conn.close()

    async def healthy(self, *, within: float = 60.0) -> None:
        """Wait until the service is ready for requests."""
        await until(lambda: asyncio.to_thread(healthy, self.url, timeout=5), "a ready service", within=within)

    async def trader(self) -> Trader:
        """Register a user."""
        await self.healthy()
        name = f"trader{next(numbers)}-{os.getpid()}"
        async with httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False) as client:
            body = {"username": name, "password": PASSWORD}
            answer = await client.post("/api/v1/auth/register", json=body | {"email": f"{name}@example.com"})
            answer.raise_for_status()
            user_id = (answer.json().get("user") or answer.json())["id"]
            answer = await client.post("/api/v1/auth/login", json=body)
            access = answer.raise_for_status().json()["access_token"]
            made = {}
            for scope in ("ea", "trade"):
                token = await client.post(
                    "/api/v1/auth/tokens",
                    json={"name": scope, "scope": scope},
                    headers={"Authorization": f"Bearer {access}"},
                )
                made[scope] = token.raise_for_status().json()["token"]
        return Trader(int(user_id), access, made["trade"], made["ea"])

    async def open_desks(
        self, trader: Trader, number: int, *, url: str | None = None, max_positions: int = 15
    ) -> list["Desk"]:
        """Brokers and terminals of so many accounts, ready to trade."""
        made = [self.desk_type(self, trader, url or self.url, max_positions) for _ in range(number)]
        self.desks += made
        for desk in made:
            desk.start_broker()
            await desk.open_account()
        for desk in made:
            await desk.broker_ready()
            desk.start_terminal()
        for desk in made:
            await desk.ready()
        return made

    def close_desks(self) -> None:
        """End the terminals and brokers of a scenario."""
        for desk in self.desks:
            desk.close()
        self.desks.clear()

    def crashes(self) -> list[str]:
        """What the API has logged as faults of its own, one line each."""
        found = []
        for line in self.running.log("api").splitlines():
            if '"http.crashed"' in line:
                error = json.loads(line)["error.stack_trace"][-1]
                ours = [frame for frame in error["frames"] if "/rubi/" in frame["filename"]][-1:]
                places = [f"{frame['filename'].rpartition('/rubi/')[2]}:{frame['lineno']}" for frame in ours]
                found.append(f"{error['exc_type']}: {error['exc_value']} ({', '.join(places)})")
        return found

    def kill(self, name: str) -> None:
        """SIGKILL to `api`, `worker`, `beat`, `postgres` or `redis`."""
        os.kill(self.running.pid(name), signal.SIGKILL)

    def terminate(self, name: str) -> None:
        """SIGTERM: the part may finish what it has in hand."""
        os.kill(self.running.pid(name), signal.SIGTERM)

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """The part is killed and stays away meanwhile: its supervisor sleeps."""
        self.running.process.send_signal(signal.SIGSTOP)
        try:
            self.kill(name)
            yield
        finally:
            self.running.process.send_signal(signal.SIGCONT)

    async def restarted(self, name: str, before: int, *, within: float = 60.0) -> None:
        """Wait until the supervisor has started the part anew."""
        await until(lambda: self.pid(name) not in {None, before}, f"a new {name}", within=within, every=0.02)

    def pid(self, name: str) -> int | None:
        """The part's process, None while it is down."""
        try:
            return self.running.pid(name)
        except KeyError:
            return None


@dataclass(slots=True)
class Desk:
    """One account: a broker with a durable ledger, and a terminal that may be killed."""

    stage: Stage
    trader: Trader
    url: str
    max_positions: int
    number: int = field(default_factory=lambda: next(numbers))
    account_id: UUID | None = None
    broker: subprocess.Popen[bytes] | None = None
    terminals: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def login(self) -> str:
        return str(7_000_000 + self.number)

    @property
    def folder(self) -> Path:
        made = self.stage.folder / f"d{self.number}"
        made.mkdir(exist_ok=True)
        return made

    @property
    def ledger(self) -> Path:
        return self.folder / "broker.sqlite"

    @property
    def terminal(self) -> subprocess.Popen[bytes]:
        """The one that was started last."""
        return self.terminals[-1]

    def start_broker(self) -> None:
        arguments = ["--ledger", self.ledger, "--listen", self.folder / "b.sock", "--login", self.login]
        arguments += ["--deposit", "1000000", "--seed", self.number, "--interval-ms", "1000"]
        self.broker = self._spawn("broker", ["-m", "rubi.terminal.broker_server", *arguments])

    async def broker_ready(self) -> None:
        log = self.folder / "broker.log"
        await until(lambda: b"ready " in log.read_bytes(), f"the broker of {self.login}", every=0.02)

    async def script(self, behaviour: Behaviour) -> None:
        """Say how the broker treats the next order that it gets."""
        director = RemoteBroker(str(self.folder / "b.sock"))
        try:
            await director.script(behaviour)
        finally:
            await director.close()

    def start_terminal(
        self, *, dies_at: str | None = None, data: str = "t", url: str | None = None, clock_off_by_s: int = 0
    ) -> subprocess.Popen[bytes]:
        """A new terminal process over the journal in `data`."""
        arguments: list[object] = ["--url", url or self.url, "--data", self.folder / data]
        arguments += ["--broker", self.folder / "b.sock", "--open-positions", "10000", "--orders-per-minute", "100000"]
        module = ["-m", "rubi.terminal"]
        if clock_off_by_s:
            module = ["-m", "tests.faults.processes.skewed_terminal", str(clock_off_by_s)]
        started = self._spawn(data, [*module, *arguments], **({VARIABLE: dies_at} if dies_at else {}))
        self.terminals.append(started)
        return started

    def end_terminal(self) -> None:
        """SIGTERM to the terminals that live, as a person who closes them."""
        for each in self.terminals:
            if each.poll() is None:
                process.stop(each, patience=5)

    def events(self, data: str = "t") -> list[dict[str, Any]]:
        """What the terminals over `data` have printed."""
        lines = (self.folder / f"{data}.log").read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"event"')]

    async def open_account(self) -> None:
        """Make the account before its terminal does, so that its policy holds from the first picture on."""
        now = datetime.now(UTC)
        async with self.stage.database() as conn, conn.transaction():
            self.account_id = await conn.fetchval(
                "INSERT INTO accounts (user_id, server, login, broker, currency)"
                " VALUES ($1, $2, $3, 'x', 'USD') RETURNING id",
                self.trader.id,
                AccountTerms.server,
                self.login,
            )
            policy = GENEROUS | {"max_positions": self.max_positions}
            await conn.execute(
                "INSERT INTO risk_policies VALUES ($1, 1, $2, 'fault run', NULL, $3)", self.account_id, policy, now
            )

    async def ready(self, *, within: float = 60.0) -> None:
        """Wait until the terminal that was started last has connected and been reconciled."""
        await until(self.trades, f"a reconciled account {self.login}", within=within)

    async def trades(self) -> bool:
        """Whether a live terminal has told its whole books, so that a signal leads to an order."""
        async with self.stage.database() as conn:
            return await conn.fetchval(
                """SELECT a.reconciled_at IS NOT NULL AND s.last_seq > 0
                          AND s.last_seen_at > now() - interval '3 seconds'
                   FROM accounts a JOIN mt5_sessions s ON s.id = a.session_id WHERE a.id = $1""",
                self.account_id,
            )

    def close(self) -> None:
        """End everything at once; the service is left with what it has."""
        for each in [*self.terminals, self.broker]:
            if each is not None:
                process.stop(each, first=signal.SIGKILL)

    def _spawn(self, name: str, arguments: list[object], **environment: str) -> subprocess.Popen[bytes]:
        env = os.environ | environment | {
            "PYTHONPATH": f"{SOURCE_ROOT}{os.pathsep}{PROJECT_ROOT}",
            "RUBI_TOKEN": self.trader.trading,
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            return process.spawn([sys.executable, *map(str, arguments)], log=log, env=env, cwd=PROJECT_ROOT)


@asynccontextmanager
async def open_stage(desk_type: type[Desk] | None = None) -> AsyncIterator[Stage]:
    """A service of its own, in a folder with a short name: Unix sockets allow no long ones."""
    folder = Path(tempfile.mkdtemp(prefix="rubi-faults-"))
    try:
        with started(folder) as running:
            stage = Stage(folder, running, desk_type)
            try:
                yield stage
            finally:
                stage.close_desks()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
