"""The service a command speaks to: the one that runs in this clone, or the servers the caller's settings name."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio

from rubi.cli.errors import CommandError
from rubi.cli.overview import database_url, redis_url
from rubi.cli.own_settings import own_settings
from rubi.embedded.instance import Seen, home, instances
from rubi.embedded.secret_file import load_or_make
from rubi.flows.ports import Ports
from rubi.flows.sign_token import TokenKeys
from rubi.live.bus import Bus
from rubi.settings import load_settings
from rubi.store.pool import open_pool


@asynccontextmanager
async def open_target(instance: str | None = None) -> AsyncIterator[tuple[Ports, TokenKeys]]:
    """Open the database of a running instance (or of the caller's settings) and the keys its tokens are signed with."""
    os.environ.update(_addresses(instance))
    settings = load_settings()
    client = redis.asyncio.from_url(settings.redis_url.get_secret_value())
    pool = await open_pool(settings.database_url.get_secret_value(), size=2, application="cli")
    try:
        yield Ports(pool, Bus(client), _ring_nobody), TokenKeys(settings)
    finally:
        await pool.close()
        await client.aclose()


def _addresses(name: str | None) -> dict[str, str]:
    own = own_settings()
    running = {seen.name: seen for seen in instances() if seen.running and seen.state.get("url")}
    chosen = _choose(running, name)
    if chosen is None:
        if own.get("DATABASE_URL"):
            return {}
        raise CommandError("nothing runs here: start ./rubi up in another terminal, or set DATABASE_URL to your server")
    secrets = load_or_make(home() / chosen.name / "secrets.json")
    found = {"DATABASE_URL": database_url(chosen), "REDIS_URL": redis_url(chosen)}
    return {
        "JWT_SECRET": own.get("JWT_SECRET") or secrets.jwt_secret,
        **{key: value for key, value in found.items() if value is not None},
    }


def _choose(running: dict[str, Seen], name: str | None) -> Seen | None:
    if name is not None:
        if name not in running:
            raise CommandError(f"no instance {name} runs here; these do: {', '.join(running) or 'none'}")
        return running[name]
    if "up" in running or not running:
        return running.get("up")
    if len(running) > 1:
        raise CommandError(f"several run here, choose one with --instance: {', '.join(running)}")
    return next(iter(running.values()))


def _ring_nobody(*_arguments: Any) -> None:
    """People and tokens wake no worker."""
