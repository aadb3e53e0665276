"""From a command to a report: guards, retries, every kind of command, and what follows a crash at each point."""

from dataclasses import replace

import pytest

from rubi.terminal.broker import Flags, NoAnswerError
from rubi.terminal.execution import Behaviour
from rubi.terminal.points import POINTS, dies_at

from .desk import d, market, pending
from .service import command


async def test_an_order_is_filled_and_reported_with_what_mt5_said(terminal):
    await terminal.carried_out(command(17, sl=1.09, tp=1.12))
    report = terminal.report(17)
    (position,) = await terminal.broker.positions()
    assert {k: report[k] for k in ("n", "outcome", "retcode", "price", "volume", "message")} == {
        "n": 1, "outcome": "RESULT", "retcode": 10009, "price": 1.1001, "volume": 0.2, "message": "DONE",
    }  # fmt: skip
    assert (report["order_ticket"], report["position_id"]) == (str(position.ticket), str(position.position_id))
    assert report["deal_ticket"] == terminal.service.told("deals")[-1]["ticket"]
    assert (position.sl, position.tp, position.magic, position.comment) == (d("1.09"), d("1.12"), 20251023, "RS-R")
    assert terminal.acks() == [(17, "INTENT", None)]


async def test_the_acknowledgement_and_the_result_leave_with_the_very_next_request(terminal):
    await terminal.carried_out(command(17))
    handed_out = next(n for n, body in enumerate(terminal.service.bodies) if n == 0)
    following = terminal.service.bodies[handed_out + 1]
    assert [a["outcome"] for a in following["acks"]] == ["INTENT"]
    assert [r["outcome"] for r in following["reports"]] == ["RESULT"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sha256": "00"}, "COMMAND_CORRUPT"),
        ({"kind": "DANCE"}, "COMMAND_UNSUPPORTED"),
        ({"side": None}, "COMMAND_UNSUPPORTED"),
        ({"filling": "SOMETIMES"}, "COMMAND_UNSUPPORTED"),
        ({"kind": "PLACE_PENDING", "price": 1.09}, "COMMAND_UNSUPPORTED"),
        ({"order_type": "TRAILING"}, "COMMAND_UNSUPPORTED"),
        ({"volume": "much"}, "COMMAND_UNSUPPORTED"),
        ({"volume": "NaN"}, "COMMAND_UNSUPPORTED"),
        ({"guards": {"price_band": [1]}}, "COMMAND_UNSUPPORTED"),
        ({"not_after": "soon"}, "COMMAND_UNSUPPORTED"),
        ({"symbol": "NOSUCH"}, "SYMBOL_UNKNOWN"),
        ({"volume": 100.01}, "LIMIT_VOLUME"),
        ({"guards": {"max_spread_points": 9}}, "GUARD_SPREAD"),
        ({"guards": {"price_band": [1.1002, 1.2]}}, "GUARD_PRICE_BAND"),
        ({"guards": {"price_band": [1.0, 1.10009]}}, "GUARD_PRICE_BAND"),
        ({"guards": {"reduce_only": True}}, "GUARD_REDUCE_ONLY"),
    ],
)
async def test_a_guard_that_does_not_hold_refuses_and_nothing_is_sent(terminal, fields, code):
    await terminal.carried_out(command(17, **fields))
    assert terminal.acks() == [(17, "REFUSED", code)]
    assert terminal.sends() == []
    assert terminal.service.told("reports") == []


async def test_a_command_after_its_time_is_refused_by_the_services_clock(terminal):
    terminal.service.server_time = terminal.later(600)  # this machine's clock is ten minutes late
    await terminal.carried_out(command(17, not_after=terminal.later(590)), command(18, not_after=terminal.later(610)))
    assert terminal.acks() == [(17, "REFUSED", "COMMAND_EXPIRED"), (18, "INTENT", None)]
    assert terminal.sends() == ["RS-S"]


async def test_a_lease_that_is_over_is_left_to_the_service(terminal):
    terminal.service.answers = [
        {"commands": [command(17, lease_id="old", lease_expires_at=terminal.later(-1))]},
        {"commands": [command(17, lease_id="new", lease_expires_at=terminal.later(5))]},
    ]
    await terminal.until(lambda: terminal.service.told("reports"))
    assert terminal.sends() == ["RS-R"]
    assert [a["lease_id"] for a in terminal.service.told("acks")] == ["new"]


async def test_without_a_broker_or_a_permission_nothing_is_sent(terminal):
    terminal.broker.set_flags(Flags(mql_trade_allowed=False))
    await terminal.carried_out(command(17))
    terminal.broker.set_flags(Flags(connected=False))
    await terminal.carried_out(command(18))
    assert terminal.acks() == [(17, "REFUSED", "TRADING_NOT_ALLOWED"), (18, "REFUSED", "BROKER_DISCONNECTED")]


async def test_the_stricter_of_both_limits_holds_and_closing_is_never_limited(terminal):
    terminal.service.connect_answer = {
        "limits": {"max_volume": 0.5, "max_open_positions": 3, "max_orders_per_minute": 2, "demo_only": True}
    }
    await terminal.carried_out(command(1, volume=0.51), command(2, volume=0.5), command(3), command(4))
    assert terminal.acks() == [
        (1, "REFUSED", "LIMIT_VOLUME"),
        (2, "INTENT", None),
        (3, "INTENT", None),
        (4, "REFUSED", "LIMIT_ORDERS_PER_MINUTE"),
    ]
    tickets = [p.ticket for p in await terminal.broker.positions()]
    await terminal.carried_out(
        *(command(5 + n, "CLOSE_POSITION", position_ticket=str(t)) for n, t in enumerate(tickets))
    )
    assert await terminal.broker.positions() == []


async def test_a_stop_that_would_lose_too_much_is_refused_and_a_closer_one_is_not(terminal):
    """0.2 lots of EURUSD at 1.1001 with the stop at 1.0901 lose 200 of 10 000: two percent."""
    terminal.service.connect_answer = {"limits": {"max_risk_percent": 2}}
    placed = {"order_type": "LIMIT", "price": 1.09, "sl": 1.0799}
    await terminal.carried_out(
        command(1, sl=1.0900), command(2, sl=1.0901), command(3), command(4, "PLACE_PENDING", **placed)
    )
    assert terminal.acks() == [
        (1, "REFUSED", "LIMIT_RISK"),
        (2, "INTENT", None),
        (3, "INTENT", None),  # a wish without a stop is the policy's business
        (4, "REFUSED", "LIMIT_RISK"),
    ]
    ticket = str((await terminal.broker.positions())[0].ticket)
    terminal.service.answers = [{"limits": {"max_risk_percent": 1}}]
    await terminal.carried_out(
        command(5, "MODIFY_POSITION", position_ticket=ticket, sl=1.0900),
        command(6, "MODIFY_POSITION", position_ticket=ticket, sl=1.0902),
        command(7, "CLOSE_POSITION", position_ticket=ticket),
    )
    assert terminal.acks()[-3:] == [(5, "REFUSED", "LIMIT_RISK"), (6, "INTENT", None), (7, "INTENT", None)]


async def test_an_account_that_is_no_demo_opens_nothing_and_still_closes(terminal):
    await terminal.carried_out(command(1))
    ticket = str((await terminal.broker.positions())[0].ticket)
    demo = terminal.broker.account

    async def real():
        return replace(await demo(), trade_mode="REAL")

    terminal.broker.account = real
    terminal.service.answers = [{"limits": {"demo_only": True}}]
    await terminal.carried_out(command(2), command(3, "CLOSE_POSITION", position_ticket=ticket))
    assert terminal.acks()[-2:] == [(2, "REFUSED", "LIMIT_DEMO_ONLY"), (3, "INTENT", None)]


async def test_too_many_positions_and_orders_refuse_the_next(terminal):
    terminal.service.connect_answer = {"limits": {"max_open_positions": 2}}
    placed = command(2, "PLACE_PENDING", order_type="LIMIT", price=1.09)
    await terminal.carried_out(command(1), placed, command(3))
    assert terminal.acks()[-1] == (3, "REFUSED", "LIMIT_POSITIONS")


async def test_a_revoked_order_is_never_sent_even_when_it_comes_with_the_revocation(terminal):
    terminal.service.answers = [{"revoke": [17], "commands": [command(17)]}, {"commands": [command(17)]}]
    await terminal.until(lambda: len(terminal.service.bodies) > 4)
    assert terminal.sends() == []
    assert set(terminal.acks()) == {(17, "REFUSED", "REVOKED")}


@pytest.mark.parametrize(
    ("retcodes", "sends", "end"),
    [
        ([10004, 10020], 3, 10009),
        ([10004, 10020, 10021], 3, 10021),
        ([10024, 10028, 10029], 4, 10009),
        ([10023] * 4, 4, 10023),
        ([10004, 10024], 3, 10009),
        ([10006], 1, 10006),
        ([10012], 1, 10012),
        ([10031], 1, 10031),
        ([10018], 1, 10018),
    ],
)
async def test_only_what_was_surely_not_executed_is_sent_again_and_only_so_often(terminal, retcodes, sends, end):
    terminal.broker.script(*(Behaviour(retcode=code) for code in retcodes))
    await terminal.carried_out(command(17, guards={"price_band": [1.0, 1.2]}))
    assert (len(terminal.sends()), terminal.report(17)["retcode"]) == (sends, end)


async def test_a_requote_outside_the_band_is_the_end(terminal):
    terminal.broker.script(Behaviour(retcode=10004))
    real_send = terminal.broker.order_send

    async def moving_market(request):
        result = await real_send(request)
        terminal.broker.quote("EURUSD", d("1.10500"))
        return result

    terminal.broker.order_send = moving_market
    await terminal.carried_out(command(17, guards={"price_band": [1.09, 1.101]}))
    assert (len(terminal.sends()), terminal.report(17)["retcode"]) == (1, 10004)


async def test_waiting_never_outlasts_the_orders_time(terminal):
    terminal.broker.script(*(Behaviour(retcode=10024) for _ in range(3)))
    await terminal.carried_out(command(17, not_after=terminal.later(0.5)))
    assert (len(terminal.sends()), terminal.report(17)["retcode"]) == (2, 10024)


async def test_what_the_check_refuses_is_reported_and_not_sent(terminal):
    await terminal.carried_out(command(17, volume=60))
    assert (terminal.report(17)["retcode"], terminal.sends()) == (10019, [])


async def test_no_answer_is_reported_as_such_and_looked_for_afterwards(terminal):
    terminal.broker.script(Behaviour(silent=True), Behaviour(lost=True))
    terminal.service.answers.append({"commands": [command(17), command(18)]})
    await terminal.until(lambda: any(r["outcome"] == "RECOVERED" for r in terminal.service.told("reports")))
    assert [(r["order_id"], r["n"], r["outcome"], r["retcode"]) for r in terminal.service.told("reports")] == [
        (17, 1, "RESULT", 0), (18, 1, "RESULT", 0), (17, 2, "RECOVERED", 10009),
    ]  # fmt: skip
    assert terminal.sends() == ["RS-R"]


async def test_a_broker_that_vanishes_before_the_send_proves_that_nothing_was_sent(terminal):
    async def gone(request):
        raise ConnectionError("the broker's process is down")

    terminal.broker.order_check = gone
    await terminal.carried_out(command(17))
    assert terminal.report(17)["outcome"] == "NEVER_SENT"


async def test_every_kind_of_command_does_what_its_name_says(terminal):
    broker = terminal.broker
    await terminal.carried_out(
        command(1, volume=0.5),
        command(2, "PLACE_PENDING", order_type="LIMIT", price=1.09, sl=1.08, tp=1.1),
        command(3, "PLACE_PENDING", order_type="STOP_LIMIT", side="SELL", price=1.09, stop_limit=1.095,
                type_time="SPECIFIED", expiration=terminal.later(60)),
    )  # fmt: skip
    (position,) = await broker.positions()
    limit, stop_limit = await broker.orders()
    assert (stop_limit.type, stop_limit.stop_limit) == ("SELL_STOP_LIMIT", d("1.095"))
    assert stop_limit.expiration * 1000 == terminal.clock() + 10_800_000 + 60_000
    ticket, order = str(position.ticket), str(limit.ticket)
    await terminal.carried_out(
        command(4, "MODIFY_POSITION", volume=None, sl=1.095, tp=1.2, position_ticket=ticket),
        command(5, "CLOSE_PARTIAL", volume=0.2, position_ticket=ticket, guards={"expect_volume": 0.5}),
        command(6, "MODIFY_PENDING", volume=None, price=1.085, sl=1.08, tp=0, order_ticket=order),
        command(7, "CANCEL_PENDING", volume=None, order_ticket=str(stop_limit.ticket)),
    )
    (position,) = await broker.positions()
    assert (position.volume, position.sl, position.tp) == (d("0.3"), d("1.095"), d("1.2"))
    assert [(o.ticket, o.price_open, o.tp) for o in await broker.orders()] == [(limit.ticket, d("1.085"), 0)]
    await terminal.carried_out(command(8, side="SELL", volume=0.3))
    other = (await broker.positions())[1]
    await terminal.carried_out(
        command(9, "CLOSE_BY", volume=None, position_ticket=ticket, order_ticket=str(other.ticket))
    )
    assert await broker.positions() == []
    await terminal.carried_out(command(10), command(11, symbol="XAUUSD"), command(12, side="SELL"))
    await terminal.carried_out(command(13, "CLOSE_ALL", side=None, volume=None))
    assert [p.symbol for p in await broker.positions()] == ["XAUUSD"]
    assert terminal.report(13)["message"] == "2 of 2 closed"
    await terminal.carried_out(command(14, "CLOSE_ALL", symbol=None, side=None, volume=None))
    assert {r["retcode"] for r in terminal.service.told("reports")} == {10009}
    await terminal.carried_out(command(15, "CLOSE_ALL", symbol=None, side=None, volume=None))
    assert terminal.report(15)["retcode"] == 10036


async def test_a_position_that_changed_meanwhile_is_not_closed_by_guess(terminal):
    opened = await terminal.broker.order_send(market(volume="0.30"))
    ticket = str(opened.order)
    await terminal.carried_out(
        command(17, "CLOSE_POSITION", volume=0.3, position_ticket=ticket, guards={"expect_volume": 0.2}),
        command(18, "CLOSE_PARTIAL", volume=0.4, position_ticket=ticket),
    )
    assert terminal.acks() == [(17, "REFUSED", "POSITION_CHANGED"), (18, "REFUSED", "POSITION_TOO_SMALL")]


@pytest.mark.parametrize("kind", ["CLOSE_POSITION", "CLOSE_PARTIAL", "MODIFY_POSITION"])
async def test_a_position_that_is_gone_needs_no_closing(netting_terminal, kind):
    terminal = netting_terminal
    await terminal.carried_out(command(17, kind, position_ticket="77"))
    assert (terminal.report(17)["outcome"], terminal.report(17)["retcode"]) == ("RESULT", 10036)
    assert (terminal.sends(), await terminal.broker.positions()) == ([], [])


async def test_closing_all_says_when_only_a_part_was_closed(terminal):
    for _ in range(2):
        await terminal.broker.order_send(market())
    terminal.broker.script(Behaviour(), Behaviour(retcode=10006))
    await terminal.carried_out(command(17, "CLOSE_ALL", side=None, volume=None))
    report = terminal.report(17)
    assert (report["retcode"], report["message"]) == (10010, "1 of 2 closed; REJECT")


async def test_on_a_netting_account_a_close_takes_the_opposite_deal(netting_terminal):
    terminal = netting_terminal
    await terminal.carried_out(command(1, volume=0.3))
    (position,) = await terminal.broker.positions()
    reducing = {"reduce_only": True}
    await terminal.carried_out(
        command(2, side="SELL", volume=0.1, guards=reducing), command(3, side="SELL", volume=0.3, guards=reducing)
    )
    assert terminal.acks()[-1] == (3, "REFUSED", "GUARD_REDUCE_ONLY")
    await terminal.carried_out(command(4, "CLOSE_POSITION", volume=0.2, position_ticket=str(position.position_id)))
    assert await terminal.broker.positions() == []


async def test_a_command_seen_before_is_a_duplicate_and_its_result_is_told_again(terminal):
    await terminal.carried_out(command(17))
    terminal.reopen()
    terminal.service.answers.append({"commands": [command(17, lease_id="again")]})
    await terminal.until(lambda: (17, "DUPLICATE", None) in terminal.acks() and not terminal.journal.acks())
    assert terminal.sends() == ["RS-R"]
    assert [r["n"] for r in terminal.service.told("reports")] == [1, 1]
    assert terminal.service.told("acks")[-1]["lease_id"] == "again"


class Died(BaseException):
    """What a SIGKILL would have been."""


OUTCOMES = {
    "before_claim": None,
    "after_claim": "NEVER_SENT",
    "before_send": "AMBIGUOUS",
    "after_send": "RECOVERED",
    "before_report": "RESULT",
}


@pytest.mark.parametrize(("point", "outcome"), OUTCOMES.items())
async def test_death_at_each_point_sends_at_most_once_and_tells_the_truth(terminal, point, outcome):
    def die(reached):
        if reached == point:
            raise Died

    terminal.at = die
    terminal.service.answers.append({"commands": [command(17, sl=1.09)]})
    with pytest.raises(Died):
        await terminal.until(lambda: False)
    sent = len(terminal.sends())
    terminal.at = lambda reached: None
    terminal.reopen()
    terminal.service.answers.append({"commands": [command(17, sl=1.09, lease_id="again")]})
    await terminal.until(lambda: terminal.service.told("reports") and not terminal.journal.reports())
    assert len(terminal.sends()) == (1 if outcome is None else sent) <= 1
    first = terminal.service.told("reports")[0]
    assert first["outcome"] == (outcome or "RESULT")
    if first["outcome"] in {"RESULT", "RECOVERED"}:
        (position,) = await terminal.broker.positions()
        assert first["position_id"] == str(position.position_id)
        assert first["order_ticket"] == str(position.ticket)
    if outcome is not None:
        assert [e["order_id"] for e in terminal.service.greetings[-1]["journal"]["open"]] == [17]
        assert ("DUPLICATE" in {a["outcome"] for a in terminal.service.told("acks")}) or first["n"] == 1


@pytest.mark.parametrize(
    "kind", ["PLACE_PENDING", "CLOSE_POSITION", "MODIFY_POSITION", "MODIFY_PENDING", "CANCEL_PENDING"]
)
@pytest.mark.parametrize("executed", [True, False])
async def test_after_a_crash_each_kind_is_recognised_by_its_own_traces(terminal, kind, executed):
    opened = await terminal.broker.order_send(market(volume="0.30"))
    placed = await terminal.broker.order_send(pending("BUY_LIMIT", "1.09000"))
    fields = {
        "PLACE_PENDING": {"order_type": "STOP", "price": 1.2},
        "CLOSE_POSITION": {"volume": 0.3, "position_ticket": str(opened.order)},
        "MODIFY_POSITION": {"volume": None, "sl": 1.05, "position_ticket": str(opened.order)},
        "MODIFY_PENDING": {"volume": None, "price": 1.08, "order_ticket": str(placed.order)},
        "CANCEL_PENDING": {"volume": None, "order_ticket": str(placed.order)},
    }[kind]

    def die(reached):
        if reached == ("after_send" if executed else "before_send"):
            raise Died

    terminal.at = die
    terminal.service.answers.append({"commands": [command(17, kind, **fields)]})
    with pytest.raises(Died):
        await terminal.until(lambda: False)
    terminal.at = lambda reached: None
    terminal.reopen()
    await terminal.until(lambda: terminal.service.told("reports") and not terminal.journal.reports())
    assert terminal.report(17)["outcome"] == ("RECOVERED" if executed else "AMBIGUOUS")


async def test_a_foreign_comment_or_magic_is_not_taken_for_ours(terminal):
    def die(reached):
        if reached == "before_send":
            raise Died

    terminal.at = die
    terminal.service.answers.append({"commands": [command(17)]})
    with pytest.raises(Died):
        await terminal.until(lambda: False)
    await terminal.broker.order_send(market(volume="0.20", magic=20251023, comment="RS-S"))
    await terminal.broker.order_send(market(volume="0.20", magic=1, comment="RS-R"))
    await terminal.broker.order_send(market(volume="0.30", magic=20251023, comment="RS-R"))
    terminal.at = lambda reached: None
    terminal.reopen()
    await terminal.until(lambda: terminal.service.told("reports"))
    assert terminal.report(17)["outcome"] == "AMBIGUOUS"


async def test_a_query_is_answered_from_the_journal_and_the_broker(terminal):
    terminal.broker.script(Behaviour(silent=True))
    terminal.executor._looked_at = float("inf")  # only the query looks
    await terminal.carried_out(command(17), command(18), command(19, guards={"max_spread_points": 1}))
    ask = [command(n, "QUERY", symbol=None, side=None, volume=None, lease_id=f"q{n}") for n in (17, 18, 19, 20)]
    terminal.service.answers.append({"commands": ask})
    await terminal.until(lambda: 20 in {r["order_id"] for r in terminal.service.told("reports")})
    assert (terminal.report(17)["outcome"], terminal.report(17)["n"]) == ("RECOVERED", 2)
    assert (terminal.report(18)["outcome"], terminal.report(18)["n"]) == ("RESULT", 1)
    assert (terminal.report(20)["outcome"], terminal.report(20)["n"]) == ("NO_RECORD", 1)
    assert terminal.acks()[-1] == (19, "REFUSED", "GUARD_SPREAD")
    await terminal.carried_out(command(20))
    assert (terminal.report(20)["outcome"], terminal.report(20)["n"]) == ("RESULT", 2)


def test_a_point_that_does_not_exist_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="mid_report"):
        dies_at("somewhere")
    for point in POINTS:
        dies_at(None)(point)


def test_no_answer_is_a_connection_error():
    assert issubclass(NoAnswerError, ConnectionError)
