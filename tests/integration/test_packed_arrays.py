"""Arrays that are packed in one step are the same to Postgres as those that asyncpg encodes."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from rubi.store.packed_arrays import pack_arrays
from rubi.store.pool import open_connection

NOW = datetime(2026, 11, 28, 12, 30, 15, 123456, tzinfo=UTC)
VALUES = {
    "float8": [0.0, -0.0, 1.1, -1e308, 5e-324, 1e15, float("inf")],
    "int8": [0, -1, 2**63 - 1, -(2**63)],
    "int4": [0, -1, 2**31 - 1, -(2**31)],
    "bool": [True, False],
    "text": ["", "EURUSD", "ä€𝄞", "x" * 300, 'a "quoted", {one}'],
    "bytea": [b"", b"\0\xff", b"x" * 32],
    "timestamptz": [
        NOW,
        NOW + timedelta(microseconds=1),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
    "uuid": [uuid4(), uuid4()],
}


@pytest.fixture
async def packing(dsn):
    connection = await open_connection(dsn, application="packing")
    pack_arrays(connection)
    yield connection
    await connection.close()


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("holes", [False, True])
async def test_a_packed_array_is_the_one_that_asyncpg_sends(packing, conn, kind, count, holes):
    some = VALUES[kind]
    told = [None if holes and n % 3 == 1 else some[n % len(some)] for n in range(count)]
    question = f"SELECT $1::{kind}[]::text, cardinality($1::{kind}[])"
    assert await packing.fetchrow(question, told) == await conn.fetchrow(question, told)
    assert await packing.fetchrow(question, tuple(told)) == await conn.fetchrow(question, told)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int4", 2**31), ("int8", 2**63), ("float8", "1"), ("text", 1), ("timestamptz", 5), ("uuid", "x")],
)
async def test_what_does_not_fit_is_refused_before_it_is_sent(packing, kind, value):
    with pytest.raises(asyncpg.DataError):
        await packing.fetchval(f"SELECT $1::{kind}[]", [value])
    assert await packing.fetchval("SELECT 1") == 1


async def test_no_array_is_refused(packing):
    with pytest.raises(asyncpg.DataError):
        await packing.fetchval("SELECT $1::int8[]", 5)
