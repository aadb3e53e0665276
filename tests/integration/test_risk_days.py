"""Days and peaks as they are kept: resets, missed resets, clock changes, late deals; with a clock of the test's own."""

import os
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from tests.desk import NOW, open_ports, seat

from rubi.domain.learn_clock import TimesSaid
from rubi.domain.position import Deal
from rubi.flows.decide_signal import decide_signal
from rubi.flows.learn_clock import learn_clock
from rubi.flows.record_deals import record_deals
from rubi.flows.watch_limits import watch_limits
from rubi.store import risk_facts

MIDNIGHT = NOW.replace(hour=21)
"""The broker is three hours ahead: its 24 October begins at 21:00 UTC of the 23rd."""
TODAY, TOMORROW = date(2025, 10, 23), date(2025, 10, 24)


@pytest.fixture(scope="module")
async def ports(cluster, template, redis_url_of_module):
    name = f"rubi_test_risk_days_{os.getpid()}"
    ports, _, client = await open_ports(await cluster.create(name, template), redis_url_of_module)
    yield ports
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()
    await cluster.drop(name)


@pytest.fixture
async def desk(ports):
    return await seat(ports)


async def see(desk, balance, equity=None, *, at=NOW, deals=()):
    """One cycle of the terminal: its money, and its new deals."""
    await desk.report(at=at, balance=balance, equity=balance if equity is None else equity)
    async with desk.ports.pool.acquire() as conn, conn.transaction():
        await record_deals(conn, desk.account_id, [deal_of(*each) for each in deals], actor="test", now=at)
        return await watch_limits(conn, desk.account_id, closed=bool(deals), now=at)


def deal_of(ticket, amount, at, kind="SELL"):
    return Deal(
        ticket=ticket, type=kind, entry=None, symbol=None, order_ticket=None, position_id=None, volume=D(0), price=D(0),
        sl=None, tp=None, profit=D(amount), swap=D(0), commission=D(0), fee=D(0), magic=0, comment=None, reason=None,
        time_msc=int((at + timedelta(hours=3)).timestamp() * 1000), executed_at=at,
    )  # fmt: skip


async def days(desk):
    rows = await desk.ports.pool.fetch("SELECT * FROM risk_days WHERE account_id = $1 ORDER BY day", desk.account_id)
    return {row["day"]: row for row in rows}


async def facts(desk, at):
    async with desk.ports.pool.acquire() as conn:
        return await risk_facts.gather(conn, desk.account_id, "EURUSD", now=at)


async def test_a_day_begins_at_the_brokers_midnight_with_the_first_snapshot(desk):
    await see(desk, 10000)
    await see(desk, 9900, at=MIDNIGHT - timedelta(seconds=1), deals=[(1, -100, MIDNIGHT - timedelta(minutes=5))])
    assert list(await days(desk)) == [TODAY]
    await see(desk, 9900, 9950, at=MIDNIGHT + timedelta(seconds=1))
    kept = await days(desk)
    assert (kept[TODAY]["ends_at"], kept[TOMORROW]["starts_at"]) == (MIDNIGHT, MIDNIGHT)
    assert (kept[TOMORROW]["anchor"], kept[TOMORROW]["estimated"]) == (9950, False)


async def test_yesterdays_row_denies_nothing_before_the_first_snapshot_of_the_day(desk):
    await see(desk, 10000, at=MIDNIGHT - timedelta(seconds=2))
    later = MIDNIGHT + timedelta(seconds=5)
    for fresh in (desk.quote, desk.describe):
        await fresh(at=later)
    signal_id = await desk.signal(received_at=later, signal_time=later)
    decided = await decide_signal(desk.ports, signal_id, now=later)
    assert decided.approved, decided.code
    assert list(await days(desk)) == [TODAY]


async def test_losses_since_a_missed_reset_count_in_the_next_decision(desk):
    await see(desk, 10000)
    morning = MIDNIGHT + timedelta(hours=9)
    lost = (1, -480, MIDNIGHT + timedelta(hours=8))
    await desk.report(at=morning, balance=9520, equity=9520)
    async with desk.ports.pool.acquire() as conn, conn.transaction():
        await record_deals(conn, desk.account_id, [deal_of(*lost)], actor="test", now=morning)
    day = (await facts(desk, morning)).day
    assert (day.day, day.anchor, day.estimated) == (TOMORROW, 10000, True)
    await see(desk, 9520, at=morning)
    assert (await days(desk))[TOMORROW]["anchor"] == 10000
    assert (await days(desk))[TOMORROW]["state"] == "REDUCING"


async def test_a_deal_of_yesterday_that_is_told_after_a_missed_reset_is_no_gain_of_today(desk):
    await see(desk, 10000)
    morning = MIDNIGHT + timedelta(hours=9)
    await see(desk, 10300, at=morning)  # 800 were won yesterday and 500 lost today; no deal is told yet
    late = [(1, 800, MIDNIGHT - timedelta(hours=1)), (2, -500, MIDNIGHT + timedelta(hours=1))]
    await see(desk, 10300, at=morning + timedelta(seconds=1), deals=late)
    day = (await facts(desk, morning)).day
    assert (day.anchor, day.flows) == (10800, 0)


async def test_a_deal_told_again_is_counted_once(desk):
    await see(desk, 10000)
    deposit = (1, 5000, NOW, "BALANCE")
    await see(desk, 15000, deals=[deposit])
    await see(desk, 15000, deals=[deposit])
    row = await desk.row("SELECT * FROM risk_days WHERE account_id = $1", desk.account_id)
    assert (
        row["flows"],
        await desk.value("SELECT deals FROM risk_accounts WHERE account_id = $1", desk.account_id),
    ) == (5000, 0)


@pytest.mark.parametrize("kind", ["BALANCE", "CREDIT", "BONUS"])
async def test_what_comes_in_without_a_trade_is_a_flow(desk, kind):
    await see(desk, 10000)
    if kind == "BALANCE":
        await see(desk, 12000, deals=[(1, 2000, NOW, kind)])
    else:
        await desk.execute(
            "UPDATE account_states SET credit = 2000, equity = 12000 WHERE account_id = $1", desk.account_id
        )
        async with desk.ports.pool.acquire() as conn, conn.transaction():
            await record_deals(conn, desk.account_id, [deal_of(1, 2000, NOW, kind)], actor="test", now=NOW)
            await watch_limits(conn, desk.account_id, now=NOW)
    row = await desk.row("SELECT * FROM risk_accounts WHERE account_id = $1", desk.account_id)
    assert (row["high"], row["units"]) == (1, 12000)
    assert (await days(desk))[TODAY]["flows"] == 2000


async def test_peaks_stay_when_the_account_falls_and_the_process_ends(desk):
    await see(desk, 11000, deals=[])
    await see(desk, 12000, deals=[(1, 1000, NOW)])
    await see(desk, 9000, at=NOW + timedelta(seconds=1), deals=[(2, -3000, NOW)])
    row = await desk.row("SELECT * FROM risk_accounts WHERE account_id = $1", desk.account_id)
    assert row["high"] * row["units"] == pytest.approx(D(12000))
    assert (row["drawdown_level"], row["trading_state"]) == ("HALTED", "HALTED")
    assert "25.00 %" in row["trading_reason"]


async def test_a_drawdown_halt_outlives_the_day_and_a_daily_halt_does_not(desk):
    await see(desk, 10000)
    await see(desk, 9400, deals=[(1, -600, NOW)])
    assert (await facts(desk, NOW)).states.account == "HALTED"
    await see(desk, 9400, at=MIDNIGHT + timedelta(seconds=1))
    assert (await facts(desk, MIDNIGHT)).states.account == "ACTIVE"
    await see(desk, 7900, at=MIDNIGHT + timedelta(seconds=2), deals=[(2, -1500, MIDNIGHT)])
    await see(desk, 7900, at=MIDNIGHT + timedelta(days=1, seconds=1))
    assert (await facts(desk, MIDNIGHT)).states.account == "HALTED"


async def test_the_clock_of_winter_is_learned_from_three_ticks_and_the_day_grows_by_an_hour(desk):
    change = NOW.replace(day=26, hour=1)
    await see(desk, 10000, at=change - timedelta(minutes=1))
    before = (await days(desk))[date(2025, 10, 26)]
    told = []
    for second in range(4):
        at = change + timedelta(seconds=second)
        wall = at + timedelta(hours=2)
        said = TimesSaid(gmt=at, server=wall, tick_msc=int(wall.timestamp() * 1000))
        async with desk.ports.pool.acquire() as conn, conn.transaction():
            told += await learn_clock(conn, user_id=desk.user_id, account_id=desk.account_id, said=said, now=at)
        if second == 0:
            assert (await facts(desk, at)).clock.suspect
    assert [event.data["code"] for event in told] == ["CLOCK_SUSPECT", "CLOCK_OFFSET_CHANGED"]
    now = (await facts(desk, change)).clock
    assert not now.suspect
    assert now.offset_at(change + timedelta(seconds=2)) == timedelta(hours=2)
    await see(desk, 9900, at=change + timedelta(minutes=1))
    after = (await days(desk))[date(2025, 10, 26)]
    assert after["ends_at"] - after["starts_at"] == timedelta(hours=25)
    assert (after["anchor"], after["starts_at"]) == (before["anchor"], before["starts_at"])


async def test_one_odd_tick_teaches_nothing_and_a_clock_far_from_ours_is_suspect(desk):
    def said_at(utc, wall, *, tick_ahead=None):
        tick = None if tick_ahead is None else int((NOW + timedelta(hours=tick_ahead)).timestamp() * 1000)
        return TimesSaid(gmt=utc, server=wall, tick_msc=tick)

    wall, late = NOW + timedelta(hours=3), timedelta(minutes=5)
    odd, wrong, right = (
        said_at(NOW, wall, tick_ahead=5),
        said_at(NOW + late, wall + late),
        said_at(NOW, wall, tick_ahead=3),
    )
    for said, suspect in ((odd, False), (odd, False), (odd, False), (wrong, True), (right, False)):
        async with desk.ports.pool.acquire() as conn, conn.transaction():
            await learn_clock(conn, user_id=desk.user_id, account_id=desk.account_id, said=said, now=NOW)
        assert (await facts(desk, NOW)).clock.suspect is suspect
    assert await desk.value("SELECT count(*) FROM broker_offsets WHERE account_id = $1", desk.account_id) == 1


async def test_without_money_nothing_is_remembered_and_a_first_deposit_is_no_gain(desk):
    await see(desk, 0)
    assert await desk.row("SELECT * FROM risk_accounts WHERE account_id = $1", desk.account_id) is None
    await see(desk, 10000, deals=[(1, 10000, NOW, "BALANCE")])
    row = await desk.row("SELECT * FROM risk_accounts WHERE account_id = $1", desk.account_id)
    assert (row["trading_state"], row["high"]) == ("ACTIVE", 1)


async def test_unexplained_money_is_told_to_a_person(desk):
    await see(desk, 10000)
    await see(desk, 9900, at=NOW + timedelta(seconds=1))
    watch = await see(desk, 9900, at=NOW + timedelta(seconds=70))
    assert [event.data["code"] for event in watch.events] == ["BALANCE_UNEXPLAINED"]
    assert "-100.00 USD" in watch.events[0].data["detail"]


async def test_the_older_connector_tells_no_deals_and_its_losses_count_at_once(ports):
    desk = await seat(ports, protocol=1)
    await see(desk, 10000)
    watch = await see(desk, 9400)
    assert watch.trading_state == "HALTED"
