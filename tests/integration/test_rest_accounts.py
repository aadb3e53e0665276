"""Accounts over REST: what they show, take-over, and the kill switch at its three levels."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import new_trader, working
from tests.integration.wire import position
from tests.serving import client_of, serving, settings_for

from rubi.flows.sweep import sweep


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_accounts", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_accounts")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


async def test_an_account_shows_its_money_terminal_clock_and_state(trader):
    said = (await trader.get("/accounts")).json()
    (account,) = said["accounts"]
    assert said["total"] == 1
    assert (account["id"], account["epoch"], account["live"], account["reconciled"]) == (
        trader.account_id,
        1,
        True,
        True,
    )
    assert (account["trading_state"], account["effective_state"], account["switches"]) == ("ACTIVE", "ACTIVE", [])
    assert account["money"]["balance"] == 10000
    assert account["session"]["session_id"] == trader.terminal.session_id
    assert (account["offset_minutes"], account["clock_suspect"]) == (180, False)
    assert (await trader.get(f"/accounts/{trader.account_id}")).json()["login"] == account["login"]


LEVELS = {
    "account": ("/accounts/{id}/{switch}", {}, "ACCOUNT"),
    "symbol": ("/accounts/{id}/{switch}", {"symbol": "EURUSD"}, "SYMBOL"),
    "everywhere": ("/accounts/{switch}", {}, "TRADING"),
    "symbol everywhere": ("/accounts/{switch}", {"symbol": "EURUSD"}, "SYMBOL"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("switch", "state"), [("halt", "HALTED"), ("reduce", "REDUCING")])
async def test_a_switch_denies_opens_and_lets_closes_pass_until_it_is_resumed(trader, level, switch, state):
    path, more, code = LEVELS[level]
    await trader.market(positions=[position()])
    queued = await trader.order()

    async def turn(to):
        answer = await trader.post(path.format(id=trader.account_id, switch=to), {"reason": "a test", **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    said = await turn(switch)
    assert (said["state"], said["symbol"]) == (state, more.get("symbol"))
    assert said["accounts"] == [{"account_id": trader.account_id, "effective_state": state}]
    denied = await trader.order()
    assert (denied["state"], denied["code"]) == ("DENIED", f"{code}_{state}")
    closing = (await trader.post("/trading/positions/901/close")).json()
    assert [command["order_id"] for command in await trader.commands()] == [closing["id"]]
    assert await trader.state(queued["id"]) == "QUEUED"
    if more:
        other = await trader.order(symbol="GBPUSD")
        assert other["state"] == "QUEUED"
        assert [command["order_id"] for command in await trader.commands()] == [other["id"]]
    assert (await turn("resume"))["accounts"][0]["effective_state"] == "ACTIVE"
    assert queued["id"] in [command["order_id"] for command in await trader.commands()]
    assert (await trader.order(volume=0.01))["state"] == "QUEUED"


async def test_the_strictest_level_counts_and_resuming_one_leaves_the_others(trader):
    await trader.post("/accounts/halt", {"reason": "everything"})
    await trader.post(f"/accounts/{trader.account_id}/reduce", {"reason": "this one"})
    account = (await trader.get(f"/accounts/{trader.account_id}")).json()
    assert (account["trading_state"], account["effective_state"]) == ("REDUCING", "HALTED")
    assert [(each["level"], each["reason"]) for each in account["switches"]] == [("EVERYWHERE", "everything")]
    said = (await trader.post("/accounts/resume", {"reason": "over"})).json()
    assert said["accounts"][0]["effective_state"] == "REDUCING"
    assert (await trader.order())["code"] == "ACCOUNT_REDUCING"


async def test_flatten_closes_every_position_and_takes_every_order_back(trader):
    pending = await trader.order(order_type="LIMIT", price=1.09, sl=1.085, tp=1.11)
    (command,) = await trader.commands()
    await trader.carry_out(command, ticket=902)
    book = [position(901), position(905, symbol="GBPUSD")]
    await trader.terminal.sync(orders=[working(902), working(950, comment="by hand")], positions=book)
    queued = await trader.order(volume=0.01)
    leased = await trader.order(volume=0.01)
    await trader.ports.pool.execute("UPDATE trading_orders SET created_at = now() WHERE id = $1", queued["id"])
    handed = [command["order_id"] for command in await trader.commands()]
    assert handed == [queued["id"], leased["id"]]
    waiting = await trader.order(volume=0.01)
    answer = await trader.post(f"/accounts/{trader.account_id}/flatten", {"reason": "news"})
    said = answer.json()
    assert answer.status_code == 200, said
    assert (said["state"], said["accounts"][0]["effective_state"]) == ("HALTED", "HALTED")
    assert sorted(order["position_ticket"] for order in said["closes"]["orders"]) == ["901", "905"]
    assert sorted(said["cancels"]["orders"]) == sorted([queued["id"], leased["id"], waiting["id"]])
    assert len(said["cancels"]["instructions"]) == 2
    assert await trader.state(waiting["id"]) == "CANCELED"
    assert await trader.state(pending["id"]) == "PENDING_CANCEL"
    cycle = await trader.terminal.sync()
    kinds = sorted(
        (command["kind"], command["order_ticket"]) for command in cycle["commands"] if command["order_ticket"]
    )
    assert kinds == [("CANCEL_PENDING", "902"), ("CANCEL_PENDING", "950")]
    assert sorted(command["position_ticket"] for command in cycle["commands"] if command["position_ticket"]) == [
        "901",
        "905",
    ]
    assert sorted(cycle["revoke"]) == sorted(handed)
    again = (await trader.post(f"/accounts/{trader.account_id}/flatten", {"reason": "again"})).json()
    assert again["closes"]["total"] == 0
    made = await trader.value(
        "SELECT count(*) FROM trading_orders WHERE user_id = $1 AND kind IN ('CANCEL_PENDING', 'CLOSE_POSITION')",
        trader.user_id,
    )
    assert made == 4


async def test_flatten_of_a_symbol_leaves_the_others_open(trader):
    await trader.market(positions=[position(901), position(905, symbol="GBPUSD")])
    said = (await trader.post("/accounts/flatten", {"reason": "x", "symbol": "GBPUSD"})).json()
    assert [order["position_ticket"] for order in said["closes"]["orders"]] == ["905"]
    assert (await trader.order())["state"] == "QUEUED"


async def swept(trader, seconds=0.0):
    await sweep(trader.ports, now=datetime.now(UTC) + timedelta(seconds=seconds))


async def closes(trader):
    rows = await trader.ports.pool.fetch(
        "SELECT position_ticket, volume FROM trading_orders WHERE user_id = $1 AND kind = 'CLOSE_POSITION' ORDER BY id",
        trader.user_id,
    )
    return [(row["position_ticket"], float(row["volume"])) for row in rows]


async def test_flatten_goes_on_with_what_a_part_close_leaves(trader):
    await trader.market(positions=[position()])
    await trader.post("/trading/positions/901/close", {"volume": 0.04})
    (part,) = await trader.commands()
    said = (await trader.post(f"/accounts/{trader.account_id}/flatten", {"reason": "news"})).json()
    assert [each["code"] for each in said["closes"]["skipped"]] == ["CLOSE_IN_PROGRESS"]
    await swept(trader)
    assert await closes(trader) == []
    out = trader.deal(55, 0.04, entry="OUT", type="SELL")
    await trader.carry_out(part, ticket=55, deals=[out], positions=[position(volume=0.06)], orders=[])
    await swept(trader)
    assert await closes(trader) == [(901, 0.06)]
    await swept(trader)
    assert await closes(trader) == [(901, 0.06)]


async def test_flatten_closes_what_fills_after_it(trader):
    await trader.order()
    (command,) = await trader.commands()
    acks = [{"order_id": command["order_id"], "lease_id": command["lease_id"], "outcome": "INTENT"}]
    await trader.terminal.sync(acks=acks)
    said = (await trader.post("/accounts/flatten", {"reason": "news", "symbol": "EURUSD"})).json()
    assert said["cancels"]["in_flight"] == [command["order_id"]]
    await swept(trader)
    await trader.carry_out(command, ticket=55, deals=[trader.deal(55, 0.1)], positions=[position()], orders=[])
    await swept(trader)
    assert await closes(trader) == [(901, 0.1)]
    (close,) = await trader.commands()
    out = trader.deal(56, 0.1, entry="OUT", type="SELL")
    await trader.carry_out(close, ticket=56, deals=[out], positions=[], orders=[])
    await swept(trader)
    assert await trader.value("SELECT count(*) FROM flattenings WHERE user_id = $1", trader.user_id) == 0


async def test_flatten_asks_a_market_that_slept_again_until_it_is_resumed(trader):
    await trader.market(positions=[position()])
    await trader.post(f"/accounts/{trader.account_id}/flatten", {"reason": "news"})
    (close,) = await trader.commands()
    await trader.carry_out(close, ticket=0, retcode=10018)
    await swept(trader)
    assert len(await closes(trader)) == 1
    await swept(trader, 61)
    assert await closes(trader) == [(901, 0.1)] * 2
    (again,) = await trader.commands()
    await trader.carry_out(again, ticket=0, retcode=10018)
    await trader.post(f"/accounts/{trader.account_id}/resume", {"reason": "over"})
    await swept(trader, 200)
    assert len(await closes(trader)) == 2


async def test_a_take_over_lets_another_terminal_connect_at_once_and_the_old_one_not(trader):
    old, new = trader.terminal, trader.new_terminal()
    refused = await new.post("/mt5/connect", new.hello)
    assert refused.status_code == 423
    said = (await trader.post(f"/accounts/{trader.account_id}/take-over", {"reason": "it hangs"})).json()
    assert said["ended_session"] == old.session_id
    fenced = await old.post("/mt5/sync", old.body())
    assert (fenced.status_code, fenced.json()["code"]) == (409, "EPOCH_FENCED")
    back = await old.post("/mt5/connect", old.hello)
    assert (back.status_code, back.json()["code"]) == (423, "ACCOUNT_TAKEN_OVER")
    assert (await new.connect())["epoch"] == 2
    late = await old.post("/mt5/connect", old.hello)
    assert (late.status_code, late.json()["code"]) == (423, "ACCOUNT_LEASED_ELSEWHERE")
    assert (await trader.get(f"/accounts/{trader.account_id}")).json()["session"]["session_id"] == new.session_id


async def test_the_terminal_that_was_taken_over_may_come_back_when_no_other_came(trader):
    await trader.post(f"/accounts/{trader.account_id}/take-over")
    await trader.ports.pool.execute(
        "UPDATE mt5_sessions SET flags = jsonb_build_object('taken_over_at', now() - interval '31 s')"
        " WHERE id = $1::uuid",
        trader.terminal.session_id,
    )
    assert (await trader.terminal.connect())["epoch"] == 2


async def test_a_take_over_without_a_terminal_changes_nothing(trader):
    await trader.post(f"/accounts/{trader.account_id}/take-over")
    answer = await trader.post(f"/accounts/{trader.account_id}/take-over")
    assert (answer.status_code, answer.json()["ended_session"]) == (200, None)


async def test_another_users_account_is_not_there(trader, app, guest):
    stranger = await new_trader(guest, app.state.doors.ports())
    path = f"/accounts/{trader.account_id}"
    answers = [await stranger.get(path), await stranger.post(f"{path}/take-over")]
    answers += [await stranger.post(f"{path}/{switch}", {"reason": "x"}) for switch in ("halt", "flatten", "resume")]
    assert [answer.status_code for answer in answers] == [404] * 5
    await stranger.post("/accounts/halt", {"reason": "mine"})
    assert (await trader.order())["state"] == "QUEUED"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts/halt", {}),
        ("/accounts/halt", {"reason": " "}),
        ("/accounts/stop", {"reason": "x"}),
        ("/accounts/not-an-id/halt", {"reason": "x"}),
        ("/accounts/halt", {"reason": "x", "symbol": ""}),
    ],
)
async def test_a_switch_without_sense_is_422(trader, path, body):
    assert (await trader.post(path, body)).status_code == 422


async def test_a_token_of_one_account_switches_that_one_only(trader, guest):
    from tests.serving import make_token

    second = trader.new_terminal(account_number="778")
    other = (await second.connect())["account_id"]
    token = (await make_token(guest, trader.access, "trade", account=trader.account_id))["token"]
    assert (await trader.post(f"/accounts/{trader.account_id}/halt", {"reason": "x"}, token=token)).status_code == 200
    assert (await trader.post(f"/accounts/{other}/halt", {"reason": "x"}, token=token)).status_code == 404
    assert (await trader.post("/accounts/halt", {"reason": "x"}, token=token)).status_code == 404


async def test_the_last_comparisons_with_the_broker_are_shown(trader, app, guest):
    await trader.ports.pool.execute(
        "INSERT INTO reconciliations (account_id, reason, at, differences) VALUES ($1::uuid, 'PERIODIC', now(), $2)",
        trader.account_id,
        [{"code": "POSITION_ADOPTED", "position_id": "901"}],
    )
    said = (await trader.get(f"/accounts/{trader.account_id}/reconciliation")).json()
    assert said["reconciled_at"] is not None
    assert said["passes"][0]["differences"] == [{"code": "POSITION_ADOPTED", "position_id": "901"}]
    assert said["passes"][0]["reason"] == "PERIODIC"
    one = (await trader.get(f"/accounts/{trader.account_id}/reconciliation", limit=1)).json()
    assert one["next_before"] == one["passes"][0]["id"]
    stranger = await new_trader(guest, app.state.doors.ports())
    assert (await stranger.get(f"/accounts/{trader.account_id}/reconciliation")).status_code == 404
