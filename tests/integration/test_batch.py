"""Group commit: what one commit holds, who is answered when, and what is left to the routes."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from tests.integration.wire import MSC, WireTerminal, new_terminal, position
from tests.serving import bearer, client_of, register, serving, settings_for

from rubi.domain.errors import UnavailableError
from rubi.observability.metrics import HOT
from rubi.store import batch
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
