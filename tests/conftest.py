"""What tests need that is real: Postgres, Redis, databases made in milliseconds from one migrated template."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import redis.asyncio

from rubi.embedded.postgres import OWNER, EmbeddedPostgres
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

    async def _execute(self, statement: str) -> None:
        conn = await asyncpg.connect(self.superuser_url)
        try:
            await conn.execute(statement)
        finally:
            await conn.close()

    async def create(self, name: str, template: str | None = None) -> str:
        """Create a database that belongs to the application's user and return its URL."""
        from_template = f"TEMPLATE {template}" if template else ""
        await self._execute(f'CREATE DATABASE "{name}" OWNER {OWNER} {from_template}')
        return with_database(self.owner_url, name)

    async def drop(self, name: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A real PostgreSQL; RUBI_TEST_DATABASE_URL names one of the tester's own (a superuser's URL)."""
    if own := os.environ.get("RUBI_TEST_DATABASE_URL"):
        yield Cluster(own, own)
        return
    folder = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(
        folder / "home",
        log=folder / "postgres.log",
        superuser_password=PASSWORD,
        password=PASSWORD,
        settings={"shared_buffers": "64MB", "max_connections": "200"},
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
    client = redis.asyncio.from_url(redis_server.url())
    await client.flushall()
    await client.aclose()
    return redis_server.url()
