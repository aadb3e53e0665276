"""`timescale`: a real TimescaleDB beside the clone."""

import time
from typing import Annotated

import typer

timescale = typer.Typer(help="TimescaleDB for demo, up and test.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(timescale, name="timescale")


@timescale.callback()
def _group() -> None:
    """TimescaleDB for demo, up and test."""


@timescale.command()
def install(
    patience: Annotated[int | None, typer.Option(min=1, help="Give up after so many seconds.")] = None,
) -> None:
    """Put TimescaleDB under .rubi/timescale, out of Debian's packages; needs no root, changes nothing else."""
    from rubi.cli.running import progress
    from rubi.embedded.install_timescale import install_timescale

    began = time.monotonic()
    done = install_timescale(progress, patience=patience)
    seconds = time.monotonic() - began
    editions = f"TimescaleDB {done.timescaledb} (Apache edition) on PostgreSQL {done.postgres}"
    print(f"{editions}: {done.prefix} ({seconds:.0f} s)")
    print("demo, up and test use it from now on; RUBI_TIMESCALE=0 keeps them on plain PostgreSQL")
