"""The connection pool of a process."""

import pytest

from rubi.store import pool as pool_module
from rubi.store.pool import open_pool


async def test_an_exhausted_pool_gives_up_instead_of_hanging(dsn, monkeypatch):
    monkeypatch.setattr(pool_module._PatientPool.acquire, "__kwdefaults__", {"timeout": 0.2})
    pool = await open_pool(dsn, size=2, application="test")
    try:
        async with pool.acquire(), pool.acquire():
            with pytest.raises(TimeoutError):
                await pool.fetchval("SELECT 1")
    finally:
        await pool.close()


async def test_json_columns_are_values_and_times_are_utc(dsn):
    pool = await open_pool(dsn, size=2, application="test")
    try:
        assert await pool.fetchval("SELECT $1::jsonb", {"a": [1, None]}) == {"a": [1, None]}
        assert await pool.fetchval("SHOW timezone") == "UTC"
    finally:
        await pool.close()
