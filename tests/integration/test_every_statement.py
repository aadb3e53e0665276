"""Every SQL statement of the store is understood by the database that the migrations make."""

import asyncpg

from rubi.settings import SOURCE_ROOT
from rubi.store.sql import statements


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
