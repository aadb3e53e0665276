"""Trailing, break-even and partial targets, carried out at a terminal on the wire."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import new_trader, replayed, wall_msc, working
from tests.integration.wire import position

from rubi.domain.order import comment_of
from rubi.flows.decide_signal import decide_signal
from rubi.flows.follow_plans import follow_all
from rubi.flows.replay_decision import replay_stored

SIGNAL = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.095, "take_profit": 1.11}


@pytest.fixture
async def trader(client, ports):
    return await new_trader(client, ports)


async def opened(trader, *, volume=0.2, **signal):
    """A filled position of a signal with a plan; its order's id."""
    answer = await trader.post(
        "/trading/signals", {**SIGNAL, "risk": {"mode": "FIXED_LOTS", "value": volume}, **signal}
    )
    assert answer.status_code == 201, answer.text
    decided = await decide_signal(trader.ports, answer.json()["id"], now=datetime.now(UTC))
    assert decided.approved, decided.code
    (command,) = await trader.commands()
    assert command["volume"] == volume
    await trader.carry_out(command, ticket=501, deals=[trader.deal(501, volume)])
    await books(trader, volume=volume)
    return command


async def books(trader, *, bid=1.0999, **changes):
    held = {"volume": 0.2, "open_price": 1.1, "current_price": bid, "sl": 1.095, "tp": 1.11, **changes}
    return await trader.terminal.sync(
        positions=[position(901, **held)],
        orders=[],
        ticks=[{"symbol": "EURUSD", "bid": bid, "ask": bid + 0.0001, "time_msc": wall_msc()}],
    )


async def rest(trader):
    """Let the pause between two orders pass."""
    await trader.ports.pool.execute("UPDATE position_plans SET next_at = now() - interval '1 s'")


def said(commands):
    return [(each["kind"], each["volume"], each["sl"], each["tp"]) for each in commands]


async def test_the_stop_follows_the_price_by_modifications_one_at_a_time(trader):
    await opened(trader, trailing={"distance": 200, "step": 50})
    first = await books(trader, bid=1.103)
    commands = first["commands"] or await trader.commands()
    assert said(commands) == [("MODIFY_POSITION", None, 1.101, 1.11)]
    assert commands[0]["position_ticket"] == "901"
    assert (await books(trader, bid=1.105))["commands"] == []  # the first one is under way
    await trader.carry_out(commands[0], ticket=0, retcode=10009)
    assert (await books(trader, bid=1.1031, sl=1.101))["commands"] == []  # not a step yet
    await rest(trader)
    await books(trader, bid=1.1036, sl=1.101)
    assert said(await trader.commands()) == [("MODIFY_POSITION", None, 1.1016, 1.11)]
    record = await trader.ports.pool.fetchrow("SELECT * FROM decisions ORDER BY id DESC LIMIT 1")
    assert (record["record"]["rules"], record["record"]["step"]["why"]) == ("plan", "trailing")
    assert await replayed(trader.ports.pool, trader.account_id) == ["gates", "plan", "plan"]
    record["record"]["case"]["tick"]["bid"] = "1.1046"
    differences = replay_stored(dict(record))["differences"]
    assert any(each.startswith("step.stop: '1.10160' was stored") for each in differences), differences


async def test_a_stop_that_a_person_moved_closer_is_not_moved_back(trader):
    await opened(trader, break_even={"trigger": 100})
    assert (await books(trader, bid=1.102, sl=1.1015))["commands"] == []
    assert await trader.commands() == []


async def test_parts_are_closed_at_targets_and_the_last_one_is_the_brokers(trader):
    targets = [{"price": 1.105, "share": 50}, {"price": 1.11, "share": 50}]
    command = await opened(trader, take_profit=None, take_profits=targets, stop_loss=1.0975)
    assert command["tp"] == 1.11
    await books(trader, bid=1.105, sl=1.0975)
    (part,) = await trader.commands()
    assert (part["kind"], part["volume"], part["guards"]["expect_volume"]) == ("CLOSE_PARTIAL", 0.1, 0.2)
    await trader.carry_out(
        part, ticket=502, deals=[trader.deal(502, 0.1, type="SELL", entry="OUT", price=1.105, profit=50.0)]
    )
    await rest(trader)
    await books(trader, bid=1.106, volume=0.1, sl=1.0975)
    assert await trader.commands() == []
    assert set(await replayed(trader.ports.pool, trader.account_id)) == {"gates", "plan"}


async def test_a_refused_part_is_tried_again_later(trader):
    targets = [{"price": 1.105, "share": 50}, {"price": 1.11, "share": 50}]
    await opened(trader, take_profit=None, take_profits=targets, stop_loss=1.0975)
    await books(trader, bid=1.105, sl=1.0975)
    (part,) = await trader.commands()
    await trader.carry_out(part, ticket=0, retcode=10018)
    await rest(trader)
    await books(trader, bid=1.105, sl=1.0975)
    assert await trader.commands() == []
    earlier = "UPDATE trading_orders SET final_at = now() - interval '1 min' WHERE id = $1"
    await trader.ports.pool.execute(earlier, part["order_id"])
    await books(trader, bid=1.105, sl=1.0975)
    (again,) = await trader.commands()
    assert again["kind"] == "CLOSE_PARTIAL"


async def test_a_plan_outlives_the_process_and_ends_with_its_position(trader):
    await opened(trader, trailing={"distance": 200})
    await trader.ports.pool.execute("UPDATE latest_ticks SET bid = 1.104, ask = 1.1041 WHERE symbol = 'EURUSD'")
    assert await follow_all(trader.ports, now=datetime.now(UTC)) == 1  # the sweep, without any cycle
    assert len(await trader.commands()) == 1
    await trader.terminal.sync(positions=[], orders=[])
    await follow_all(trader.ports, now=datetime.now(UTC) + timedelta(minutes=5))
    assert await trader.value("SELECT state FROM position_plans") == "DONE"


async def test_the_plan_of_an_order_that_was_never_filled_ends_with_it(trader):
    answer = await trader.post("/trading/signals", {**SIGNAL, "trailing": {"distance": 200}})
    await decide_signal(trader.ports, answer.json()["id"], now=datetime.now(UTC))
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=0, retcode=10019)
    await follow_all(trader.ports, now=datetime.now(UTC))
    assert await trader.value("SELECT state FROM position_plans") == "DONE"


@pytest.fixture
async def given_up(trader):
    """A limit order with a plan that nobody found and that had expired for us, with ticket 501 at the broker."""
    wish = {"order_type": "LIMIT", "entry_price": 1.098, "risk": {"mode": "FIXED_LOTS", "value": 0.2}}
    answer = await trader.post("/trading/signals", {**SIGNAL, **wish, "trailing": {"distance": 200, "step": 50}})
    await decide_signal(trader.ports, answer.json()["id"], now=datetime.now(UTC))
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=501, retcode=10012)
    await trader.ports.pool.execute(
        "UPDATE trading_orders SET not_after = now() - interval '2 min', clean_states = 2 WHERE id = $1",
        command["order_id"],
    )
    await trader.ports.pool.execute("UPDATE accounts SET reconciled_at = now() - interval '31 s'")
    await trader.market()
    assert await trader.state(command["order_id"]) == "EXPIRED"
    await follow_all(trader.ports, now=datetime.now(UTC))
    assert await plan_state(trader) == "DONE"
    return command


async def plan_state(trader):
    return await trader.value("SELECT state FROM position_plans")


async def test_the_plan_of_an_order_that_was_given_up_goes_on_when_it_fills_after_all(trader, given_up):
    long_ago = "UPDATE trading_orders SET final_at = final_at - interval '5 min'"
    await trader.ports.pool.execute(long_ago)
    await trader.ports.pool.execute("UPDATE position_plans SET ended_at = ended_at - interval '5 min'")
    await trader.terminal.sync(deals=[trader.deal(501, 0.2)])
    await follow_all(trader.ports, now=datetime.now(UTC))
    assert await plan_state(trader) == "ACTIVE", "its position is in no list yet"
    await books(trader, bid=1.103)
    assert said(await trader.commands()) == [("MODIFY_POSITION", None, 1.101, 1.11)]


async def test_the_plan_of_an_order_that_is_at_work_again_waits_for_its_position(trader, given_up):
    there = working(501, comment=comment_of(given_up["order_id"]), volume_initial=0.2, volume_current=0.2)
    await trader.terminal.sync(orders=[there], positions=[])
    assert await trader.state(given_up["order_id"]) == "ACCEPTED"
    await follow_all(trader.ports, now=datetime.now(UTC) + timedelta(minutes=5))
    assert await plan_state(trader) == "ACTIVE"


async def test_a_late_fill_that_is_closed_again_ends_its_plan_again(trader, given_up):
    await trader.terminal.sync(deals=[trader.deal(501, 0.2)], positions=[], orders=[])
    await follow_all(trader.ports, now=datetime.now(UTC) + timedelta(minutes=5))
    assert await plan_state(trader) == "DONE"


@pytest.mark.parametrize(
    "ended",
    ["last_order_id = order_id", "ended_at = ended_at - interval '1 h'"],
    ids=["it had begun", "something else ended it"],
)
async def test_a_plan_of_which_more_is_known_than_its_order_stays_ended(trader, given_up, ended):
    await trader.ports.pool.execute(f"UPDATE position_plans SET {ended}")
    await trader.terminal.sync(deals=[trader.deal(501, 0.2)])
    assert await plan_state(trader) == "DONE"


async def test_a_quote_that_the_broker_dates_ahead_grows_old_all_the_same(trader):
    """Its own time says that it is new; that it came a minute ago says more."""
    await opened(trader, trailing={"distance": 200, "step": 50})
    await books(trader, bid=1.0999)
    await trader.ports.pool.execute(
        """UPDATE latest_ticks SET bid = 1.105, ask = 1.1051, quoted_at = now() + interval '30 s',
             received_at = now() - interval '60 s'"""
    )
    assert await follow_all(trader.ports, now=datetime.now(UTC)) == 0
    await trader.ports.pool.execute("UPDATE latest_ticks SET received_at = now()")
    assert await follow_all(trader.ports, now=datetime.now(UTC)) == 1


async def test_no_plan_gives_orders_to_an_older_connector(trader):
    await opened(trader, break_even={"trigger": 100, "offset": 10})
    await rest(trader)
    moved = "UPDATE latest_ticks SET bid = 1.105, ask = 1.1051, quoted_at = now(), received_at = now()"
    await trader.ports.pool.execute(moved)
    protocol = "UPDATE mt5_sessions SET protocol = $1"
    await trader.ports.pool.execute(protocol, 1)
    assert await follow_all(trader.ports, now=datetime.now(UTC)) == 0
    await trader.ports.pool.execute(protocol, 2)
    assert await follow_all(trader.ports, now=datetime.now(UTC)) == 1
