import asyncio
from datetime import timedelta

import pytest
from tests.desk import NOW, open_ports, seat

from rubi.domain.signal import SignalType
from rubi.flows.decide_signal import decide_signal
from rubi.flows.sweep import sweep


@pytest.fixture
async def doors(dsn, redis_url):
    ports, rung, client = await open_ports(dsn, redis_url)
    yield ports, rung
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()


@pytest.fixture
async def desk(doors):
    return await seat(doors[0])


@pytest.fixture
def rung(doors):
    return doors[1]


async def test_a_lost_doorbell_is_rung_again(desk, rung):
    signal_id = await desk.signal()
    await sweep(desk.ports, now=NOW + timedelta(seconds=2))
    assert rung == []
    swept = await sweep(desk.ports, now=NOW + timedelta(seconds=4))
    assert (rung, swept.rung) == ([signal_id], 1)
    await sweep(desk.ports, now=NOW + timedelta(seconds=5))
    assert rung == [signal_id]
    await sweep(desk.ports, now=NOW + timedelta(seconds=8))
    assert rung == [signal_id, signal_id]


async def test_a_decided_signal_is_left_in_peace(desk, rung):
    signal_id = await desk.signal()
    await decide_signal(desk.ports, signal_id, now=NOW)
    await sweep(desk.ports, now=NOW + timedelta(seconds=20))
    assert rung == []


async def test_two_sweeps_at_once_ring_each_signal_once(desk, rung):
    waiting = {await desk.signal(comment=str(n)) for n in range(40)}
    await asyncio.gather(*(sweep(desk.ports, now=NOW + timedelta(seconds=4)) for _ in range(2)))
    assert sorted(rung) == sorted(waiting)


async def test_a_signal_that_nobody_decided_ends_visibly(desk, rung):
    signal_id = await desk.signal()
    swept = await sweep(desk.ports, now=NOW + timedelta(seconds=61))
    signal = await desk.row("SELECT * FROM trading_signals WHERE id = $1", signal_id)
    assert (signal["status"], signal["code"], swept.expired, rung) == ("EXPIRED", "EXPIRED", 1, [])
    assert await desk.value("SELECT code FROM decisions WHERE signal_id = $1", signal_id) == "EXPIRED"
    assert [event.data["status"] for event in desk.told if event.type == "SIGNAL_UPDATE"] == ["EXPIRED"]


async def test_a_queued_order_that_no_terminal_fetched_expires_with_its_signal(desk):
    signal_id = await desk.signal()
    await decide_signal(desk.ports, signal_id, now=NOW)
    await sweep(desk.ports, now=NOW + timedelta(seconds=31))
    signal = await desk.row("SELECT * FROM trading_signals WHERE id = $1", signal_id)
    assert signal["status"] == "EXPIRED"
    released = "SELECT released_at IS NOT NULL FROM trading_orders WHERE signal_id = $1"
    assert await desk.value(released, signal_id)


async def test_a_queued_close_waits_for_its_terminal(desk):
    await desk.position(1)
    signal_id = await desk.signal(signal_type=SignalType.CLOSE_BUY)
    await decide_signal(desk.ports, signal_id, now=NOW)
    await sweep(desk.ports, now=NOW + timedelta(hours=9))
    assert await desk.value("SELECT state FROM trading_orders WHERE signal_id = $1", signal_id) == "QUEUED"


async def test_a_silent_terminal_is_marked_and_told_once(desk):
    state = "SELECT state FROM mt5_sessions WHERE account_id = $1"
    await sweep(desk.ports, now=NOW + timedelta(seconds=14))
    assert await desk.value(state, desk.account_id) == "ACTIVE"
    for seconds in (16, 22):
        await sweep(desk.ports, now=NOW + timedelta(seconds=seconds))
    assert await desk.value(state, desk.account_id) == "SILENT"
    alerts = await desk.ports.pool.fetch("SELECT * FROM alerts WHERE user_id = $1", desk.user_id)
    assert [alert["code"] for alert in alerts] == ["TERMINAL_SILENT"]
    assert "12345678" in alerts[0]["detail"]
    assert [event.type for event in desk.told] == ["ALERT"]


async def test_a_slow_poller_and_the_older_connector_have_longer(desk, doors):
    older = await seat(doors[0], protocol=1)
    await desk.execute("UPDATE mt5_sessions SET poll_ms = 10000 WHERE account_id = $1", desk.account_id)
    await sweep(desk.ports, now=NOW + timedelta(seconds=29))
    assert await desk.value("SELECT count(*) FROM mt5_sessions WHERE state = 'SILENT'") == 0
    await sweep(desk.ports, now=NOW + timedelta(seconds=31))
    assert await desk.value("SELECT account_id FROM mt5_sessions WHERE state = 'SILENT'") == desk.account_id
    await sweep(desk.ports, now=NOW + timedelta(seconds=181))
    assert await desk.value("SELECT state FROM mt5_sessions WHERE account_id = $1", older.account_id) == "SILENT"


async def test_old_answers_are_forgotten(desk):
    for days in (6, 8):
        await desk.execute(
            "INSERT INTO idempotency_keys VALUES ($1, $2, '/', '', 201, '', $3)",
            desk.user_id, str(days), NOW - timedelta(days=days),
        )  # fmt: skip
    swept = await sweep(desk.ports, now=NOW)
    assert swept.forgotten == 1
    assert await desk.value("SELECT key FROM idempotency_keys") == "6"


async def test_a_step_that_fails_does_not_keep_the_others_from_their_work(desk, rung):
    signal_id = await desk.signal()
    await desk.execute("ALTER TABLE idempotency_keys RENAME TO gone")
    with pytest.raises(ExceptionGroup) as failed:
        await sweep(desk.ports, now=NOW + timedelta(seconds=4))
    assert len(failed.value.exceptions) == 1
    assert rung == [signal_id]
