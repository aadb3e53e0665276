"""Which PostgreSQL an instance runs on. The two are different major versions: neither reads the other's data folder."""

from collections.abc import Callable
from pathlib import Path

from rubi.embedded import timescale
from rubi.embedded.instance import Instance
from rubi.embedded.postgres import Edition, EmbeddedPostgres
from rubi.embedded.secret_file import load_or_make

HOMES: dict[Edition, str] = {"plain": "postgres", "timescale": "postgres-timescale"}


class EditionError(RuntimeError):
    """The data of an instance is in an edition that cannot be started; the message says what to do."""


def choose_edition(folder: Path, *, disposable: bool, tell: Callable[[str], None]) -> Edition:
    """Return the edition for the instance in `folder`: where its data is, and TimescaleDB for a new one that can.

    `disposable`: each run begins anew (the demo), so it never has to stay where it was. Raises EditionError.
    """
    can = timescale.usable() is not None
    best: Edition = "timescale" if can else "plain"
    if disposable:
        return best
    has = {edition: (folder / name / "data" / "PG_VERSION").exists() for edition, name in HOMES.items()}
    if has["timescale"] and not can and not has["plain"]:
        cure = "leave RUBI_TIMESCALE=0 out" if timescale.switched_off() else "./rubi timescale install"
        raise EditionError(
            f"the data of this instance is in {folder / HOMES['timescale']}, which needs TimescaleDB: {cure}"
        )
    if has["plain"] and can and not has["timescale"]:
        tell(f"the data of this instance is in {folder / HOMES['plain']}: it stays on plain PostgreSQL")
        return "plain"
    return best


def postgres_of(instance: Instance, *, disposable: bool, tell: Callable[[str], None]) -> EmbeddedPostgres:
    """Return the server of a claimed instance, to be started. Raises EditionError."""
    edition = choose_edition(instance.folder, disposable=disposable, tell=tell)
    secrets = load_or_make(instance.folder / "secrets.json")
    tell("starting PostgreSQL" + (" with TimescaleDB" if edition == "timescale" else ""))
    return EmbeddedPostgres(
        instance.folder / HOMES[edition],
        log=instance.logs / "postgres.log",
        superuser_password=secrets.postgres_superuser_password,
        password=secrets.postgres_password,
        edition=edition,
    )
