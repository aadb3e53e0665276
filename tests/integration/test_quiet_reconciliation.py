"""A comparison of the books inside a batch: it is only there when the comparison by the route would find nothing."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.integration.rest import working
from tests.integration.test_batch import SYNC, committed, cycle, in_a_batch
from tests.integration.wire import WireTerminal, deal, new_terminal, position

from rubi.domain.order import OrderKind, comment_of
from rubi.domain.signal import OrderType
from rubi.domain.units import Price
from rubi.flows import reconcile_account
from rubi.flows.sync_terminal import GAP

BY_ITS_ROUTE = {"Origin": "https://elsewhere.example"}
"""A call with an origin is never taken in front of the routes."""
TABLES = {
    "accounts": ("id", "reconciled_at"),
    "trading_orders": ("account_id", ""),
    "trading_positions": ("account_id", "taken_at"),
    "working_orders": ("account_id", "taken_at"),
    "deals": ("account_id", ""),
    "alerts": ("account_id", ""),
    "reconciliations": ("account_id", ""),
}
"""What is compared whole, but for the moments of the calls themselves."""
FINDS = {
    "a close that no deal explains": ("trading_positions SET close_reason = NULL", "position_id = 903"),
    "a position that nobody adopted": ("trading_positions SET adopted_at = NULL", "position_id = 902"),
    "a stop that is missing": ("trading_orders SET sl = 1.09", "kind = 'OPEN'"),
    "a target that is missing": ("trading_orders SET tp = 1.2", "kind = 'OPEN'"),
    "a position whose order is known by now": (
        "trading_positions SET order_id = NULL, origin = 'EXTERNAL', adopted_at = opened_at",
        "position_id = 901",
    ),
    "a working order whose order is known by now": ("working_orders SET order_id = NULL", "true"),
    "an order of the book that had ended": (
        "trading_orders SET state = 'CANCELED', final_at = created_at - interval '1 hour', released_at = created_at",
        "kind = 'PLACE_PENDING'",
    ),
    "an order that was filled in part": (
        "trading_orders SET state = 'PARTIALLY_FILLED', released_at = now(), filled_volume = .05, updated_at = 'epoch'",
        "kind = 'OPEN'",
    ),
    "an order of unknown fate": (
        "trading_orders SET state = 'UNKNOWN', not_after = created_at - interval '1 hour'",
        "kind = 'OPEN'",
    ),
}
"""Changes of an account that a comparison of the books sees: what is updated, and where."""
GONE = (
    ("working_orders SET order_id = NULL", "true"),
    (
        "trading_orders SET order_ticket = 9999, updated_at = updated_at - interval '1 hour'",
        "kind = 'PLACE_PENDING'",
    ),
)
"""A working order of ours that is in no book."""
HARMLESS = (
    ("trading_positions SET close_reason = 'UNEXPLAINED'", "position_id = 903"),
    ("trading_positions SET adopted_at = now()", "position_id = 902"),
    ("trading_orders SET updated_at = updated_at - interval '1 hour'", "true"),
    ("trading_orders SET left_book_at = updated_at - interval '1 hour'", "true"),
    ("trading_orders SET sl = NULL", "kind = 'OPEN'"),
    ("trading_orders SET order_ticket = NULL", "kind = 'PLACE_PENDING'"),
    ("trading_orders SET final_at = created_at - interval '1 hour'", "kind = 'OPEN'"),
    ("trading_orders SET kind = 'OPEN'", "kind = 'PLACE_PENDING'"),
    ("trading_orders SET order_ticket = 66", "kind = 'OPEN'"),
    ("trading_orders SET position_id = 902", "kind = 'OPEN'"),
    ("trading_orders SET symbol = 'GBPUSD', position_id = 902", "kind = 'OPEN'"),
)
"""Changes of which some are something to find only beside another."""
numbers = count(1)


def books(ours: int) -> dict:
    own = position(901, comment=comment_of(ours), sl=0, tp=0)
    return {"positions": [own, position(902, symbol="GBPUSD")], "orders": [working(66)]}


class Compared:
    """An account with a filled and a working order of ours, a position of somebody else and one that is gone."""

    def __init__(self, terminal: WireTerminal, conn) -> None:
        self.terminal, self.conn = terminal, conn
        self.account_id = None
        self.books = {}

    async def say(self, headers=None, **parts):
        body = cycle(self.terminal, **{**self.books, **parts})
        answer = await self.terminal.client.post(
            f"/api/v1{SYNC}", json=body, headers={**self.terminal.headers, **(headers or {})}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def age(self, seconds: float = 31):
        """Let a comparison be due."""
        await self.conn.execute(
            "UPDATE accounts SET reconciled_at = now() - $2 * interval '1 s' WHERE id = $1", self.account_id, seconds
        )

    async def change(self, change: tuple[str, str]):
        what, where = change
        await self.conn.execute(f"UPDATE {what} WHERE account_id = $1 AND {where}", self.account_id)

    async def rows(self):
        found = {}
        for table, (key, but) in TABLES.items():
            rows = await self.conn.fetch(
                f"SELECT to_jsonb(t) - '{but}' FROM {table} t WHERE {key} = $1", self.account_id
            )
            found[table] = sorted(row[0] for row in rows)
        return found

    async def compared_at(self):
        return await self.conn.fetchval("SELECT reconciled_at FROM accounts WHERE id = $1", self.account_id)


async def compared(user: WireTerminal, queue, conn) -> Compared:
    seconds = int(datetime.now(UTC).timestamp())
    clock = {"gmt": seconds, "server": seconds + 10_800, "tick_msc": (seconds + 10_800) * 1000}
    token = user.headers["Authorization"].removeprefix("Bearer ")
    terminal = WireTerminal(user.client, token, account_number=str(next(numbers)), time=clock)
    account = Compared(terminal, conn)
    await terminal.connect()
    account.account_id = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)
    gone = position(903)
    await terminal.market(positions=[gone])
    ours = await queue(terminal, sl=None)
    await queue(terminal, OrderKind.PLACE_PENDING, order_type=OrderType.LIMIT, price=Price(Decimal("1.09")))
    commands = (await terminal.sync())["commands"]
    assert len(commands) == 2
    resting = next(command["order_id"] for command in commands if command["order_id"] != ours)
    await terminal.sync(
        reports=[
            {"order_id": resting, "n": 1, "outcome": "RESULT", "retcode": 10008, "order": "66", "order_ticket": "66"}
        ],
        deals=[
            deal(int(terminal.hello["account_number"]) * 10 + 1, 55, 0.1, comment=comment_of(ours)),
            deal(
                int(terminal.hello["account_number"]) * 10 + 2,
                57,
                0.1,
                position_id="903",
                entry="OUT",
                type="SELL",
                reason="SL",
            ),
        ],
    )
    account.books = books(ours)
    await account.say()
    await account.age()
    await account.say(BY_ITS_ROUTE)  # adopts what is not ours
    for _ in range(2):
        await account.say()
    return account


@pytest.fixture
async def user(client):
    """Whoever owns all accounts of a test; a terminal of theirs."""
    terminal, _ = await new_terminal(client)
    return terminal


@asynccontextmanager
async def nothing_written(account: Compared):
    before = await account.rows()
    yield
    assert await account.rows() == before


async def test_a_comparison_that_finds_nothing_is_noted_with_the_cycle(user, queue, conn):
    account = await compared(user, queue, conn)
    states = await conn.fetch("SELECT state FROM trading_orders ORDER BY state")
    assert [row["state"] for row in states] == ["ACCEPTED", "FILLED"]
    await account.age()
    async with nothing_written(account):
        async with in_a_batch(SYNC):
            said = await account.say()
        assert said["need"] == []
        noted = await account.compared_at()
        assert (datetime.now(UTC) - noted).total_seconds() < 20
        async with in_a_batch(SYNC):
            await account.say()
        assert await account.compared_at() == noted  # it is not due again
        await account.age()
        await account.say(BY_ITS_ROUTE)
        assert await account.compared_at() > noted


@pytest.mark.parametrize(
    "changes",
    [*([change] for change in FINDS.values()), GONE],
    ids=[*FINDS, "a working order that is in no book"],
)
async def test_a_comparison_that_finds_something_is_left_to_its_route(user, queue, conn, changes):
    account = await compared(user, queue, conn)
    for change in changes:
        await account.change(change)
    await account.age()
    before = await account.rows()
    async with in_a_batch(SYNC, 0):
        await account.say()
    assert await account.rows() != before, "there was nothing to find"


async def test_a_first_comparison_is_left_to_its_route(user, queue, conn):
    account = await compared(user, queue, conn)
    await conn.execute("UPDATE accounts SET reconciled_at = NULL WHERE id = $1", account.account_id)
    async with in_a_batch(SYNC, 0):
        await account.say()
    assert await account.compared_at() is not None


async def test_an_account_that_somebody_holds_is_compared_by_its_route(user, queue, conn):
    account = await compared(user, queue, conn)
    await account.age()
    seen = committed(SYNC)
    async with conn.transaction():
        await conn.execute("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account.account_id)
        waiting = asyncio.ensure_future(account.say())
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done  # the route waits; the batch did not
    await waiting
    assert committed(SYNC) == seen
    assert (datetime.now(UTC) - await account.compared_at()).total_seconds() < 20


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(changes=st.lists(st.sampled_from([*HARMLESS, *HARMLESS, *GONE, *FINDS.values()]), max_size=4, unique=True))
async def test_what_is_noted_in_a_batch_the_route_finds_nothing_in(user, queue, conn, changes):
    account = await compared(user, queue, conn)
    for change in changes:
        await account.change(change)
    await account.age()
    before, seen = await account.rows(), committed(SYNC)
    await account.say()
    if committed(SYNC) == seen:
        event("left to its route")
        return
    event("noted in a batch")
    assert await account.rows() == before
    await account.age()
    said = await account.say(BY_ITS_ROUTE)
    assert await account.rows() == before, changes
    assert (said["need"], said["commands"]) == ([], [])


@pytest.mark.parametrize(
    ("silent", "finds", "whole", "batches", "noted"),
    [(-5, True, True, 1, False), (1, False, True, 1, True), (1, True, True, 0, True), (1, False, False, 0, False)],
    ids=["late", "a gap", "a gap that finds something", "a gap without books"],
)
async def test_a_cycle_after_a_gap_is_compared(user, queue, conn, silent, finds, whole, batches, noted):
    account = await compared(user, queue, conn)
    if finds:
        await account.change(FINDS["a close that no deal explains"])
    if not whole:
        del account.books["orders"]
    await account.age(10)
    before = await account.compared_at()
    await conn.execute(
        "UPDATE mt5_sessions SET last_seen_at = now() - $2 * interval '1 s' WHERE id = $1",
        account.terminal.session_id,
        GAP.total_seconds() + silent,
    )
    async with in_a_batch(SYNC, batches):
        await account.say()
    assert (await account.compared_at() > before) == noted


def test_accounts_of_one_start_are_not_due_together_and_none_is_late():
    periods = {reconcile_account.every(uuid4()) for _ in range(200)}
    assert len(periods) > 100
    assert max(periods) <= reconcile_account.EVERY
    assert min(periods) > reconcile_account.EVERY - timedelta(seconds=5)
