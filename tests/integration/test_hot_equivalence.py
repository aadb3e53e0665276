"""A call in front of the routes does what its route would do: the same status and code, the same rows."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.wire import WireTerminal, new_terminal, position

from rubi.observability.metrics import HOT, write_gathered

PATHS = {
    "account": "/mt5/account/update",
    "ping": "/mt5/ping",
    "positions": "/trading/positions/update",
    "sync": "/mt5/sync",
}
AHEAD = 10_800
MONEY = {"balance": 10_000.0, "equity": 10_000.0, "margin_free": 10_000.0}
BY_ITS_ROUTE = {"Origin": "https://elsewhere.example"}
"""A call with an origin is never taken in front of the routes."""
ROWS = {
    "account_states": "balance, equity, margin, margin_free, margin_level, profit, credit",
    "account_snapshots": "balance, equity, margin, margin_free, margin_level, profit",
    "open_positions": "position_id, ticket, symbol, side, volume, open_price, sl, tp, comment",
    "open_positions p": "position_id, current_price, profit, swap, commission",
    "trading_positions": "position_id, volume, status",
    "ticks": "symbol, time_msc, bid, ask, last, volume",
    "latest_ticks": "symbol, time_msc, bid, ask",
    "market_data": "symbol, timeframe, time, open, high, low, close, tick_volume, real_volume, spread",
    "working_orders": "ticket, volume_current, price_open, sl, tp, state",
    "mt5_sessions": "state, last_seq, flags",
    "risk_accounts": "funds, deals, flows, units, high, high_balance, day_high, drawdown_level, trading_state",
    "alerts": "code, severity",
}
"""What is compared of each table: everything that does not say when."""

numbers = count(1)
cents = st.integers(-20_000, 20_000).map(lambda n: n / 100)
odd = st.sampled_from(
    [None, "12.5", "x", "", -1, 0, 1e16, True, [], {}, 1e-12, "2025.10.23 13:00:00", "RAW:1e400", "RAW:NaN"]
)
order = {
    "ticket": "55", "symbol": "EURUSD", "type": "BUY_LIMIT", "state": "PLACED", "volume_initial": 0.1,
    "volume_current": 0.1, "price_open": 1.05, "sl": 0, "tp": 0, "magic": "0", "comment": "",
}  # fmt: skip


@st.composite
def bar(draw: st.DrawFn) -> dict[str, Any]:
    """One of a few minutes, again with more or fewer ticks; at times with something odd in it."""
    begins = 1761224400 + 60 * draw(st.integers(0, 2))
    close = draw(st.sampled_from([1.1, 1.10213, 1.2]))
    said = {"symbol": draw(st.sampled_from(["EURUSD", "EURUSD", " EURUSD", "A:B"])), "timeframe": "M1", "time": begins}
    said |= {"open": 1.1, "high": close, "low": 1.09, "close": close, "tick_volume": draw(st.integers(0, 3))}
    if draw(st.booleans()):
        said |= {"spread": 12, "real_volume": draw(st.sampled_from([0, 7, -1]))}
    if draw(st.integers(0, 5)) == 0:
        said[draw(st.sampled_from(sorted(said)))] = draw(odd)
    return said


@st.composite
def told(draw: st.DrawFn) -> tuple[str, dict[str, Any], str]:
    """A kind of call, its body without its session, and how its text is bent."""
    kind = draw(st.sampled_from(sorted(PATHS)))
    equity = 10_000 + draw(cents)
    money = {"balance": 10_000.0, "equity": equity, "margin": 100.0, "margin_free": round(equity - 100, 2)}
    whole = {**money, "margin_level": round(equity / 100, 2), "profit": round(equity - 10_000, 2)}
    one = position(901, current_price=draw(st.sampled_from([1.1, 1.10213, 0])), profit=draw(cents))
    two = position(902, symbol="GBPUSD", tp=draw(st.sampled_from([0, 1.3])), swap=draw(cents))
    books = draw(
        st.sampled_from([[one, two], [one, two], [one, two], [two, one], [one], [], [None, one, two], [one, one]])
    )
    match kind:
        case "account":
            body: dict[str, Any] = whole
        case "ping":
            body = {name: money[name] for name in ("balance", "equity", "margin_free")}
        case "positions":
            body = {"positions": books}
        case _:
            body = {"account": {**whole, "credit": 0.0, "margin": draw(st.sampled_from([100.0, 0.0]))}, "wait_ms": 0}
            for name in draw(st.sampled_from([(), (), ("margin_level",), ("profit",), ("margin_level", "profit")])):
                del body["account"][name]
            if draw(st.booleans()):
                body |= {"positions": books, "orders": draw(st.sampled_from([[], [], [order], [None]]))}
            if draw(st.booleans()):
                body |= {
                    "ticks": [
                        {
                            "symbol": "EURUSD",
                            "bid": 1.1,
                            "ask": 1.1001,
                            "time_msc": 1761224400000 + draw(st.integers(0, 9)),
                        }
                    ]
                }
            if draw(st.booleans()):
                body["bars"] = draw(st.lists(bar(), min_size=1, max_size=3))
            if draw(st.booleans()):
                body["flags"] = {"connected": draw(st.sampled_from([True, True, True, False])), "ping_ms": 12}
    if draw(st.integers(0, 2)) == 0:
        body["timestamp"] = draw(
            st.sampled_from(["2025-10-23T10:00:00Z", "2025.10.23 13:00:00", 1761213600, None, "", "soon"])
        )
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.sampled_from([body, *(part for part in body.values() if isinstance(part, dict))]))
        place[draw(st.sampled_from([*place, "unknown"]))] = draw(odd)
    if draw(st.integers(0, 5)) == 0:
        body.pop(draw(st.sampled_from(sorted(body))))
    return kind, body, draw(st.sampled_from(["", "", "", "spaces", "twice", "escape", "nul", "cut"]))


def text_of(body: dict[str, Any], bent: str) -> bytes:
    text = json.dumps(body, indent=1 if bent == "spaces" else None)
    text = text.replace('"RAW:1e400"', "1e400").replace('"RAW:NaN"', "NaN")
    if bent == "spaces":
        text = text.replace('":', '" :')
    if bent == "twice":
        name, value = next(iter(body.items()))
        text = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
    if bent == "escape":
        text = text.replace("equity", "equit\\u0079").replace("EURUSD", "EURUS\\u0044")
    if bent == "cut":
        text = text[: len(text) // 2]
    return text.encode() + (b"\0" if bent == "nul" else b"")


@pytest.fixture
async def user(client):
    """Whoever owns all accounts of a test; a terminal of theirs."""
    terminal, _ = await new_terminal(client)
    return terminal


async def ready(user: WireTerminal) -> WireTerminal:
    """Another account of a user, whose books, clock and limits are known."""
    seconds = int(datetime.now(UTC).timestamp())
    clock = {"gmt": seconds, "server": seconds + AHEAD, "tick_msc": (seconds + AHEAD) * 1000}
    token = user.headers["Authorization"].removeprefix("Bearer ")
    terminal = WireTerminal(user.client, token, account_number=str(next(numbers)), time=clock)
    await terminal.connect()
    await terminal.market(positions=[position(901), position(902, symbol="GBPUSD", tp=0)])
    for _ in range(2):  # what is remembered of a new session is out of date after its first call
        await terminal.sync(account={**MONEY, "margin": 0.0, "margin_level": 0.0, "profit": 0.0})
    return terminal


async def send(terminal: WireTerminal, kind: str, body: dict[str, Any], bent: str, headers: dict[str, str]):
    own = {"session_id": terminal.session_id}
    if kind == "sync":
        terminal.seq += 1
        own |= {"epoch": terminal.epoch, "seq": terminal.seq}
    raw = text_of({**own, **body}, bent)
    headers = {**terminal.headers, **headers, "Content-Type": "application/json"}
    return await terminal.client.post(f"/api/v1{PATHS[kind]}", headers=headers, content=raw)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(calls=st.lists(told(), min_size=2, max_size=6))
async def test_whoever_takes_a_call_the_answer_and_the_rows_are_the_same(user, conn, calls):
    pair = [await ready(user) for _ in range(2)]
    for kind, body, bent in calls:
        fast, slow = await asyncio.gather(
            send(pair[0], kind, body, bent, {}), send(pair[1], kind, body, bent, BY_ITS_ROUTE)
        )
        assert (fast.status_code, said(fast)) == (slow.status_code, said(slow)), (body, bent)
    first, second = [await rows_of(conn, terminal) for terminal in pair]
    assert first == second


@pytest.mark.parametrize("kind", sorted(PATHS))
async def test_what_is_compared_is_not_a_route_with_itself(user, kind):
    pair = [await ready(user) for _ in range(2)]
    money = {"balance": 10_000.0, "equity": 9_990.0, "margin_free": 9_990.0}
    whole = {**money, "margin": 0.0, "margin_level": 0.0, "profit": -10.0}
    books = {"positions": [position(901), position(902, symbol="GBPUSD", tp=0)]}
    body = {"account": whole, "ping": money, "positions": books, "sync": {"account": whole, **books, "orders": []}}[
        kind
    ]
    committed = HOT.labels(f"/api/v1{PATHS[kind]}", "committed")._value
    write_gathered()
    before = committed.get()
    for terminal, headers in zip(pair, ({}, BY_ITS_ROUTE), strict=True):
        assert (await send(terminal, kind, body, "", headers)).status_code == 200
    write_gathered()
    assert committed.get() - before == 1


async def test_a_cycle_may_leave_out_what_follows_from_its_money(user):
    terminal = await ready(user)
    committed = HOT.labels(f"/api/v1{PATHS['sync']}", "committed")._value
    write_gathered()
    before = committed.get()
    told = {"balance": 10_000.0, "equity": 9_990.0, "margin": 0.0, "margin_free": 9_990.0}
    assert (await send(terminal, "sync", {"account": told}, "", {})).status_code == 200
    write_gathered()
    assert committed.get() - before == 1


async def test_a_cycle_that_tells_nothing_leaves_the_state_of_its_account_as_it_is(user, conn):
    terminal = await ready(user)
    place = "SELECT ctid FROM account_states WHERE account_id = $1"
    account_id = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id::text = $1", terminal.session_id)
    for told, written in (({}, False), ({"account": {**MONEY, "margin": 0.0}}, True)):
        before = await conn.fetchval(place, account_id)
        assert (await send(terminal, "sync", told, "", {})).status_code == 200
        assert (await conn.fetchval(place, account_id) != before) is written
        last = await conn.fetchval("SELECT last_seq FROM mt5_sessions WHERE account_id = $1", account_id)
        assert last == terminal.seq, "the cycle itself is noted"


def said(answer) -> Any:
    body = answer.json()
    if answer.status_code != 200:
        return body["code"]
    return {name: value for name, value in body.items() if name not in ("server_time", "seq_ack")}


async def rows_of(conn, terminal: WireTerminal) -> dict[str, list[tuple[Any, ...]]]:
    account_id = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)
    found = {}
    for table, columns in ROWS.items():
        rows = await conn.fetch(f"SELECT {columns} FROM {table} WHERE account_id = $1", account_id)
        found[table] = sorted((tuple(row) for row in rows), key=repr)
    return found
