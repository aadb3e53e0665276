"""`migrate`: bring a database forward."""

import asyncio
from typing import Annotated

import typer

from rubi.cli.errors import CommandError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(migrate)


def migrate(
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Record every migration as applied: the database was built from schema.sql.")
    ] = False,
) -> None:
    """Apply the migrations that are new to the database of DATABASE_URL. Embedded databases do it at each start."""
    from rubi.cli.own_settings import own_settings
    from rubi.store import migrations

    dsn = own_settings().get("DATABASE_URL")
    if dsn is None:
        raise CommandError(
            "DATABASE_URL is not set: `./rubi up` and `./rubi demo` bring the embedded database forward themselves"
        )
    verb = "recorded" if adopt else "applied"
    try:
        done = asyncio.run(migrations.migrate(dsn, adopt=adopt, tell=lambda each: print(f"{verb} {each.file}")))
    except OSError as error:
        raise CommandError(f"the database of DATABASE_URL does not answer: {error}") from error
    if not done:
        print("nothing to apply, the database is up to date")
