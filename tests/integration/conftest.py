"""The application of one test."""

import pytest
from tests.serving import client_of, serving, settings_for


@pytest.fixture
async def app(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with client_of(app) as client:
        yield client
