"""A real PostgreSQL under our own supervision: the wheel's binaries, or those with TimescaleDB beside the clone.

The data folder stays wherever it is asked to be, also under a folder that only root may enter: as root the server runs
as `nobody`, is started *inside* its data folder and knows it as `/proc/self/cwd`, so no parent folder is ever opened.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from rubi.embedded import loopback, process, timescale
from rubi.embedded.binaries import NotInstalledError, postgres_binaries

SUPERUSER = "postgres"
OWNER = "rubi_admin"
DATABASE = "rubi_trading"
UNPRIVILEGED = "nobody"
# For a machine of two cores that runs everything else as well. Durability stays at its defaults: fsync is on.
TUNING = {
    "listen_addresses": loopback.HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%d ",
    "log_checkpoints": "off",
}


Edition = Literal["plain", "timescale"]


class ServerNotStartedError(RuntimeError):
    """An embedded server did not come up; the message says which and ends with its log."""


@dataclass(slots=True)
class EmbeddedPostgres:
    """One cluster under `home`: `home/data` and nothing else belongs to it.

    A data folder belongs to one edition for good: the two are different major versions of PostgreSQL.
    """

    home: Path
    log: Path
    superuser_password: str
    password: str
    preferred_port: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    edition: Edition = "plain"
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.home / "data"

    def url(self, database: str = DATABASE, *, superuser: bool = False) -> str:
        """Return the address of a database; the passwords hold URL-safe characters only."""
        user, password = (SUPERUSER, self.superuser_password) if superuser else (OWNER, self.password)
        return f"postgresql://{user}:{password}@{loopback.HOST}:{self.port}/{database}"

    def start(self, *, patience: float = 30.0) -> str:
        """Make the cluster when there is none, start it, make user and database; return the owner's URL."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists() or (self.home / "initialising").exists():
            self._initialise(binaries)
        self._forget_dead_postmaster()
        deadline = time.monotonic() + patience
        for port in loopback.candidates(self.preferred_port):
            self._launch(binaries, port)
            if self._came_up(deadline):
                break
            if time.monotonic() > deadline or not self._worth_another_try():
                raise ServerNotStartedError(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.2)
        self._make_owner()
        if self.edition == "timescale":
            # Every database made from now on has it. The application's user may not read what the migration asks for.
            self.psql("-qX", "-c", "CREATE EXTENSION IF NOT EXISTS timescaledb", database="template1", superuser=True)
        self.make_database(DATABASE)
        return self.url()

    def stop(self) -> None:
        """Shut down fast: running statements are cancelled, everything committed is on disk."""
        if self.process is not None:
            process.stop(self.process, first=signal.SIGINT, patience=20)
            self.process = None

    def make_database(self, name: str) -> None:
        """Make a database that belongs to the application's user, when there is none of that name."""
        self._as_superuser(
            "SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner') "
            "WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec",
            name=name,
        )

    def rename_database(self, name: str, to: str) -> None:
        """Give a database another name; nobody may be connected to it."""
        self._as_superuser("SELECT format('ALTER DATABASE %I RENAME TO %I', :'name', :'to') \\gexec", name=name, to=to)

    def drop_database(self, name: str) -> None:
        """Remove a database, when there is one of that name."""
        self._as_superuser("SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', :'name') \\gexec", name=name)

    def psql(self, *arguments: str, database: str = DATABASE, superuser: bool = False, script: str = "") -> str:
        """Run psql and return what it printed."""
        return self.run("psql", *arguments, database=database, superuser=superuser, script=script)

    def run(
        self, program: str, *arguments: str, database: str = DATABASE, superuser: bool = False, script: str = ""
    ) -> str:
        """Run a client program (`psql`, `pg_dump`) against a database; raises with its error text."""
        binaries = self._binaries()
        environment = {
            "PATH": os.defpath,
            "PGHOST": loopback.HOST,
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER if superuser else OWNER,
            "PGPASSWORD": self.superuser_password if superuser else self.password,
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "10",
            "NEW_PASSWORD": self.password,
        }
        done = subprocess.run(  # noqa: S603
            [binaries / program, *arguments],
            input=script,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if done.returncode != 0:
            raise ServerNotStartedError(f"{program} failed: {done.stderr.strip()}")
        return done.stdout

    def _make_owner(self) -> None:
        self._as_superuser(
            "SELECT format('CREATE ROLE %I LOGIN', :'owner') "
            "WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \\gexec\n"
            "\\getenv password NEW_PASSWORD\n"
            """ALTER ROLE :"owner" PASSWORD :'password';"""
        )

    def _as_superuser(self, script: str, **variables: str) -> None:
        settings = [f"--set={key}={value}" for key, value in {"owner": OWNER, **variables}.items()]
        self.psql("-qX", "-v", "ON_ERROR_STOP=1", *settings, database="postgres", superuser=True, script=script)

    def _binaries(self) -> Path:
        if self.edition == "plain":
            return postgres_binaries(self._user())
        found = timescale.usable()
        if found is None:
            raise NotInstalledError("TimescaleDB is not installed: ./rubi timescale install")
        return found.programs

    def _user(self) -> str | None:
        return UNPRIVILEGED if os.geteuid() == 0 else None

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _folder(self) -> str:
        # Only root needs the detour; without /proc (no Linux) the plain path has to be open to `nobody`.
        return "/proc/self/cwd" if self._user() and Path("/proc/self/cwd").exists() else str(self.data)

    def _initialise(self, binaries: Path) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # an initdb that was killed half-way
        (self.home / "initialising").touch(mode=0o600)
        self.data.mkdir(mode=0o700)
        with NamedTemporaryFile("w", dir=self.home) as password_file:
            password_file.write(self.superuser_password)
            password_file.flush()
            if user := self._user():
                entry = pwd.getpwnam(user)
                os.chown(self.data, entry.pw_uid, entry.pw_gid)
                os.chown(password_file.name, entry.pw_uid, entry.pw_gid)
            with Path(password_file.name).open("rb") as secret, self.log.open("ab") as log:
                command: Sequence[str | Path] = [
                    binaries / "initdb",
                    f"--pgdata={self._folder()}",
                    f"--username={SUPERUSER}",
                    "--auth=scram-sha-256",
                    f"--pwfile=/dev/fd/{secret.fileno()}",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ]
                made = process.spawn(
                    command,
                    log=log,
                    env=self._environment(),
                    cwd=self.data,
                    user=self._user(),
                    pass_fds=[secret.fileno()],
                )
                code = made.wait()
        if code != 0:
            raise ServerNotStartedError(f"initdb failed. The end of {self.log}:\n{tail(self.log)}")
        (self.home / "initialising").unlink()

    def _launch(self, binaries: Path, port: int) -> None:
        self.port = port
        more = timescale.SETTINGS if self.edition == "timescale" else {}
        settings = {**TUNING, **more, **self.settings, "port": str(port)}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self.process = process.spawn(
                [binaries / "postgres", "-D", self._folder(), *options],
                log=log,
                env=self._environment(),
                cwd=self.data,
                user=self._user(),
                death_signal=signal.SIGINT,
            )

    def _came_up(self, deadline: float) -> bool:
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._status() == "ready":
                return True
            time.sleep(0.02)
        if self.process.poll() is None:
            self.stop()
        return False

    def _status(self) -> str:
        """Line 8 of the lock file, when it is that of our own process."""
        lines = self._lock_file()
        ours = self.process is not None and lines[:1] == [str(self.process.pid)]
        return lines[7].strip() if ours and len(lines) > 7 else ""

    def _lock_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _worth_another_try(self) -> bool:
        # The port was taken meanwhile, or the last backends of a killed server have not left yet.
        end = tail(self.log, 12)
        return "Address already in use" in end or "pre-existing shared memory block" in end

    def _forget_dead_postmaster(self) -> None:
        """Remove the lock file of a killed server: its pid may belong to somebody else by now."""
        pid = next(iter(self._lock_file()), "")
        if not pid.isdigit():
            return
        working_folder = Path(f"/proc/{pid}/cwd")
        try:
            ours = working_folder.resolve(strict=True) == self.data.resolve()
        except OSError:
            ours = False
        if ours:
            process.end_recorded([process.record("postgres", int(pid))])
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
