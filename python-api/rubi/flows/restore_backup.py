"""Fill an empty database from a backup, and make it safe to trade on again.

A restored database is older than the world. Terminals remember orders that it has never heard of, by numbers that it
would give a second time; what it takes for waiting may have been carried out; tokens that were revoked count again. So
numbers go on far beyond every one that can have been given, whatever was under way is of unknown fate, nobody is logged
in, and trading is halted until a person has looked.
"""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from rubi.domain.order import OrderEvent, OrderEventType
from rubi.flows.audit import audit
from rubi.flows.back_up import BackupError, Manifest, member_of, open_backup, read_manifest
from rubi.flows.decide_signal import end_undecided
from rubi.flows.ports import Connection
from rubi.flows.raise_alert import raise_alert
from rubi.flows.settle_order import settle
from rubi.store import backups, restores, switches
from rubi.store.backups import Wire
from rubi.store.migrations import FOLDER, migrate, read_folder
from rubi.store.pool import Row

NUMBERS_AHEAD = 1_000_000_000
"""By how much every identity goes on: more than is ever made between two backups, and room for 9 · 10⁹ restores."""
EPOCHS_AHEAD = 1_000_000
ACTOR = "restore"
_PART = 1 << 16


@dataclass(frozen=True, slots=True)
class Restored:
    """What was filled in, and what was ended because nobody knows how it went on."""

    manifest: Manifest
    users: int
    accounts: int
    tokens_revoked: int
    orders_unknown: int
    signals_ended: int
    plans_ended: int


async def restore_backup(path: Path, dsn: str, *, tell: Callable[[str], None], now: datetime) -> Restored:
    """Restore into the empty database of `dsn`, bring it forward, and hold everything until a person has looked.

    Raises:
        BackupError: the file is damaged or too new, or the database is in use or not empty.

    """
    with open_backup(path) as archive:
        manifest = read_manifest(archive)
        conn = await _prepare(manifest, dsn)
        try:
            async with conn.transaction():
                await _fill(conn, archive, manifest, tell)
                tell("halting trading, ending logins, raising numbers and epochs")
                accounts, users, revoked = await _hold(conn, manifest, now)
            await migrate(dsn)
            # By the newest schema. Nobody can be logged in meanwhile, and nothing opens.
            async with conn.transaction():
                orders, signals, plans = await _doubt(conn, now)
                await _tell(conn, manifest, now)
        finally:
            await conn.close()
    return Restored(manifest, users, accounts, revoked, orders, signals, plans)


async def verify_backup(path: Path, dsn: str, *, tell: Callable[[str], None]) -> Manifest:
    """Restore into the empty database of `dsn` and compare every table, row by row; nothing is kept of it.

    Raises:
        BackupError: as for a restore; also when a table is not what it was.

    """
    with open_backup(path) as archive:
        manifest = read_manifest(archive)
        conn = await _prepare(manifest, dsn)
        turn = conn.transaction()
        await turn.start()
        try:
            await _fill(conn, archive, manifest, tell)
        finally:
            await turn.rollback()
            await conn.close()
    return manifest


async def _prepare(manifest: Manifest, dsn: str) -> Wire:
    """Bring an empty database to the schema of the backup; the connection to it."""
    known = {(each.version, each.name): each.checksum for each in read_folder(FOLDER)}
    for version, name, checksum in manifest.migrations:
        if known.get((version, name)) != checksum:
            raise BackupError(
                f"the backup was made with migration {version:04}_{name}, which this checkout has not: update the code"
            )
    conn = await backups.connect(dsn)
    try:
        await _refuse_used(conn)
        await migrate(dsn, last=max(version for version, _, _ in manifest.migrations))
    except BaseException:
        await conn.close()
        raise
    return conn


async def _refuse_used(conn: Wire) -> None:
    if others := await conn.fetchval(backups.SQL["in_use"]):
        raise BackupError(f"{others} others are connected to this database: stop the service first")
    made = await conn.fetchval("SELECT to_regclass('users') IS NOT NULL")
    if made and await conn.fetchval("SELECT EXISTS (SELECT FROM users)"):
        raise BackupError("this database has people in it already: a backup is restored into an empty one")


async def _fill(conn: Wire, archive: zipfile.ZipFile, manifest: Manifest, tell: Callable[[str], None]) -> None:
    there = {table.name: table for table in await backups.tables(conn)}
    wanted = {each.table.name: each for each in manifest.tables}
    if there.keys() != wanted.keys() or any(
        set(there[name].columns) != set(each.table.columns) for name, each in wanted.items()
    ):
        raise BackupError(
            "the tables of this database are not those of the backup: it has been brought further forward than the"
            " backup. Restore into an empty database"
        )
    # What migrations put in is in the backup too, as it was there.
    await conn.execute(f"TRUNCATE {', '.join(map(backups.quoted, there))}")
    for name in there:  # in the order of references, as this database has them
        each = wanted[name]
        try:
            with member_of(archive, each.table) as member:
                await backups.copy_in(conn, each.table, _parts(member))
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise BackupError(f"the backup is damaged: {name}: {error}") from error
        found = await backups.fingerprint(conn, each.table)
        if found != each.fingerprint:
            raise BackupError(f"{name} is not what was backed up: {found} instead of {each.fingerprint}")
        tell(f"{name}: {found.rows} rows")


async def _parts(member: Any) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(member.read, _PART):
        yield part


async def _hold(wire: Wire, manifest: Manifest, now: datetime) -> tuple[int, int, int]:
    """In the transaction that fills the tables: they are never there without it. Accounts, users, tokens revoked."""
    conn = cast("Connection", wire)  # the store's statements are the same on a connection of no pool
    for each in manifest.tables:
        if each.table.identity is not None:
            await backups.give_from(wire, each.table, (each.last_number or 0) + NUMBERS_AHEAD)
    await restores.roll_up_again(conn)
    accounts = await restores.raise_epochs(conn, EPOCHS_AHEAD, now)
    users = await restores.users(conn)
    for user_id in users:
        await switches.set_switch(conn, user_id, None, None, "HALTED", reason=_reason(manifest), now=now)
    return accounts, len(users), await restores.revoke_tokens(conn, now)


async def _doubt(wire: Wire, now: datetime) -> tuple[int, int, int]:
    """What was under way may have been carried out since: orders of unknown fate, signals and plans that are over."""
    conn = cast("Connection", wire)
    orders = await restores.orders_in_flight(conn)
    for order_id in orders:
        await settle(conn, order_id, OrderEvent(OrderEventType.AMBIGUOUS, now, code="RESTORED"), actor=ACTOR)
    signals = await restores.undecided_signals(conn)
    for signal in signals:
        message = "The database was restored from a backup: whether this signal was carried out since is not known."
        await end_undecided(conn, signal, code="RESTORED", message=message, now=now)
    plans = await restores.end_plans(conn, now)
    for plan in plans:
        position = plan["position_id"] or "that its order opens"
        detail = (
            f"the plan of position {position} was ended by a restore: its trailing stop, break-even and partial targets"
            " are followed no more"
        )
        await _alert(conn, plan, "PLAN_ENDED_BY_RESTORE", "plan", plan["id"], detail, now)
    return len(orders), len(signals), len(plans)


async def _tell(wire: Wire, manifest: Manifest, now: datetime) -> None:
    """An alert for each account, and an entry in each owner's log."""
    conn = cast("Connection", wire)
    for account in await restores.accounts(conn):
        await _alert(conn, account, "RESTORED", "restore", now.isoformat(), _reason(manifest), now)
    for user_id in await restores.users(conn):
        told = {"made_at": manifest.made_at.isoformat(), "rows": manifest.rows}
        await audit(conn, user_id, "service.restore", "user", user_id, told, now=now)


def _reason(manifest: Manifest) -> str:
    return f"restored from the backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: look at every account, then resume"


async def _alert(
    conn: Connection, whose: Row, code: str, obj: str, object_id: object, detail: str, now: datetime
) -> None:
    await raise_alert(
        conn,
        user_id=whose["user_id"],
        account_id=whose["account_id"],
        code=code,
        severity="critical",
        object_=obj,
        object_id=f"{whose['account_id']}@{object_id}",
        detail=detail,
        now=now,
    )
