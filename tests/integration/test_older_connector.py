"""What the older connector gets, which fetches signals and reports their end, and what it cannot be given."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import new_trader
from tests.integration.wire import WireTerminal, state_of
from tests.serving import bearer

from rubi.domain.order import OrderKind
from rubi.flows.decide_signal import decide_signal
from rubi.flows.flatten_account import flatten_asked, flatten_breached
from rubi.flows.sweep import sweep


async def test_an_order_of_no_signal_is_not_lost_in_the_hands_of_an_older_connector(terminal, queue, conn, client):
    close = await queue(terminal, OrderKind.CLOSE_POSITION, position_ticket=901)
    entry = await queue(terminal)
    token = terminal.headers["Authorization"].removeprefix("Bearer ")
    await terminal.post("/mt5/disconnect", {"session_id": terminal.session_id})
    older = WireTerminal(client, token, protocol=1, terminal_instance_id=None)
    await older.connect()
    path = f"/api/v1/trading/signals/pending?session_id={older.session_id}"
    for _ in range(2):
        answer = await client.get(path, headers=older.headers)
        assert answer.json() == {"total": 0, "signals": []}
    assert [await state_of(conn, each) for each in (close, entry)] == ["QUEUED", "QUEUED"]
    alerts = await conn.fetch("SELECT code, severity, object_id FROM alerts ORDER BY id")
    assert [tuple(alert) for alert in alerts] == [
        ("CONNECTOR_TOO_OLD", "critical", str(close)),
        ("CONNECTOR_TOO_OLD", "warning", str(entry)),
    ]
    # A terminal that can carry them out gets them.
    await older.post("/mt5/disconnect", {"session_id": older.session_id})
    await terminal.connect()
    handed = (await terminal.market())["commands"]
    assert close in [command["order_id"] for command in handed]


HELD = {"symbol": "EURUSD", "type": "BUY", "volume": 0.1, "open_price": 1.1, "current_price": 1.1}
MONEY = {"balance": 10000.0, "margin": 0.0, "margin_free": 10000.0, "margin_level": 0.0, "profit": 0.0}


@pytest.fixture
async def older(client, ports):
    """An account behind the older connector, with two buys of EURUSD and one sell."""
    trader = await new_trader(client, ports, protocol=1)
    held = [{**HELD, "ticket": 5}, {**HELD, "ticket": 6}, {**HELD, "ticket": 7, "type": "SELL"}]
    told = await push(trader, "/trading/positions/update", positions=held)
    assert told.is_success, told.text
    return trader


async def push(trader, path, **body):
    return await trader.terminal.post(path, {"session_id": trader.terminal.session_id, **body})


async def breached(trader):
    """The account's own limit asks for everything to be closed."""
    wanted = {"policy": {"flatten_on_breach": True}, "reason": "a test"}
    headers = bearer(trader.access) | {"If-Match": "*"}
    assert (await trader.client.put("/api/v1/risk/policy", json=wanted, headers=headers)).is_success
    for equity in (10000.0, 9400.0):
        assert (await push(trader, "/mt5/account/update", **MONEY, equity=equity)).is_success


async def asked(trader):
    """A person asks for everything to be closed."""
    assert (await trader.post(f"/accounts/{trader.account_id}/flatten", {"reason": "a test"})).is_success


async def closes(trader, status="PENDING"):
    rows = await trader.ports.pool.fetch(
        "SELECT id, signal_type FROM trading_signals WHERE account_id = $1 AND status = $2 ORDER BY id",
        trader.account_id, status,
    )  # fmt: skip
    return [row["id"] for row in rows], [row["signal_type"] for row in rows]


async def swept_later(trader, seconds):
    later = datetime.now(UTC) + timedelta(seconds=seconds)
    await flatten_breached(trader.ports, now=later)
    await flatten_asked(trader.ports, now=later)


@pytest.mark.parametrize("flattened", [breached, asked])
async def test_a_close_is_not_asked_for_again_while_one_is_undecided_or_under_way(older, flattened):
    await flattened(older)
    first, kinds = await closes(older)
    assert kinds == ["CLOSE_BUY", "CLOSE_SELL"]
    for seconds in (1, 2, 70, 140):  # nobody decides
        await swept_later(older, seconds)
    assert (await closes(older))[0] == first
    for signal_id in first:
        decided = await decide_signal(older.ports, signal_id, now=datetime.now(UTC))
        assert decided.approved, decided.code
    for seconds in (70, 140):  # nobody fetches
        await swept_later(older, seconds)
    assert (await closes(older))[0] == first
    assert (await closes(older, "REJECTED"))[0] == []


async def test_a_position_that_no_close_is_on_its_way_to_is_closed_beside_the_others(older):
    await breached(older)
    for signal_id in (await closes(older))[0]:
        await decide_signal(older.ports, signal_id, now=datetime.now(UTC))
    held = [{**HELD, "ticket": ticket} for ticket in (5, 6, 8)]
    await push(older, "/trading/positions/update", positions=held)
    await swept_later(older, 70)
    assert (await closes(older))[1] == ["CLOSE_BUY", "CLOSE_SELL", "CLOSE_BUY"]


async def test_a_close_that_was_refused_or_that_nobody_knows_the_end_of_is_asked_for_again(older):
    await breached(older)
    for signal_id in (await closes(older))[0]:
        await decide_signal(older.ports, signal_id, now=datetime.now(UTC))
    await older.ports.pool.execute("UPDATE trading_orders SET state = 'UNKNOWN' WHERE side = 'BUY'")
    await swept_later(older, 70)
    assert (await closes(older))[1] == ["CLOSE_BUY", "CLOSE_SELL", "CLOSE_BUY"]


async def test_a_close_that_nobody_decided_in_its_life_is_asked_for_again(older):
    await breached(older)
    first = (await closes(older))[0]
    await sweep(older.ports, now=datetime.now(UTC) + timedelta(minutes=11))
    assert (await closes(older, "EXPIRED"))[0] == first
    again, kinds = await closes(older)
    assert kinds == ["CLOSE_BUY", "CLOSE_SELL"]
    assert not set(again) & set(first)


async def test_who_asks_for_a_close_that_is_under_way_is_told_which(older):
    said = (await older.post("/trading/positions/close", {"all": True})).json()
    again = await older.post("/trading/positions/close", {"symbol": "EURUSD", "side": "BUY"})
    assert (again.status_code, again.json()["total"]) == (200, 0)
    assert again.json()["skipped"] == [
        {"ticket": ticket, "code": "CLOSE_IN_PROGRESS", "signal_id": said["signals"][0]} for ticket in ("5", "6")
    ]
