"""Faults of the store itself: no free connection, no writing, no room. What is not committed is never answered."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import httpx
from tests.faults.processes.invariants import examine
from tests.faults.processes.report import Result
from tests.faults.processes.senders import PATH, SYMBOLS, Load, Sender, wish
from tests.faults.processes.stage import Stage

from rubi.embedded.postgres import SUPERUSER

VOLUME_MIB = 4
MOST_UNTIL_FULL = 400

Fault = Callable[[Stage], AbstractAsyncContextManager[None]]


async def pool_exhausted(stage: Stage, result: Result, *, at_once: int) -> None:
    """Every connection of the API waits for a lock: who finds none free gets 503 in time, and nothing is stored."""
    await _refused_meanwhile(stage, result, "exhausted", _locked, at_once=at_once)


async def read_only(stage: Stage, result: Result, *, at_once: int) -> None:
    """The database takes no writes (a standby, an operator's switch): 503, and nothing is stored."""
    await _refused_meanwhile(stage, result, "readonly", _not_writable, at_once=at_once)


async def commit_fails(stage: Stage, result: Result, *, at_once: int) -> None:
    """Everything is written, and the commit itself fails for want of room: 503, and nothing is stored."""
    await _refused_meanwhile(stage, result, "commit", _no_commit, at_once=at_once)


async def disk_full(stage: Stage, result: Result) -> None:
    """The volume of the signals is really full: 503, and what was answered before is there. Needs root, to mount it."""
    with _small_volume() as volume:
        if volume is None:
            result.figures["volume"] = "none was mounted, which needs root: nothing was tried"
            return
        trader = await stage.trader()
        desks = await stage.open_desks(trader, 1)
        load = Load("full")
        sender = Sender(stage.url, trader.sending, load)
        async with _signals_on(stage, volume):
            filler = volume / "filler"
            _fill(filler)
            refused = None
            async with httpx.AsyncClient(base_url=stage.url, timeout=20, trust_env=False) as client:
                for n in range(MOST_UNTIL_FULL):
                    answer = await _post(client, trader.sending, f"full-{n}", wish(desks[0], f"full-{n}", *CLOSE))
                    if answer.status_code != 201:
                        refused = answer
                        break
                    load.take(f"full-{n}", answer.content)
                live = await client.get("/health/live")
            if refused is None:
                result.violations.append(f"a full volume took {MOST_UNTIL_FULL} signals")
            else:
                _judge(refused, result)
            filler.unlink()
            await stage.healthy()
            for key in (*load.accepted, f"full-{n}"):
                await sender.send(key, wish(desks[0], key, *CLOSE))
            await examine(stage, desks, load, result)
        sender.close()
        result.runs = 1
        result.figures |= {"taken_before_it_was_full": n, "live": live.status_code}


CLOSE = ("CLOSE_BUY", SYMBOLS[0])
"""A wish that leaves no order while nothing is open."""


async def _refused_meanwhile(stage: Stage, result: Result, name: str, fault: Fault, *, at_once: int) -> None:
    """Signals that come during the fault are refused and not stored; sent again afterwards they are taken once."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 1)
    load = Load(name)
    sender = Sender(stage.url, trader.sending, load)
    await sender.send(f"{name}-first", wish(desks[0], f"{name}-first", "BUY", SYMBOLS[0]))
    wishes = {f"{name}-{n}": wish(desks[0], f"{name}-{n}", "BUY", SYMBOLS[n % len(SYMBOLS)]) for n in range(at_once)}
    async with httpx.AsyncClient(base_url=stage.url, timeout=20, trust_env=False) as client, fault(stage):
        asked = (_post(client, trader.sending, key, said) for key, said in wishes.items())
        answers = await asyncio.gather(*asked)
        live = await client.get("/health/live")
    for answer in answers:
        _judge(answer, result)
    if live.status_code != 200:
        result.violations.append(f"/health/live said {live.status_code}")
    async with stage.database() as conn:
        stored = await conn.fetchval(
            "SELECT count(*) FROM trading_signals WHERE user_id = $1 AND comment = ANY ($2)", trader.id, [*wishes]
        )
    if stored:
        result.violations.append(f"{stored} signals were stored, and none was answered")
    await stage.healthy()
    for key, said in wishes.items():
        await sender.send(key, said)
    sender.close()
    await examine(stage, desks, load, result)
    result.runs = at_once
    result.figures |= {"refused": sum(answer.status_code == 503 for answer in answers), "live": live.status_code}


async def _post(client: httpx.AsyncClient, token: str, key: str, said: dict[str, object]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return await client.post(PATH, json=said, headers=headers)


def _judge(answer: httpx.Response, result: Result) -> None:
    if answer.status_code != 503 or "retry-after" not in answer.headers:
        result.violations.append(f"a signal that cannot be stored is answered {answer.status_code} {answer.text}")


@asynccontextmanager
async def _locked(stage: Stage) -> AsyncIterator[None]:
    async with stage.database() as conn, conn.transaction():
        await conn.execute("LOCK TABLE trading_signals IN ACCESS EXCLUSIVE MODE")
        yield


@asynccontextmanager
async def _not_writable(stage: Stage) -> AsyncIterator[None]:
    async with stage.database() as conn:  # one connection for both: it was made while writing was allowed
        await conn.execute("ALTER DATABASE rubi_trading SET default_transaction_read_only = on")
        try:
            await conn.execute(OTHERS_END)
            yield
        finally:
            await conn.execute("ALTER DATABASE rubi_trading RESET default_transaction_read_only")
            await conn.execute(OTHERS_END)


OTHERS_END = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""


@asynccontextmanager
async def _no_commit(stage: Stage) -> AsyncIterator[None]:
    async with stage.database() as conn:
        await conn.execute(
            """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'could not extend file: no space left' USING ERRCODE = 'disk_full'; END $$;
               CREATE CONSTRAINT TRIGGER no_room AFTER INSERT ON trading_signals DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION no_room()"""
        )
        try:
            yield
        finally:
            await conn.execute("DROP FUNCTION no_room CASCADE")


@contextmanager
def _small_volume() -> Iterator[Path | None]:
    """A volume of a few MiB that every user may enter; None where none can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="rubi-small-"))
    mount = shutil.which("mount")
    options = f"size={VOLUME_MIB}m,mode=0755"
    may = mount is not None and os.geteuid() == 0
    mounted = may and not subprocess.call(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", folder], stderr=subprocess.DEVNULL
    )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.call(["umount", "-l", folder])
        folder.rmdir()


@asynccontextmanager
async def _signals_on(stage: Stage, volume: Path) -> AsyncIterator[None]:
    """The table of signals lies on the volume meanwhile."""
    instance = stage.running.instance
    place = volume / "table"
    place.mkdir(mode=0o700)
    password = json.loads((instance / "secrets.json").read_text())["postgres_superuser_password"]
    conn = await asyncpg.connect(stage.running.database_url, user=SUPERUSER, password=password)
    try:
        owner = os.stat(f"/proc/{conn.get_server_pid()}")  # the user that the server runs as
        os.chown(place, owner.st_uid, owner.st_gid)
        await conn.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        await conn.execute("ALTER TABLE trading_signals SET TABLESPACE small")
        try:
            yield
        finally:
            await conn.execute("ALTER TABLE trading_signals SET TABLESPACE pg_default")
            await conn.execute("DROP TABLESPACE small")
    finally:
        await conn.close()


def _fill(file: Path) -> None:
    block = bytes(4096)
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(block)
        except OSError:
            return
