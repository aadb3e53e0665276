"""A backup: every row of every table as one transaction sees them, in one file that nobody else may read.

The file is a ZIP: `manifest.json`, and for each table its rows in the text form of COPY. It holds rows and no schema:
that is made by the migrations that the manifest names, on whatever edition and version of PostgreSQL it is put back.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from rubi import __version__
from rubi.store import backups
from rubi.store.backups import Fingerprint, Table, Wire

FORMAT = 1
MANIFEST = "manifest.json"
MODE = 0o600
_COMPRESSION = 3


class BackupError(Exception):
    """The backup cannot be made, read or restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One table in a backup; `last_number`: the largest that its identity had given, None without an identity."""

    table: Table
    fingerprint: Fingerprint
    last_number: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `migrations`: (version, name, checksum) of the schema its rows belong to."""

    made_at: datetime
    database: str
    server: str
    timescaledb: str | None
    migrations: tuple[tuple[int, str, str], ...]
    tables: tuple[Kept, ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(each.fingerprint.rows for each in self.tables)


async def write_backup(conn: Wire, path: Path, *, tell: Callable[[str], None], now: datetime) -> Manifest:
    """Back up the database of `conn` into the new file `path`, which appears when it is whole.

    Raises:
        BackupError: there is a file of that name, or the database was not made by migrations.

    """
    with _new_file(path) as file:
        return await _write(conn, file, tell, now)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else may read, and that has its name only when it is whole."""
    if path.exists():
        raise BackupError(f"{path} is there already: choose another name, or move it away")
    temporary = path.with_name(f"{path.name}.unfinished")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename it replaces nothing
    finally:
        with suppress(OSError):
            temporary.unlink()


async def _write(conn: Wire, file: IO[bytes], tell: Callable[[str], None], now: datetime) -> Manifest:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            if not await conn.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
                raise BackupError("the database has no record of migrations: ./rubi migrate first")
            ledger = await backups.migrations(conn)
            server = await conn.fetchrow(backups.SQL["server"])
            assert server is not None, "a SELECT of settings has one row"
            kept = []
            for table in await backups.tables(conn):
                told = await backups.fingerprint(conn, table)
                tell(f"{table.name}: {told.rows} rows")
                with archive.open(_member(table), "w", force_zip64=True) as member:

                    async def write(part: bytes, member: Any = member) -> None:
                        member.write(part)

                    await backups.copy_out(conn, table, write)
                kept.append((table, told))
            # Sequences know no snapshot: read last, they are at least as far as every row in the file.
            tables = [
                Kept(table, told, await backups.last_number(conn, table) if table.identity else None)
                for table, told in kept
            ]
        manifest = Manifest(now, server["database"], server["server"], server["timescaledb"], (*ledger,), (*tables,))
        archive.writestr(MANIFEST, json.dumps(_shown(manifest), indent=1))
    return manifest


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """What an opened backup says of itself.

    Raises:
        BackupError: it is no backup, or one of a newer format.

    """
    try:
        said = json.loads(archive.read(MANIFEST))
        if said["format"] > FORMAT:
            raise BackupError(f"the backup was made by {said['rubi']}, whose format is newer: update the code")
        return Manifest(
            made_at=datetime.fromisoformat(said["made_at"]).astimezone(UTC),
            database=said["database"],
            server=said["server"],
            timescaledb=said["timescaledb"],
            migrations=tuple((each[0], each[1], each[2]) for each in said["migrations"]),
            tables=tuple(
                Kept(
                    Table(each["name"], tuple(each["columns"]), each["identity"]),
                    Fingerprint(**each["fingerprint"]),
                    each["last_number"],
                )
                for each in said["tables"]
            ),
        )
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise BackupError(f"this is no backup of this service: {error}") from error


def open_backup(path: Path) -> zipfile.ZipFile:
    """Open a backup's file.

    Raises:
        BackupError: it cannot be read, or is cut off.

    """
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BackupError(f"{path} cannot be read as a backup: {error}") from error


def member_of(archive: zipfile.ZipFile, table: Table) -> Any:
    """The rows of a table, as an open file; its checksum is compared when it has been read to its end."""
    return archive.open(_member(table))


def _member(table: Table) -> str:
    return f"tables/{table.name}.copy"


def _shown(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "rubi": __version__,
        "made_at": manifest.made_at.isoformat(),
        "database": manifest.database,
        "server": manifest.server,
        "timescaledb": manifest.timescaledb,
        "migrations": manifest.migrations,
        "tables": [
            {
                "name": each.table.name,
                "columns": each.table.columns,
                "identity": each.table.identity,
                "fingerprint": asdict(each.fingerprint),
                "last_number": each.last_number,
            }
            for each in manifest.tables
        ],
    }
