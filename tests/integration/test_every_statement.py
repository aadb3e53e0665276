"""Every SQL statement of the store is understood by the database that the migrations make, and finds its rows there."""

import json
import re
from collections.abc import Iterator
from itertools import chain, combinations
from uuid import uuid4

import asyncpg
import pytest

from rubi.settings import SOURCE_ROOT
from rubi.store import telemetry, terminals
from rubi.store.risk_state import _LOOK_AT
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


WHOLE = {
    "restores.raise_epochs": {"accounts", "account_states"},
    "restores.revoke_tokens": {"tokens"},
    "switches.to_flatten": {"flattenings"},
    "vitals.gauges": {"accounts", "risk_accounts"},
    "vitals.loss_levels": {"risk_accounts"},
}
"""Statements that may read these tables from end to end: a row an account, or all of it is meant."""


async def test_no_statement_has_to_read_a_whole_table_that_grows(conn):
    found = {}
    async with conn.transaction():
        await conn.execute("SET LOCAL enable_seqscan = off")  # what is read whole now has no index to be found by
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for twin in [path.with_suffix(".py") for path in SOURCE_ROOT.glob("rubi/store/*.sql")]:
            for name, statement in statements(str(twin)).items():
                tables = set(_read_whole(await _plan(conn, statement)))
                if tables:
                    found[f"{twin.stem}.{name}"] = tables
    assert found == WHOLE


def test_what_may_be_asked_of_one_account_names_it_by_its_own_key():
    """In a plan that is made once, only that leads from one account to its rows and not from all of them to one."""
    found = {
        f"{path.stem}.{name}"
        for path in SOURCE_ROOT.glob("rubi/store/*.sql")
        for name, statement in statements(str(path.with_suffix(".py"))).items()
        if re.search(r"a\.user_id = \$1 AND .*::uuid IS NULL OR (?!a\.)\w+\.account_id = ", statement)
    }
    assert not found


async def test_the_api_plans_a_statement_once(ports):
    assert await ports.pool.fetchval("SHOW plan_cache_mode") == "force_generic_plan"


@pytest.mark.parametrize(
    "statement",
    [telemetry.SQL["facts"], telemetry.SQL["positions"], telemetry.SQL["working"], terminals.SQL["terminal"], _LOOK_AT],
)
async def test_what_is_read_of_one_terminal_or_several_is_not_planned_each_time(conn, statement):
    for _ in range(12):
        await conn.fetch(statement, [uuid4()])
    plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1"
    assert tuple(await conn.fetchrow(plans, statement)) == (5, 7)  # Postgres tries five times before it believes


async def _plan(conn: asyncpg.Connection, statement: str) -> object:
    prepared = await conn.prepare(statement)
    values = ", ".join(["NULL"] * len(prepared.get_parameters()))
    call = prepared.get_name() + (f"({values})" if values else "")
    return json.loads(await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {call}"))


def _read_whole(plan: object) -> Iterator[str]:
    if isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _read_whole(part)
