"""Closing and protecting positions over REST."""

import asyncio
from uuid import UUID

import pytest
from tests.integration.rest import new_trader, replayed
from tests.integration.wire import position
from tests.serving import client_of, serving, settings_for

from rubi.store import risk_facts


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_positions", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_positions")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


@pytest.fixture
async def held(trader):
    """A trader who holds 0.10 EURUSD bought at 1.1, ticket 901, stop 1.095, target 1.11."""
    await trader.market(positions=[position(current_price=1.0999)])
    return trader


async def close(trader, ticket=901, **body):
    return await trader.post(f"/trading/positions/{ticket}/close", body)


async def test_a_position_is_closed_whole_and_only_while_it_is_as_large_as_it_was(held):
    answer = await close(held)
    order = answer.json()
    assert answer.status_code == 201, order
    assert (order["kind"], order["volume"], order["position_ticket"]) == ("CLOSE_POSITION", 0.1, "901")
    assert order["not_after"] is None
    (command,) = await held.commands()
    assert command["guards"] == {
        "max_spread_points": None,
        "price_band": None,
        "reduce_only": True,
        "expect_volume": 0.1,
    }
    deal = held.deal(60, 0.1, entry="OUT", type="SELL", profit=-1.0)
    await held.carry_out(command, ticket=60, deals=[deal], positions=[], orders=[])
    assert await held.state(order["id"]) == "FILLED"
    assert (await held.get("/trading/positions")).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "kind", "volume"),
    [
        ({"percent": 50}, "CLOSE_PARTIAL", 0.05),
        ({"percent": 33}, "CLOSE_PARTIAL", 0.03),
        ({"percent": "99.9"}, "CLOSE_PARTIAL", 0.09),
        ({"percent": 100}, "CLOSE_POSITION", 0.1),
        ({"volume": 0.037}, "CLOSE_PARTIAL", 0.03),
        ({"volume": 0.1}, "CLOSE_POSITION", 0.1),
        ({"volume": 7}, "CLOSE_POSITION", 0.1),
    ],
)
async def test_a_part_goes_down_to_the_volume_grid(held, body, kind, volume):
    order = (await close(held, **body)).json()
    assert (order["kind"], order["volume"]) == (kind, volume)
    (command,) = await held.commands()
    assert (command["kind"], command["volume"], command["guards"]["expect_volume"]) == (kind, volume, 0.1)


async def test_a_rest_that_the_broker_could_not_hold_is_closed_with_the_part(trader):
    from tests.integration.wire import SPEC

    coarse = {**SPEC, "volume_min": 0.05, "volume_step": 0.01}
    await trader.market(positions=[position()], symbols=[coarse])
    order = (await close(trader, volume=0.08)).json()
    assert (order["kind"], order["volume"]) == ("CLOSE_POSITION", 0.1)


async def test_a_part_smaller_than_the_smallest_is_refused(held):
    answer = await close(held, percent=5)
    assert (answer.status_code, answer.json()["code"]) == (422, "CLOSE_VOLUME_INVALID")
    assert answer.json()["context"]["field"] == "percent"


async def test_a_second_close_is_refused_with_the_first_ones_number(held):
    first = (await close(held)).json()
    for body in ({}, {"percent": 10}):
        again = await close(held, **body)
        assert (again.status_code, again.json()["code"]) == (409, "CLOSE_IN_PROGRESS")
        assert again.json()["context"]["order_id"] == first["id"]
    assert await held.value("SELECT count(*) FROM trading_orders WHERE user_id = $1", held.user_id) == 1


async def test_ten_closes_at_once_are_one(held):
    await held.warm_up()
    answers = await asyncio.gather(*(close(held) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert await held.value("SELECT count(*) FROM trading_orders WHERE user_id = $1", held.user_id) == 1


async def test_parts_may_follow_each_other_but_never_take_more_than_is_there(held):
    assert (await close(held, volume=0.04)).status_code == 201
    assert (await close(held, volume=0.04)).status_code == 201
    third = await close(held, volume=0.04)
    assert (third.status_code, third.json()["code"]) == (409, "CLOSE_IN_PROGRESS")
    whole = await close(held)
    assert (whole.status_code, whole.json()["code"]) == (409, "CLOSE_IN_PROGRESS")
    commands = await held.commands()
    assert [(command["volume"], command["guards"]["expect_volume"]) for command in commands] == [
        (0.04, 0.1),
        (0.04, 0.06),
    ]


async def test_a_close_of_unknown_fate_bars_another_until_it_is_settled(held):
    first = (await close(held)).json()
    (command,) = await held.commands()
    await held.carry_out(command, ticket=0, retcode=10012)
    assert await held.state(first["id"]) == "UNKNOWN"
    assert (await close(held)).status_code == 409
    await held.post(
        f"/trading/orders/{first['id']}/resolve", {"outcome": "NOT_SENT", "reason": "still open"}, token=held.access
    )
    assert (await close(held)).status_code == 201


async def test_closes_pass_when_everything_is_halted_and_stale(held):
    await held.post("/accounts/halt", {"reason": "test"})
    await held.ports.pool.execute("UPDATE accounts SET reconciled_at = NULL WHERE user_id = $1", held.user_id)
    order = (await close(held)).json()
    assert order["state"] == "QUEUED"
    assert [command["order_id"] for command in await held.commands()] == [order["id"]]


@pytest.fixture
async def many(trader):
    """Five positions: three buys (one GBPUSD), two sells; magics 1 and 2."""
    book = [
        position(901, magic="1"),
        position(902, magic="2"),
        position(903, type="SELL", magic="1", sl=1.11, tp=1.09),
        position(904, type="SELL", magic="2", sl=1.11, tp=1.09),
        position(905, symbol="GBPUSD", magic="1"),
    ]
    await trader.market(positions=book)
    return trader


@pytest.mark.parametrize(
    ("body", "tickets"),
    [
        ({"side": "buy"}, ["901", "902", "905"]),
        ({"side": "sell"}, ["903", "904"]),
        ({"symbol": "EURUSD", "side": "BUY"}, ["901", "902"]),
        ({"magic": 1}, ["901", "903", "905"]),
        ({"symbol": "GBPUSD"}, ["905"]),
        ({"all": True}, ["901", "902", "903", "904", "905"]),
    ],
)
async def test_positions_are_closed_by_what_they_have_in_common(many, body, tickets):
    answer = await many.post("/trading/positions/close", body)
    said = answer.json()
    assert answer.status_code == 201, said
    assert sorted(order["position_ticket"] for order in said["orders"]) == tickets
    assert (said["total"], said["skipped"]) == (len(tickets), [])


async def test_closing_all_twice_closes_each_once(many):
    first = (await close(many)).json()
    said = (await many.post("/trading/positions/close", {"all": True})).json()
    assert said["total"] == 4
    assert said["skipped"] == [{"ticket": "901", "code": "CLOSE_IN_PROGRESS", "order_id": first["id"]}]
    again = await many.post("/trading/positions/close", {"all": True})
    assert (again.status_code, again.json()["total"]) == (200, 0)
    assert await many.value("SELECT count(*) FROM trading_orders WHERE user_id = $1", many.user_id) == 5


async def test_a_stop_moves_toward_profit_even_when_trading_is_halted(held):
    await held.post("/accounts/halt", {"reason": "test"})
    answer = await held.post("/trading/positions/901/modify", {"sl": 1.097})
    order = answer.json()
    assert answer.status_code == 201, order
    assert (order["kind"], order["sl"], order["tp"]) == ("MODIFY_POSITION", 1.097, 1.11)
    (command,) = await held.commands()
    assert (command["kind"], command["sl"], command["tp"], command["position_ticket"]) == (
        "MODIFY_POSITION",
        1.097,
        1.11,
        "901",
    )
    busy = await held.post("/trading/positions/901/modify", {"tp": 1.12})
    assert (busy.status_code, busy.json()["code"]) == (409, "CHANGE_IN_PROGRESS")


async def test_a_stop_that_moves_away_is_weighed(held):
    within = (await held.post("/trading/positions/901/modify", {"sl": 1.09})).json()
    assert (within["state"], within["reserved_risk"]) == ("QUEUED", pytest.approx(50))


async def test_a_stop_that_moves_too_far_is_denied(held):
    order = (await held.post("/trading/positions/901/modify", {"sl": 1.05})).json()
    assert (order["state"], order["code"]) == ("DENIED", "RISK_PER_ORDER_EXCEEDED")
    assert order["decision"]["approved"] is False
    off = (await held.post("/trading/positions/901/modify", {"sl": None})).json()
    assert (off["state"], off["code"]) == ("DENIED", "STOP_REQUIRED")
    assert await held.commands() == []


async def test_a_stop_that_moves_away_is_denied_while_trading_is_halted(held):
    await held.post(f"/accounts/{held.account_id}/halt", {"reason": "test"})
    order = (await held.post("/trading/positions/901/modify", {"sl": 1.094})).json()
    assert (order["state"], order["code"]) == ("DENIED", "ACCOUNT_HALTED")


async def test_a_target_is_taken_off_by_zero(held):
    await held.post("/trading/positions/901/modify", {"tp": 0})
    (command,) = await held.commands()
    assert (command["sl"], command["tp"]) == (1.095, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "FIELD_INVALID"),
        ({"sl": 1.2}, "STOP_WRONG_SIDE"),
        ({"tp": 1.0}, "TARGET_WRONG_SIDE"),
        ({"sl": 1.095, "tp": 1.11}, "NOTHING_TO_CHANGE"),
        ({"sl": "low"}, "FIELD_INVALID"),
    ],
)
async def test_a_protection_that_cannot_stand_is_422(held, body, code):
    answer = await held.post("/trading/positions/901/modify", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("901/close", {"volume": 1, "percent": 5}),
        ("901/close", {"percent": 101}),
        ("901/close", {"volume": 0}),
        ("close", {}),
        ("close", {"side": "both"}),
        ("close", {"magic": -1}),
    ],
)
async def test_a_close_that_means_nothing_is_422(held, path, body):
    answer = await held.post(f"/trading/positions/{path}", body)
    assert answer.status_code == 422, answer.text


async def test_another_users_position_is_not_there(held, app, guest):
    stranger = await new_trader(guest, app.state.doors.ports())
    assert (await close(stranger)).status_code == 404
    assert (await stranger.post("/trading/positions/901/modify", {"sl": 1.09})).status_code == 404
    assert (await stranger.post("/trading/positions/close", {"all": True})).json()["total"] == 0
    named = await stranger.post("/trading/positions/close", {"all": True, "account": held.account_id})
    assert named.status_code == 404


async def test_a_ticket_on_two_accounts_needs_the_account(held):
    second = held.new_terminal(account_number="777")
    said = await second.connect()
    await second.sync(positions=[position()], orders=[])
    answer = await close(held)
    assert (answer.status_code, answer.json()["code"]) == (422, "ACCOUNT_REQUIRED")
    order = (await close(held, account="777")).json()
    assert order["account_id"] == said["account_id"]


async def test_the_older_connector_is_told_to_close_by_a_signal(app, guest):
    trader = await new_trader(guest, app.state.doors.ports(), protocol=1)
    await trader.terminal.post(
        "/trading/positions/update",
        {
            "session_id": trader.terminal.session_id,
            "positions": [
                {"ticket": 5, "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "open_price": 1.1, "current_price": 1.1}
            ],
        },
    )
    one = await close(trader, 5)
    assert (one.status_code, one.json()["code"]) == (409, "CONNECTOR_TOO_OLD")
    said = (await trader.post("/trading/positions/close", {"all": True})).json()
    assert (said["total"], len(said["signals"]), said["orders"]) == (1, 1, [])
    kept = await trader.value("SELECT signal_type FROM trading_signals WHERE id = $1", said["signals"][0])
    assert kept == "CLOSE_BUY"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/trading/orders", {"symbol": "EURUSD", "side": "BUY", "volume": 0.01, "sl": 1.095}),
        ("/trading/orders/{queued}/cancel", None),
        ("/trading/positions/901/close", {}),
        ("/trading/positions/901/modify", {"sl": 1.097}),
        ("/trading/positions/close", {"all": True}),
        ("/accounts/{account}/flatten", {"reason": "x"}),
        ("/accounts/halt", {"reason": "x"}),
    ],
)
async def test_what_changes_an_account_waits_for_its_turn(held, path, body):
    queued = await held.order(volume=0.01)
    async with held.ports.pool.acquire() as conn:
        async with conn.transaction():
            await risk_facts.take_turn(conn, UUID(held.account_id))
            asked = asyncio.create_task(held.post(path.format(queued=queued["id"], account=held.account_id), body))
            await asyncio.sleep(0.3)
            assert not asked.done()
        assert (await asked).is_success


async def test_closes_and_changes_of_a_position_are_decided_again_bit_by_bit(held):
    for body in ({"sl": 1.096}, {"sl": 1.0945}, {"sl": 0.9}, {"tp": 0}):
        answer = await held.post("/trading/positions/901/modify", body)
        assert answer.status_code == 201, answer.text
        await held.ports.pool.execute("UPDATE trading_orders SET state = 'DONE' WHERE state = 'QUEUED'")
    assert (await close(held, percent=50)).status_code == 201
    assert await replayed(held.ports.pool, held.account_id) == ["change"] * 4 + ["close"]
