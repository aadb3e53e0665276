"""Servers to measure: the whole service as `./rubi up` runs it, and a bare uvicorn beside it."""

import asyncio
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


@contextmanager
def service(**environment: str) -> Iterator[RunningStack]:
    """The service with data of its own."""
    with tempfile.TemporaryDirectory() as folder, start_stack(Path(folder), **environment) as running:
        yield running


@contextmanager
def uvicorn(app: str = "tests.benchmarks.bare_app:app", **environment: str) -> Iterator[str]:
    """An ASGI application under uvicorn with one worker; its URL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment or None)
    try:
        yield asyncio.run(_ready(f"http://127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait(10)


async def _ready(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(200):
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return url
    raise RuntimeError(f"{url} did not answer")


async def new_user(url: str) -> str:
    """Register a user over HTTP; an access token."""
    name = f"bench-{uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        body = {"email": f"{name}@example.com", "username": name, "password": "SecurePassword123!"}
        (await client.post("/api/v1/auth/register", json=body)).raise_for_status()
        answer = await client.post("/api/v1/auth/login", json={"username": name, "password": body["password"]})
        answer.raise_for_status()
        return answer.json()["access_token"]
