"""What a process remembers of terminals is read for many of them at once, and each gets its own."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from tests.integration.wire import new_terminal, position

from rubi.flows.known_terminals import KnownTerminals


class CountedPool:
    """The pool of the service; how often somebody asked it for a connection."""

    def __init__(self, pool):
        self._pool, self.asked = pool, 0

    @asynccontextmanager
    async def acquire(self):
        self.asked += 1
        async with self._pool.acquire() as conn:
            yield conn


async def two_terminals(client):
    found = []
    for number, books in enumerate(([position(901)], [position(902), position(903, symbol="GBPUSD")])):
        terminal, _ = await new_terminal(client, account_number=str(500 + number))
        await terminal.connect()
        await terminal.market(positions=books)
        found.append(terminal)
    return found


async def test_terminals_that_are_asked_for_together_are_read_together(client, ports, conn):
    one, two = await two_terminals(client)
    users = dict(await conn.fetch("SELECT id::text, user_id FROM mt5_sessions"))
    known, pool = KnownTerminals(), CountedPool(ports.pool)
    asked = [(one.session_id, users[one.session_id]), (two.session_id, users[two.session_id])] * 3
    read = await asyncio.gather(*(known.load(pool, *each) for each in asked))
    assert pool.asked == 1
    assert [str(each.terminal.session_id) for each in read] == [one.session_id, two.session_id] * 3
    assert [sorted(each.positions) for each in read[:2]] == [[901], [902, 903]]
    assert {row["account_id"] for row in read[1].positions.values()} == {read[1].terminal.account_id}
    assert all(each.limits.account.user_id == each.terminal.user_id for each in read)
    assert known.get(*asked[0]) is not None


async def test_a_session_of_somebody_else_and_one_that_is_not_there_are_none(client, ports, conn):
    one, two = await two_terminals(client)
    users = dict(await conn.fetch("SELECT id::text, user_id FROM mt5_sessions"))
    known = KnownTerminals()
    asked = (one.session_id, users[two.session_id]), (str(uuid4()), users[one.session_id]), ("x", users[one.session_id])
    assert await asyncio.gather(*(known.load(ports.pool, *each) for each in asked)) == [None, None, None]
    assert known.get(*asked[0]) is None


async def test_whoever_asked_hears_of_a_database_that_is_away_and_the_next_are_read_again(client, ports, conn):
    one, two = await two_terminals(client)
    users = dict(await conn.fetch("SELECT id::text, user_id FROM mt5_sessions"))

    class Away:
        def acquire(self):
            raise ConnectionError("away")

    known = KnownTerminals()
    asked = [(terminal.session_id, users[terminal.session_id]) for terminal in (one, two)]
    failed = await asyncio.gather(*(known.load(Away(), *each) for each in asked), return_exceptions=True)
    assert [type(each) for each in failed] == [ConnectionError, ConnectionError]
    gone = asyncio.create_task(known.load(ports.pool, *asked[0]))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (await known.load(ports.pool, *asked[0])).positions.keys() == {901}


async def test_rules_that_cannot_hold_leave_the_money_to_the_route_and_spare_the_others(client, ports, conn):
    one, two = await two_terminals(client)
    users = dict(await conn.fetch("SELECT id::text, user_id FROM mt5_sessions"))
    await conn.execute(
        "INSERT INTO risk_policies (account_id, version, policy, created_by, created_at)"
        " SELECT account_id, 99, '{\"max_lot\": -5}', user_id, now() FROM mt5_sessions WHERE id::text = $1",
        one.session_id,
    )
    known = KnownTerminals()
    read = await asyncio.gather(
        *(known.load(ports.pool, each.session_id, users[each.session_id]) for each in (one, two))
    )
    assert [each.limits.free for each in read] == [False, True]
