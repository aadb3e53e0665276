"""A backup comes back whole, and nothing that happened after it can be done a second time."""

import json
import stat
import zipfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tests.integration.wire import WireTerminal, new_terminal, position
from tests.serving import PASSWORD, bearer, client_of, make_token, serving, settings_for

from rubi.domain.order import NewOrder, OrderKind
from rubi.domain.signal import OrderType
from rubi.domain.units import Lots, Money, Side
from rubi.flows.back_up import BackupError, open_backup, read_manifest, write_backup
from rubi.flows.queue_order import not_after, queue_order
from rubi.flows.restore_backup import EPOCHS_AHEAD, NUMBERS_AHEAD, restore_backup, verify_backup
from rubi.flows.roll_up_metrics import roll_up_metrics
from rubi.store import backups
from rubi.terminal.journal import Journal

NOW = datetime.now(UTC)


def silent(_: str) -> None:
    return


@asynccontextmanager
async def service(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app) as client:
        yield app.state.doors.ports(), client


async def back_up(dsn, path):
    conn = await backups.connect(dsn)
    try:
        return await write_backup(conn, path, tell=silent, now=datetime.now(UTC))
    finally:
        await conn.close()


async def put(ports, terminal, kind=OrderKind.OPEN, **more) -> int:
    now = datetime.now(UTC)
    async with ports.pool.acquire() as conn, conn.transaction():
        whose = await conn.fetchrow("SELECT user_id, account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)
        queued = await queue_order(
            conn,
            NewOrder(
                user_id=whose["user_id"],
                account_id=whose["account_id"],
                kind=kind,
                symbol="EURUSD",
                side=Side.BUY,
                order_type=OrderType.MARKET,
                volume=Lots(Lots("0.1")),
                reserved_risk=Money("50"),
                not_after=not_after(kind, now),
                **more,
            ),
            actor="test",
            now=now,
        )
        return queued.id


async def login(client, name="trader"):
    answer = await client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def name_of(dsn):
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval("SELECT username FROM users LIMIT 1")
    finally:
        await conn.close()


@pytest.fixture
async def lived(dsn, redis_url, tmp_path):
    """A database in which something has happened, its backup, and the terminal with a token."""
    async with service(dsn, redis_url) as (ports, client):
        terminal, person = await new_terminal(client)
        await terminal.connect()
        await terminal.market(positions=[position()])
        order = await put(ports, terminal)
        manifest = await back_up(dsn, tmp_path / "a.backup")
        yield ports, client, terminal, person, order, manifest, tmp_path / "a.backup"


async def restored_into(path, new_database, template):
    target = await new_database(template)
    return target, await restore_backup(path, target, tell=silent, now=datetime.now(UTC))


async def test_a_backup_is_of_one_moment_and_nobody_else_may_read_it(lived, dsn):
    *_, manifest, path = lived
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert b"EURUSD" in archive.read("tables/trading_orders.copy")
    named = {each.table.name: each.fingerprint.rows for each in manifest.tables}
    assert named["trading_orders"] == 1
    assert named["account_snapshots"] >= 1
    assert "account_metrics" in named
    assert not {name for name in named if name.startswith(("account_metrics_1", "_hyper"))}
    with pytest.raises(BackupError, match="is there already"):
        await back_up(dsn, path)


async def test_every_row_comes_back_as_it_was(lived, new_database, template):
    *_, manifest, path = lived
    assert await verify_backup(path, await new_database(), tell=silent) == manifest
    assert manifest.rows > 10


async def test_a_changed_row_is_noticed(lived, new_database, template, tmp_path):
    *_, path = lived
    forged = tmp_path / "forged.backup"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(forged, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "tables/trading_orders.copy":
                content = content.replace(b"EURUSD", b"GBPUSD")
            after.writestr(name, content)
    with pytest.raises(BackupError, match="trading_orders is not what was backed up"):
        await verify_backup(forged, await new_database(), tell=silent)


async def test_a_file_that_is_cut_off_or_something_else_is_refused(lived, new_database, template, tmp_path):
    *_, path = lived
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BackupError, match="cannot be read as a backup"):
        open_backup(tmp_path / "cut")
    with zipfile.ZipFile(tmp_path / "other", "w") as other:
        other.writestr("manifest.json", "{}")
    with pytest.raises(BackupError, match="no backup of this service"):
        await restore_backup(tmp_path / "other", await new_database(), tell=silent, now=NOW)


async def test_a_backup_of_newer_code_is_refused(lived, new_database, template, tmp_path):
    *_, path = lived
    newer = tmp_path / "newer.backup"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(newer, "w") as after:
        said = json.loads(before.read("manifest.json"))
        said["migrations"].append([9999, "of_tomorrow", "x"])
        after.writestr("manifest.json", json.dumps(said))
    with pytest.raises(BackupError, match="9999_of_tomorrow"):
        await restore_backup(newer, await new_database(), tell=silent, now=NOW)


async def test_a_database_that_has_people_or_is_in_use_is_not_overwritten(lived, dsn, new_database, template):
    *_, path = lived
    target = await new_database()
    other = await asyncpg.connect(target)
    with pytest.raises(BackupError, match="connected to this database"):
        await restore_backup(path, target, tell=silent, now=NOW)
    await other.close()
    await restore_backup(path, target, tell=silent, now=NOW)
    with pytest.raises(BackupError, match="has people in it already"):
        await restore_backup(path, target, tell=silent, now=NOW)


async def test_a_restore_that_fails_leaves_nothing(lived, new_database, template, tmp_path):
    *_, path = lived
    broken = tmp_path / "broken.backup"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(broken, "w") as after:
        for name in before.namelist():
            if name != "tables/trading_positions.copy":
                after.writestr(name, before.read(name))
    target = await new_database()
    with pytest.raises(BackupError, match="damaged: trading_positions"):
        await restore_backup(broken, target, tell=silent, now=NOW)
    conn = await asyncpg.connect(target)
    assert await conn.fetchval("SELECT count(*) FROM users") == 0
    await conn.close()
    await restore_backup(path, target, tell=silent, now=NOW)


async def test_no_number_is_given_again_that_a_terminal_may_remember(
    lived, new_database, template, redis_url, tmp_path
):
    """The terminal's journal is newer than the backup: it has carried out an order that the database never heard of."""
    ports, _, terminal, _, before, manifest, path = lived
    lost = await put(ports, terminal)
    journal = Journal(tmp_path / "journal")
    journal.intend(lost, "a-lease", {"order_id": lost}, at=datetime.now(UTC))
    journal.sending(lost)
    journal.report(lost, "RESULT", at=datetime.now(UTC), retcode=10009)
    numbers = {each.table.name: each.last_number for each in manifest.tables}
    assert numbers["trading_orders"] + 1 == lost, (
        "without care the next order would have this number, and be a DUPLICATE"
    )

    target, _ = await restored_into(path, new_database, template)
    async with service(target, redis_url) as (ports, client):
        access = await login(client, await name_of(target))
        token = (await make_token(client, access))["token"]
        again = WireTerminal(client, token, terminal_instance_id=terminal.hello["terminal_instance_id"])
        open_entries = [{"order_id": lost, "phase": "RESULT", "intent_at": datetime.now(UTC).isoformat()}]
        said = await again.connect(journal_open=open_entries)
        assert said["epoch"] > terminal.epoch + EPOCHS_AHEAD
        await again.market()
        new = await put(ports, again, kind=OrderKind.CLOSE_POSITION, position_ticket=901)
        assert new >= before + NUMBERS_AHEAD
        assert not journal.knows(new)
        handed_out = (await again.sync())["commands"]
        assert [each["order_id"] for each in handed_out] == [new]
        async with ports.pool.acquire() as conn:
            assert (
                await conn.fetchval("SELECT nextval(pg_get_serial_sequence('trading_signals', 'id'))") >= NUMBERS_AHEAD
            )
    journal.close()


async def test_what_was_under_way_is_of_unknown_fate(lived, dsn, new_database, template):
    ports, _, terminal, _, order, _, path = lived
    closing = await put(ports, terminal, kind=OrderKind.CLOSE_POSITION, position_ticket=901)
    path.unlink()
    await back_up(dsn, path)
    target, done = await restored_into(path, new_database, template)
    assert done.orders_unknown == 2
    conn = await asyncpg.connect(target)
    states = dict(await conn.fetch("SELECT id, state FROM trading_orders"))
    assert states == {order: "UNKNOWN", closing: "UNKNOWN"}
    told = await conn.fetch("SELECT event, code, legal FROM order_events e JOIN trading_orders o ON o.id = e.order_id"
                            " WHERE event = 'AMBIGUOUS'")  # fmt: skip
    assert [tuple(row) for row in told] == [("AMBIGUOUS", "RESTORED", True)] * 2
    assert await conn.fetchval("SELECT count(*) FROM alerts WHERE code = 'RESTORED' AND severity = 'critical'") == 1
    await conn.close()


async def test_nothing_opens_until_a_person_resumes(lived, new_database, template, redis_url):
    *_, path = lived
    target, _ = await restored_into(path, new_database, template)
    async with service(target, redis_url) as (ports, client):
        access = await login(client, await name_of(target))
        terminal = WireTerminal(client, (await make_token(client, access))["token"])
        await terminal.connect()
        for _ in range(3):
            await terminal.market()
        opening = await put(ports, terminal)
        conn = await asyncpg.connect(target)
        await conn.execute(
            "UPDATE trading_orders SET state = 'REJECTED' WHERE state = 'UNKNOWN'"
        )  # settled by a person
        assert (await terminal.sync())["commands"] == []
        resumed = await client.post(
            "/api/v1/accounts/resume", headers=bearer(access), json={"reason": "looked at everything"}
        )
        assert resumed.status_code == 200, resumed.text
        assert [each["order_id"] for each in (await terminal.sync())["commands"]] == [opening]
        reasons = await conn.fetchval("SELECT reason FROM trading_switches ORDER BY id DESC LIMIT 1")
        assert "restored from the backup" in reasons
        await conn.close()


async def test_an_account_is_to_be_reconciled_before_it_opens(lived, new_database, template):
    *_, path = lived
    target, _ = await restored_into(path, new_database, template)
    conn = await asyncpg.connect(target)
    row = await conn.fetchrow("SELECT reconciled_at, session_id FROM accounts")
    assert tuple(row) == (None, None)
    assert await conn.fetchval("SELECT count(*) FROM mt5_sessions WHERE state IN ('ACTIVE', 'SILENT')") == 0
    await conn.close()


async def test_every_login_and_token_has_ended(lived, new_database, template, redis_url):
    _, _, terminal, person, *_, path = lived
    target, done = await restored_into(path, new_database, template)
    assert done.tokens_revoked >= 2
    async with service(target, redis_url) as (_, client):
        for headers in (terminal.headers, person):
            answer = await client.get("/api/v1/mt5/sessions", headers=headers)
            assert answer.status_code == 401, answer.text
        access = await login(client, await name_of(target))
        tokens = (await client.get("/api/v1/auth/tokens?revoked=true", headers=bearer(access))).json()
        assert tokens, "they stay in the list"


async def test_a_signal_that_nobody_had_decided_ends(lived, dsn, new_database, template):
    *_, path = lived
    conn = await asyncpg.connect(dsn)
    user = await conn.fetchval("SELECT id FROM users")
    signal = await conn.fetchval(
        "INSERT INTO trading_signals (user_id, source, dedupe_key, body_sha256, symbol, signal_type, signal_time,"
        " received_at, expires_at) VALUES ($1, 'api', 'k', '', 'EURUSD', 'BUY', $2, $2, $3) RETURNING id",
        user, NOW, NOW + timedelta(days=2),
    )  # fmt: skip
    await conn.close()
    path.unlink()
    await back_up(dsn, path)
    target, done = await restored_into(path, new_database, template)
    assert done.signals_ended == 1
    conn = await asyncpg.connect(target)
    row = await conn.fetchrow("SELECT status, code, decided_at FROM trading_signals WHERE id = $1", signal)
    assert (row["status"], row["code"]) == ("EXPIRED", "RESTORED")
    assert row["decided_at"] is not None
    await conn.close()


async def test_the_record_of_who_did_what_goes_on_unbroken(lived, new_database, template):
    from rubi.flows.audit import verify_chain
    from rubi.store.pool import open_pool

    *_, path = lived
    target, _ = await restored_into(path, new_database, template)
    pool = await open_pool(target, size=2, application="test")
    async with pool.acquire() as conn:
        user = await conn.fetchval("SELECT id FROM users")
        assert await conn.fetchval("SELECT action FROM audit_log ORDER BY id DESC LIMIT 1") == "service.restore"
        assert await verify_chain(conn, user) is None
    await pool.close()


@pytest.mark.parametrize("ahead", [10_000_000_000, -1])
async def test_history_goes_on_whatever_the_other_servers_count_of_transactions_was(
    lived, dsn, new_database, template, redis_url, ahead
):
    """Snapshots carry the number of their transaction; another server counts from somewhere else."""
    ports, _, terminal, *_, path = lived
    await roll_up_metrics(ports)
    conn = await asyncpg.connect(dsn)
    await terminal.market(
        account={"balance": 9000.0, "equity": 9000.0, "margin": 0.0, "margin_free": 9000.0, "profit": 0.0}
    )
    if ahead > 0:
        await conn.execute("UPDATE account_snapshots SET written_by = written_by + $1", ahead)
        await conn.execute("UPDATE series_progress SET rolled_up_to = rolled_up_to + $1", ahead)
    await conn.close()
    path.unlink()
    await back_up(dsn, path)
    target, _ = await restored_into(path, new_database, template)
    async with service(target, redis_url) as (ports, _):
        await roll_up_metrics(ports)
        async with ports.pool.acquire() as conn:
            low = await conn.fetchval("SELECT min(equity_low) FROM account_metrics WHERE resolution = '1m'")
            assert low == 9000.0
            account = await conn.fetchval("SELECT id FROM accounts")
            await conn.execute(
                "INSERT INTO account_snapshots (time, account_id, balance, equity, margin, margin_free, margin_level,"
                " profit, received_at) VALUES (now(), $1, 8000, 8000, 0, 8000, 0, 0, now())", account,
            )  # fmt: skip
        await roll_up_metrics(ports)
        async with ports.pool.acquire() as conn:
            low = await conn.fetchval("SELECT min(equity_low) FROM account_metrics WHERE resolution = '1m'")
        assert low == 8000.0


async def test_the_manifest_names_the_schema_it_belongs_to(lived):
    *_, manifest, path = lived
    with open_backup(path) as archive:
        assert read_manifest(archive) == manifest
    assert manifest.migrations[0][1] == "create_the_bridge"
    assert {each.name for each in path.parent.iterdir()} == {path.name}
