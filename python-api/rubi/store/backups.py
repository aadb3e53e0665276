"""The tables as a backup sees them: in the order in which they can be filled again, each with its fingerprint."""

from collections.abc import AsyncIterable, Callable, Coroutine
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TypeAlias

import asyncpg

from rubi.store.pool import speak_json
from rubi.store.sql import statements

SQL = statements(__file__)
LEDGER = "schema_migrations"

Wire: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection of our own: a pool's ends its statements after seconds."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name, and the one whose numbers the database gives."""

    name: str
    columns: tuple[str, ...]
    identity: str | None

    @property
    def selected(self) -> str:
        """The SELECT of everything in it."""
        return f"SELECT {', '.join(map(quoted, self.columns))} FROM {quoted(self.name)}"  # noqa: S608 - names out of the catalog, quoted


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How many rows, and the sum of a digest of each: equal for equal rows, whatever their order."""

    rows: int
    digests: str


async def connect(dsn: str) -> Wire:
    """Connect for as long as it takes; values are written the same way by every server.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached or refuses.

    """
    connection: Wire = await asyncpg.connect(
        dsn,
        timeout=10,
        command_timeout=None,
        server_settings={
            "application_name": "rubi-backup",
            "timezone": "UTC",
            "datestyle": "ISO, YMD",
            "intervalstyle": "postgres",
            "bytea_output": "hex",
            "extra_float_digits": "1",
            "statement_timeout": "0",
            "idle_in_transaction_session_timeout": "0",
            "lock_timeout": "60000",
        },
    )
    await speak_json(connection)
    return connection


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


async def tables(conn: Wire) -> list[Table]:
    """Every table of ours but the ledger of migrations; what is referred to comes before what refers to it."""
    found = {
        row["name"]: Table(row["name"], tuple(row["columns"]), row["identity"])
        for row in await conn.fetch(SQL["tables"])
        if row["name"] != LEDGER
    }
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(found, ()))
    for row in await conn.fetch(SQL["references"]):
        if row["name"] in found and row["needs"] in found:
            order.add(row["name"], row["needs"])
    return [found[name] for name in order.static_order()]


async def migrations(conn: Wire) -> list[tuple[int, str, str]]:
    """What the ledger says: (version, name, checksum)."""
    return [(row["version"], row["name"], row["checksum"]) for row in await conn.fetch(SQL["migrations"])]


async def fingerprint(conn: Wire, table: Table) -> Fingerprint:
    """Read the whole table for its fingerprint."""
    row = await conn.fetchrow(
        f"SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text AS digests"  # noqa: S608 - names out of the catalog, quoted
        f" FROM ({table.selected}) t"
    )
    assert row is not None, "an aggregate has one row"
    return Fingerprint(row["rows"], row["digests"])


async def last_number(conn: Wire, table: Table) -> int:
    """The largest number that the table's identity has ever given, 0 before the first."""
    sequence = await _sequence(conn, table)
    given = await conn.fetchrow(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - a name out of the catalog
    assert given is not None, "a sequence has one row"
    return given["last_value"] if given["is_called"] else 0


async def give_from(conn: Wire, table: Table, number: int) -> None:
    """Have the table's identity give `number` next."""
    await conn.execute(f"SELECT setval('{await _sequence(conn, table)}', {number:d}, false)")


async def _sequence(conn: Wire, table: Table) -> str:
    name: str = await conn.fetchval("SELECT pg_get_serial_sequence($1, $2)", quoted(table.name), table.identity)
    return name


async def copy_out(conn: Wire, table: Table, write: Callable[[bytes], Coroutine[None, None, None]]) -> None:
    """Give every row to `write`, in PostgreSQL's own text form."""
    await conn.copy_from_query(table.selected, output=write, format="text")


async def copy_in(conn: Wire, table: Table, source: AsyncIterable[bytes]) -> None:
    """Fill the table with rows as `copy_out` gave them; the columns are those of `table`."""
    await conn.copy_to_table(table.name, source=source, columns=list(table.columns), format="text")
