"""schema.sql and the migrations must give one and the same database."""

import asyncio
from difflib import unified_diff
from pathlib import Path

from rubi.embedded.postgres import EmbeddedPostgres
from rubi.store.migrations import FOLDER, migrate

SCHEMA = FOLDER.parent / "schema.sql"
LEDGER_TABLE = "schema_migrations"


def differences(server: EmbeddedPostgres, folder: Path = FOLDER, schema: Path = SCHEMA) -> list[str]:
    """Build one database each way and return how their catalogs differ, as the lines of a diff; empty when equal."""
    read, walked = "from_schema_sql", "from_migrations"
    for database in (read, walked):
        server.make_database(database)
    server.psql("-qX", "-v", "ON_ERROR_STOP=1", "-f", str(schema), database=read)
    asyncio.run(migrate(server.url(walked), folder))
    return list(unified_diff(_catalog(server, read), _catalog(server, walked), read, walked, lineterm="", n=2))


def _catalog(server: EmbeddedPostgres, database: str) -> list[str]:
    dump = server.run("pg_dump", "--schema-only", f"--exclude-table={LEDGER_TABLE}", database=database)
    return normalise(dump)


def normalise(dump: str) -> list[str]:
    r"""Return the statements of a pg_dump without comments, blank lines and \-commands, columns in order of name.

    The order of columns may differ: a migration can only append, schema.sql is written for the reader.
    """
    lines: list[str] = []
    columns: list[str] | None = None
    for line in dump.splitlines():
        if not line.strip() or line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config")):
            continue
        if columns is None:
            lines.append(line)
            if line.startswith("CREATE TABLE ") and line.endswith("("):
                columns = []
        elif line.startswith(")"):
            lines += [*sorted(columns), line]
            columns = None
        else:
            columns.append(line.rstrip(","))
    return lines
