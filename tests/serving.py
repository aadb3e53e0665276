"""The application served inside a test's own event loop, over real Postgres and Redis."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from rubi.api.app import create_app
from rubi.embedded import loopback
from rubi.embedded.serve_api import options
from rubi.settings import Settings

SECRET = "w7Q-kZ2m9.XbV4tLr8Ys6Ha1Pj3Nd5Gf0Ce"
PASSWORD = "SecurePassword123!"
_numbers = count(1)


def settings_for(dsn: str, redis_url: str, **more: Any) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(dsn),
        redis_url=SecretStr(redis_url),
        jwt_secret=SecretStr(SECRET),
        log_file=None,
        **more,
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def client_of(app: FastAPI, *, address: str = "203.0.113.7") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://rubi.test") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def register(client: httpx.AsyncClient, username: str | None = None) -> dict[str, Any]:
    name = username or f"trader{next(_numbers)}"
    answer = await client.post(
        "/api/v1/auth/register", json={"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def make_token(client: httpx.AsyncClient, access: str, scope: str = "ea", **more: Any) -> dict[str, Any]:
    answer = await client.post(
        "/api/v1/auth/tokens", headers=bearer(access), json={"name": "a token", "scope": scope, **more}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@asynccontextmanager
async def listening(settings: Settings, **more: Any) -> AsyncIterator[str]:
    """The application behind a real server; gives its address, `http://127.0.0.1:<port>`."""
    async with behind_uvicorn(create_app(settings), **more) as url:
        yield url


@asynccontextmanager
async def behind_uvicorn(app: Any, **more: Any) -> AsyncIterator[str]:
    """An ASGI application behind the server, as the service is."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in loopback.candidates():
        try:
            listener.bind((loopback.HOST, port))
        except OSError:
            continue
        break
    config = uvicorn.Config(app, log_config=None, **{**options({}), **more})
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        yield f"http://{loopback.HOST}:{port}"
    finally:
        server.should_exit = True
        await task
        listener.close()
