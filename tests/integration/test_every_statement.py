"""Every SQL statement of the store is understood by the database that the migrations make."""

from itertools import chain, combinations

import asyncpg

from rubi.settings import SOURCE_ROOT
from rubi.store.sql import statements
from rubi.store.telemetry import statement_of

PARTS = ("cycles", "money", "marks", "memories", "quotes", "bars")


async def test_every_statement_can_be_prepared(conn):
    wrong = {}
    twins = [path.with_suffix(".py") for path in SOURCE_ROOT.glob("rubi/**/*.sql")]
    for twin in twins:
        for name, statement in statements(str(twin)).items():
            try:
                await conn.prepare(statement)
            except asyncpg.PostgresError as error:
                wrong[f"{twin.stem}.{name}"] = str(error)
    assert len(twins) > 5
    assert not wrong


async def test_a_batch_of_any_parts_is_understood_too(conn):
    every = chain.from_iterable(combinations(PARTS, number) for number in range(len(PARTS) + 1))
    texts = set()
    for parts in map(frozenset, every):
        statement, numbers = statement_of(parts)
        prepared = await conn.prepare(statement)
        assert len(prepared.get_parameters()) == len(numbers)
        texts.add(statement)
    assert len(texts) == 2 ** len(PARTS)  # each part is one of the statement's
    assert numbers == tuple(range(1, 65))  # the last one brings everything
