"""TimescaleDB beside the clone: where it lies, whether it can be used here.

PostgreSQL 17 with TimescaleDB, as Debian builds them, unpacked by `./rubi timescale install` into a folder of its own.
Nothing of it is installed into the machine, and the machine's libraries are not used.
"""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rubi.embedded import process
from rubi.embedded.places import PROJECT_ROOT

PLACE = PROJECT_ROOT / ".rubi" / "timescale"
STAMP = "installed.json"
PROGRAMS = Path("usr", "lib", "postgresql", "17", "bin")
SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # The Apache edition has no jobs; a scheduler in each database would only hold a connection.
    "timescaledb.max_background_workers": "0",
    # Half of the time in which an order is written went into its decision's record. Wheels may be built without lz4.
    "default_toast_compression": "lz4",
    "wal_compression": "lz4",
}


@dataclass(frozen=True, slots=True)
class Timescale:
    """An installation that was finished."""

    prefix: Path
    postgres: str
    timescaledb: str

    @property
    def programs(self) -> Path:
        """The folder of initdb, postgres and psql."""
        return self.prefix / PROGRAMS


def installed(place: Path = PLACE) -> Timescale | None:
    """Return what is installed; None for nothing, half of it, or one that was moved: it runs only where it was made."""
    prefix = place.resolve()
    try:
        stamp = json.loads((prefix / STAMP).read_text())
        found = Timescale(Path(stamp["prefix"]), str(stamp["postgres"]), str(stamp["timescaledb"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.prefix == prefix else None


def write_stamp(done: Timescale) -> None:
    """Say that everything is there; the last step of an installation."""
    said = {"prefix": str(done.prefix), "postgres": done.postgres, "timescaledb": done.timescaledb}
    temporary = done.prefix / f"{STAMP}.new"
    temporary.write_text(json.dumps(said))
    temporary.replace(done.prefix / STAMP)


def switched_off() -> bool:
    """Tell whether the person wants plain PostgreSQL: RUBI_TIMESCALE=0."""
    return os.environ.get("RUBI_TIMESCALE") == "0"


@cache
def usable() -> Timescale | None:
    """Return the installation that embedded servers run on; None: they run on the wheel's plain PostgreSQL."""
    found = None if switched_off() else installed()
    return found if found is not None and runs(found.programs / "postgres") else None


def runs(program: Path) -> bool:
    """Tell whether the user that servers run as is able to start a program."""
    user = "nobody" if os.geteuid() == 0 else None
    tried = process.spawn([program, "--version"], log=subprocess.DEVNULL, user=user, death_signal=signal.SIGKILL)
    return tried.wait() == 0
