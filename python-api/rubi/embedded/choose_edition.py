"""Which PostgreSQL an instance runs on. The two are different major versions: neither reads the other's data folder."""

from collections.abc import Callable
from pathlib import Path

from rubi.embedded import timescale
from rubi.embedded.postgres import Edition

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
