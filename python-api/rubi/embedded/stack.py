"""The whole service as one supervised family of processes: Postgres, Redis, API, worker, beat, and a terminal."""

import asyncio
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rubi.embedded import loopback, process
from rubi.embedded.choose_edition import postgres_of
from rubi.embedded.instance import STOP_ORDER, Instance
from rubi.embedded.log_files import EVERY, keep_small
from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT
from rubi.embedded.postgres import EmbeddedPostgres, tail
from rubi.embedded.redis import EmbeddedRedis
from rubi.embedded.restarts import Restarts
from rubi.embedded.secret_file import load_or_make
from rubi.store.migrations import migrate

WORKER = ("-m", "celery", "-A", "rubi.tasks.worker:app")
API_START_PATIENCE = 45.0


class StackError(RuntimeError):
    """The stack cannot run; the message says which part and ends with its log."""


@dataclass(slots=True)
class Child:
    """A process of ours and the way it is started."""

    name: str
    command: Callable[[], list[str]]
    environment: Mapping[str, str]
    log: Path
    pass_fds: tuple[int, ...] = ()
    patience: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    restarts: Restarts = field(default_factory=Restarts)


@dataclass(slots=True)
class Stack:
    """Everything that runs for one instance; all methods belong to one thread, the one that started the children.

    `own` are the caller's settings (environment and .env): its DATABASE_URL and REDIS_URL replace the embedded servers.
    """

    instance: Instance
    own: Mapping[str, str]
    port: int | None = None
    host: str = loopback.HOST
    tell: Callable[[str], None] = lambda _message: None
    environment: dict[str, str] = field(default_factory=dict)
    postgres: EmbeddedPostgres | None = None
    redis: EmbeddedRedis | None = None
    children: dict[str, Child] = field(default_factory=dict)
    servers: dict[str, Restarts] = field(default_factory=dict)
    url: str = ""
    listening: socket.socket | None = None
    logs_looked_at: float = 0.0

    @property
    def database_url(self) -> str:
        """The database the children use."""
        return self.environment["DATABASE_URL"]

    def start(self) -> str:
        """Start servers, schema, API, worker and beat; return the API's URL once it is ready for requests.

        Raises PortTakenError, StackError, ServerNotStartedError, EditionError or MigrationError.
        """
        self.listening = loopback.listen(self.host, self.port)
        self._start_servers()
        self.tell("bringing the schema up to date")
        asyncio.run(migrate(self.database_url))
        self.tell("starting the API, a worker and the beat")
        self._add("worker", self._worker_command)
        self._start_api()
        self._add("beat", self._beat_command)  # last: its imports would slow down the two that are waited for
        self.instance.say(
            pid=os.getpid(),
            url=self.url,
            started_at=datetime.now(UTC),
            database="own" if self.postgres is None else "embedded",
            postgres_port=None if self.postgres is None else self.postgres.port,
            redis_port=None if self.redis is None else self.redis.port,
        )
        return self.url

    def start_terminal(self, token: str, *, seed: int) -> None:
        """Start the simulated terminal. The token goes by the environment: command lines are everybody's to read."""
        folder = self.instance.folder / "terminal"
        shutil.rmtree(folder, ignore_errors=True)  # the account of an earlier run belongs to an earlier user
        arguments = ["-m", "rubi", "terminal", "--url", self.url, "--simulated", "--seed", str(seed), "--data", folder]
        self._add("terminal", lambda: [sys.executable, *map(str, arguments)], {"RUBI_TOKEN": token})

    def watch(self) -> None:
        """Look after the family once: start again what ended. Raises StackError when something keeps failing."""
        now = time.monotonic()
        for name, server in (("postgres", self.postgres), ("redis", self.redis)):
            if server is not None and (server.process is None or server.process.poll() is not None):
                self._revive_server(name, server, now)
        for child in self.children.values():
            if child.process is not None and child.process.poll() is not None:
                self._mourn(child, now)
            if child.process is None and child.restarts.due is not None and now >= child.restarts.due:
                self._launch(child)
        if now - self.logs_looked_at > EVERY:
            self.logs_looked_at = now
            keep_small(self.instance.logs)

    def stop(self) -> None:
        """End every child, in order; a second call does nothing."""
        for name in STOP_ORDER:
            if child := self.children.pop(name, None):
                if child.process is not None:
                    process.stop(child.process, patience=child.patience)
            elif name == "redis" and self.redis is not None:
                self.redis.stop()
            elif name == "postgres" and self.postgres is not None:
                self.postgres.stop()
            self.instance.ended(name)
        if self.listening is not None:
            self.listening.close()

    def kill(self) -> None:
        """End every child at once: the caller has no patience left."""
        running = [child.process for child in self.children.values()]
        servers = [server.process for server in (self.redis, self.postgres) if server is not None]
        for each in running + servers:
            if each is not None:
                process.stop(each, first=signal.SIGKILL)

    def _start_servers(self) -> None:
        secrets = load_or_make(self.instance.folder / "secrets.json")
        self.environment = {
            **os.environ,
            **self.own,
            "PYTHONPATH": str(SOURCE_ROOT),
            "PYTHONUNBUFFERED": "1",
            "API_HOST": self.host,
            "JWT_SECRET": self.own.get("JWT_SECRET") or secrets.jwt_secret,
            "JWT_SECRET_PREVIOUS": self.own.get("JWT_SECRET_PREVIOUS") or secrets.previous(datetime.now(UTC)),
            "PROMETHEUS_MULTIPROC_DIR": str(self._metrics_folder()),
            "API_SECRET_KEY": self.own.get("API_SECRET_KEY") or secrets.api_secret_key,
        }
        if not self.own.get("DATABASE_URL"):
            disposable = self.instance.name.partition("-")[0] == "demo"
            self.postgres = postgres_of(self.instance, disposable=disposable, tell=self.tell)
            self.environment["DATABASE_URL"] = self.postgres.start()
            self._server_runs("postgres", self.postgres)
        if not self.own.get("REDIS_URL"):
            self.tell("starting Redis")
            self.redis = EmbeddedRedis(
                self.instance.folder / "redis",
                log=self.instance.logs / "redis.log",
                password=secrets.redis_password,
            )
            self.environment["REDIS_URL"] = self.redis.start()
            self._server_runs("redis", self.redis)

    def _metrics_folder(self) -> Path:
        """An empty folder in which the processes add their counts together."""
        folder = self.instance.folder / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    def _server_runs(self, name: str, server: EmbeddedPostgres | EmbeddedRedis) -> None:
        assert server.process is not None
        server.preferred_port = server.port  # a restart has to be found where it was
        self.servers.setdefault(name, Restarts()).start(time.monotonic())
        self.instance.started(name, server.process.pid)

    def _revive_server(self, name: str, server: EmbeddedPostgres | EmbeddedRedis, now: float) -> None:
        history = self.servers[name]
        if server.process is not None:
            server.process = None
            self.tell(f"{name} ended, it is started again")
            if not history.end(now):
                raise StackError(f"{name} ended five times in a row. The end of {server.log}:\n{tail(server.log)}")
        if history.due is not None and now < history.due:
            return
        port = server.port
        server.start()
        self._server_runs(name, server)
        if server.port != port:
            raise StackError(
                f"the port {port} of {name} was taken by another program while it was restarted: start again"
            )

    def _start_api(self) -> None:
        assert self.listening is not None
        port = self.listening.getsockname()[1]
        self.url = f"http://{loopback.HOST}:{port}"
        self.environment["API_PORT"] = str(port)
        descriptor = self.listening.fileno()
        command = [sys.executable, "-m", "rubi.embedded.serve_api", str(descriptor)]
        child = self._add("api", lambda: command, pass_fds=(descriptor,))
        deadline = time.monotonic() + API_START_PATIENCE
        while child.process is not None and child.process.poll() is None and time.monotonic() < deadline:
            if healthy(self.url, timeout=1):
                return
            time.sleep(0.05)
        raise StackError(f"the API did not become ready. The end of {child.log}:\n{tail(child.log, 25)}")

    def _worker_command(self) -> list[str]:
        pool = ("--pool", "threads", "--concurrency", "8")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return [sys.executable, *WORKER, "worker", *pool, *quiet, "--loglevel", "INFO"]

    def _beat_command(self) -> list[str]:
        return [sys.executable, *WORKER, "beat", "--pidfile=", "--loglevel", "INFO"]

    def _add(
        self,
        name: str,
        command: Callable[[], list[str]],
        more: Mapping[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> Child:
        log = self.instance.logs / f"{name}.log"
        child = Child(name, command, {**self.environment, **(more or {})}, log, pass_fds)
        self.children[name] = child
        self._launch(child)
        return child

    def _launch(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = process.spawn(
                child.command(), log=log, env=child.environment, cwd=PROJECT_ROOT, pass_fds=child.pass_fds
            )
        child.restarts.start(time.monotonic())
        self.instance.started(child.name, child.process.pid)

    def _mourn(self, child: Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        process.stop(child.process)  # what it left in its group
        from rubi.observability.metrics import process_ended  # costs a start what only a death needs

        process_ended(child.process.pid, self.instance.folder / "metrics")
        child.process = None
        self.instance.ended(child.name)
        if not child.restarts.end(now):
            raise StackError(f"{child.name} ended five times in a row. The end of {child.log}:\n{tail(child.log, 25)}")
        self.tell(f"{child.name} ended ({_how(code)}), it is started again")


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def healthy(url: str, path: str = "/health/ready", *, timeout: float = 2.0) -> bool:
    """Tell whether the service at `url` answers 200 to `path`."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
