"""Group commit: what one commit holds, who is answered when, and what is left to the routes."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest
from tests.integration.wire import MSC, WireTerminal, new_terminal, position

from rubi.domain.errors import UnavailableError
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.units import Percent
from rubi.live.bus import Event
from rubi.observability.metrics import HOT, write_gathered
from rubi.store import batch, policies
from rubi.store.batch import Writer

ACCOUNT = "/mt5/account/update"
PING = "/mt5/ping"
POSITIONS = "/trading/positions/update"
SYNC = "/mt5/sync"


def money(equity: float = 10_000.0, **more):
    return {
        "balance": 10_000.0,
        "equity": equity,
        "margin": 100.0,
        "margin_free": equity - 100.0,
        "margin_level": equity,
        "profit": equity - 10_000.0,
        **more,
    }


def committed(path: str) -> float:
    write_gathered()
    return HOT.labels(f"/api/v1{path}", "committed")._value.get()


@asynccontextmanager
async def in_a_batch(path: str, times: int = 1):
    """What happens inside is committed by the writer, so often; else this test tests nothing."""
    before = committed(path)
    yield
    assert committed(path) - before == times


async def push(terminal: WireTerminal, path: str, **body) -> str:
    answer = await terminal.post(path, {"session_id": terminal.session_id, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["message"]


async def warm(terminal: WireTerminal, *positions) -> WireTerminal:
    """A terminal whose books and money are known."""
    await terminal.market(positions=list(positions))
    await push(terminal, ACCOUNT, **money())
    return terminal


async def test_a_push_of_money_is_stored_as_its_route_stores_it(terminal, conn):
    await warm(terminal)
    async with in_a_batch(ACCOUNT):
        assert await push(terminal, ACCOUNT, **money(10_010.5)) == "Account info updated"
    async with in_a_batch(PING):
        assert await push(terminal, PING, balance=10_000.0, equity=10_011.1, margin_free=9_000.0) == "Ping received"
    state = await conn.fetchrow("SELECT * FROM account_states")
    assert (str(state["equity"]), str(state["profit"])) == ("10011.1", "11.1")
    series = await conn.fetch("SELECT equity, profit, time, received_at FROM account_snapshots ORDER BY time")
    assert [row["equity"] for row in series[-2:]] == [10_010.5, 10_011.1]
    assert (state["taken_at"], state["received_at"]) == (series[-1]["time"], series[-1]["received_at"])


async def test_a_push_of_positions_moves_their_marks_and_nothing_else(terminal, conn):
    one, two = position(901), position(902, symbol="GBPUSD", sl=0, tp=0)
    await warm(terminal, one, two)
    await push(terminal, POSITIONS, positions=[one, two])
    before = await conn.fetch("SELECT * FROM trading_positions ORDER BY position_id")
    async with in_a_batch(POSITIONS):
        moved = [one | {"current_price": 1.10333, "profit": 33.3}, two | {"current_price": 1.2, "swap": -0.31}]
        assert (
            await push(terminal, POSITIONS, positions=[None, *moved], timestamp="2025-10-23T10:00:00Z")
            == "2 positions updated"
        )
    assert await conn.fetch("SELECT * FROM trading_positions ORDER BY position_id") == before
    now = await conn.fetch("SELECT * FROM open_positions ORDER BY position_id")
    assert [str(row["current_price"]) for row in now] == ["1.10333", "1.2"]
    assert [str(row["profit"]) for row in now] == ["33.3", "20"]
    assert [str(row["swap"]) for row in now] == ["0", "-0.31"]
    assert all(row["taken_at"] > old["taken_at"] for row, old in zip(now, before, strict=True))


def cycle(terminal: WireTerminal, equity: float = 10_000.0, **parts):
    """A body of sync as a terminal with a good clock sends it every second."""
    seconds = int(datetime.now(UTC).timestamp())
    ahead = 10_800
    return terminal.body(
        time={"gmt": seconds, "server": seconds + ahead, "tick_msc": (seconds + ahead) * 1000 - 130},
        flags={
            "connected": True,
            "terminal_trade_allowed": True,
            "mql_trade_allowed": True,
            "account_trade_allowed": True,
            "account_trade_expert": True,
            "ping_ms": 12.5,
        },
        account=money(equity, credit=0.0),
        **parts,
    )


@pytest.fixture
async def synced(client, conn):
    """A terminal of protocol 2 whose clock is learned and whose books are reconciled."""
    seconds = int(datetime.now(UTC).timestamp())
    clock = {"gmt": seconds, "server": seconds + 10_800, "tick_msc": (seconds + 10_800) * 1000}
    terminal, _ = await new_terminal(client, time=clock)
    await terminal.connect()
    await terminal.market(positions=[position()])
    for _ in range(2):
        await terminal.post(SYNC, cycle(terminal, positions=[position()], orders=[]))
    return terminal


async def test_a_quiet_cycle_is_committed_with_others_and_answered_as_ever(synced, conn):
    slow = (await synced.post(SYNC, cycle(synced, 10_001.0, positions=[position()], orders=[], deals=[]))).json()
    tick = {"symbol": "EURUSD", "bid": 1.09991, "ask": 1.10001, "time_msc": MSC + 5000}
    body = cycle(synced, 10_002.5, positions=[position(profit=21.5)], orders=[], ticks=[tick])
    async with in_a_batch(SYNC):
        answer = await synced.post(SYNC, body)
    fast = answer.json()
    changing = {"seq_ack", "server_time"}
    assert fast.keys() == slow.keys()
    assert {k: v for k, v in fast.items() if k not in changing} == {k: v for k, v in slow.items() if k not in changing}
    assert fast["seq_ack"] == slow["seq_ack"] + 1
    session = await conn.fetchrow("SELECT * FROM mt5_sessions")
    assert (session["last_seq"], session["last_answer"]) == (synced.seq, None)
    assert json.loads(session["flags"]) == {
        "connected": True,
        "terminal_trade_allowed": True,
        "mql_trade_allowed": True,
        "account_trade_allowed": True,
        "account_trade_expert": True,
        "ping_ms": "12.5",
    }
    assert str(await conn.fetchval("SELECT equity FROM account_states")) == "10002.5"
    assert str(await conn.fetchval("SELECT profit FROM open_positions")) == "21.5"
    latest = await conn.fetchrow("SELECT * FROM latest_ticks")
    assert (str(latest["bid"]), latest["time_msc"]) == ("1.09991", MSC + 5000)
    assert await conn.fetchval("SELECT count(*) FROM ticks WHERE time_msc = $1", MSC + 5000) == 1


async def test_what_was_told_by_a_route_leaves_the_next_cycle_quiet(client, conn):
    seconds = int(datetime.now(UTC).timestamp())
    clock = {"gmt": seconds, "server": seconds + 10_800, "tick_msc": (seconds + 10_800) * 1000}
    terminal, _ = await new_terminal(client, time=clock)
    await terminal.connect()
    await terminal.market(positions=[position()])
    for books in ([position()], [position(), position(902, symbol="GBPUSD")], []):
        if books != [position()]:
            await terminal.post(SYNC, cycle(terminal, positions=books, orders=[]))
        async with in_a_batch(SYNC):
            await terminal.post(SYNC, cycle(terminal, positions=books, orders=[]))


async def test_quiet_cycles_go_on_however_long_no_connection_of_the_pool_is_free(synced, ports):
    async with AsyncExitStack() as taken:
        for _ in range(ports.pool.get_max_size()):
            await taken.enter_async_context(ports.pool.acquire())
        for _ in range(6):  # longer than a token is remembered that nobody looks at
            await asyncio.sleep(1)
            async with in_a_batch(SYNC):
                answer = await synced.post(SYNC, cycle(synced, positions=[position()], orders=[]))
                assert answer.status_code == 200


async def test_a_bar_is_kept_with_its_cycle_and_fewer_ticks_do_not_replace_it(synced, conn):
    bar = {"symbol": "EURUSD", "timeframe": "M1", "time": MSC // 1000, "open": 1.1, "high": 1.2, "low": 1.0}
    for close, ticks in ((1.15, 7), (1.16, 8), (1.17, 3)):
        async with in_a_batch(SYNC):
            await synced.post(SYNC, cycle(synced, bars=[bar | {"close": close, "tick_volume": ticks, "spread": 2}]))
    (row,) = await conn.fetch("SELECT * FROM market_data")
    assert (row["open"], row["close"], row["tick_volume"], row["spread"]) == (1.1, 1.16, 8, 2)
    assert row["time"] == datetime(2025, 10, 23, 10, tzinfo=UTC)


async def test_a_quiet_cycle_that_is_repeated_is_taken_in_once(synced, conn):
    body = cycle(synced, 9_998.75)
    async with in_a_batch(SYNC):
        first = (await synced.post(SYNC, body)).json()
        second = (await synced.post(SYNC, body)).json()
    same = ("seq_ack", "epoch", "trading_state", "commands", "need", "deal_cursor", "limits")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert await conn.fetchval("SELECT count(*) FROM account_snapshots WHERE equity = 9998.75") == 1


async def test_a_seq_that_is_over_or_has_another_body_is_a_conflict_after_a_quiet_cycle(synced):
    body = cycle(synced)
    async with in_a_batch(SYNC):
        await synced.post(SYNC, body)
        other = await synced.post(SYNC, {**body, "wait_ms": 1})
        old = await synced.post(SYNC, {**body, "seq": body["seq"] - 1})
    assert [other.json()["code"], old.json()["code"]] == ["SEQ_CONFLICT", "SEQ_STALE"]


async def test_a_quiet_cycle_is_woken_by_an_order_and_leases_it(synced, queue, ports, conn):
    async with in_a_batch(SYNC, 1):
        parked = asyncio.create_task(synced.post(SYNC, cycle(synced, wait_ms=1500)))
        while await conn.fetchval("SELECT last_seq FROM mt5_sessions") < synced.seq:
            await asyncio.sleep(0.02)
        assert not parked.done()
        order_id = await queue(synced)
        account_id = await conn.fetchval("SELECT account_id FROM mt5_sessions")
        await ports.bus.publish([Event("COMMAND_WAITS", 0, account_id)])
        answer = await asyncio.wait_for(parked, 3)
        # counted when it is answered
    assert [command["order_id"] for command in answer.json()["commands"]] == [order_id]
    assert await conn.fetchval("SELECT last_answer FROM mt5_sessions") == answer.content


async def test_a_cycle_that_finds_an_order_is_left_to_its_route(synced, queue):
    order_id = await queue(synced)
    async with in_a_batch(SYNC, 0):
        answer = await synced.post(SYNC, cycle(synced))
    assert [command["order_id"] for command in answer.json()["commands"]] == [order_id]


async def test_another_epoch_is_fenced_whatever_the_process_remembers(synced, conn):
    body = cycle(synced)
    async with in_a_batch(SYNC):
        await synced.post(SYNC, body)
    await conn.execute("UPDATE accounts SET epoch = epoch + 1")  # as another process would, its session not yet written
    async with in_a_batch(SYNC, 0):
        answer = await synced.post(SYNC, cycle(synced))
    assert answer.json()["code"] == "EPOCH_FENCED"


@pytest.mark.parametrize(
    "change",
    [
        {"volume": 0.2},
        {"sl": 1.09},
        {"tp": 0},
        {"open_price": 1.2},
        {"type": "SELL"},
        {"ticket": "77"},
        {"comment": "else"},
    ],
)
async def test_a_position_that_changed_is_stored_by_its_route(synced, conn, change):
    async with in_a_batch(SYNC, 0):
        await synced.post(SYNC, cycle(synced, positions=[position(**change)], orders=[]))
    row = await conn.fetchrow("SELECT * FROM open_positions")
    ((name, value),) = change.items()
    column = {"type": "side"}.get(name, name)
    assert row[column] == (None if value == 0 else type(row[column])(str(value)))
    async with in_a_batch(SYNC, 1):
        await synced.post(SYNC, cycle(synced, positions=[position(**change)], orders=[]))


async def test_a_breach_is_seen_by_the_cycle_that_brings_it(synced, ports):
    async with in_a_batch(SYNC, 1):
        await synced.post(SYNC, cycle(synced, 9_990.0))
    strict = RiskPolicy(version=1, max_daily_loss_percent=Percent(Decimal(1)))
    async with ports.pool.acquire() as conn:
        account = await conn.fetchrow("SELECT id, user_id FROM accounts")
        now = datetime.now(UTC)
        await policies.insert(conn, account["id"], strict, reason="test", user_id=account["user_id"], now=now)
    async with in_a_batch(SYNC, 0):
        answer = await synced.post(SYNC, cycle(synced, 9_890.0))
    assert answer.json()["trading_state"] == "HALTED"


async def test_a_row_that_somebody_holds_is_waited_for_by_its_route_alone(client, synced, conn, dsn):
    other, _ = await new_terminal(client, account_number="99")
    await other.connect()
    await warm(other)
    holder = await asyncpg.connect(dsn)
    async with holder.transaction():
        await holder.execute("SELECT FROM mt5_sessions WHERE id = $1 FOR UPDATE", other.session_id)
        held = asyncio.create_task(push(other, ACCOUNT, **money(10_003.0)))
        async with in_a_batch(SYNC, 1):
            await asyncio.wait_for(synced.post(SYNC, cycle(synced)), 3)
        assert not held.done()
    assert await held == "Account info updated"
    await holder.close()
    assert await conn.fetchval("SELECT count(*) FROM account_snapshots WHERE equity = 10003") == 1


@dataclass(eq=False)
class Wish:
    """Something to be written by a writer without a database's schema."""

    key: str
    value: str = "1"


class Ledger:
    """Settles wishes into a table of their own, as far as they are numbers."""

    def __init__(self, gate: asyncio.Event | None = None) -> None:
        self.batches: list[list[str]] = []
        self.gate = gate

    async def settle(self, conn, wishes):
        self.batches.append([wish.key for wish in wishes])
        if self.gate is not None:
            await self.gate.wait()
        await conn.execute(
            "INSERT INTO wishes SELECT k, v::int FROM unnest($1::text[], $2::text[]) AS t (k, v)",
            [wish.key for wish in wishes],
            [wish.value for wish in wishes],
        )
        return [True] * len(wishes)


@asynccontextmanager
async def writing(dsn, conn, ledger):
    await conn.execute("CREATE TABLE IF NOT EXISTS wishes (k text, v int)")
    told: list[str] = []
    writer = Writer(ledger.settle, lambda wishes: told.extend(wish.key for wish in wishes))
    async with writer.running(dsn):
        while writer.away:
            await asyncio.sleep(0.01)
        yield writer, told


async def test_a_poisoned_item_fails_alone(dsn, conn):
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, told):
        wishes = [Wish(str(n), "poison" if n == 3 else "1") for n in range(8)]
        done = await asyncio.gather(*(writer.submit(wish) for wish in wishes))
    assert done == [n != 3 for n in range(8)]
    assert await conn.fetch("SELECT k FROM wishes ORDER BY k") == [(str(n),) for n in range(8) if n != 3]
    assert sorted(told) == [str(n) for n in range(8) if n != 3]


async def test_two_of_one_account_never_share_a_commit_and_keep_their_order(dsn, conn):
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, _):
        await asyncio.gather(*(writer.submit(Wish("a" if n % 2 else "b", str(n))) for n in range(6)))
    assert all(len(keys) == len(set(keys)) for keys in ledger.batches)
    assert await conn.fetch("SELECT v FROM wishes WHERE k = 'a'") == [(1,), (3,), (5,)]


async def test_nobody_is_answered_before_the_commit(dsn, conn):
    gate = asyncio.Event()
    async with writing(dsn, conn, Ledger(gate)) as (writer, told):
        waiting = asyncio.create_task(writer.submit(Wish("a")))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        assert told == []
        gate.set()
        assert await waiting
        assert await conn.fetchval("SELECT count(*) FROM wishes") == 1


async def test_a_full_queue_is_said_at_once(dsn, conn, monkeypatch):
    monkeypatch.setattr(batch, "MOST_WAITING", 3)
    gate = asyncio.Event()
    async with writing(dsn, conn, Ledger(gate)) as (writer, _):
        waiting = [asyncio.create_task(writer.submit(Wish(str(n)))) for n in range(1)]
        await asyncio.sleep(0.1)
        waiting += [asyncio.create_task(writer.submit(Wish(str(n)))) for n in range(1, 4)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError) as refused:
            await writer.submit(Wish("more"))
        assert refused.value.context["retry_after"] == 1
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 4


async def test_what_waits_at_the_end_is_written_and_nothing_more_is_taken(dsn, conn):
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, _):
        waiting = [asyncio.create_task(writer.submit(Wish("same", str(n)))) for n in range(5)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [True] * 5
    with pytest.raises(UnavailableError):
        await writer.submit(Wish("late"))


async def test_a_connection_that_is_lost_fails_what_was_under_way_and_comes_back(dsn, conn):
    gate = asyncio.Event()
    async with writing(dsn, conn, Ledger(gate)) as (writer, _):
        waiting = asyncio.create_task(writer.submit(Wish("a")))
        await asyncio.sleep(0.1)
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rubi-batch'"
        )
        gate.set()
        with pytest.raises(UnavailableError):
            await waiting
        while writer.away:
            await asyncio.sleep(0.01)
        assert await writer.submit(Wish("b"))
    assert await conn.fetch("SELECT k FROM wishes") == [("b",)]


class Recorded(Ledger):
    """A ledger that tells what happened in which order; every batch waits for its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.happened: list[str] = []
        self.turns = asyncio.Semaphore(0)

    async def settle(self, conn, wishes):
        self.happened.append(f"{len(wishes)} sent")
        await self.turns.acquire()
        done = await super().settle(conn, wishes)
        self.happened.append(f"{len(wishes)} committed")
        return done

    async def submit(self, writer, wish):
        try:
            done = await writer.submit(wish)
        except UnavailableError:
            self.happened.append(f"{wish.key} refused")
        else:
            self.happened.append(f"{wish.key} answered")
            return done


async def test_the_next_batch_is_sent_before_the_last_one_is_answered(dsn, conn):
    ledger = Recorded()
    async with writing(dsn, conn, ledger) as (writer, _):
        first = asyncio.create_task(ledger.submit(writer, Wish("a")))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(ledger.submit(writer, Wish("b")))
        await asyncio.sleep(0.1)
        ledger.turns.release()
        await first
        assert ledger.happened == ["1 sent", "1 committed", "1 sent", "a answered"]
        await asyncio.sleep(0.1)
        assert not second.done()
        ledger.turns.release()
        assert await second
    assert ledger.happened[4:] == ["1 committed", "b answered"]


async def test_a_batch_is_half_of_those_that_wait_and_that_were_just_written(dsn, conn):
    ledger = Recorded()
    async with writing(dsn, conn, ledger) as (writer, _):
        waiting = [asyncio.create_task(writer.submit(Wish("first")))]
        await asyncio.sleep(0.1)
        waiting += [asyncio.create_task(writer.submit(Wish(f"{n:02}"))) for n in range(40)]
        await asyncio.sleep(0.1)
        for _ in range(3):
            ledger.turns.release()
        assert await asyncio.gather(*waiting) == [True] * 41
    assert [len(keys) for keys in ledger.batches] == [1, 21, 19]
    assert [key for keys in ledger.batches for key in keys] == ["first", *(f"{n:02}" for n in range(40))]


async def test_few_are_not_divided(dsn, conn):
    ledger = Recorded()
    async with writing(dsn, conn, ledger) as (writer, _):
        waiting = [asyncio.create_task(writer.submit(Wish("first")))]
        await asyncio.sleep(0.1)
        waiting += [asyncio.create_task(writer.submit(Wish(str(n)))) for n in range(16)]
        await asyncio.sleep(0.1)
        for _ in range(2):
            ledger.turns.release()
        await asyncio.gather(*waiting)
    assert [len(keys) for keys in ledger.batches] == [1, 16]


async def test_a_few_that_come_right_after_a_commit_wait_for_more(dsn, conn, monkeypatch):
    monkeypatch.setattr(batch, "PACE", 0.5)
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, _):
        assert await writer.submit(Wish("a"))
        second = asyncio.create_task(writer.submit(Wish("b")))
        await asyncio.sleep(0.1)
        assert not second.done()
        assert await asyncio.gather(second, writer.submit(Wish("c"))) == [True, True]
    assert ledger.batches == [["a"], ["b", "c"]]


async def test_many_wait_for_nobody(dsn, conn, monkeypatch):
    monkeypatch.setattr(batch, "PACE", 60)
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, _), asyncio.timeout(20):
        assert await writer.submit(Wish("first"))
        waiting = [asyncio.create_task(writer.submit(Wish(str(n)))) for n in range(15)]
        await asyncio.sleep(0.1)
        assert not any(each.done() for each in waiting)
        assert await asyncio.gather(*waiting, writer.submit(Wish("the sixteenth"))) == [True] * 16
    assert [len(keys) for keys in ledger.batches] == [1, 16]


async def test_one_alone_waits_for_nobody_once_nobody_came(dsn, conn, monkeypatch):
    monkeypatch.setattr(batch, "PACE", 1)
    ledger = Ledger()
    async with writing(dsn, conn, ledger) as (writer, _), asyncio.timeout(20):
        for n in range(1 + batch.LONELY + batch.LEFT_OUT):  # the second and the third wait in vain
            assert await writer.submit(Wish(str(n)))
        second = asyncio.create_task(writer.submit(Wish("a")))
        await asyncio.sleep(0.1)
        assert await asyncio.gather(second, writer.submit(Wish("b"))) == [True, True]
    assert ledger.batches[-1] == ["a", "b"]  # after so many it is tried again


async def test_what_was_committed_is_answered_so_when_the_next_batch_is_lost(dsn, conn):
    ledger = Recorded()
    async with writing(dsn, conn, ledger) as (writer, _):
        first = asyncio.create_task(ledger.submit(writer, Wish("a")))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(ledger.submit(writer, Wish("b")))
        await asyncio.sleep(0.1)
        ledger.turns.release()
        assert await first
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rubi-batch'"
        )
        ledger.turns.release()
        await second
    assert ledger.happened == ["1 sent", "1 committed", "1 sent", "a answered", "b refused"]
    assert await conn.fetch("SELECT k FROM wishes") == [("a",)]
