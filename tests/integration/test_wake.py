"""What wakes a parked cycle: what its bell tells or one look, one statement that hands that out, or the locks."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.integration.wire import WireTerminal, state_of

from rubi.domain.errors import RubiError
from rubi.domain.order import OrderEvent, OrderEventType, OrderKind
from rubi.flows import lease_orders, sync_terminal
from rubi.flows.lease_orders import MOST_AT_ONCE, as_told, see_waiting
from rubi.flows.settle_order import settle
from rubi.flows.sync_terminal import Cycle
from rubi.live.bus import Event
from rubi.observability.metrics import ORDER_TRANSITIONS
from rubi.store import orders, terminals
from rubi.store.orders import SQL, ParkedCycle
from rubi.store.terminals import Terminal

HALT = """INSERT INTO trading_switches (user_id, account_id, symbol, state, reason, set_at)
    SELECT user_id, {}, {}, 'HALTED', 'a test', now() FROM accounts"""
BREACH = """INSERT INTO risk_accounts (account_id, counted_from, funds, units, nav, balance_nav, high, high_balance,
        day_high, end_high, end_high_balance, nav_day, updated_at, trading_state)
    SELECT id, now(), 0, 1, 1, 1, 1, 1, 1, 1, 1, current_date, now(), 'HALTED' FROM accounts"""
ENDED = "UPDATE trading_orders SET state = {} WHERE kind = {}"
ON_THE_ROWS = {
    "the account is halted": "UPDATE accounts SET trading_state = 'HALTED'",
    "the account is reducing": "UPDATE accounts SET trading_state = 'REDUCING'",
    "the books are to be compared": "UPDATE accounts SET reconciled_at = NULL",
    "the terminal cannot trade": "UPDATE accounts SET not_tradable_code = 'BROKER_DISABLED'",
    "another epoch": "UPDATE accounts SET epoch = epoch + 1",
    "another session holds the account": "UPDATE accounts SET session_id = gen_random_uuid()",
    "the session is fenced": "UPDATE mt5_sessions SET state = 'FENCED'",
    "the session has ended": "UPDATE mt5_sessions SET state = 'DISCONNECTED'",
    "a later cycle": "UPDATE mt5_sessions SET last_seq = last_seq + 1",
    "another body": "UPDATE mt5_sessions SET last_body_sha256 = decode('00', 'hex')",
    "an answer is kept": "UPDATE mt5_sessions SET last_answer = '{}'",
    "the order is cancelled": "UPDATE trading_orders SET state = 'CANCELED', event_n = event_n + 1 WHERE kind = 'OPEN'",
    "the order was handed out": "UPDATE trading_orders SET state = 'LEASED', event_n = event_n + 1 WHERE kind = 'OPEN'",
    "the order has changed": "UPDATE trading_orders SET event_n = event_n + 1 WHERE kind = 'OPEN'",
    "the order has expired": "UPDATE trading_orders SET not_after = now() - interval '1 s' WHERE kind = 'OPEN'",
    "the order is taken back": "UPDATE trading_orders SET revoke_asked_at = now() WHERE kind = 'OPEN'",
}
"""Changes of the rows that a hand-out locks."""
BESIDE_THEM = {
    "everything is halted": HALT.format("NULL", "NULL"),
    "a switch of the account": HALT.format("id", "NULL"),
    "the symbol is halted": HALT.format("NULL", "'EURUSD'"),
    "the symbol is halted on the account": HALT.format("id", "'EURUSD'"),
    "a loss limit is broken": BREACH,
    "an order of unknown fate": ENDED.format("'UNKNOWN'", "'PLACE_PENDING'"),
    "an instruction of unknown fate": ENDED.format("'UNKNOWN'", "'CANCEL_PENDING'"),
    "a command to be revoked": ENDED.format("'LEASED', revoke_asked_at = now()", "'CANCEL_PENDING'"),
    "another order waits": ENDED.format("'QUEUED'", "'PLACE_PENDING'"),
    "a close waits": ENDED.format("'QUEUED'", "'CLOSE_POSITION'"),
}
"""Changes of other rows, which count as a statement's snapshot shows them."""
HARMLESS = {
    "a sign of life": "UPDATE mt5_sessions SET last_seen_at = now()",
    "a silence": "UPDATE mt5_sessions SET state = 'SILENT'",
    "a comparison": "UPDATE accounts SET reconciled_at = now()",
    "a word about the order": "UPDATE trading_orders SET message = 'seen' WHERE kind = 'OPEN'",
    "a switch of another symbol": HALT.format("NULL", "'GBPUSD'"),
}
CHANGES = {**ON_THE_ROWS, **BESIDE_THEM, **HARMLESS}
KEPT = {
    "accounts": "trading_state, reconciled_at, not_tradable_code, epoch, session_id",
    "mt5_sessions": "state, last_seq, last_body_sha256, last_answer, last_seen_at",
    "trading_orders": "state, event_n, not_after, revoke_asked_at, message",
}
"""What the changes change, by table."""
AFTER_ITS_SNAPSHOT = "WHERE pg_advisory_xact_lock_shared(7) IS NOT NULL AND a.id = $1"
"""Where lease_waiting can be stopped: its snapshot is taken, and no row is locked."""


@dataclass
class Desk:
    """A terminal whose cycle could be parked: one OPEN waits, and an order of each other kind has ended."""

    terminal: WireTerminal
    wire: Terminal
    parked: ParkedCycle
    told: str
    """What the bell of the order that waits says."""

    def said(self, now):
        return sync_terminal._said_at_first(self.cycle(), (0, 0), "ACTIVE", {}, now)

    def cycle(self) -> Cycle:
        return Cycle(self.parked.epoch, self.parked.seq, self.parked.body_sha256, timedelta(seconds=1))

    async def see(self, conn):
        return await see_waiting(conn, self.parked, clock=now)

    def hear(self, at=None):
        return as_told([self.told], self.wire.poll_ms, now=at or now())

    async def hand_out(self, conn, seen, at=None):
        at = at or now()
        return await sync_terminal._hand_out_seen(conn, self.parked, seen, self.said(at), at)

    async def by_locks(self, conn, at):
        return await sync_terminal._hand_out_again(conn, self.wire, self.cycle(), self.said(at), lambda: at)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def desk(terminal, queue, conn, ports):
    for kind in (OrderKind.PLACE_PENDING, OrderKind.CANCEL_PENDING, OrderKind.CLOSE_POSITION):
        await queue(terminal, kind)
    await conn.execute("UPDATE trading_orders SET state = 'CANCELED'")
    order_id = await queue(terminal)
    row = await conn.fetchrow("SELECT * FROM mt5_sessions")
    parked = ParkedCycle(
        account_id=row["account_id"],
        session_id=row["id"],
        user_id=row["user_id"],
        instance=row["terminal_instance_id"],
        epoch=row["epoch"],
        seq=row["last_seq"],
        body_sha256=row["last_body_sha256"],
        only_closes=False,
    )
    wire = await terminals.find(ports.pool, row["id"], row["user_id"])
    return Desk(terminal, wire, parked, queue.told[order_id])


@asynccontextmanager
async def undone(conn):
    """What happens inside is rolled back."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def rows_of(conn):
    """Everything that a hand-out writes, without what is drawn by lot."""
    return [
        [row[0] for row in await conn.fetch(query)]
        for query in (
            "SELECT to_jsonb(o) - 'lease_id' FROM trading_orders o ORDER BY id",
            """SELECT to_jsonb(e) || jsonb_build_object('payload', e.payload - 'lease_id')
               FROM order_events e ORDER BY order_id, n""",
            "SELECT to_jsonb(s) || jsonb_build_object('last_answer', s.last_answer IS NOT NULL) FROM mt5_sessions s",
        )
    ]


def told(answer):
    said = json.loads(answer)
    return said | {"commands": [{**command, "lease_id": None} for command in said["commands"]]}


@pytest.mark.parametrize("told", [False, True], ids=["seen", "told"])
async def test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks(desk, ports, told):
    wrong = []
    async with ports.pool.acquire() as conn:
        for name, change in CHANGES.items():
            async with undone(conn):
                seen = desk.hear() if told else await desk.see(conn)
                assert len(seen.rows) == 1
                await conn.execute(change)
                before = await rows_of(conn)
                answer = await desk.hand_out(conn, seen)
                if (answer is not None) != (name in HARMLESS) or (answer is None and await rows_of(conn) != before):
                    wrong.append(name)
    assert wrong == []


async def test_a_change_after_the_snapshot_of_the_hand_out_is_seen_under_its_locks(desk, ports, conn, monkeypatch):
    assert SQL["lease_waiting"].count("WHERE a.id = $1") == 1
    held = SQL["lease_waiting"].replace("WHERE a.id = $1", AFTER_ITS_SNAPSHOT)
    monkeypatch.setitem(SQL, "lease_waiting", held)
    wrong = []
    async with ports.pool.acquire() as one:
        for name, change in (ON_THE_ROWS | HARMLESS).items():
            kept = {table: await conn.fetch(f"SELECT id, {columns} FROM {table}") for table, columns in KEPT.items()}
            await conn.execute("SELECT pg_advisory_lock(7)")
            async with undone(one):
                seen = await desk.see(one)
                handing_out = asyncio.create_task(desk.hand_out(one, seen))
                await blocked(conn)
                await conn.execute(change)
                await conn.execute("SELECT pg_advisory_unlock(7)")
                if (await handing_out is not None) != (name in HARMLESS):
                    wrong.append(name)
                message = await one.fetchval("SELECT message FROM trading_orders WHERE kind = 'OPEN'")
                assert message == ("seen" if name == "a word about the order" else None)  # of the newest row
            await conn.execute("DELETE FROM trading_switches")
            for table, rows in kept.items():
                for row in rows:
                    values = [value for column, value in row.items() if column != "id"]
                    places = ", ".join(f"${n}" for n in range(2, len(values) + 2))
                    await conn.execute(
                        f"UPDATE {table} SET ({KEPT[table]}) = ({places}) WHERE id = $1", row["id"], *values
                    )
    assert wrong == []


async def blocked(conn):
    """Wait until a statement waits for a lock."""
    async with asyncio.timeout(5):
        while not await conn.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("held", ["accounts", "mt5_sessions", "trading_orders"])
async def test_nobody_is_waited_for(desk, ports, conn, held):
    async with ports.pool.acquire() as one:
        async with conn.transaction():
            await conn.execute(f"SELECT FROM {held} FOR UPDATE")
            seen = await desk.see(one)
            assert len(seen.rows) == 1
            assert await asyncio.wait_for(desk.hand_out(one, seen), 2) is None
        assert await desk.hand_out(one, seen) is not None


async def test_orders_of_an_account_that_somebody_holds_are_not_locked(desk, ports, conn, dsn):
    other = await asyncpg.connect(dsn)
    async with ports.pool.acquire() as one, undone(one), conn.transaction():
        await conn.execute("SELECT FROM accounts FOR NO KEY UPDATE")
        assert await desk.hand_out(one, await desk.see(one)) is None
        waiting = "SELECT id FROM trading_orders WHERE state = 'QUEUED' FOR UPDATE SKIP LOCKED"
        assert len(await other.fetch(waiting)) == 1
    await other.close()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    changes=st.lists(st.sampled_from([*CHANGES, *HARMLESS, *HARMLESS]), max_size=3, unique=True),
    seen_after=st.one_of(st.none(), st.integers(0, 3)),
)
async def test_what_is_handed_out_at_once_is_what_the_locks_would_give(desk, ports, changes, seen_after):
    """After so many of the changes it was seen; None: not at all, its bell told of it before them."""
    async with ports.pool.acquire() as conn, undone(conn):
        for name in changes[: seen_after or 0]:
            await conn.execute(CHANGES[name])
        seen = desk.hear() if seen_after is None else await desk.see(conn)
        for name in changes[seen_after or 0 :]:
            await conn.execute(CHANGES[name])
        at = now()
        async with undone(conn):
            try:
                by_locks = await desk.by_locks(conn, at)
            except RubiError as error:
                by_locks = error.code
            wanted = await rows_of(conn)
        moved = bool(changes[seen_after or 0 :])
        if seen is None:
            event("left to the locks")
        elif not seen.rows:
            event("nothing waits")
            assert by_locks is None or moved
        else:
            seen = desk.hear(at) if seen_after is None else replaced(seen, at)
            at_once = await desk.hand_out(conn, seen, at)
            event(
                ("told: " if seen_after is None else "") + "handed out" if at_once else "left to the locks, once seen"
            )
            assert at_once is not None or moved
            if at_once is not None:
                assert told(at_once) == told(by_locks)
                assert await rows_of(conn) == wanted


def replaced(seen, at):
    """What was seen, as of a moment: leases end by the clock."""
    return lease_orders._taken(seen.rows, seen.rows[0]["poll_ms"], at)


@pytest.fixture
async def account_id(terminal, conn):
    return await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)


@pytest.fixture
def ring(ports, account_id):
    """Say that a command waits, by bells with these data or by one with none; it is heard here when this returns."""

    async def publish(*bells):
        heard = asyncio.Event()
        with ports.bus.listen(lambda event: heard.set() if event.type == "COMMAND_WAITS" else None):
            await ports.bus.publish(Event("COMMAND_WAITS", 0, account_id, data) for data in bells or ({},))
            await asyncio.wait_for(heard.wait(), 5)

    return publish


async def parked(terminal, body=None, wait_ms=1500):
    body = body or terminal.body(wait_ms=wait_ms)
    waits = asyncio.create_task(terminal.post("/mt5/sync", body))
    await asyncio.sleep(0.3)
    assert not waits.done()
    return waits


async def answered(waits):
    answer = await asyncio.wait_for(waits, 2)
    assert answer.status_code == 200, answer.text
    return answer


def ids(answer):
    return [command["order_id"] for command in answer.json()["commands"]]


@pytest.fixture
def at_once(monkeypatch):
    """How often a hand-out without a transaction succeeded, and how often it was left to the locks."""
    counted = Counter()
    original = orders.lease_waiting

    async def lease_waiting(*args, **more):
        done = await original(*args, **more)
        counted[done] += 1
        return done

    monkeypatch.setattr(orders, "lease_waiting", lease_waiting)
    return counted


async def test_a_wake_up_takes_two_statements(terminal, queue, ports, ring):
    said = []
    waits = await parked(terminal)
    order_id = await queue(terminal)
    leased = ORDER_TRANSITIONS.labels("LEASED")._value.get()
    for line in (holder._con for holder in ports.pool._holders if holder._con is not None):
        await line.prepare(SQL["lease_waiting"])  # a connection asks once about types
        line.add_query_logger(lambda record: said.append(record.query))
    await ring()
    assert ids(await answered(waits)) == [order_id]
    assert said == [SQL["read_waiting"], SQL["lease_waiting"]]
    assert ORDER_TRANSITIONS.labels("LEASED")._value.get() == leased + 1


async def test_a_wake_up_whose_bell_tells_the_order_takes_one_statement(terminal, queue, ports, ring):
    said = []
    waits = await parked(terminal)
    close = {"position_ticket": 901, "expiration": now() + timedelta(hours=1), "guards": {"expect_volume": 0.1}}
    order_id = await queue(terminal, OrderKind.CLOSE_POSITION, **close)
    for line in (holder._con for holder in ports.pool._holders if holder._con is not None):
        await line.prepare(SQL["lease_waiting"])
        line.add_query_logger(lambda record: said.append(record.query))
    await ring({"orders": [queue.told[order_id]]})
    assert ids(await answered(waits)) == [order_id]
    assert said == [SQL["lease_waiting"]]


async def test_bells_in_a_row_tell_what_one_answer_holds_closes_first(terminal, queue, ring, at_once):
    waits = await parked(terminal)
    first, second = await queue(terminal), await queue(terminal)
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await ring({"orders": [queue.told[second], queue.told[close], queue.told[first]]})
    assert ids(await answered(waits)) == [close, first, second]
    assert at_once == {True: 1}


async def test_an_order_that_is_told_twice_is_handed_out_once(terminal, queue, conn, ring, at_once):
    waits = await parked(terminal)
    order_id = await queue(terminal)
    await ring({"orders": [queue.told[order_id]] * 2})
    assert ids(await answered(waits)) == [order_id]
    assert await conn.fetchval("SELECT deliveries FROM trading_orders") == 1
    assert at_once == {True: 1}


async def test_more_than_one_answer_holds_is_looked_for(terminal, queue, ring, at_once):
    waits = await parked(terminal)
    opens = [await queue(terminal) for _ in range(MOST_AT_ONCE + 1)]
    await ring({"orders": [queue.told[order_id] for order_id in opens]})
    assert ids(await answered(waits)) == opens[:MOST_AT_ONCE]
    assert at_once == {True: 1}


async def test_an_order_that_no_bell_told_of_is_looked_for_with_the_others(terminal, queue, ring, at_once):
    waits = await parked(terminal)
    untold, told = await queue(terminal), await queue(terminal)
    await ring({"orders": [queue.told[told]]})
    assert ids(await answered(waits)) == [untold, told]
    assert at_once == {False: 1, True: 1}


@pytest.mark.parametrize(
    ("field", "value"), [("volume", 50), ("sl", None), ("side", "SELL"), ("symbol", "GBPUSD"), ("guards", {})]
)
async def test_what_a_bell_tells_and_the_queue_does_not_is_never_handed_out(
    terminal, queue, ring, at_once, field, value
):
    waits = await parked(terminal)
    order_id = await queue(terminal, guards={"max_spread_points": 20.0})
    await ring({"orders": [json.dumps(json.loads(queue.told[order_id]) | {field: value})]})
    (command,) = (await answered(waits)).json()["commands"]
    assert (command["volume"], command["sl"], command["side"], command["symbol"]) == (0.1, 1.095, "BUY", "EURUSD")
    assert command["guards"]["max_spread_points"] == 20
    assert at_once == {False: 1, True: 1}


@pytest.mark.parametrize(
    "bells",
    [
        ({"orders": []},),
        ({"orders": ["{"]},),
        ({"orders": ["{}", "[]"]},),
        ({"orders": [7, None]},),
        ({"orders": "{}"},),
        (None,),
        ([],),
    ],
    ids=str,
)
async def test_a_bell_that_tells_nothing_to_be_understood_is_a_bell(terminal, queue, ring, at_once, bells):
    waits = await parked(terminal)
    order_id = await queue(terminal)
    await ring(*bells)
    assert ids(await answered(waits)) == [order_id]
    assert at_once == {True: 1}
    waits = await parked(terminal)  # and the next bell is heard
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await ring({"orders": [queue.told[close]]})
    assert ids(await answered(waits)) == [close]


async def test_a_bell_beside_one_that_tells_is_looked_after(terminal, queue, ring, at_once):
    waits = await parked(terminal)
    untold, told = await queue(terminal), await queue(terminal)
    await ring({"orders": [queue.told[told]]}, {})
    assert ids(await answered(waits)) == [untold, told]


async def test_a_cycle_that_is_repeated_after_a_wake_up_gets_the_kept_answer(terminal, queue, conn, ring, at_once):
    body = terminal.body(wait_ms=1500)
    waits = await parked(terminal, body)
    order_id = await queue(terminal)
    await ring()
    first = await answered(waits)
    again = await terminal.post("/mt5/sync", body)
    assert ids(first) == [order_id]
    assert first.content == again.content == await conn.fetchval("SELECT last_answer FROM mt5_sessions")
    assert await conn.fetchval("SELECT deliveries FROM trading_orders") == 1
    assert at_once == {True: 1}
    events = await conn.fetch("SELECT event, payload FROM order_events ORDER BY n")
    assert [row["event"] for row in events] == ["APPROVED", "HANDED_OUT"]
    (command,) = first.json()["commands"]
    assert json.loads(events[1]["payload"]) == {"lease_id": command["lease_id"], "epoch": terminal.epoch}
    acks = [{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}]
    await terminal.sync(acks=acks)
    assert await state_of(conn, order_id) == "ACKED"


async def test_two_copies_of_a_cycle_that_wake_at_once_get_one_command_and_one_answer(
    terminal, queue, conn, ring, at_once, monkeypatch
):
    met = asyncio.Barrier(2)
    original = orders.lease_waiting

    async def together(*args, **more):
        await met.wait()
        return await original(*args, **more)

    monkeypatch.setattr(orders, "lease_waiting", together)
    body = terminal.body(wait_ms=1500)
    copies = [await parked(terminal, body), await parked(terminal, body)]
    order_id = await queue(terminal)
    await ring()
    one, two = [await answered(copy) for copy in copies]
    assert one.content == two.content
    assert ids(one) == [order_id]
    assert await conn.fetchval("SELECT deliveries FROM trading_orders") == 1
    assert at_once == {True: 1, False: 1}


async def test_a_hand_out_that_was_not_heard_of_is_not_repeated_and_its_answer_is_kept(
    terminal, queue, conn, ring, monkeypatch
):
    original = orders.lease_waiting

    async def lost(*args, **more):
        assert await original(*args, **more)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(orders, "lease_waiting", lost)
    body = terminal.body(wait_ms=1500)
    waits = await parked(terminal, body)
    order_id = await queue(terminal)
    await ring()
    assert (await asyncio.wait_for(waits, 2)).status_code == 503
    again = await answered(terminal.post("/mt5/sync", body))
    assert ids(again) == [order_id]
    assert again.content == await conn.fetchval("SELECT last_answer FROM mt5_sessions")
    assert await conn.fetchval("SELECT deliveries FROM trading_orders") == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("another epoch", 409, "EPOCH_FENCED"),
        ("the session is fenced", 409, "EPOCH_FENCED"),
        ("another session holds the account", 409, "EPOCH_FENCED"),
        ("the session has ended", 404, "SESSION_NOT_FOUND"),
        ("a later cycle", 409, "SEQ_STALE"),
        ("another body", 409, "SEQ_CONFLICT"),
    ],
)
async def test_a_session_that_ended_after_the_look_is_refused(
    terminal, queue, conn, ring, monkeypatch, change, status, code
):
    original = orders.lease_waiting

    async def changed(*args, **more):
        await conn.execute(CHANGES[change])
        return await original(*args, **more)

    monkeypatch.setattr(orders, "lease_waiting", changed)
    waits = await parked(terminal)
    order_id = await queue(terminal)
    await ring()
    answer = await asyncio.wait_for(waits, 2)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await state_of(conn, order_id) == "QUEUED"


@pytest.mark.parametrize("change", ["the symbol is halted", "the account is halted", "the order is cancelled"])
async def test_an_order_that_may_not_go_any_more_stays_and_its_cycle_stays_parked(
    terminal, queue, conn, ring, monkeypatch, at_once, change
):
    original = orders.lease_waiting

    async def changed(*args, **more):
        await conn.execute(CHANGES[change])
        return await original(*args, **more)

    waits = await parked(terminal, wait_ms=1000)
    order_id = await queue(terminal)
    monkeypatch.setattr(orders, "lease_waiting", changed)
    await ring()
    assert ids(await answered(waits)) == []
    assert await state_of(conn, order_id) == ("CANCELED" if "cancelled" in change else "QUEUED")
    assert at_once == {False: 1}


async def test_a_cycle_whose_account_somebody_holds_waits_for_it_under_the_locks(
    terminal, queue, conn, dsn, ring, at_once
):
    other = await asyncpg.connect(dsn)
    waits = await parked(terminal)
    order_id = await queue(terminal)
    async with other.transaction():
        await other.execute("SELECT FROM accounts FOR NO KEY UPDATE")
        await ring()
        await blocked(conn)
        assert at_once == {False: 1}
    await other.close()
    assert ids(await answered(waits)) == [order_id]


async def test_a_bell_for_nothing_leaves_the_cycle_parked(terminal, queue, conn, ring, at_once):
    waits = await parked(terminal)
    for _ in range(3):
        await ring()
        await asyncio.sleep(0.05)
    assert not waits.done()
    assert at_once == {}
    order_id = await queue(terminal)
    await ring()
    assert ids(await answered(waits)) == [order_id]


async def test_an_order_that_comes_right_after_the_look_wakes_its_cycle_again(
    terminal, queue, ring, monkeypatch, at_once
):
    original = orders.read_waiting
    late = []

    async def read_then_queue(*args, **more):
        found = await original(*args, **more)
        if not late:
            assert found[1] == []
            late.append(await queue(terminal))
            await ring()
        return found

    monkeypatch.setattr(orders, "read_waiting", read_then_queue)
    waits = await parked(terminal)
    await ring()
    assert ids(await answered(waits)) == late
    assert at_once == {True: 1}


async def test_what_one_answer_cannot_hold_comes_with_the_next_and_closes_come_first(terminal, queue, ring, at_once):
    waits = await parked(terminal)
    opens = [await queue(terminal) for _ in range(MOST_AT_ONCE + 3)]
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await ring()
    assert ids(await answered(waits)) == [close, *opens[: MOST_AT_ONCE - 1]]
    assert [command["order_id"] for command in (await terminal.sync())["commands"]] == opens[MOST_AT_ONCE - 1 :]
    assert at_once == {True: 1}


async def test_a_close_passes_at_once_where_nothing_may_open(terminal, queue, conn, ring, at_once):
    waits = await parked(terminal)
    held = await queue(terminal)
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await conn.execute(CHANGES["the account is halted"])
    await ring()
    assert ids(await answered(waits)) == [close]
    assert await state_of(conn, held) == "QUEUED"
    assert at_once == {True: 1}


async def test_a_cycle_that_was_told_of_a_halt_gets_no_open_after_it(terminal, queue, conn, ring, at_once):
    await conn.execute(CHANGES["the account is halted"])
    waits = await parked(terminal, wait_ms=800)
    await conn.execute("UPDATE accounts SET trading_state = 'ACTIVE'")
    order_id = await queue(terminal)
    await ring()
    assert ids(await answered(waits)) == []
    assert [command["order_id"] for command in (await terminal.sync())["commands"]] == [order_id]


async def test_an_order_of_unknown_fate_is_asked_about_under_the_locks(terminal, queue, conn, ring, at_once):
    await queue(terminal)
    await terminal.sync()
    waits = await parked(terminal)
    await conn.execute("UPDATE trading_orders SET state = 'UNKNOWN'")
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    await ring()
    assert [command["kind"] for command in (await answered(waits)).json()["commands"]] == ["CLOSE_POSITION", "QUERY"]
    assert await state_of(conn, close) == "LEASED"
    assert at_once == {}


async def test_an_order_that_is_being_cancelled_is_left_when_others_go(terminal, queue, conn, ports, ring, at_once):
    waits = await parked(terminal)
    order_id, free = await queue(terminal), await queue(terminal)
    async with ports.pool.acquire() as one, one.transaction():
        await settle(one, order_id, OrderEvent(OrderEventType.CANCEL_ASKED, now()), actor="test")
        await ring()
        said = await answered(waits)
    assert ids(said) == [free]
    assert await state_of(conn, order_id) == "CANCELED"
    assert at_once == {False: 1}
