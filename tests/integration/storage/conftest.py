"""Both editions: every test of this folder runs on plain PostgreSQL and on TimescaleDB where that is installed."""

import pytest
from tests.conftest import PASSWORD, TEMPLATE, Cluster
from tests.desk import open_ports, seat

from rubi.embedded import timescale
from rubi.embedded.postgres import EmbeddedPostgres
from rubi.store.migrations import migrate


@pytest.fixture(scope="session", params=["plain", "timescale"])
def cluster(request, tmp_path_factory):
    edition = request.param
    if edition == "timescale" and timescale.usable() is None:
        pytest.skip("TimescaleDB is not installed: ./rubi timescale install")
    folder = tmp_path_factory.mktemp(edition)
    server = EmbeddedPostgres(
        folder / "home",
        log=folder / "postgres.log",
        superuser_password=PASSWORD,
        password=PASSWORD,
        settings={"shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off"},
        edition=edition,
    )
    server.start()
    yield Cluster(server.url("postgres", superuser=True), server.url(), server)
    server.stop()


@pytest.fixture(scope="session")
async def template(cluster):
    await cluster.drop(TEMPLATE)
    await migrate(await cluster.create(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def edition(cluster):
    return cluster.server.edition


@pytest.fixture
async def ports(dsn, redis_url):
    ports, _rung, client = await open_ports(dsn, redis_url)
    yield ports
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()


@pytest.fixture
async def desk(ports):
    return await seat(ports)
