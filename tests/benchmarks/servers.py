"""Servers to measure: the whole service as `./rubi up` runs it, and a bare uvicorn beside it."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
from tests.conftest import RunningStack, start_stack

from rubi.embedded.loopback import free_port
from rubi.embedded.places import PROJECT_ROOT

TERMINALS_OF_A_USER = 50


@contextmanager
def service(**environment: str) -> Iterator[RunningStack]:
    """The service with data of its own; both go with the benchmark, however it ends (killed with -9, the data stay)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory() as folder, start_stack(Path(folder), **environment) as running:
        yield running


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # what is to be cleared away is not left half-way
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        sys.exit(128 + number)
    loop.call_soon_threadsafe(sys.exit, 128 + number)  # between two callbacks: asyncpg crashes in the middle of one


@contextmanager
def uvicorn(app: str = "tests.benchmarks.bare_app:app", **environment: str) -> Iterator[str]:
    """An ASGI application under uvicorn with one worker and the flags of the service; its URL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    command += ["--http", "httptools", "--loop", "uvloop", "--no-server-header", "--no-proxy-headers"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env={**os.environ, **environment})
    try:
        yield asyncio.run(_ready(f"http://127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait(10)


async def _ready(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(800):
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return url
    raise RuntimeError(f"{url} did not answer")


def allow_connections(wanted: int) -> int:
    """Let this process and what it starts have as many open files as it may; how many those are.

    Raises:
        SystemExit: when `wanted` connections do not fit.

    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if wanted + 200 > hard:
        sys.exit(f"{wanted} connections do not fit: this machine allows {hard} open files a process (RLIMIT_NOFILE)")
    return hard


async def terminal_tokens(url: str, number: int) -> list[str]:
    """Tokens for so many terminals: each its own, 50 of a user."""
    found: list[str] = []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        while len(found) < number:
            headers = {"Authorization": f"Bearer {await new_user(url)}"}
            for _ in range(min(TERMINALS_OF_A_USER, number - len(found))):
                answer = await client.post("/api/v1/auth/tokens", headers=headers, json={"name": "bench"})
                answer.raise_for_status()
                found.append(answer.json()["token"])
    return found


async def new_user(url: str) -> str:
    """Register a user over HTTP; an access token."""
    name = f"bench-{uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        body = {"email": f"{name}@example.com", "username": name, "password": "SecurePassword123!"}
        (await client.post("/api/v1/auth/register", json=body)).raise_for_status()
        answer = await client.post("/api/v1/auth/login", json={"username": name, "password": body["password"]})
        answer.raise_for_status()
        return answer.json()["access_token"]
