"""The connection pool of a process."""

import asyncio

import pytest

from rubi.settings import SOURCE_ROOT
from rubi.store import pool as pool_module
from rubi.store.pool import open_pool
from rubi.store.sql import statements


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


@pytest.mark.parametrize(("planned_once", "plans"), [(True, (0, 12)), (False, (12, 0))])
async def test_a_statement_may_be_planned_once_whatever_it_is_asked(dsn, planned_once, plans):
    text = "SELECT count(*) FROM accounts WHERE id = ANY ($1::uuid[]) AND server > $2"
    pool = await open_pool(dsn, size=1, application="test", planned_once=planned_once)
    try:
        for asked in range(12):
            await pool.fetchval(text, [], str(asked))
        counted = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1"
        assert tuple(await pool.fetchrow(counted, text)) == plans
    finally:
        await pool.close()


async def test_what_is_asked_rarely_finds_its_connection_and_its_statement_as_it_left_them(dsn, monkeypatch):
    loop = asyncio.get_running_loop()
    later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda delay, *do, **how: later(0 if delay >= 60 else delay, *do, **how))
    pool = await open_pool(dsn, size=1, application="test")
    try:
        async with pool.acquire() as conn:
            backend = await conn.fetchval("SELECT pg_backend_pid()")
            await conn.fetchval("SELECT 1 + $1", 1)
        await asyncio.sleep(0.05)  # whatever was to happen after a minute or more has happened
        assert await pool.fetchval("SELECT pg_backend_pid()") == backend
        prepared = await pool.fetch("SELECT statement FROM pg_prepared_statements")
        assert "SELECT 1 + $1" in {row["statement"] for row in prepared}
    finally:
        await pool.close()


def test_every_statement_of_the_store_can_stay_prepared_on_one_connection():
    twins = [path.with_suffix(".py") for path in SOURCE_ROOT.glob("rubi/**/*.sql")]
    assert 200 < sum(len(statements(str(twin))) for twin in twins) < pool_module.STATEMENTS
