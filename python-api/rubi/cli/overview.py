"""What runs in this clone, seen from outside its supervisors."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import asyncpg

from rubi.cli.own_settings import own_settings
from rubi.embedded.instance import Seen, home, instances
from rubi.embedded.postgres import DATABASE, OWNER
from rubi.embedded.secret_file import load_or_make
from rubi.embedded.stack import healthy
from rubi.store.sql import statements

SQL = statements(__file__)


async def overview() -> dict[str, Any]:
    """Return every instance with its processes, and of the running ones health, sessions and waiting orders."""
    return {"home": str(home()), "instances": [await _one(seen) for seen in instances()]}


def database_url(seen: Seen) -> str | None:
    """Return the database of a running instance, None while it has none."""
    if seen.state.get("database") == "own":
        return own_settings().get("DATABASE_URL")
    port = seen.state.get("postgres_port")
    if not seen.running or port is None:
        return None
    password = load_or_make(home() / seen.name / "secrets.json").postgres_password
    return f"postgresql://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}"


def redis_url(seen: Seen) -> str | None:
    """Return the Redis of a running instance, else the caller's own; None when there is neither."""
    port = seen.state.get("redis_port")
    if not seen.running or port is None:
        return own_settings().get("REDIS_URL")
    password = load_or_make(home() / seen.name / "secrets.json").redis_password
    return f"redis://:{password}@127.0.0.1:{port}/0"


async def _one(seen: Seen) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": seen.name,
        "running": seen.running,
        "pid": seen.state.get("pid") if seen.running else None,
        "url": seen.state.get("url") if seen.running else None,
        "started_at": seen.state.get("started_at") if seen.running else None,
        "processes": [
            {name: value for name, value in asdict(each).items() if name != "born"} for each in seen.processes
        ],
    }
    if seen.running and shown["url"]:
        shown["health"] = "ready" if healthy(shown["url"]) else "not ready"
        shown.update(await _work(database_url(seen)))
    if not seen.running and seen.processes:
        shown["problem"] = "these outlived a killed supervisor; the next start ends them"
    return shown


async def _work(dsn: str | None) -> Mapping[str, Any]:
    if dsn is None:
        return {}
    try:
        conn = await asyncpg.connect(dsn, timeout=3)
    except (OSError, asyncpg.PostgresError) as error:
        return {"problem": f"the database does not answer: {error}"}
    try:
        return dict(await conn.fetchrow(SQL["work"]) or {})
    except asyncpg.PostgresError as error:
        return {"problem": str(error)}
    finally:
        await conn.close()
