"""Migrations: once each, in order, never changed; together they are schema.sql."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from rubi.embedded.schema_diff import differences, normalise
from rubi.store.migrations import ADVISORY_LOCK, FOLDER, MigrationError, migrate, pending, read_folder

INSTALL = FOLDER.parent / "install_database.sh"


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "0001_create_pets.sql").write_text("CREATE TABLE pets (id int PRIMARY KEY, name text);")
    (tmp_path / "0002_add_age.sql").write_text("ALTER TABLE pets ADD age int;")
    return tmp_path


@pytest.fixture
async def empty(new_database) -> str:
    return await new_database()


async def ask(dsn, query, *arguments):
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query, *arguments)
    finally:
        await conn.close()


async def test_schema_sql_and_the_migrations_give_the_same_database(cluster):
    if cluster.server is None:
        pytest.skip("compares on the embedded server")
    assert await asyncio.to_thread(differences, cluster.server) == []


def test_a_difference_in_type_default_or_index_is_seen():
    dump = "CREATE TABLE public.t (\n    b integer,\n    a text DEFAULT 'x'\n);\nCREATE INDEX i ON public.t (a);\n"
    swapped = "CREATE TABLE public.t (\n    a text DEFAULT 'x',\n    b integer\n);\nCREATE INDEX i ON public.t (a);\n"
    assert normalise(dump) == normalise("-- a comment\n\n\\restrict x\n" + swapped)
    for old, new in (("integer", "bigint"), ("'x'", "'y'"), ("(a)", "(b)")):
        assert normalise(dump) != normalise(dump.replace(old, new))


async def test_each_file_is_applied_once_and_recorded(empty, folder):
    assert [done.file for done in await migrate(empty, folder)] == ["0001_create_pets.sql", "0002_add_age.sql"]
    assert await migrate(empty, folder) == []
    assert await ask(empty, "SELECT array_agg(version ORDER BY version) FROM schema_migrations") == [1, 2]
    recorded = await ask(empty, "SELECT checksum FROM schema_migrations WHERE version = 2")
    assert recorded == hashlib.sha256((folder / "0002_add_age.sql").read_bytes()).hexdigest()


async def test_a_file_changed_after_it_was_applied_is_refused_by_name(empty, folder):
    await migrate(empty, folder)
    (folder / "0002_add_age.sql").write_text("ALTER TABLE pets ADD age bigint;")
    with pytest.raises(MigrationError, match=r"0002_add_age\.sql was changed"):
        await migrate(empty, folder)


async def test_a_failing_file_leaves_nothing_and_names_its_line(empty, folder):
    (folder / "0003_break.sql").write_text("CREATE TABLE half (id int);\nSELECT nonsense;")
    with pytest.raises(MigrationError, match=r'0003_break\.sql: column "nonsense" does not exist \(line 2\)'):
        await migrate(empty, folder)
    assert await ask(empty, "SELECT to_regclass('half')") is None
    assert await ask(empty, "SELECT max(version) FROM schema_migrations") == 2


async def test_ten_runners_at_once_apply_each_file_once(empty, folder):
    done = await asyncio.gather(*(migrate(empty, folder) for _runner in range(10)))
    assert sorted(migration.version for applied in done for migration in applied) == [1, 2]


async def test_an_index_is_built_concurrently_while_another_runner_waits(empty, folder):
    (folder / "0003_index_pets.sql").write_text(
        "-- no-transaction\n"
        "CREATE INDEX CONCURRENTLY pets_name ON pets (name);\nCREATE INDEX CONCURRENTLY pets_age ON pets (age);"
    )
    done = await asyncio.gather(*(migrate(empty, folder) for _runner in range(3)))
    assert sorted(len(applied) for applied in done) == [0, 0, 3]
    assert await ask(empty, "SELECT count(*) FROM pg_index WHERE indrelid = 'pets'::regclass AND indisvalid") == 3


async def test_a_runner_that_waits_too_long_names_the_one_before_it(empty, folder):
    holder = await asyncpg.connect(empty)
    await holder.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
    try:
        with pytest.raises(MigrationError, match=rf"server process {holder.get_server_pid()}"):
            await migrate(empty, folder, patience=0.3)
    finally:
        await holder.close()


async def test_a_held_table_delays_a_migration_and_does_not_break_it(empty, folder):
    await migrate(empty, folder)
    (folder / "0003_drop_age.sql").write_text("ALTER TABLE pets DROP age;")
    holder = await asyncpg.connect(empty)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE pets IN ACCESS SHARE MODE")
    running = asyncio.create_task(migrate(empty, folder))
    await asyncio.sleep(5.6)  # longer than one lock_timeout
    await transaction.rollback()
    await holder.close()
    assert [done.version for done in await running] == [3]


async def test_a_database_newer_than_the_code_is_refused(empty, folder):
    await migrate(empty, folder)
    (folder / "0002_add_age.sql").unlink()
    with pytest.raises(MigrationError, match="0002_add_age, which this checkout does not"):
        await migrate(empty, folder)


async def test_a_number_that_comes_too_late_is_refused(empty, folder):
    (folder / "0002_add_age.sql").rename(folder / "0003_add_age.sql")
    await migrate(empty, folder)
    (folder / "0002_add_weight.sql").write_text("ALTER TABLE pets ADD weight int;")
    with pytest.raises(MigrationError, match=r"0002_add_weight\.sql comes before 0003"):
        await migrate(empty, folder)


def test_misnamed_and_doubled_numbers_are_refused(folder):
    (folder / "0002_other.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="the same number"):
        read_folder(folder)
    (folder / "0002_other.sql").rename(folder / "fix.sql")
    with pytest.raises(MigrationError, match=r"fix\.sql: a migration is named"):
        read_folder(folder)


async def test_a_database_built_from_schema_sql_is_adopted_on_request_only(cluster, empty):
    if cluster.server is None:
        pytest.skip("needs the embedded psql")
    name = empty.rpartition("/")[2]
    cluster.server.psql("-qX", "-f", str(FOLDER.parent / "schema.sql"), database=name)
    with pytest.raises(MigrationError, match="--adopt"):
        await migrate(empty)
    assert await migrate(empty, adopt=True) == read_folder()
    assert await migrate(empty) == []


@pytest.mark.skipif(shutil.which("psql") is None, reason="the script is for machines with a psql")
async def test_the_install_script_gives_a_database_the_runner_agrees_with(cluster):
    password = 'it\'s "quoted" $(x) \\ ünd'
    if cluster.server is None:
        pytest.skip("creates roles: the embedded server only")
    environment = os.environ | {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster.server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": cluster.server.superuser_password,
        "RUBI_DATABASE": "rubi_installed",
        "RUBI_USER": "rubi_installer",
    }
    for _twice in range(2):
        run = await asyncio.to_thread(
            subprocess.run, [INSTALL, password], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        assert password not in run.stdout + run.stderr
    conn = await asyncpg.connect(
        host="127.0.0.1", port=cluster.server.port, user="rubi_installer", password=password, database="rubi_installed"
    )
    try:
        assert await pending(conn) == []
        await conn.fetch("SELECT * FROM trading_signals")
        assert await conn.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'users'") == "rubi_installer"
    finally:
        await conn.close()
