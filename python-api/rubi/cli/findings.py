"""What the doctor looks at. Each finding says what was seen and, when it is wrong, the cure."""

import importlib.metadata
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import which

import asyncpg
import redis.asyncio
from redis.exceptions import RedisError

from rubi.cli.build import optimised
from rubi.cli.overview import database_url
from rubi.cli.own_settings import own_settings
from rubi.embedded import loopback, timescale
from rubi.embedded.binaries import NotInstalledError, postgres_binaries, redis_binary
from rubi.embedded.instance import home, instances
from rubi.embedded.places import PROJECT_ROOT
from rubi.store.migrations import MigrationError, pending

PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)\s*(;.*?)?\\?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` None: worth knowing, nothing is wrong."""

    what: str
    ok: bool | None
    seen: str
    cure: str = ""


async def examine() -> list[Finding]:
    """Return all findings, in the order in which one would repair them."""
    own = own_settings()
    findings = [_python(), _environment(), *_locks(own), *_servers(own), *_secrets()]
    running = [seen for seen in instances() if seen.running]
    addresses = {f"{seen.name}": database_url(seen) for seen in running}
    if own.get("DATABASE_URL"):
        addresses = {"own": own["DATABASE_URL"]}
    for name, dsn in addresses.items():
        if dsn is not None:
            findings += await _database(name, dsn)
    if url := own.get("REDIS_URL"):
        findings.append(await _redis(url))
    return [*findings, _ports(), _compiler(), _clock()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if optimised():
        return Finding("python", sys.version_info >= (3, 11), version, "apt-get install python3.11 python3.11-venv")
    cure = "all of it is slower by that: with a Python of the distribution on PATH, rm -r .venv and start again"
    return Finding("python", None, f"{version}, compiled without optimisations", cure)


def _environment() -> Finding:
    inside = Path(sys.prefix) == PROJECT_ROOT / ".venv"
    cure = "start with ./rubi, which makes .venv and uses it"
    return Finding(".venv", inside or None, sys.prefix, "" if inside else cure)


def _locks(own: dict[str, str]) -> list[Finding]:
    names = ["requirements.txt"]
    if not (own.get("DATABASE_URL") and own.get("REDIS_URL")):
        names.append("requirements-embedded.txt")
    return [_lock(name) for name in names]


def _lock(name: str) -> Finding:
    if not (PROJECT_ROOT / name).exists():
        return Finding(name, ok=None, seen="not here: an image has what it was built with")
    wrong = []
    for package, version, marker in PINNED.findall((PROJECT_ROOT / name).read_text()):
        try:
            installed = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            if not marker:  # a marker may exclude this platform or Python
                wrong.append(f"{package} is missing")
            continue
        if installed != version:
            wrong.append(f"{package} is {installed}, locked is {version}")
    cure = "delete .venv/rubi-installed and start ./rubi again: it installs what is locked"
    return Finding(name, not wrong, "; ".join(wrong[:5]) or "all installed as locked", cure)


def _servers(own: dict[str, str]) -> list[Finding]:
    def postgres_binary() -> Path:
        return postgres_binaries(None) / "postgres"

    found = []
    for name, variable, program in (
        ("postgres", "DATABASE_URL", postgres_binary),
        ("redis", "REDIS_URL", redis_binary),
    ):
        if own.get(variable):
            found.append(Finding(name, ok=True, seen=f"your own, by {variable}"))
            continue
        try:
            version = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
            found.append(Finding(name, ok=True, seen=f"embedded, {version.strip()}"))
        except (NotInstalledError, OSError, subprocess.SubprocessError) as error:
            cure = f"start ./rubi again with {variable} unset, or set it to a server of your own"
            found.append(Finding(name, ok=False, seen=str(error), cure=cure))
    if not own.get("DATABASE_URL"):
        found.append(_timescale())
    return found


def _timescale() -> Finding:
    there = timescale.installed()
    cure = "./rubi timescale install, on machines of the Debian family; everything works without it as well"
    if there is None:
        return Finding("timescale", ok=None, seen="not installed: embedded servers are plain PostgreSQL", cure=cure)
    if timescale.switched_off():
        return Finding("timescale", ok=None, seen="installed, switched off by RUBI_TIMESCALE=0")
    seen = f"embedded, TimescaleDB {there.timescaledb} on PostgreSQL {there.postgres}"
    return Finding(
        "timescale", ok=timescale.usable() is not None, seen=seen, cure="it does not run: ./rubi timescale install"
    )


def _secrets() -> list[Finding]:
    found = []
    for path in sorted(home().glob("*/secrets.json")):
        mode = stat.S_IMODE(path.stat().st_mode)
        shown = f"{path.parent.name} {mode:04o}"
        found.append(Finding("secrets", not mode & 0o077, shown, f"chmod 600 {path}; somebody may have read them"))
    return found


async def _database(name: str, dsn: str) -> list[Finding]:
    what = f"database {name}"
    try:
        conn = await asyncpg.connect(dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return [
            Finding(
                what, ok=False, seen=str(error) or type(error).__name__, cure="check DATABASE_URL and the server's log"
            )
        ]
    try:
        version = await conn.fetchval("SHOW server_version")
        found = [
            Finding(
                what, conn.get_server_version() >= (15, 0), f"PostgreSQL {version}", "PostgreSQL 15 or newer is needed"
            )
        ]
        edition = await conn.fetchval("SELECT current_setting('timescaledb.license', true)")
        plain = "not there: plain tables and rollups are used"
        found.append(
            Finding("timescaledb", ok=True if edition else None, seen=f"{edition} edition" if edition else plain)
        )
        try:
            outstanding = [each.file for each in await pending(conn)]
            seen = ", ".join(outstanding) or "up to date"
            found.append(Finding("migrations", not outstanding, seen, "./rubi migrate"))
        except MigrationError as error:
            found.append(Finding("migrations", ok=False, seen=str(error)))
        away = await conn.fetchval(
            "SELECT abs(extract(epoch FROM clock_timestamp() - $1::timestamptz))", datetime.now(UTC)
        )
        found.append(
            Finding("clocks", away < 2, f"{away:.2f} s between here and the database", "switch on NTP on both")
        )
    finally:
        await conn.close()
    return found


async def _redis(url: str) -> Finding:
    client = redis.asyncio.from_url(url, socket_timeout=3, socket_connect_timeout=3)
    try:
        info = await client.info()
    except (OSError, RedisError) as error:
        return Finding("redis own", ok=False, seen=str(error), cure="check REDIS_URL and the server's log")
    finally:
        await client.aclose()
    safe = info.get("aof_enabled") == 1 and info.get("maxmemory_policy") == "noeviction"
    cure = "set appendonly yes and maxmemory-policy noeviction: else accepted tasks are lost at a crash"
    return Finding(
        "redis own",
        safe or None,
        f"{info['redis_version']}, aof {info['aof_enabled']}, {info['maxmemory_policy']}",
        cure,
    )


def _ports() -> Finding:
    free = loopback.is_free(8000)
    return Finding(
        "port 8000",
        free or None,
        "free" if free else "in use",
        "" if free else "another free port is chosen, or name one with --port",
    )


def _compiler() -> Finding:
    found = which("g++")
    return Finding(
        "g++",
        bool(found) or None,
        found or "missing",
        "apt-get install g++ (only the tests of the Expert Advisor need it)",
    )


def _clock() -> Finding:
    here = [Path(__file__), *PROJECT_ROOT.glob("*.txt")]  # an image has no lock files
    newest = max(path.stat().st_mtime for path in here)
    ahead = datetime.now(UTC).timestamp() >= newest - 60
    return Finding(
        "clock",
        ahead,
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "the clock is behind the files of this clone: set it, switch on NTP",
    )
