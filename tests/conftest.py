"""What tests need that is real: Postgres, Redis, databases made in milliseconds from one migrated template."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import redis.asyncio

from rubi.embedded import timescale
from rubi.embedded.loopback import free_port
from rubi.embedded.places import SOURCE_ROOT
from rubi.embedded.postgres import OWNER, EmbeddedPostgres
from rubi.embedded.process import CHILD, read_records
from rubi.embedded.redis import EmbeddedRedis
from rubi.store.migrations import migrate

ORDER = ("unit", "integration", "acceptance", "ea", "faults", "benchmarks")
TEMPLATE = "rubi_template"
PASSWORD = "only-for-tests"
numbers = count(1)

type_of_new_database = Callable[..., Awaitable[str]]


def pytest_configure(config):
    # Tests empty what they are given: an address in the caller's environment is somebody's data.
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    if os.environ.get("RUBI_REQUIRE_TIMESCALE") == "1" and timescale.usable() is None:
        raise pytest.UsageError("RUBI_REQUIRE_TIMESCALE=1, and there is no TimescaleDB here: ./rubi timescale install")


def pytest_collection_modifyitems(config, items):
    def rank(item):
        parts = Path(str(item.path)).relative_to(config.rootpath).parts
        return next((place for place, name in enumerate(ORDER) if name in parts), len(ORDER))

    items.sort(key=rank)  # stable: the cheap tests speak first


class Cluster:
    """A server on which tests may create and drop databases."""

    def __init__(self, superuser_url: str, owner_url: str, server: EmbeddedPostgres | None = None):
        self.superuser_url = superuser_url
        self.owner_url = owner_url
        self.server = server
        self.owner = urlsplit(owner_url).username

    async def _execute(self, statement: str) -> None:
        conn = await asyncpg.connect(self.superuser_url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def create(self, name: str, template: str | None = None) -> str:
        """Create a database that belongs to the application's user and return its URL."""
        from_template = f"TEMPLATE {template}" if template else ""
        if template and self.server is not None:
            # The whole template goes through the write-ahead log otherwise: 120 ms instead of 25. The checkpoints that
            # a copy of the files takes cost nothing without fsync.
            from_template += " STRATEGY FILE_COPY"
        await self._execute(f'CREATE DATABASE "{name}" OWNER "{self.owner}" {from_template}')
        return with_database(self.owner_url, name)

    async def drop(self, name: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A real PostgreSQL, with TimescaleDB where that is installed.

    RUBI_TEST_DATABASE_URL names one of the tester's own (a superuser's URL).
    """
    if own := os.environ.get("RUBI_TEST_DATABASE_URL"):
        yield Cluster(own, own)
        return
    folder = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(
        folder / "home",
        log=folder / "postgres.log",
        superuser_password=PASSWORD,
        password=PASSWORD,
        settings={
            "shared_buffers": "64MB",
            "max_connections": "200",
            "fsync": "off",  # a database lives for one test; what survives a crash is tested on the running stack
            "full_page_writes": "off",
        },
        edition="plain" if timescale.usable() is None else "timescale",
    )
    server.start()
    yield Cluster(server.url("postgres", superuser=True), server.url(), server)
    server.stop()


@pytest.fixture(scope="session")
async def template(cluster) -> str:
    """The name of a migrated database from which the others are cloned."""
    await cluster.drop(TEMPLATE)
    await migrate(await cluster.create(TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def new_database(cluster) -> AsyncIterator[type_of_new_database]:
    """Return a function that makes an empty database, or a clone of `template`, and returns its URL."""
    made = []

    async def make(template: str | None = None) -> str:
        name = f"rubi_test_{os.getpid()}_{next(numbers)}"
        made.append(name)
        return await cluster.create(name, template)

    yield make
    for name in made:
        await cluster.drop(name)


@pytest.fixture
async def dsn(new_database, template) -> str:
    """The URL of a fresh, migrated database of this test alone."""
    return await new_database(template)


@pytest.fixture
async def conn(dsn) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database of this test."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory) -> Iterator[EmbeddedRedis]:
    """A real Redis server."""
    folder = tmp_path_factory.mktemp("redis")
    server = EmbeddedRedis(folder / "home", log=folder / "redis.log", password=PASSWORD)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis_url(redis_server) -> str:
    """The URL of an empty Redis database; the stack of the acceptance tests has a server of its own."""
    return await emptied(redis_server)


@pytest.fixture(scope="module")
async def redis_url_of_module(redis_server) -> str:
    """The URL of a Redis database that is empty when a module begins: the last one's registrations are no limit."""
    return await emptied(redis_server)


async def emptied(server: EmbeddedRedis) -> str:
    client = redis.asyncio.from_url(server.url())
    await client.flushall()
    await client.aclose()
    return server.url()


@dataclass(frozen=True, slots=True)
class RunningStack:
    """`./rubi up` as a process: API, Celery worker, beat, Postgres and Redis, supervised as in real life."""

    url: str
    home: Path
    process: subprocess.Popen[str]

    @property
    def instance(self) -> Path:
        return self.home / "up"

    @property
    def database_url(self) -> str:
        """The database behind the API, for what cannot be seen from outside."""
        secrets = json.loads((self.instance / "secrets.json").read_text())
        state = json.loads((self.instance / "state.json").read_text())
        return f"postgresql://{OWNER}:{secrets['postgres_password']}@127.0.0.1:{state['postgres_port']}/rubi_trading"

    @property
    def redis_url(self) -> str:
        secrets = json.loads((self.instance / "secrets.json").read_text())
        state = json.loads((self.instance / "state.json").read_text())
        return f"redis://:{secrets['redis_password']}@127.0.0.1:{state['redis_port']}/0"

    def pid(self, name: str) -> int:
        """The pid that `api`, `worker`, `beat`, `redis` or `postgres` has now; a killed one is started again."""
        return {each.name: each.pid for each in read_records(self.instance / "processes.json")}[name]

    def log(self, name: str) -> str:
        return (self.instance / "logs" / f"{name}.log").read_text(errors="replace")


@contextmanager
def start_stack(folder: Path, **environment: str) -> Iterator[RunningStack]:
    """Run the whole service with data in `folder`, stop it at the end, also when that is the end of this process."""
    env = os.environ | {
        "PYTHONPATH": str(SOURCE_ROOT),
        "RUBI_HOME": str(folder),
        "LOG_FILE": str(folder / "rubi-studio.log"),
        "DATABASE_URL": "",  # present and empty: the developer's own .env is not used either
        "REDIS_URL": "",
        **environment,
    }
    command = [sys.executable, "-I", "-S", str(CHILD), "SIGTERM", str(os.getpid()), "-", "--"]
    command += [sys.executable, "-m", "rubi", "up", "--port", str(free_port())]
    with (folder / "supervisor.log").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        first = process.stdout.readline().split()
        if first[:1] != ["ready"]:
            process.wait(30)
            pytest.fail(f"the stack did not start: {(folder / 'supervisor.log').read_text()}")
        yield RunningStack(first[1], folder, process)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[RunningStack]:
    """The running service all acceptance tests share; each makes users of its own."""
    with start_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def new_stack(tmp_path_factory) -> Callable[..., AbstractContextManager[RunningStack]]:
    """Return a function that runs another service, for a test that breaks it or needs other settings."""

    def start(folder: Path | None = None, **environment: str) -> AbstractContextManager[RunningStack]:
        return start_stack(folder or tmp_path_factory.mktemp("stack"), **environment)

    return start


@pytest.fixture(scope="session")
def base_url(stack) -> str:
    return stack.url


@pytest.fixture
async def api(base_url) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(base_url=base_url, timeout=20, trust_env=False) as client:
        yield client


@dataclass(slots=True)
class Person:
    """A registered user and a client that carries the access token."""

    username: str
    password: str
    access_token: str
    client: httpx.AsyncClient

    async def token(self, scope: str, **more: object) -> str:
        """A long-lived token."""
        answer = await self.client.post("/api/v1/auth/tokens", json={"name": "of a test", "scope": scope, **more})
        assert answer.is_success, answer.text
        return answer.json()["token"]


@pytest.fixture
async def new_user(base_url) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """Return a function that registers a user over HTTP; `url` names another stack than the shared one."""
    clients = []

    async def make(url: str = base_url) -> Person:
        client = httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)
        clients.append(client)
        username = f"trader{next(numbers)}-{os.getpid()}-{uuid4().hex[:6]}"
        password = "SecurePassword123!"
        body = {"email": f"{username}@example.com", "username": username, "password": password}
        answer = await client.post("/api/v1/auth/register", json=body)
        assert answer.is_success, answer.text
        answer = await client.post("/api/v1/auth/login", json={"username": username, "password": password})
        assert answer.is_success, answer.text
        access = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {access}"
        return Person(username, password, access, client)

    yield make
    for client in clients:
        await client.aclose()
