"""Bring a database forward: numbered SQL files, each applied once, in order, and never changed afterwards."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from rubi.store.statements import split

FOLDER = Path(__file__).resolve().parents[3] / "database" / "migrations"
NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
NO_TRANSACTION = "-- no-transaction"
# Any number, the same in every runner: "RUBI" in ASCII.
ADVISORY_LOCK = 0x52554249
LOCK_TIMEOUT = "5s"
LOCK_ATTEMPTS = 6
LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database cannot be brought forward; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of database/migrations."""

    version: int
    name: str
    sql: str
    checksum: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.version:04}_{self.name}.sql"

    @property
    def transactional(self) -> bool:
        """False for a file whose first line says so, as CREATE INDEX CONCURRENTLY needs it."""
        return not self.sql.lstrip().startswith(NO_TRANSACTION)


def read_folder(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of a folder in order; raises MigrationError for a misnamed file or a number used twice."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_verb_what.sql")
        content = path.read_bytes()
        version = int(match[1])
        migration = Migration(version, match[2], content.decode(), hashlib.sha256(content).hexdigest())
        if version in found:
            raise MigrationError(f"{path.name} and {found[version].file} have the same number: renumber the newer one")
        found[version] = migration
    return list(found.values())


async def pending(
    conn: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy, folder: Path = FOLDER
) -> list[Migration]:
    """Return what `migrate` would apply; raises MigrationError when the ledger and the folder contradict each other."""
    if not await conn.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
        return read_folder(folder)
    rows = await conn.fetch("SELECT version, name, checksum FROM schema_migrations ORDER BY version")
    return _outstanding(read_folder(folder), {row["version"]: (row["name"], row["checksum"]) for row in rows})


async def migrate(
    dsn: str,
    folder: Path = FOLDER,
    *,
    adopt: bool = False,
    last: int | None = None,
    patience: float = 120.0,
    tell: Callable[[Migration], None] = lambda _migration: None,
) -> list[Migration]:
    """Apply what is outstanding and return it; several runners at once are fine, the later ones wait and find nothing.

    `adopt` records every file as applied without running it: for a database that was built from schema.sql.
    `last`: the number of the last file to apply, all when None. `patience`: seconds to wait for another runner.
    Raises MigrationError.
    """
    conn = await asyncpg.connect(dsn, server_settings={"application_name": "rubi migrate"}, command_timeout=None)
    try:
        await _take_turn(conn, patience)
        await conn.execute(LEDGER)
        outstanding = [each for each in await pending(conn, folder) if last is None or each.version <= last]
        if not adopt:
            await _refuse_unrecorded_tables(conn)
        for migration in outstanding:
            if adopt:
                await _record(conn, migration)
            else:
                await _apply(conn, migration)
            tell(migration)
        return outstanding
    finally:
        await conn.close()  # gives the advisory lock back, whatever happened


def _outstanding(files: list[Migration], ledger: dict[int, tuple[str, str]]) -> list[Migration]:
    known = {migration.version for migration in files}
    for version, (name, _checksum) in ledger.items():
        if version not in known:
            raise MigrationError(
                f"the database has migration {version:04}_{name}, which this checkout does not: update the code"
            )
    outstanding = []
    latest = max(ledger, default=0)
    for migration in files:
        if migration.version not in ledger:
            if migration.version < latest:
                raise MigrationError(
                    f"{migration.file} comes before {latest:04}, which is applied already: give it the next number"
                )
            outstanding.append(migration)
        elif ledger[migration.version][1] != migration.checksum:
            raise MigrationError(
                f"{migration.file} was changed after it had been applied: restore it and put the change in a new file"
            )
    return outstanding


async def _take_turn(conn: asyncpg.Connection, patience: float) -> None:
    # Polled: a session that blocks in pg_advisory_lock holds a snapshot, which CREATE INDEX CONCURRENTLY of the
    # runner before it waits for, and both wait for ever.
    deadline = asyncio.get_running_loop().time() + patience
    while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK):
        if asyncio.get_running_loop().time() > deadline:
            pid = await conn.fetchval(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted", ADVISORY_LOCK
            )
            raise MigrationError(
                f"another migration has been running for more than {patience:.0f} s (server process {pid}): "
                f"wait for it, or end it with SELECT pg_terminate_backend({pid})"
            )
        await asyncio.sleep(0.1)


async def _refuse_unrecorded_tables(conn: asyncpg.Connection) -> None:
    built_by_hand = await conn.fetchval(
        "SELECT to_regclass('trading_signals') IS NOT NULL AND NOT EXISTS (SELECT FROM schema_migrations)"
    )
    if built_by_hand:
        raise MigrationError(
            "the tables are there, but no migration is recorded: the database was built from schema.sql. "
            "Run `./rubi migrate --adopt` once to record that"
        )


async def _apply(conn: asyncpg.Connection, migration: Migration) -> None:
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            if migration.transactional:
                async with conn.transaction():
                    await conn.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                    await conn.execute(migration.sql)
                    await _record(conn, migration)
            else:
                await _apply_statement_by_statement(conn, migration)
        except asyncpg.LockNotAvailableError as error:
            if attempt == LOCK_ATTEMPTS:
                raise MigrationError(
                    f"{migration.file} waited {attempt} × {LOCK_TIMEOUT} for a lock and gave up: "
                    "a long transaction holds the table; end it and migrate again"
                ) from error
            await asyncio.sleep(attempt * 0.5)
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{migration.file}: {_where(migration, error)}") from error
        else:
            return


async def _apply_statement_by_statement(conn: asyncpg.Connection, migration: Migration) -> None:
    """Run a no-transaction file; one that fails half-way is run again from its start, so it says IF NOT EXISTS."""
    await conn.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        for statement in split(migration.sql):
            await conn.execute(statement)
        await _record(conn, migration)
    finally:
        await conn.execute("RESET lock_timeout")


async def _record(conn: asyncpg.Connection, migration: Migration) -> None:
    await conn.execute(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
        migration.version,
        migration.name,
        migration.checksum,
    )


def _where(migration: Migration, error: asyncpg.PostgresError) -> str:
    details = error.as_dict()
    position = int(details.get("position") or 0)
    line = f" (line {migration.sql.count(chr(10), 0, position) + 1})" if position and migration.transactional else ""
    hint = f" {details['hint']}" if details.get("hint") else ""
    return f"{details.get('message', error)}{line}.{hint}"
