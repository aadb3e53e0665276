"""Orders, deals and positions on a hedging and on a netting account."""

from rubi.domain.retcodes import Retcode
from rubi.domain.units import Side
from rubi.terminal.broker import Action, DealCursor, Filling, Request
from rubi.terminal.execution import Behaviour

from .desk import HandClock, d, market, pending, still_market


def story(broker):
    return [(x.type, x.entry, x.volume, x.price, x.profit, x.commission) for x in broker.ledger.deals[1:]]


async def test_an_account_begins_with_its_deposit():
    broker = still_market()
    (deposit,) = await broker.deals(DealCursor())
    assert (deposit.type, deposit.profit, deposit.position_id) == ("BALANCE", d("10000"), 0)
    account = await broker.account()
    assert (account.balance, account.equity, account.margin, account.margin_level) == (10000, 10000, 0, 0)


async def test_a_round_turn_pays_the_spread_and_the_commission():
    broker = still_market()
    opened = await broker.order_send(market(volume="0.20", magic=7, comment="RS-A", sl=d("1.09000")))
    assert (opened.retcode, opened.price, opened.volume) == (Retcode.DONE, d("1.10010"), d("0.20"))
    (position,) = await broker.positions()
    assert (position.ticket, position.profit, position.magic, position.comment) == (opened.order, d("-2.00"), 7, "RS-A")
    await broker.order_send(market("SELL", "0.20", position=position.ticket))
    assert story(broker) == [
        ("BUY", "IN", d("0.20"), d("1.10010"), 0, d("-0.70")),
        ("SELL", "OUT", d("0.20"), d("1.10000"), d("-2.00"), d("-0.70")),
    ]
    assert (await broker.account()).balance == d("9996.60")
    assert {deal.position_id for deal in broker.ledger.deals[1:]} == {position.position_id}


async def test_yen_are_converted_at_the_side_of_the_pair_that_is_worse():
    broker = still_market()
    gain = await broker.order_calc_profit(Side.BUY, "USDJPY", d("1"), d("150.000"), d("150.400"))
    loss = await broker.order_calc_profit(Side.BUY, "USDJPY", d("1"), d("150.000"), d("149.600"))
    assert gain == d("266.65")  # 40000 JPY ÷ 150.010
    assert loss == d("-266.67")  # 40000 JPY ÷ 150.000
    spec = next(s for s in await broker.symbols() if s.name == "USDJPY")
    assert spec.tick_value_loss == d("0.66666667")
    assert spec.tick_value_profit < spec.tick_value_loss
    sold = await broker.order_send(market("SELL", "0.50", "USDJPY"))
    broker.quote("USDJPY", d("149.000"), d("149.010"))
    (position,) = await broker.positions()
    assert (sold.price, position.profit) == (d("150.000"), d("332.19"))  # 0.990 × 100000 × 0.5 ÷ 149.010


async def test_gold_and_an_index_have_their_own_contracts():
    broker = still_market()
    assert await broker.order_calc_profit(Side.SELL, "XAUUSD", d("0.10"), d("2350.00"), d("2345.00")) == d("50.00")
    assert await broker.order_calc_profit(Side.BUY, "US30", d("1"), d("39500.0"), d("39380.0")) == d("-120.00")
    assert await broker.order_calc_margin(Side.BUY, "XAUUSD", d("1"), d("2350.00")) == d("470.00")
    assert await broker.order_calc_margin(Side.BUY, "EURUSD", d("1"), d("1.10010")) == d("220.02")
    assert await broker.order_calc_margin(Side.BUY, "USDJPY", d("1"), d("150.010")) == d("200.00")
    assert await broker.order_calc_margin(Side.BUY, "NOSUCH", d("1"), d("1")) is None


async def test_hedging_keeps_both_sides_and_the_larger_leg_holds_the_margin():
    broker = still_market()
    await broker.order_send(market("BUY", "0.30"))
    one_leg = (await broker.account()).margin
    await broker.order_send(market("SELL", "0.10"))
    assert [(p.type, p.volume) for p in await broker.positions()] == [("BUY", d("0.30")), ("SELL", d("0.10"))]
    assert (await broker.account()).margin == one_leg


async def test_netting_adds_averages_reduces_and_turns_one_position():
    broker = still_market(hedging=False)
    first = await broker.order_send(market("BUY", "0.10"))
    broker.quote("EURUSD", d("1.10190"), d("1.10210"))
    await broker.order_send(market("BUY", "0.10"))
    (position,) = await broker.positions()
    assert (position.volume, position.open_price) == (d("0.20"), d("1.1011"))
    await broker.order_send(market("SELL", "0.05"))
    turning = await broker.order_send(market("SELL", "0.25"))
    (position,) = await broker.positions()
    assert (position.type, position.volume, position.open_price) == ("SELL", d("0.10"), d("1.10190"))
    assert (position.position_id, position.ticket) == (first.order, turning.order)
    assert [(x.entry, x.profit) for x in broker.ledger.deals[1:]] == [
        ("IN", 0), ("IN", 0), ("OUT", d("4.00")), ("INOUT", d("12.00")),
    ]  # fmt: skip


async def test_stops_and_targets_close_at_the_market_and_say_why():
    broker = still_market()
    await broker.order_send(market(magic=7, sl=d("1.09500"), tp=d("1.11000")))
    await broker.order_send(market("SELL", magic=8, sl=d("1.10500"), tp=d("1.09000")))
    broker.quote("EURUSD", d("1.09490"), d("1.09500"))
    (left,) = await broker.positions()
    assert left.magic == 8
    broker.quote("EURUSD", d("1.08980"), d("1.08990"))
    assert await broker.positions() == []
    closing = [deal for deal in broker.ledger.deals if deal.entry == "OUT"]
    assert [(x.reason, x.comment, x.price, x.magic) for x in closing] == [
        ("SL", "[sl 1.09500]", d("1.09490"), 7),
        ("TP", "[tp 1.09000]", d("1.08990"), 8),
    ]


async def test_limits_wait_for_better_and_stops_for_worse():
    broker = still_market()
    asked = {"BUY_LIMIT": "1.09500", "BUY_STOP": "1.10500", "SELL_LIMIT": "1.11000", "SELL_STOP": "1.09000"}
    for kind, price in asked.items():
        assert (await broker.order_send(pending(kind, price, comment=kind))).retcode == Retcode.DONE
    broker.quote("EURUSD", d("1.09480"), d("1.09490"))
    assert [p.comment for p in await broker.positions()] == ["BUY_LIMIT"]
    broker.quote("EURUSD", d("1.10495"), d("1.10505"))
    assert [p.comment for p in await broker.positions()] == ["BUY_LIMIT", "BUY_STOP"]
    broker.quote("EURUSD", d("1.11000"), d("1.11010"))
    broker.quote("EURUSD", d("1.08990"), d("1.09000"))
    assert [(p.comment, p.open_price) for p in await broker.positions()] == [
        ("BUY_LIMIT", d("1.09490")),
        ("BUY_STOP", d("1.10505")),
        ("SELL_LIMIT", d("1.11000")),
        ("SELL_STOP", d("1.08990")),
    ]
    assert await broker.orders() == []
    assert {o.state for o in await broker.history_orders(0)} == {"FILLED"}


async def test_a_stop_limit_order_becomes_a_limit_order_first():
    broker = still_market()
    await broker.order_send(pending("BUY_STOP_LIMIT", "1.10500", stop_limit=d("1.10300"), sl=d("1.09000")))
    broker.quote("EURUSD", d("1.10500"), d("1.10510"))
    (order,) = await broker.orders()
    assert (order.type, order.price_open) == ("BUY_LIMIT", d("1.10300"))
    broker.quote("EURUSD", d("1.10280"), d("1.10290"))
    (position,) = await broker.positions()
    assert (position.open_price, position.sl) == (d("1.10290"), d("1.09000"))


async def test_a_pending_order_expires_is_changed_or_is_withdrawn():
    clock = HandClock()
    broker = still_market(clock)
    soon = broker.now_msc() // 1000 + 60
    dated = await broker.order_send(pending("BUY_LIMIT", "1.09000", type_time="SPECIFIED", expiration=soon))
    standing = await broker.order_send(pending("BUY_LIMIT", "1.08000"))
    moved = Request(Action.MODIFY, order=standing.order, price=d("1.07000"), sl=d("1.06000"))
    assert (await broker.order_send(moved)).retcode == Retcode.DONE
    clock.advance(61)
    broker.quote("EURUSD", d("1.10000"))
    assert [(o.ticket, o.price_open, o.sl) for o in await broker.orders()] == [
        (standing.order, d("1.07000"), d("1.06000"))
    ]
    await broker.order_send(Request(Action.REMOVE, order=standing.order))
    assert [(o.ticket, o.state) for o in await broker.history_orders(0)] == [
        (dated.order, "EXPIRED"), (standing.order, "CANCELED"),
    ]  # fmt: skip


async def test_part_of_an_order_is_filled_on_demand():
    broker = still_market()
    broker.script(Behaviour(fill=d("0.04")), Behaviour(fill=d("0.04")))
    part = await broker.order_send(market(filling=Filling.IOC))
    assert (part.retcode, part.volume) == (Retcode.DONE_PARTIAL, d("0.04"))
    (order,) = await broker.history_orders(0)
    assert (order.state, order.volume_current) == ("CANCELED", d("0.06"))
    assert (await broker.order_send(market(filling=Filling.FOK))).retcode == Retcode.REJECT
    assert sum(p.volume for p in await broker.positions()) == d("0.04")


async def test_a_triggered_order_can_be_filled_in_two_parts_into_one_position():
    broker = still_market()
    broker.matching.partial_triggers.append(d("0.03"))
    placed = await broker.order_send(pending("BUY_LIMIT", "1.09000"))
    broker.quote("EURUSD", d("1.08980"), d("1.08990"))
    (order,) = await broker.orders()
    assert (order.state, order.volume_current) == ("PARTIAL", d("0.07"))
    broker.quote("EURUSD", d("1.08970"), d("1.08980"))
    (position,) = await broker.positions()
    assert (position.ticket, position.volume, await broker.orders()) == (placed.order, d("0.10"), [])
    assert [x.volume for x in broker.ledger.deals[1:]] == [d("0.03"), d("0.07")]


async def test_an_accepted_order_may_be_filled_later():
    clock = HandClock()
    broker = still_market(clock)
    broker.script(Behaviour(late_ms=2_000))
    placed = await broker.order_send(market(comment="RS-A"))
    assert (placed.retcode, placed.deal) == (Retcode.PLACED, 0)
    assert ([o.comment for o in await broker.orders()], await broker.positions()) == (["RS-A"], [])
    clock.advance(2)
    assert [p.ticket for p in await broker.positions()] == [placed.order]


async def test_a_late_close_of_a_vanished_position_opens_nothing():
    clock = HandClock()
    broker = still_market(clock)
    opened = await broker.order_send(market())
    broker.script(Behaviour(late_ms=2_000))
    await broker.order_send(market("SELL", position=opened.order))
    await broker.order_send(market("SELL", position=opened.order))
    clock.advance(3)
    assert await broker.positions() == []
    assert [o.state for o in await broker.history_orders(0)] == ["FILLED", "FILLED", "REJECTED"]


async def test_a_position_is_closed_in_parts_and_against_another():
    broker = still_market()
    long = await broker.order_send(market("BUY", "0.30"))
    await broker.order_send(market("SELL", "0.10", position=long.order))
    short = await broker.order_send(market("SELL", "0.15"))
    done = await broker.order_send(Request(Action.CLOSE_BY, position=long.order, position_by=short.order))
    assert (done.retcode, done.volume) == (Retcode.DONE, d("0.15"))
    assert [(p.ticket, p.volume) for p in await broker.positions()] == [(long.order, d("0.05"))]
    assert [(x.entry, x.profit) for x in broker.ledger.deals[4:]] == [("OUT_BY", d("-1.50")), ("OUT_BY", 0)]


async def test_stops_are_moved_by_ticket():
    broker = still_market()
    opened = await broker.order_send(market())
    moved = Request(Action.SLTP, "EURUSD", position=opened.order, sl=d("1.09000"), tp=d("1.12000"))
    assert (await broker.order_send(moved)).retcode == Retcode.DONE
    assert [(p.sl, p.tp) for p in await broker.positions()] == [(d("1.09000"), d("1.12000"))]


async def test_a_night_costs_swap_and_a_wednesday_night_three():
    clock = HandClock()  # Thursday 13:00 at the broker
    broker = still_market(clock)
    opened = await broker.order_send(market("BUY", "1.00"))
    clock.advance(86_400)
    assert [p.swap for p in await broker.positions()] == [d("-6.10")]
    for _ in range(6):
        clock.advance(86_400)
        await broker.positions()
    assert [p.swap for p in await broker.positions()] == [d("-54.90")]  # 7 nights, one of them threefold
    await broker.order_send(market("SELL", "0.50", position=opened.order))
    assert (broker.ledger.deals[-1].swap, [p.swap for p in await broker.positions()]) == (d("-27.45"), [d("-27.45")])


async def test_an_account_without_margin_is_stopped_out_worst_first():
    broker = still_market(deposit=d("1000"))
    await broker.order_send(market("BUY", "2.00"))
    await broker.order_send(market("BUY", "0.10", "GBPUSD"))
    broker.quote("EURUSD", d("1.09600"))
    assert [p.symbol for p in await broker.positions()] == ["GBPUSD"]
    assert broker.ledger.deals[-1].reason == "SO"
