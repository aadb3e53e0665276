"""Orders from the service to the broker and back, by the EA's own source."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.ea.desk import Desk, opened
from tests.ea.service import comment_of, serving


async def test_the_connector_connects_and_tells_everything_of_a_cycle(desk: Desk) -> None:
    connect, sync = desk.service.calls[0], desk.service.calls[1]
    assert connect.path == "/api/v1/mt5/connect"
    assert connect.body["account_number"] == "12345678"
    assert connect.body["protocol"] == 2
    assert connect.body["margin_mode"] == "HEDGING"
    assert connect.body["trade_mode"] == "DEMO"
    assert connect.body["time"]["server"] - connect.body["time"]["gmt"] == 10800
    assert sync.body["seq"] == 1
    assert set(sync.body["flags"]) >= {
        "connected",
        "terminal_trade_allowed",
        "mql_trade_allowed",
        "account_trade_allowed",
        "account_trade_expert",
        "ping_ms",
    }
    assert sync.body["account"]["balance"] == 10000.0
    assert sync.body["positions"] == []
    assert sync.body["orders"] == []
    spec = next(s for body in desk.service.syncs() for s in body.get("symbols", []))
    assert (spec["name"], spec["digits"], spec["filling_flags"], spec["trade_mode"]) == ("EURUSD", 5, 3, "FULL")


async def test_bodies_are_utf8_json_without_a_zero_at_the_end(desk: Desk) -> None:
    await desk.terminal.ask("account", company="Börse Zürich", name="x")
    await desk.terminal.ask("chart_change")
    await desk.advance(1000)
    company = [c.body["company"] for c in desk.service.calls if c.path.endswith("/connect")][-1]
    assert company == "Börse Zürich"
    for call in desk.service.calls:
        assert b"\0" not in call.raw
        assert not call.raw.startswith(b"\xef\xbb\xbf")
        call.raw.decode("utf-8")


async def test_a_market_order_is_sent_once_and_reported_until_acknowledged(desk: Desk) -> None:
    report = await desk.open(17)
    assert desk.service.outcomes(17) == ["INTENT"]
    assert len(desk.service.reports[17]) == 1
    assert (report["order_ticket"], report["deal_ticket"]) == ("5000000001", "7000000001")
    (sent,) = desk.terminal.sends()
    assert (sent["action"], sent["type"], sent["volume"]) == ("TRADE_ACTION_DEAL", "ORDER_TYPE_BUY", 0.1)
    assert (sent["sl"], sent["tp"], sent["magic"], sent["deviation"]) == (1.095, 1.11, 20251023, 20)
    assert sent["comment"] == comment_of(17)
    position = desk.service.last("positions")[0]
    assert (position["ticket"], position["type"], position["volume"], position["sl"]) == (
        "5000000001",
        "BUY",
        0.1,
        1.095,
    )


async def test_the_deal_reaches_the_service_with_its_money(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", commission_per_lot=7.0)
    await desk.open(17)
    await desk.advance(500)
    (deal,) = desk.service.deals.values()
    assert (deal["ticket"], deal["order"], deal["position_id"]) == ("7000000001", "5000000001", "5000000001")
    assert (deal["type"], deal["entry"], deal["reason"], deal["commission"]) == ("BUY", "IN", "EXPERT", -0.35)


@pytest.mark.parametrize(
    ("side", "order_type", "price", "stop_limit", "sl", "tp"),
    [
        ("BUY", "LIMIT", 1.09, None, 1.085, 1.1),
        ("SELL", "LIMIT", 1.11, None, 1.115, 1.1),
        ("BUY", "STOP", 1.11, None, 1.105, 1.12),
        ("SELL", "STOP", 1.09, None, 1.095, 1.08),
        ("BUY", "STOP_LIMIT", 1.11, 1.109, 1.105, 1.12),
        ("SELL", "STOP_LIMIT", 1.09, 1.091, 1.095, 1.08),
    ],
)
async def test_pending_orders_of_every_kind_are_placed(
    desk: Desk, side: str, order_type: str, price: float, stop_limit: float | None, sl: float, tp: float
) -> None:
    report = await desk.work(
        5, "PLACE_PENDING", side=side, order_type=order_type, price=price, stop_limit=stop_limit, sl=sl, tp=tp
    )
    assert report is not None
    assert report["retcode"] == 10009
    (sent,) = desk.terminal.sends()
    assert sent["action"] == "TRADE_ACTION_PENDING"
    assert sent["type"] == f"ORDER_TYPE_{side}_{order_type}"
    assert (sent["filling"], sent["price"], sent["sl"]) == ("ORDER_FILLING_RETURN", price, sl)
    (order,) = desk.service.last("orders")
    assert (order["type"], order["price_open"], order["state"]) == (f"{side}_{order_type}", price, "PLACED")


async def test_a_pending_order_is_modified_filled_and_its_history_told(desk: Desk) -> None:
    placed = await desk.work(5, "PLACE_PENDING", price=1.09, sl=1.085, tp=1.1)
    assert placed is not None
    ticket = placed["order_ticket"]
    changed = await desk.work(6, "MODIFY_PENDING", order_ticket=ticket, price=1.091, sl=1.086, tp=1.1)
    assert changed is not None
    assert changed["retcode"] == 10009
    await desk.quote(1.0905)
    await desk.advance(1500)
    assert [p["open_price"] for p in desk.service.last("positions")] == [1.091]
    history = [o for body in desk.service.syncs() for o in body.get("order_history", [])]
    assert (history[-1]["ticket"], history[-1]["state"]) == (ticket, "FILLED")


async def test_a_pending_order_is_cancelled(desk: Desk) -> None:
    placed = await desk.work(5, "PLACE_PENDING", price=1.09, sl=1.085, tp=1.1)
    assert placed is not None
    gone = await desk.work(6, "CANCEL_PENDING", order_ticket=placed["order_ticket"])
    assert gone is not None
    assert gone["retcode"] == 10009
    assert desk.service.last("orders") == []
    history = [o for body in desk.service.syncs() for o in body.get("order_history", [])]
    assert history[-1]["state"] == "CANCELED"


async def test_a_position_is_closed_by_its_ticket_among_others(desk: Desk) -> None:
    first, second = await desk.open(1), await desk.open(2)
    closed = await desk.work(3, "CLOSE_POSITION", position_ticket=first["order_ticket"])
    assert closed is not None
    assert closed["retcode"] == 10009
    sent = desk.terminal.sends()[-1]
    assert (sent["type"], sent["position"], sent["volume"]) == ("ORDER_TYPE_SELL", int(first["order_ticket"]), 0.1)
    assert [p["ticket"] for p in desk.service.last("positions")] == [second["order_ticket"]]


async def test_a_position_is_closed_partly_and_its_stops_are_moved(desk: Desk) -> None:
    opened_ = await desk.open(1, volume=0.3)
    ticket = opened_["order_ticket"]
    part = await desk.work(2, "CLOSE_PARTIAL", position_ticket=ticket, volume=0.1)
    assert part is not None
    assert part["retcode"] == 10009
    moved = await desk.work(3, "MODIFY_POSITION", position_ticket=ticket, sl=1.097, tp=1.12)
    assert moved is not None
    assert moved["retcode"] == 10009
    (position,) = desk.service.last("positions")
    assert (position["volume"], position["sl"], position["tp"]) == (0.2, 1.097, 1.12)


async def test_two_opposite_positions_are_closed_by_each_other(desk: Desk) -> None:
    buy = await desk.open(1)
    sell = await desk.open(2, side="SELL", sl=1.105, tp=1.09)
    by = await desk.work(3, "CLOSE_BY", position_ticket=buy["order_ticket"], order_ticket=sell["order_ticket"])
    sent = desk.terminal.sends()[-1]
    assert (sent["action"], sent["position"], sent["position_by"]) == (
        "TRADE_ACTION_CLOSE_BY",
        int(buy["order_ticket"]),
        int(sell["order_ticket"]),
    )
    assert by is not None
    assert by["retcode"] == 10009
    assert await desk.positions() == []


@pytest.mark.parametrize(("side", "left"), [("BUY", "SELL"), ("SELL", "BUY")])
async def test_closing_all_of_one_side_leaves_the_other(desk: Desk, side: str, left: str) -> None:
    for order_id in (1, 2):
        await desk.open(order_id)
    await desk.open(3, side="SELL", sl=1.105, tp=1.09)
    report = await desk.work(4, "CLOSE_ALL", side=side)
    assert report is not None
    assert report["retcode"] == 10009
    assert {p["type"] for p in desk.service.last("positions")} == {left}
    assert len(desk.service.last("positions")) == (1 if left == "SELL" else 2)


async def test_room_that_a_close_of_all_makes_is_room_for_the_next_command(desk: Desk) -> None:
    desk.service.limits = {"max_open_positions": 2}
    await desk.advance(1000)
    await desk.open(1)
    await desk.open(2)
    desk.service.order(3, "CLOSE_ALL")
    report = await desk.work(4)
    assert report is not None
    assert report["retcode"] == 10009


async def test_what_is_sent_has_passed_the_check_of_the_broker(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", filling_flags=2)
    opened_ = await desk.open(1)
    await desk.work(2, "PLACE_PENDING", price=1.09, sl=1.085, tp=1.1)
    await desk.work(3, "CLOSE_POSITION", position_ticket=opened_["order_ticket"])
    checks = [e for e in desk.terminal.events if e["event"] == "order_check"]
    assert [(c["request"]["action"], c["request"]["filling"], c["retcode"]) for c in checks] == [
        ("TRADE_ACTION_DEAL", "ORDER_FILLING_IOC", 0),
        ("TRADE_ACTION_PENDING", "ORDER_FILLING_RETURN", 0),
        ("TRADE_ACTION_DEAL", "ORDER_FILLING_IOC", 0),
    ]


async def test_a_deal_without_details_does_not_hold_up_the_later_ones(desk: Desk) -> None:
    await desk.terminal.ask("hide_deal", ticket=7000000001)
    await desk.open(1)
    await desk.open(2)
    calls = len(desk.service.calls)
    await desk.advance(5000)
    assert list(desk.service.deals) == ["7000000002"]
    assert len(desk.service.calls) - calls < 30, "it looks again and again"
    await desk.terminal.ask("hide_deal", ticket=7000000001, hidden=False)
    await desk.advance(35_000)
    assert sorted(desk.service.deals) == ["7000000001", "7000000002"]


async def test_close_all_closes_the_oldest_first(desk: Desk) -> None:
    first, second = await desk.open(1), await desk.open(2)
    await desk.terminal.ask("account", fifo_close=True)
    report = await desk.work(3, "CLOSE_ALL", symbol="")
    assert report is not None
    assert report["retcode"] == 10009
    closes = [s["position"] for s in desk.terminal.sends()[-2:]]
    assert closes == [int(first["order_ticket"]), int(second["order_ticket"])]
    assert await desk.positions() == []


async def test_a_stop_loss_at_the_broker_becomes_a_deal_at_the_service(desk: Desk) -> None:
    await desk.open(1)
    await desk.quote(1.0949)
    await desk.advance(1500)
    assert desk.service.last("positions") == []
    out = list(desk.service.deals.values())[-1]
    assert (out["entry"], out["reason"]) == ("OUT", "SL")
    assert out["profit"] == pytest.approx(-51.2)


async def test_a_position_whose_ticket_changes_keeps_its_identity(desk: Desk) -> None:
    report = await desk.open(1)
    new = await desk.terminal.ask("change_ticket", ticket=int(report["order_ticket"]))
    await desk.advance(1000)
    (position,) = desk.service.last("positions")
    assert (position["ticket"], position["position_id"]) == (str(new), report["order_ticket"])


async def test_a_partial_fill_is_reported_with_what_was_filled(desk: Desk) -> None:
    await desk.scripts({"fill": 0.04})
    report = await desk.open(1, volume=0.1)
    assert (report["retcode"], report["volume"]) == (10010, 0.04)
    await desk.advance(500)
    assert [d["volume"] for d in desk.service.deals.values()] == [0.04]


async def test_the_rest_of_a_partial_fill_comes_as_another_deal(desk: Desk) -> None:
    await desk.scripts({"fill": 0.04, "then_fill_after_ms": 3000})
    await desk.open(1, volume=0.1)
    await desk.advance(4000)
    assert sorted(d["volume"] for d in desk.service.deals.values()) == [0.04, 0.06]
    assert len(desk.terminal.sends()) == 1


async def test_a_placed_order_with_a_late_deal_is_followed_to_its_deal(desk: Desk) -> None:
    await desk.scripts({"placed": True, "deal_after_ms": 3000})
    report = await desk.work(1)
    assert report is not None
    assert (report["retcode"], report["deal_ticket"]) in {(10008, "0"), (10008, None)}
    await desk.advance(4000)
    assert [d["order"] for d in desk.service.deals.values()] == [report["order_ticket"]]
    assert len(desk.terminal.sends()) == 1


async def test_a_result_without_tickets_is_completed_from_the_broker(desk: Desk) -> None:
    await desk.scripts({"deal_zero": True, "order_zero": True})
    await desk.work(1, ms=8000)
    assert len(desk.terminal.sends()) == 1
    reports = desk.service.reports[1]
    assert any(r.get("deal_ticket") == "7000000001" or r.get("order_ticket") == "5000000001" for r in reports)


@pytest.mark.parametrize("retcode", [10004, 10020, 10021])
async def test_a_requote_is_tried_again_with_a_fresh_price(desk: Desk, retcode: int) -> None:
    await desk.scripts({"retcode": retcode, "bid": 1.1005, "ask": 1.10052})
    report = await desk.work(1)
    assert report is not None
    assert report["retcode"] == 10009
    first, second = desk.terminal.sends()
    assert (first["price"], second["price"]) == (1.10002, 1.10052)
    assert len(desk.executed(1)) == 1


async def test_requotes_end_after_two_repetitions(desk: Desk) -> None:
    await desk.scripts(*[{"retcode": 10004}] * 5)
    report = await desk.work(1)
    assert report is not None
    assert report["retcode"] == 10004
    assert len(desk.terminal.sends()) == 3


async def test_a_requote_outside_of_the_price_band_ends_the_order(desk: Desk) -> None:
    await desk.scripts({"retcode": 10004, "bid": 1.107, "ask": 1.10702})
    report = await desk.work(1, guards={"price_band": [1.095, 1.105], "max_spread_points": None})
    assert report is not None
    assert len(desk.terminal.sends()) == 1
    assert report["retcode"] == 10004


@pytest.mark.parametrize("retcode", [10023, 10024, 10028, 10029])
async def test_a_locked_order_is_tried_again_after_a_wait(desk: Desk, retcode: int) -> None:
    await desk.scripts({"retcode": retcode})
    report = await desk.work(1, ms=4000)
    assert report is not None
    assert report["retcode"] == 10009
    assert len(desk.terminal.sends()) == 2
    assert len(desk.executed(1)) == 1


@pytest.mark.parametrize(
    "retcode",
    [
        10006,
        10007,
        10013,
        10014,
        10015,
        10016,
        10017,
        10018,
        10019,
        10022,
        10026,
        10027,
        10032,
        10033,
        10034,
        10035,
        10040,
        10042,
        10043,
        10044,
        10046,
    ],
)
async def test_a_refusal_of_the_broker_is_reported_and_not_repeated(desk: Desk, retcode: int) -> None:
    await desk.scripts({"retcode": retcode})
    report = await desk.work(1)
    assert report is not None
    assert (report["outcome"], report["retcode"]) == ("RESULT", retcode)
    await desk.advance(3000)
    assert len(desk.terminal.sends()) == 1


@pytest.mark.parametrize(
    ("kind", "retcode", "fields"),
    [
        ("MODIFY_POSITION", 10025, {"sl": 1.097, "tp": 1.12}),
        ("CLOSE_POSITION", 10036, {}),
    ],
)
async def test_what_is_as_asked_already_is_a_success(
    desk: Desk, kind: str, retcode: int, fields: dict[str, Any]
) -> None:
    position = await desk.open(1)
    await desk.scripts({"retcode": retcode})
    report = await desk.work(2, kind, position_ticket=position["order_ticket"], **fields)
    assert report is not None
    assert (report["outcome"], report["retcode"]) == ("RESULT", retcode)
    await desk.advance(70_000)
    assert desk.service.result(2) == report
    assert len(desk.terminal.sends()) == 2


async def test_trading_that_was_switched_off_meanwhile_is_told_as_a_refusal(desk: Desk) -> None:
    await desk.scripts({"retcode": 10027, "lost": True, "lost_retcode": 0, "error": 4752})
    report = await desk.work(1)
    assert report is not None
    assert (report["outcome"], report["retcode"]) == ("RESULT", 4752)
    await desk.advance(70_000)
    assert desk.service.result(1) == report
    assert len(desk.terminal.sends()) == 1


@pytest.mark.parametrize(("done", "outcome"), [(True, "RECOVERED"), (False, "AMBIGUOUS")])
async def test_a_send_without_a_retcode_is_unknown_until_the_broker_shows_it(
    desk: Desk, done: bool, outcome: str
) -> None:
    await desk.scripts({"lost": True, "lost_retcode": 0, "error": 4756} | ({} if done else {"retcode": 10006}))
    await desk.work(1, ms=70_000)
    assert len(desk.terminal.sends()) == 1
    final = desk.service.result(1)
    assert final is not None
    assert final["outcome"] == outcome


@pytest.mark.parametrize("retcode", [10011, 10012, 10031])
async def test_an_unknown_end_is_looked_for_at_the_broker_and_never_sent_again(desk: Desk, retcode: int) -> None:
    await desk.scripts({"lost": True, "lost_retcode": retcode})
    await desk.work(1, ms=8000)
    assert len(desk.terminal.sends()) == 1
    final = desk.service.result(1)
    assert final is not None
    assert (final["outcome"], final["deal_ticket"]) == ("RECOVERED", "7000000001")


@pytest.mark.parametrize("retcode", [10011, 10012, 10031])
async def test_an_unknown_end_that_the_broker_does_not_know_becomes_ambiguous(desk: Desk, retcode: int) -> None:
    await desk.scripts({"retcode": retcode})
    await desk.work(1, ms=70_000)
    assert len(desk.terminal.sends()) == 1
    final = desk.service.result(1)
    assert final is not None
    assert final["outcome"] == "AMBIGUOUS"


@pytest.mark.parametrize(
    ("flags", "exemode", "first"),
    [
        (1, 2, "ORDER_FILLING_FOK"),
        (2, 2, "ORDER_FILLING_IOC"),
        (3, 2, "ORDER_FILLING_FOK"),
        (2, 3, "ORDER_FILLING_IOC"),
        (0, 3, "ORDER_FILLING_RETURN"),
    ],
)
async def test_the_filling_mode_follows_the_flags_of_the_symbol(
    desk: Desk, flags: int, exemode: int, first: str
) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", filling_flags=flags, exemode=exemode)
    await desk.open(1)
    (sent,) = desk.terminal.sends()
    assert sent["filling"] == first


async def test_a_filling_mode_the_broker_dislikes_after_all_is_replaced(desk: Desk) -> None:
    await desk.scripts({"retcode": 10030})
    await desk.open(1)
    first, second = desk.terminal.sends()
    assert (first["filling"], second["filling"]) == ("ORDER_FILLING_FOK", "ORDER_FILLING_IOC")


async def test_volumes_are_cut_to_the_step_and_never_raised(desk: Desk) -> None:
    await desk.open(1, volume=0.157)
    assert desk.terminal.sends()[-1]["volume"] == 0.15
    await desk.work(2, volume=0.004)
    assert len(desk.terminal.sends()) == 1
    assert re.match("REFUSED:.*VOLUME", desk.service.outcomes(2)[-1])


async def test_prices_are_put_on_the_grid_of_ticks(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", tick_size=0.00005)
    report = await desk.work(1, "PLACE_PENDING", price=1.09002, sl=1.08498, tp=1.10003)
    assert report is not None
    assert report["retcode"] == 10009
    (sent,) = desk.terminal.sends()
    assert (sent["price"], sent["sl"], sent["tp"]) == (1.09, 1.085, 1.10005)


async def test_netting_closes_with_an_opposite_deal(connector: Any, tmp_path: Any) -> None:
    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, account={"margin_mode": "NETTING"}) as desk,
    ):
        await desk.advance(500)
        await desk.open(1, volume=0.3)
        report = desk.service.result(1)
        assert report is not None
        closed = await desk.work(2, "CLOSE_PARTIAL", position_ticket=report["position_id"], volume=0.1)
        assert closed is not None
        assert closed["retcode"] == 10009
        (position,) = await desk.positions()
        assert position["volume"] == 0.2
        whole = await desk.work(3, "CLOSE_POSITION", position_ticket=report["position_id"])
        assert whole is not None
        assert await desk.positions() == []
        assert [s["type"] for s in desk.terminal.sends()] == ["ORDER_TYPE_BUY", "ORDER_TYPE_SELL", "ORDER_TYPE_SELL"]


async def test_a_netting_account_never_turns_over_through_a_close(connector: Any, tmp_path: Any) -> None:
    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, account={"margin_mode": "NETTING"}) as desk,
    ):
        await desk.advance(500)
        await desk.open(1, volume=0.1)
        report = desk.service.result(1)
        assert report is not None
        await desk.work(2, "CLOSE_PARTIAL", position_ticket=report["position_id"], volume=0.5)
        assert all(p["type"] == 0 for p in await desk.positions())
