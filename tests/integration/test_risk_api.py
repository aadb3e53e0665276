"""Risk over REST: policies in versions, status, preview, locks, breaches and their end; days, deposits and restarts."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import new_trader, wall_msc, working
from tests.integration.wire import position
from tests.serving import bearer, client_of, serving, settings_for

from rubi.flows.decide_signal import decide_signal
from rubi.flows.flatten_account import flatten_account

MONEY = {"balance": 10000.0, "equity": 10000.0, "margin": 0.0, "margin_free": 10000.0, "profit": 0.0}


@pytest.fixture
async def trader(client, ports):
    return await new_trader(client, ports)


async def person(trader, method, path, body=None, **headers):
    return await trader.client.request(method, f"/api/v1{path}", json=body, headers=bearer(trader.access) | headers)


async def set_policy(trader, **policy):
    seen = (await trader.get("/risk/policy")).headers["etag"]
    body = {"policy": policy, "reason": "a test"}
    answer = await person(trader, "PUT", "/risk/policy", body, **{"If-Match": seen})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def money(trader, balance, equity=None, **parts):
    equity = balance if equity is None else equity
    return await trader.terminal.sync(
        account={**MONEY, "balance": balance, "equity": equity, "margin_free": equity}, **parts
    )


def balance_deal(ticket, amount, kind="BALANCE", *, msc=None):
    return {"ticket": ticket, "type": kind, "profit": amount, "time_msc": msc or wall_msc()}


def result_deal(ticket, amount, **more):
    return {
        "ticket": ticket, "order": 1, "position_id": "1", "symbol": "EURUSD", "type": "SELL", "entry": "OUT",
        "volume": 0.1, "price": 1.1, "profit": amount, "time_msc": wall_msc(), **more,
    }  # fmt: skip


async def status(trader):
    answer = await trader.get("/risk/status")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_policy_is_changed_by_who_has_seen_it_and_every_version_is_kept(trader):
    first = await trader.get("/risk/policy")
    assert (first.json()["version"], first.headers["etag"]) == (1, '"1"')
    assert first.json()["policy"]["max_daily_loss_percent"] == "5"
    body = {"policy": {"max_daily_loss_percent": 3, "flatten_on_breach": True}, "reason": "a bad week"}
    assert (await person(trader, "PUT", "/risk/policy", body)).status_code == 428
    done = await person(trader, "PUT", "/risk/policy", body, **{"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert (await person(trader, "PUT", "/risk/policy", body, **{"If-Match": '"1"'})).status_code == 412
    assert (await person(trader, "PUT", "/risk/policy", body, **{"If-Match": '"22", W/"1"'})).status_code == 412
    wrong = {"policy": {"max_dayly_loss": 3}, "reason": "x"}
    refused = await person(trader, "PUT", "/risk/policy", wrong, **{"If-Match": 'W/"1", W/"2"'})
    assert (refused.status_code, refused.json()["context"]["field"]) == (422, "max_dayly_loss")
    assert (await trader.get("/risk/policy")).json()["policy"]["max_daily_loss_percent"] == "3"
    history = (await trader.get("/risk/policy/history")).json()["policies"]
    assert [(each["version"], each["reason"], each["created_by"]) for each in history] == [
        (2, "a bad week", trader.username)
    ]
    entry = await trader.value(
        "SELECT payload->'changed'->'max_daily_loss_percent' FROM audit_log WHERE action = 'risk.policy'"
    )
    assert entry == ["5", "3"]


async def test_a_program_does_not_raise_its_own_limits(trader):
    body = {"policy": {}, "reason": "x"}
    answer = await trader.client.put(
        "/api/v1/risk/policy", json=body, headers=bearer(trader.token) | {"If-Match": '"1"'}
    )
    assert answer.status_code == 403
    assert (await trader.post("/risk/unlock", {"lock": "DAY", "reason": "x"})).status_code == 403


async def test_a_programmes_rules_are_laid_over_the_policy(trader):
    names = {each["name"] for each in (await trader.get("/risk/profiles")).json()}
    assert "ftmo-2-step" in names
    body = {"profile": "ftmo-2-step", "initial_balance": 10000, "reason": "challenge"}
    done = await person(trader, "POST", "/risk/policy/profile", body, **{"If-Match": '"1"'})
    assert done.json()["policy"]["day_zone"] == "Europe/Prague"
    assert done.json()["policy"]["initial_balance"] == "10000"
    assert done.json()["policy"]["max_positions"] == 10
    unknown = body | {"profile": "nowhere"}
    assert (await person(trader, "POST", "/risk/policy/profile", unknown, **{"If-Match": "*"})).status_code == 404


async def test_a_profile_and_an_unlock_under_one_key_are_done_once(trader):
    body = {"profile": "ftmo-2-step", "initial_balance": 10000, "reason": "challenge"}
    headers = {"If-Match": '"1"', "Idempotency-Key": "lay"}
    first, again = [await person(trader, "POST", "/risk/policy/profile", body, **headers) for _ in range(2)]
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    assert (again.headers["etag"], again.headers["idempotent-replayed"]) == ('"2"', "true")
    other = await person(trader, "POST", "/risk/policy/profile?account=1", body, **headers)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    await money(trader, 10000, 9400)
    unlock = {"lock": "DAY", "reason": "the feed was wrong"}
    done = [await person(trader, "POST", "/risk/unlock", unlock, **{"Idempotency-Key": "un"}) for _ in range(2)]
    assert [each.status_code for each in done] == [200, 200], done[0].text
    assert done[0].content == done[1].content
    assert await trader.value("SELECT count(*) FROM alerts WHERE code = 'RISK_UNLOCKED'") == 1


async def test_the_status_tells_room_in_money_and_in_lots(trader):
    await trader.market(positions=[position(901, volume=0.2, current_price=1.0999, sl=1.0949)])
    said = await status(trader)
    assert (said["open_risk"], said["heat_percent"]) == (100.0, 1.0)
    assert said["day"]["floor"] == 9500.0
    assert said["drawdown"]["floor"] == 8000.0
    assert said["headroom"] == {"money": 200.0, "limit": "max_position_size_percent"}
    assert {each["symbol"]: each["lots"] for each in said["lots"]} == {"EURUSD": 1.0, "GBPUSD": 1.0}
    assert said["currencies"] == {"EUR": 21998.0, "USD": -21998.0}
    assert (said["trading_state"], said["level"]) == ("ACTIVE", "OK")


async def lots_of(trader, symbol="EURUSD"):
    (found,) = [each for each in (await status(trader))["lots"] if each["symbol"] == symbol]
    return found["buy"], found["sell"]


async def test_the_room_in_lots_is_of_both_sides_and_names_what_binds(trader):
    await trader.market()
    free = {"lots": 1.0, "limit": "max_position_size_percent"}
    assert await lots_of(trader) == (free, free)
    quote = {
        "symbol": "EURUSD",
        "side": "SELL",
        "entry": 1.1,
        "stop": 1.102,
        "loss_per_lot": 203,
        "margin_per_lot": 220,
    }
    await trader.terminal.sync(quotes=[quote])
    assert await lots_of(trader) == (free, {"lots": 0.98, "limit": "max_position_size_percent"})
    await set_policy(trader, max_leverage="5")
    buy, _ = await lots_of(trader)
    assert buy == {"lots": 0.45, "limit": "max_leverage"}
    answer = await person(trader, "POST", f"/accounts/{trader.account_id}/halt", {"symbol": "EURUSD", "reason": "news"})
    assert answer.status_code in (200, 201), answer.text
    assert await lots_of(trader) == ({"lots": 0.0, "limit": "SYMBOL_HALTED"},) * 2
    assert (await lots_of(trader, "GBPUSD"))[0]["lots"] > 0
    await trader.ports.pool.execute("UPDATE accounts SET not_tradable_code = 'X'")
    assert (await status(trader))["headroom"] == {"money": 0.0, "limit": "ACCOUNT_NOT_TRADABLE"}


async def test_a_preview_decides_and_stores_nothing(trader):
    said = (await trader.post("/risk/preview", {"symbol": "EURUSD", "side": "BUY", "sl": 1.095, "tp": 1.12})).json()
    assert (said["approved"], said["volume"], said["risk"]) == (True, 0.2, 100.0)
    assert said["record"]["decision"]["gates"]
    for table in ("trading_orders", "decisions"):
        assert await trader.value(f"SELECT count(*) FROM {table}") == 0


async def test_the_terminals_own_calculation_catches_a_wrong_tick_value(trader):
    quote = {
        "symbol": "EURUSD",
        "side": "BUY",
        "entry": 1.1,
        "stop": 1.095,
        "loss_per_lot": 500.0,
        "margin_per_lot": 220,
    }
    await trader.terminal.sync(quotes=[quote])
    good = (await trader.post("/risk/preview", {"symbol": "EURUSD", "side": "BUY", "sl": 1.09, "tp": 1.13})).json()
    assert good["approved"], good
    assert good["margin"] == pytest.approx(220 * good["volume"])
    await trader.terminal.sync(quotes=[{**quote, "loss_per_lot": 650.0}])
    bad = (await trader.post("/risk/preview", {"symbol": "EURUSD", "side": "BUY", "sl": 1.09, "tp": 1.13})).json()
    assert (bad["approved"], bad["code"]) == (False, "TICK_VALUE_INCONSISTENT")
    sell = (await trader.post("/risk/preview", {"symbol": "EURUSD", "side": "SELL", "sl": 1.11, "tp": 1.07})).json()
    assert sell["approved"]  # nothing was said of this side


async def test_a_deposit_neither_trips_nor_masks(trader):
    await money(trader, 10000)
    await money(trader, 15000)  # its deal comes later
    await trader.terminal.sync(deals=[balance_deal(1, 5000)])
    said = await status(trader)
    assert (said["day"]["floor"], said["day"]["loss"]) == (14500.0, 0.0)
    assert said["drawdown"]["percent"] == 0.0
    await money(trader, 14400, deals=[result_deal(2, -600)])
    said = await status(trader)
    assert (said["day"]["loss"], said["trading_state"]) == (600.0, "HALTED")


async def test_a_day_limit_warns_reduces_halts_and_is_unlocked_by_a_person(trader):
    await money(trader, 9590, deals=[result_deal(1, -410)])
    assert (await status(trader))["level"] == "WARN"
    said = await money(trader, 9520, deals=[result_deal(2, -70)])
    assert said["trading_state"] == "REDUCING"
    order = await trader.order()
    assert (order["state"], order["code"]) == ("DENIED", "ACCOUNT_REDUCING")
    assert "The day's loss is 480.00 of 500.00 USD" in order["decision"]["detail"]
    said = await money(trader, 9500, deals=[result_deal(3, -20)])
    assert said["trading_state"] == "HALTED"
    codes = await trader.ports.pool.fetch("SELECT code FROM alerts WHERE code LIKE 'DAILY%' ORDER BY id")
    assert [row["code"] for row in codes] == ["DAILY_LOSS_WARN", "DAILY_LOSS_REDUCING", "DAILY_LOSS_HALTED"]
    await money(trader, 9900, deals=[result_deal(4, 400)])
    assert (await status(trader))["trading_state"] == "HALTED"  # a better price unlocks nothing
    locks = (await trader.get("/risk/locks")).json()
    assert [each["lock"] for each in locks["limits"]] == ["DAY"]
    nothing = await person(trader, "POST", "/risk/unlock", {"lock": "DRAWDOWN", "reason": "x"})
    assert nothing.status_code == 409
    done = await person(trader, "POST", "/risk/unlock", {"lock": "DAY", "reason": "the feed was wrong"})
    assert (done.status_code, done.json()["trading_state"]) == (200, "ACTIVE")
    said = await status(trader)
    assert (said["trading_state"], said["day"]["loss"], said["day"]["floor"]) == ("ACTIVE", 0.0, 9405.0)
    assert (
        await trader.value("SELECT payload->>'reason' FROM audit_log WHERE action = 'risk.unlock'")
        == "the feed was wrong"
    )
    assert (await trader.order(volume=0.01))["state"] == "QUEUED"


async def test_a_breach_holds_back_what_is_queued_in_the_very_cycle_that_shows_it(trader):
    order = await trader.order()
    said = await money(trader, 9400, deals=[result_deal(1, -600)])
    assert (said["trading_state"], said["commands"]) == ("HALTED", [])
    assert await trader.state(order["id"]) == "QUEUED"


async def test_a_breach_flattens_through_close_orders_where_the_policy_says_so(trader):
    await set_policy(trader, flatten_on_breach=True)
    await trader.market(positions=[position(901, sl=0.0)])
    waiting = await trader.order(order_type="LIMIT", price=1.09, sl=1.085, tp=1.11)
    await money(trader, 10000, 9400)
    said = await trader.terminal.sync()
    assert [(each["kind"], each["position_ticket"]) for each in said["commands"]] == [("CLOSE_POSITION", "901")]
    assert await trader.state(waiting["id"]) == "CANCELED"
    actor = await trader.value(
        "SELECT actor FROM order_events WHERE order_id = $1 AND n = 1", said["commands"][0]["order_id"]
    )
    assert actor == "risk"
    assert await trader.value("SELECT flatten_since IS NOT NULL FROM risk_accounts")
    await money(trader, 9400, positions=[], orders=[], deals=[result_deal(5, -600)])
    assert (
        await flatten_account(trader.ports, await trader.value("SELECT id FROM accounts"), now=datetime.now(UTC)) == 0
    )
    assert await trader.value("SELECT flatten_since IS NULL FROM risk_accounts")


async def stored(trader, **policy):
    """A policy as an earlier version took it; the terminal connects anew, as it does after an update."""
    await trader.ports.pool.execute(
        """INSERT INTO risk_policies (account_id, version, policy, reason, created_at)
           SELECT id, 7, $1, 'of an earlier version', now() FROM accounts""",
        policy,
    )
    await trader.connect()


async def test_a_policy_that_cannot_hold_is_shown_with_its_problem_and_mended_by_a_good_one(trader):
    await stored(trader, max_account_age_seconds=10**9, max_positions=4)
    shown = await trader.get("/risk/policy")
    assert (shown.status_code, shown.headers["etag"]) == (200, '"7"')
    problem = {
        "field": "max_account_age_seconds",
        "message": "max_account_age_seconds: is 1000000000; it must be at most 31622400 seconds, 366 days",
    }
    assert shown.json()["problem"] == problem
    assert shown.json()["policy"] == {"version": 7, "max_account_age_seconds": 10**9, "max_positions": 4}
    history = (await trader.get("/risk/policy/history")).json()["policies"]
    assert [each["problem"] for each in history] == [problem]

    await trader.market(positions=[position(901, sl=1.095)])
    found = await status(trader)
    assert found["headroom"] == {"money": 0.0, "limit": "POLICY_UNUSABLE"}
    assert {lots["lots"] for lots in found["lots"]} == {0.0}
    assert (await trader.order())["decision"]["code"] == "POLICY_UNUSABLE"
    tighter = await trader.post("/trading/positions/901/modify", {"sl": 1.096})
    assert tighter.json()["state"] == "QUEUED", tighter.text

    laid = {"profile": "ftmo-2-step", "initial_balance": 10000, "reason": "x"}
    refused = await person(trader, "POST", "/risk/policy/profile", laid, **{"If-Match": '"7"'})
    assert (refused.status_code, refused.json()["code"]) == (422, "POLICY_UNUSABLE")

    mended = await set_policy(trader, max_positions=4)
    assert (mended["version"], mended["problem"], mended["policy"]["max_positions"]) == (8, None, 4)
    changed = await trader.value("SELECT payload->'changed' FROM audit_log WHERE action = 'risk.policy'")
    assert changed["max_account_age_seconds"] == [10**9, 15]
    await trader.market(positions=[position(901, sl=1.095)])
    assert (await trader.order())["state"] == "QUEUED"


async def test_what_adds_risk_to_a_stop_or_a_waiting_order_is_denied_while_the_policy_cannot_hold(trader):
    await stored(trader, max_positions=10**6)
    await trader.market(positions=[position(901, sl=1.095)], orders=[working(902)])
    nearer = await trader.post("/api/orders/modify", {"ticket": 902, "price": 1.095})
    assert nearer.json()["decision"]["code"] == "POLICY_UNUSABLE", nearer.text
    wider = await trader.post("/trading/positions/901/modify", {"sl": 1.09})
    assert wider.json()["decision"]["code"] == "POLICY_UNUSABLE", wider.text


async def test_cycles_go_on_and_the_limits_hold_while_the_policy_cannot(trader):
    await stored(trader, max_daily_loss_percent="150", flatten_on_breach=True)
    await trader.market(positions=[position(901, sl=1.095)])
    for equity in (10000, 9990, 9980):
        said = await money(trader, 10000, equity)
        assert (said["trading_state"], said["limits"]["max_risk_percent"]) == ("ACTIVE", 2)
        push = {"session_id": trader.terminal.session_id, **MONEY, "equity": equity, "margin_level": 0.0}
        assert (await trader.terminal.post("/mt5/account/update", push)).status_code == 200
    assert await trader.value("SELECT array_agg(code) FROM alerts") == ["POLICY_UNUSABLE"]
    said = await money(trader, 10000, 9400)
    assert said["trading_state"] == "HALTED", "the default holds in the place of what cannot"
    assert (await trader.terminal.sync())["commands"] == [], "nothing is closed for a limit that was never set"
    assert await trader.value("SELECT flatten_since IS NULL FROM risk_accounts")


async def test_a_breach_of_its_own_limit_flattens_although_something_else_cannot_hold(trader):
    await stored(trader, max_daily_loss_percent="3", flatten_on_breach=True, max_positions=10**6)
    await trader.market(positions=[position(901, sl=0.0)])
    await money(trader, 10000, 9690)
    commands = (await trader.terminal.sync())["commands"]
    assert [(each["kind"], each["position_ticket"]) for each in commands] == [("CLOSE_POSITION", "901")]


async def test_a_restart_leaves_floors_and_halts_where_they_were(trader, dsn, redis_url):
    await money(trader, 12000, deals=[result_deal(1, 2000)])
    await money(trader, 9500, deals=[result_deal(2, -2500)])
    before = await status(trader)
    assert (before["trading_state"], before["drawdown"]["floor"]) == ("HALTED", 9600.0)
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app) as client:
        answer = await client.get("/api/v1/risk/status", headers=bearer(trader.token))
        after = answer.json()
    for name in ("trading_state", "reason", "day", "drawdown", "limits"):
        assert after[name] == before[name]


async def test_history_that_comes_after_the_first_picture_still_counts_for_the_day(client, ports):
    trader = await new_trader(client, ports)
    day = await trader.ports.pool.fetchrow("SELECT * FROM risk_days")
    assert day["estimated"]
    if datetime.now(UTC) - day["starts_at"] < timedelta(minutes=10):
        pytest.skip("the broker's day has just begun")
    earlier = wall_msc() - 240_000
    await trader.terminal.sync(
        deals=[{**result_deal(1, -450), "time_msc": earlier}, balance_deal(2, 1000, msc=earlier)]
    )
    said = await status(trader)
    assert (said["day"]["anchor"], said["day"]["flows"], said["day"]["loss"]) == (9450.0, 1000.0, 450.0)


async def test_a_protection_locks_when_it_fires_and_a_person_takes_the_lock_away(trader):
    await set_policy(trader, cooldown_seconds=600)
    await money(trader, 9990, deals=[result_deal(1, -10)])
    (lock,) = (await trader.get("/risk/locks")).json()["locks"]
    assert (lock["code"], lock["symbol"], lock["scope"]) == ("COOLDOWN_ACTIVE", "EURUSD", "SYMBOL")
    assert (await trader.order(volume=0.01))["code"] == "COOLDOWN_ACTIVE"
    done = await person(trader, "POST", "/risk/unlock", {"lock": lock["id"], "reason": "it was a test trade"})
    assert done.status_code == 200, done.text
    assert (await trader.get("/risk/locks")).json()["locks"] == []
    assert (await trader.order(volume=0.01))["state"] == "QUEUED"
    gone = await person(trader, "POST", "/risk/unlock", {"lock": lock["id"], "reason": "again"})
    assert gone.status_code == 404


async def test_the_decision_of_a_signal_answers_under_both_paths(trader):
    body = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.095, "take_profit": 1.12}
    answer = await trader.post("/trading/signals", body)
    signal_id = answer.json()["id"]
    await decide_signal(trader.ports, signal_id, now=datetime.now(UTC))
    one = await trader.get(f"/signals/{signal_id}/decision")
    assert one.status_code == 200
    assert one.json() == (await trader.get(f"/trading/signals/{signal_id}/decision")).json()


async def test_another_users_account_is_not_found(trader, client, ports):
    other = await new_trader(client, ports)
    for path in ("/risk/policy", "/risk/status", "/risk/locks", "/risk/policy/history"):
        assert (await trader.get(path, account=other.account_id)).status_code == 404
