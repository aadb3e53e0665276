"""`backup` and `restore`: the whole database in one file, and back."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rubi.cli.errors import CommandError

if TYPE_CHECKING:
    from rubi.embedded.postgres import EmbeddedPostgres
    from rubi.flows.back_up import Manifest
    from rubi.flows.restore_backup import Restored

INSTANCE = "up"
RESTORING = "rubi_restoring"

Instance = Annotated[str, typer.Option(help="Which stack of this clone; DATABASE_URL comes before it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path | None, typer.Argument(help="A new file; named by the time when left out.")] = None,
    verify: Annotated[
        bool, typer.Option(help="Restore it into a database for a moment, and compare every table.")
    ] = True,
    scratch: Annotated[
        str | None,
        typer.Option(help="URL of an empty database to verify with, where no embedded server is installed."),
    ] = None,
    instance: Instance = INSTANCE,
) -> None:
    """Back up the database into a file of mode 0600: of DATABASE_URL, else of this clone, running or not."""
    from rubi.cli.running import progress
    from rubi.flows.back_up import write_backup
    from rubi.store import backups

    now = datetime.now(UTC)
    path = file or Path(f"rubi-{now:%Y%m%dT%H%M%SZ}.backup")

    async def write(dsn: str) -> "Manifest":
        conn = await backups.connect(dsn)
        try:
            return await write_backup(conn, path, tell=progress, now=now)
        finally:
            await conn.close()

    with _source(instance) as dsn:
        manifest = asyncio.run(write(dsn))
    if verify:
        _verify(path, scratch)
    size = path.stat().st_size
    print(f"{path}: {manifest.rows} rows of {len(manifest.tables)} tables, {size} bytes")
    print("restored once and compared: equal" if verify else "not verified")
    print("The file holds password hashes and every trade: keep it as you keep the secrets. JWT_SECRET is not in it.")


def restore(
    file: Annotated[Path, typer.Argument(help="What `rubi backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="This clone's database has data: keep it under another name.")
    ] = False,
    instance: Instance = INSTANCE,
) -> None:
    """Restore into an empty database: of DATABASE_URL, else of this clone, stopped. Trading is halted afterwards."""
    from rubi.cli.own_settings import own_settings
    from rubi.cli.running import progress
    from rubi.flows.restore_backup import restore_backup

    now = datetime.now(UTC)
    if own := own_settings().get("DATABASE_URL"):
        told = asyncio.run(restore_backup(file, own, tell=progress, now=now))
    else:
        told = _restore_here(file, instance, replace, now)
    _tell(told)


def _restore_here(file: Path, instance: str, replace: bool, now: datetime) -> "Restored":
    from rubi.cli.running import progress
    from rubi.embedded.postgres import DATABASE
    from rubi.flows.restore_backup import restore_backup

    with _alone(instance) as server:
        has_people = server.psql("-qXAt", "-c", "SELECT to_regclass('users') IS NOT NULL").strip() == "t"
        if has_people and not replace:
            has_people = server.psql("-qXAt", "-c", "SELECT EXISTS (SELECT FROM users)").strip() == "t"
            if has_people:
                raise CommandError("this clone's database has people in it: --replace keeps it under another name")
        server.drop_database(RESTORING)  # of a restore that was killed
        server.make_database(RESTORING)
        told = asyncio.run(restore_backup(file, server.url(RESTORING), tell=progress, now=now))
        before = f"{DATABASE}_until_{now:%Y%m%dT%H%M%S}".lower()
        server.rename_database(DATABASE, before)
        server.rename_database(RESTORING, DATABASE)
        progress(f"what was there before is kept as the database {before}")
    return told


def _verify(path: Path, scratch: str | None) -> None:
    from rubi.cli.running import progress
    from rubi.embedded.binaries import NotInstalledError
    from rubi.embedded.postgres import EmbeddedPostgres
    from rubi.flows.restore_backup import verify_backup

    def quietly(_: str) -> None:
        return

    progress("verifying: restoring it into a database of its own")
    if scratch is not None:
        asyncio.run(verify_backup(path, scratch, tell=quietly))
        return
    with tempfile.TemporaryDirectory(prefix="rubi-verify-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "home", folder / "postgres.log", "for-a-moment", "for-a-moment")
        try:
            server.start()
        except NotInstalledError as error:
            raise CommandError(
                f"{path} is written and not verified: no embedded server is installed here. Give an empty database with"
                " --scratch, or --no-verify"
            ) from error
        try:
            asyncio.run(verify_backup(path, server.url(), tell=quietly))
        finally:
            server.stop()


@contextmanager
def _source(instance: str) -> Iterator[str]:
    """The database to back up: the caller's own, a running instance's, or one that is started for it."""
    from rubi.cli.overview import database_url
    from rubi.cli.own_settings import own_settings
    from rubi.embedded.instance import home, instances

    if own := own_settings().get("DATABASE_URL"):
        yield own
        return
    running = {seen.name: database_url(seen) for seen in instances() if seen.running}
    if dsn := running.get(instance):
        yield dsn
        return
    if not (home() / instance).is_dir():
        raise CommandError(f"there is no instance {instance} in this clone, and DATABASE_URL is not set")
    with _alone(instance) as server:
        yield server.url()


@contextmanager
def _alone(instance: str) -> Iterator["EmbeddedPostgres"]:
    """The database server of a stopped instance, and nothing else of it."""
    from rubi.cli.running import progress
    from rubi.embedded.choose_edition import postgres_of
    from rubi.embedded.instance import claim

    claimed = claim(instance)
    try:
        server = postgres_of(claimed, disposable=False, tell=progress)
        try:
            server.start()
            assert server.process is not None
            claimed.started("postgres", server.process.pid)
            yield server
        finally:
            server.stop()
            claimed.ended("postgres")
    finally:
        claimed.release()


def _tell(done: "Restored") -> None:
    made_at = f"{done.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
    print(f"restored: {done.manifest.rows} rows as of {made_at}; {done.users} users, {done.accounts} accounts")
    print("TRADING IS HALTED for everybody. Before somebody resumes it:")
    print(
        f"  - {done.tokens_revoked} logins and tokens were revoked, since some may have been revoked after the backup."
    )
    print("    Log in again, and make a new token for every terminal and program (./rubi token create, or the page).")
    print("    Passwords are those of the backup: whoever changed one since changes it again.")
    print(
        f"  - {done.orders_unknown} orders were under way: their fate is UNKNOWN until a journal, the books or a person"
    )
    print(
        f"    settle it. {done.signals_ended} undecided signals and {done.plans_ended} plans of positions were ended."
    )
    print("  - Connect every terminal: its books and deals are read, and nothing opens before. Look at the positions:")
    print("    those that were opened after the backup appear as EXTERNAL.")
    print("  - Orders and signals are numbered far beyond those that terminals remember.")
    print("Then resume, each user for himself: the page, or POST /api/v1/accounts/resume with a reason.")
