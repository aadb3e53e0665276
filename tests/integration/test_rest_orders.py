"""Orders over REST, from the wish to the fill."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import ORDER, new_trader, replayed, working
from tests.integration.wire import position
from tests.serving import client_of, serving, settings_for

from rubi.domain.order import comment_of


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_orders", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_orders")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


@pytest.fixture
async def pending(trader):
    """A limit order that works at the broker under ticket 902."""
    order = await trader.order(order_type="limit", price=1.09, sl=1.085, tp=1.11)
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902)
    await trader.terminal.sync(orders=[working(902)], positions=[])
    assert await trader.state(order["id"]) == "ACCEPTED"
    return order


async def test_a_market_order_goes_from_the_wish_to_its_fill(trader):
    answer = await trader.post("/trading/orders", {**ORDER, "comment": "by hand", "magic": "7"})
    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/trading/orders/{order['id']}"
    assert (order["state"], order["kind"], order["volume"], order["magic"]) == ("QUEUED", "OPEN", 0.1, "7")
    assert order["decision"]["approved"]
    assert order["reserved_risk"] == pytest.approx(50)
    (command,) = await trader.commands()
    assert (command["order_id"], command["volume"], command["sl"]) == (order["id"], 0.1, 1.095)
    await trader.carry_out(command, ticket=55)
    await trader.terminal.sync(deals=[trader.deal(55, 0.1, magic=7)], positions=[position(magic="7")], orders=[])
    whole = (await trader.get(f"/trading/orders/{order['id']}")).json()
    assert (whole["state"], whole["filled_volume"], whole["order_ticket"]) == ("FILLED", 0.1, "55")
    assert [each["event"] for each in whole["events"]] == ["APPROVED", "HANDED_OUT", "INTENT", "PLACED", "DEAL"]
    assert whole["comment"] == "by hand"
    assert whole["decision"]["record"]["case"]["proposal"]["symbol"] == "EURUSD"


async def test_a_queued_order_wakes_the_parked_terminal(trader):
    parked = asyncio.create_task(trader.terminal.sync(wait_ms=1500))
    await asyncio.sleep(0.3)
    order = await trader.order()
    said = await asyncio.wait_for(parked, 1)
    assert [command["order_id"] for command in said["commands"]] == [order["id"]]


async def test_trying_an_order_tells_the_whole_decision_and_stores_nothing(trader):
    async def stored():
        return [
            await trader.value(f"SELECT count(*) FROM {table} WHERE user_id = $1", trader.user_id)
            for table in ("trading_orders", "decisions", "audit_log", "idempotency_keys")
        ]

    before = await stored()
    answer = await trader.post("/trading/orders", {**ORDER, "dry_run": True}, key="try")
    said = answer.json()
    assert answer.status_code == 200
    assert (said["dry_run"], said["approved"], said["volume"], said["risk"]) == (True, True, 0.1, pytest.approx(50))
    assert len(said["record"]["decision"]["gates"]) > 20
    denied = (await trader.post("/trading/orders", {**ORDER, "sl": 1.2, "dry_run": True})).json()
    assert (denied["approved"], denied["code"]) == (False, "STOP_WRONG_SIDE")
    assert await stored() == before


async def test_a_denied_order_is_kept_with_its_code_and_decision(trader):
    order = await trader.order(volume=5)
    assert (order["state"], order["code"], order["volume"]) == ("DENIED", "RISK_PER_ORDER_EXCEEDED", 5)
    assert order["decision"]["code"] == "RISK_PER_ORDER_EXCEEDED"
    assert await trader.commands() == []
    whole = (await trader.get(f"/trading/orders/{order['id']}")).json()
    assert [(each["from"], each["to"], each["event"]) for each in whole["events"]] == [("CREATED", "DENIED", "DENIED")]
    assert whole["final_at"] is not None


async def test_twenty_at_once_with_room_for_two_are_two(trader):
    await trader.warm_up()
    answers = await asyncio.gather(*(trader.order(volume=0.2, sl=1.09, tp=1.13) for _ in range(20)))
    states = sorted(order["state"] for order in answers)
    assert states == ["DENIED"] * 18 + ["QUEUED"] * 2  # each may lose 200; 500 a day are allowed
    assert {order["code"] for order in answers} == {None, "DAILY_LOSS_BUDGET_EXCEEDED"}


async def test_an_order_is_sized_by_its_own_risk_or_by_the_policy(trader):
    by_money = await trader.order(volume=None, risk={"mode": "money", "value": 20})
    by_policy = await trader.order(volume=None)
    assert (by_money["volume"], by_policy["volume"]) == (0.04, 0.2)


@pytest.mark.parametrize(
    ("order_type", "more"),
    [
        ("limit", {"price": 1.09, "sl": 1.085, "tp": 1.11}),
        ("STOP", {"price": 1.105, "sl": 1.1, "tp": 1.12}),
        ("stop-limit", {"price": 1.105, "stop_limit": 1.104, "sl": 1.1, "tp": 1.12}),
    ],
)
async def test_every_type_of_pending_order_reaches_the_terminal_as_asked(trader, order_type, more):
    until = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    order = await trader.order(order_type=order_type, expiration=until.isoformat(), **more)
    assert order["state"] == "QUEUED", order
    (command,) = await trader.commands()
    assert command["kind"] == "PLACE_PENDING"
    assert command["order_type"] == order_type.upper().replace("-", "_")
    assert (command["price"], command["stop_limit"]) == (more["price"], more.get("stop_limit"))
    assert (command["type_time"], command["expiration_gmt"]) == ("SPECIFIED", int(until.timestamp()))


async def test_a_pending_order_is_modified_then_cancelled(trader, pending):
    answer = await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 1.087})
    said = answer.json()
    assert answer.status_code == 200, said
    assert (said["state"], said["instruction"]["kind"]) == ("PENDING_MODIFY", "MODIFY_PENDING")
    (command,) = await trader.commands()
    assert (command["kind"], command["order_ticket"], command["price"]) == ("MODIFY_PENDING", "902", 1.09)
    assert (command["sl"], command["tp"]) == (1.087, 1.11)
    again = await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 1.088})
    assert (again.status_code, again.json()["code"]) == (409, "CHANGE_IN_PROGRESS")
    await trader.carry_out(command, ticket=902, orders=[working(902, sl=1.087)], positions=[])
    whole = (await trader.get(f"/trading/orders/{pending['id']}")).json()
    assert (whole["state"], whole["sl"], whole["at_broker"]["sl"]) == ("ACCEPTED", 1.087, 1.087)
    assert [each["state"] for each in whole["instructions"]] == ["DONE"]

    said = (await trader.post(f"/trading/orders/{pending['id']}/cancel")).json()
    assert (said["state"], said["instruction"]["kind"]) == ("PENDING_CANCEL", "CANCEL_PENDING")
    same = (await trader.post(f"/trading/orders/{pending['id']}/cancel")).json()
    assert same["instruction"]["id"] == said["instruction"]["id"]
    (command,) = await trader.commands()
    assert (command["kind"], command["order_ticket"]) == ("CANCEL_PENDING", "902")
    await trader.carry_out(command, ticket=902, orders=[], positions=[])
    assert await trader.state(pending["id"]) == "CANCELED"
    late = await trader.post(f"/trading/orders/{pending['id']}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "ORDER_FINAL")


async def test_a_modification_that_the_broker_refuses_leaves_the_order_as_it_was(trader, pending):
    await trader.post(f"/trading/orders/{pending['id']}/modify", {"tp": 1.115})
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, retcode=10016)
    whole = (await trader.get(f"/trading/orders/{pending['id']}")).json()
    assert (whole["state"], whole["tp"]) == ("ACCEPTED", 1.11)
    assert whole["instructions"][0]["state"] == "REJECTED"


async def test_a_modification_that_would_pass_a_limit_is_denied_and_reserves_nothing(trader, pending):
    said = (await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 1.05})).json()
    assert (said["state"], said["instruction"]["state"]) == ("ACCEPTED", "DENIED")
    assert said["instruction"]["code"] == "REWARD_RISK_TOO_LOW"
    assert await trader.commands() == []
    off = (await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 0})).json()
    assert off["instruction"]["code"] == "STOP_REQUIRED"


async def test_a_wider_stop_within_the_limits_reserves_what_it_adds(trader, pending):
    said = (await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 1.082, "tp": 1.13})).json()
    assert said["instruction"]["state"] == "QUEUED"
    assert said["instruction"]["reserved_risk"] == pytest.approx(30)


async def test_changes_of_a_pending_order_are_decided_again_bit_by_bit(trader, pending):
    for body in ({"sl": 1.082, "tp": 1.13}, {"sl": 1.087}):
        answer = await trader.post(f"/trading/orders/{pending['id']}/modify", body)
        assert answer.status_code == 200, answer.text
        (command,) = await trader.commands()
        await trader.carry_out(command, ticket=902, orders=[working(902, sl=body["sl"], tp=1.13)], positions=[])
    assert await replayed(trader.ports.pool, trader.account_id) == ["gates", "gates", "change"]


async def test_a_change_of_nothing_is_said(trader, pending):
    answer = await trader.post(f"/trading/orders/{pending['id']}/modify", {"sl": 1.085})
    assert (answer.status_code, answer.json()["code"]) == (422, "NOTHING_TO_CHANGE")


async def test_a_queued_order_is_cancelled_at_once_and_a_leased_one_is_revoked(trader):
    queued = await trader.order()
    said = (await trader.post(f"/trading/orders/{queued['id']}/cancel")).json()
    assert (said["state"], said["code"], said["instruction"]) == ("CANCELED", "CANCELED_BY_USER", None)
    leased = await trader.order()
    (command,) = await trader.commands()
    said = (await trader.post(f"/trading/orders/{leased['id']}/cancel")).json()
    assert (said["state"], said["cancel_asked"]) == ("LEASED", True)
    assert (await trader.post(f"/trading/orders/{leased['id']}/cancel")).status_code == 200
    assert (await trader.terminal.sync())["revoke"] == [leased["id"]]
    refused = {"order_id": leased["id"], "lease_id": command["lease_id"], "outcome": "REFUSED", "code": "REVOKED"}
    await trader.terminal.sync(acks=[refused])
    assert await trader.state(leased["id"]) == "REJECTED"


async def test_an_order_at_the_brokers_door_cannot_be_taken_back_and_its_life_stays_clean(trader):
    order = await trader.order()
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=55)
    answer = await trader.post(f"/trading/orders/{order['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDER_IN_FLIGHT")
    assert await trader.value("SELECT bool_and(legal) FROM order_events WHERE order_id = $1", order["id"])


@pytest.mark.parametrize(("outcome", "state"), [("FILLED", "FILLED"), ("not_sent", "REJECTED")])
async def test_a_person_resolves_an_order_of_unknown_fate(trader, outcome, state):
    order = await trader.order()
    (command,) = await trader.commands()
    body = {"outcome": outcome, "reason": "looked at the terminal"}
    early = await trader.post(f"/trading/orders/{order['id']}/resolve", body, token=trader.access)
    assert (early.status_code, early.json()["code"]) == (409, "ORDER_NOT_UNKNOWN")
    await trader.carry_out(command, ticket=0, retcode=10012)
    assert await trader.state(order["id"]) == "UNKNOWN"
    program = await trader.post(f"/trading/orders/{order['id']}/resolve", body)
    assert program.status_code == 403
    said = await trader.post(f"/trading/orders/{order['id']}/resolve", body, token=trader.access)
    assert (said.status_code, said.json()["state"], said.json()["message"]) == (200, state, "looked at the terminal")


async def test_orders_are_listed_by_state_symbol_and_page(trader):
    made = [
        (await trader.order())["id"],
        (await trader.order(symbol="GBPUSD"))["id"],
        (await trader.order(volume=9))["id"],
    ]
    every = (await trader.get("/trading/orders")).json()
    assert [order["id"] for order in every["orders"]] == made[::-1]
    denied = (await trader.get("/trading/orders", state="denied,FILLED")).json()["orders"]
    assert [order["id"] for order in denied] == made[2:]
    assert [o["id"] for o in (await trader.get("/trading/orders", symbol="GBPUSD")).json()["orders"]] == [made[1]]
    page = (await trader.get("/trading/orders", limit=2)).json()
    assert page["next_before"] == made[1]
    rest = (await trader.get("/trading/orders", limit=2, before=page["next_before"])).json()
    assert ([order["id"] for order in rest["orders"]], rest["next_before"]) == (made[:1], None)
    assert len((await trader.get("/trading/orders", account=trader.account_id)).json()["orders"]) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"volume": 0},
        {"volume": -1},
        {"volume": "much"},
        {"side": "UP"},
        {"symbol": ""},
        {"symbol": "EUR\nUSD"},
        {"order_type": "LIMIT"},
        {"order_type": "STOP_LIMIT", "price": 1.2},
        {"stop_limit": 1.2},
        {"risk": {"mode": "MONEY", "value": 5}},
        {"expiration": "2030-01-01T00:00:00Z"},
        {"order_type": "LIMIT", "price": 1.09, "expiration": "2001-01-01T00:00:00Z"},
        {"deviation_points": -1},
        {"magic": "x"},
        {"surprise": 1},
    ],
)
async def test_a_body_that_makes_no_order_is_422(trader, changes):
    answer = await trader.post("/trading/orders", {**ORDER, **changes})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_users_order_is_not_there(trader, app, guest):
    order = await trader.order()
    stranger = await new_trader(guest, app.state.doors.ports())
    path = f"/trading/orders/{order['id']}"
    answers = [
        await stranger.get(path),
        await stranger.post(f"{path}/cancel"),
        await stranger.post(f"{path}/modify", {"sl": 1.09}),
        await stranger.post(f"{path}/resolve", {"outcome": "FILLED", "reason": "x"}, token=stranger.access),
        await stranger.post("/trading/orders", {**ORDER, "account": trader.account_id}),
        await stranger.get("/trading/orders", account=trader.account_id),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert (await stranger.get("/trading/orders")).json()["orders"] == []


async def test_a_token_that_only_reads_places_nothing(trader, guest):
    from tests.serving import make_token

    reader = (await make_token(guest, trader.access, "read"))["token"]
    assert (await trader.post("/trading/orders", ORDER, token=reader)).status_code == 403


async def test_an_older_connector_that_takes_signals_only_is_said(app, guest):
    trader = await new_trader(guest, app.state.doors.ports(), protocol=1)
    order = await trader.order()
    assert (order["state"], order["code"]) == ("DENIED", "CONNECTOR_TOO_OLD")


@pytest.fixture
async def given_up(trader):
    """A limit order that nobody found and that had expired for us, with ticket 902 at the broker."""
    order = await trader.order(order_type="limit", price=1.09, sl=1.085, tp=1.11)
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, retcode=10012)
    await trader.ports.pool.execute(
        "UPDATE trading_orders SET not_after = now() - interval '2 min', clean_states = 2 WHERE id = $1", order["id"]
    )
    await trader.ports.pool.execute("UPDATE accounts SET reconciled_at = now() - interval '31 s'")
    await trader.market()
    assert await trader.state(order["id"]) == "EXPIRED"
    return order


async def alerts(trader):
    rows = await trader.ports.pool.fetch(
        "SELECT code, severity FROM alerts WHERE user_id = $1 AND code LIKE 'LATE%'", trader.user_id
    )
    return [tuple(row) for row in rows]


async def test_an_order_that_was_given_up_and_turns_up_works_again_and_can_be_cancelled(trader, given_up):
    await trader.terminal.sync(orders=[working(902, comment=comment_of(given_up["id"]))], positions=[])
    row = (await trader.get(f"/trading/orders/{given_up['id']}")).json()
    assert (row["state"], row["final_at"], row["review"]) == ("ACCEPTED", None, "LATE_WORKING")
    assert await alerts(trader) == [("LATE_WORKING", "critical")]
    assert await trader.value("SELECT released_at FROM trading_orders WHERE id = $1", given_up["id"]) is None
    said = (await trader.post(f"/trading/orders/{given_up['id']}/cancel")).json()
    assert said["state"] == "PENDING_CANCEL"
    (command,) = await trader.commands()
    assert (command["kind"], command["order_ticket"]) == ("CANCEL_PENDING", "902")
    await trader.carry_out(command, ticket=902)
    assert await trader.state(given_up["id"]) == "CANCELED"


async def test_a_book_older_than_a_cancel_does_not_bring_the_order_back(trader, pending):
    await trader.post(f"/trading/orders/{pending['id']}/cancel")
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, orders=[working(902)], positions=[])
    assert await trader.state(pending["id"]) == "CANCELED"
    assert await alerts(trader) == []
    await trader.ports.pool.execute("UPDATE trading_orders SET final_at = now() - interval '11 s'")
    await trader.terminal.sync(orders=[working(902)], positions=[])
    assert await trader.state(pending["id"]) == "ACCEPTED"


async def test_what_the_brokers_history_ended_stays_ended(trader, pending):
    gone = working(902, state="CANCELED", time_done_msc=1761224400000)
    await trader.terminal.sync(order_history=[gone], orders=[working(902)], positions=[])
    await trader.ports.pool.execute("UPDATE trading_orders SET final_at = now() - interval '11 s'")
    await trader.terminal.sync(orders=[working(902)], positions=[])
    assert await trader.state(pending["id"]) == "CANCELED"


@pytest.mark.parametrize("what", ["cancel", "modify"])
async def test_the_brokers_order_behind_one_that_ended_for_us_can_be_changed_by_its_ticket(trader, pending, what):
    gone = working(902, state="CANCELED", time_done_msc=1761224400000)
    await trader.terminal.sync(order_history=[gone], orders=[working(902)], positions=[])
    change = {"price": 1.08, "sl": 1.075} if what == "modify" else {}
    answer = await trader.post(f"/api/orders/{what}", {"ticket": 902, **change})
    assert answer.status_code == 200, answer.text
    (command,) = await trader.commands()
    assert (command["kind"], command["order_ticket"]) == (f"{what.upper()}_PENDING", "902")
    await trader.carry_out(command, ticket=902)
    assert await trader.state(pending["id"]) == "CANCELED"


async def test_a_report_after_the_end_is_told_to_a_person(trader, given_up):
    report = {"order_id": given_up["id"], "n": 2, "outcome": "RESULT", "retcode": 10008, "order_ticket": 902}
    await trader.terminal.sync(reports=[report])
    assert await trader.state(given_up["id"]) == "EXPIRED"
    assert await alerts(trader) == [("LATE_REPORT", "critical")]


async def test_a_second_delivery_of_a_refused_order_is_no_news(trader):
    order = await trader.order()
    (command,) = await trader.commands()
    acks = [{"order_id": order["id"], "lease_id": command["lease_id"], "outcome": "REFUSED", "code": "GUARD_SPREAD"}]
    await trader.terminal.sync(acks=acks)
    await trader.terminal.sync(acks=[{**acks[0], "outcome": "DUPLICATE"}])
    assert await alerts(trader) == []


async def test_an_order_stays_on_its_way_out_while_its_cancel_is_sent_anew(trader, pending):
    await trader.post(f"/trading/orders/{pending['id']}/cancel")
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, retcode=10012)
    no_record = {"order_id": command["order_id"], "n": 2, "outcome": "NO_RECORD"}
    (again,) = (await trader.terminal.sync(reports=[no_record]))["commands"]
    assert await trader.state(pending["id"]) == "PENDING_CANCEL"
    assert (again["kind"], again["order_ticket"]) == ("CANCEL_PENDING", "902")
    await trader.carry_out(again, ticket=902)
    assert await trader.state(pending["id"]) == "CANCELED"


async def test_a_fill_counts_for_the_order_and_not_for_what_modified_it(trader, pending):
    answer = await trader.post(f"/trading/orders/{pending['id']}/modify", {"price": 1.08, "sl": 1.075})
    assert answer.status_code == 200, answer.text
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, orders=[working(902, price_open=1.08, sl=1.075)], positions=[])
    await trader.terminal.sync(deals=[trader.deal(902, 0.1)], positions=[position()], orders=[])
    assert await trader.state(pending["id"]) == "FILLED"
    assert await trader.state(command["order_id"]) == "DONE"


async def test_a_change_of_unknown_fate_is_given_up_while_its_order_works_on(trader, pending):
    await trader.post(f"/trading/orders/{pending['id']}/modify", {"price": 1.08, "sl": 1.075})
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902, retcode=10012)
    await trader.ports.pool.execute(
        "UPDATE trading_orders SET not_after = now() - interval '2 min', clean_states = 2 WHERE id = $1",
        command["order_id"],
    )
    await trader.ports.pool.execute("UPDATE accounts SET reconciled_at = now() - interval '31 s'")
    await trader.market(orders=[working(902)])
    assert await trader.state(command["order_id"]) == "EXPIRED"
    assert await trader.state(pending["id"]) == "ACCEPTED"
