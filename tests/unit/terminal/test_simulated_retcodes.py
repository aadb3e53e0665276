"""Each reason for which a trade server says no."""

from dataclasses import replace

import pytest

from rubi.domain.retcodes import Retcode, name_of
from rubi.terminal.broker import IOC, Action, Filling, Flags, NoAnswerError, OrderType, Request
from rubi.terminal.execution import Behaviour
from rubi.terminal.instruments import INSTRUMENTS

from .desk import d, market, pending, still_market


def with_eurusd(**fields):
    return tuple(replace(one, **fields) if one.name == "EURUSD" else one for one in INSTRUMENTS)


@pytest.mark.parametrize(
    ("request_", "retcode"),
    [
        (market(volume="0"), Retcode.INVALID_VOLUME),
        (market(volume="0.001"), Retcode.INVALID_VOLUME),
        (market(volume="0.015"), Retcode.INVALID_VOLUME),
        (market(volume="100.01"), Retcode.INVALID_VOLUME),
        (market(volume="50"), Retcode.NO_MONEY),
        (market(sl=d("1.10000")), Retcode.INVALID_STOPS),
        (market(tp=d("1.09990")), Retcode.INVALID_STOPS),
        (market("SELL", sl=d("1.10010")), Retcode.INVALID_STOPS),
        (market("SELL", tp=d("1.10020")), Retcode.INVALID_STOPS),
        (market(sl=d("1.095001")), Retcode.INVALID_PRICE),
        (market(filling=Filling.RETURN), Retcode.INVALID_FILL),
        (market(symbol="NOSUCH"), Retcode.INVALID),
        (market(comment="x" * 32), Retcode.INVALID),
        (market(position=77), Retcode.POSITION_CLOSED),
        (replace(market(), action=Action.PENDING), Retcode.INVALID),
        (pending("BUY_LIMIT", "1.10020"), Retcode.INVALID_PRICE),
        (pending("BUY_STOP", "1.10000"), Retcode.INVALID_PRICE),
        (pending("SELL_LIMIT", "1.09990"), Retcode.INVALID_PRICE),
        (pending("SELL_STOP", "1.10020"), Retcode.INVALID_PRICE),
        (pending("BUY_STOP_LIMIT", "1.10100"), Retcode.INVALID_PRICE),
        (pending("BUY_STOP_LIMIT", "1.10100", stop_limit=d("1.10200")), Retcode.INVALID_PRICE),
        (pending("BUY_LIMIT", "1.09000", sl=d("1.09000")), Retcode.INVALID_STOPS),
        (pending("BUY_LIMIT", "1.09000", type_time="SPECIFIED", expiration=1), Retcode.INVALID_EXPIRATION),
        (Request(Action.SLTP, "EURUSD", position=77), Retcode.POSITION_CLOSED),
        (Request(Action.MODIFY, order=77), Retcode.INVALID_ORDER),
        (Request(Action.REMOVE, order=77), Retcode.INVALID_ORDER),
        (Request(Action.CLOSE_BY, position=77, position_by=78), Retcode.POSITION_CLOSED),
    ],
)
async def test_a_wrong_request_earns_its_retcode_and_changes_nothing(request_, retcode):
    broker = still_market()
    assert (await broker.order_check(request_)).retcode == retcode
    result = await broker.order_send(request_)
    assert (result.retcode, result.comment) == (retcode, name_of(retcode))
    assert (await broker.positions(), await broker.orders(), len(broker.ledger.deals)) == ([], [], 1)


@pytest.mark.parametrize(
    ("flags", "retcode"),
    [
        (Flags(connected=False), Retcode.CONNECTION),
        (Flags(terminal_trade_allowed=False), Retcode.CLIENT_DISABLES_AT),
        (Flags(mql_trade_allowed=False), Retcode.CLIENT_DISABLES_AT),
        (Flags(account_trade_expert=False), Retcode.SERVER_DISABLES_AT),
        (Flags(account_trade_allowed=False), Retcode.TRADE_DISABLED),
    ],
)
async def test_each_of_the_five_permissions_stops_trading(flags, retcode):
    broker = still_market()
    broker.set_flags(flags)
    assert not flags.may_trade
    assert (await broker.order_send(market())).retcode == retcode
    broker.set_flags(Flags())
    assert (await broker.order_send(market())).retcode == Retcode.DONE


@pytest.mark.parametrize(
    ("fields", "request_", "retcode"),
    [
        ({"trade_mode": "DISABLED"}, market(), Retcode.TRADE_DISABLED),
        ({"trade_mode": "CLOSEONLY"}, market(), Retcode.CLOSE_ONLY),
        ({"trade_mode": "LONGONLY"}, market("SELL"), Retcode.LONG_ONLY),
        ({"trade_mode": "SHORTONLY"}, market("BUY"), Retcode.SHORT_ONLY),
        ({"filling_flags": IOC}, market(), Retcode.INVALID_FILL),
        ({"volume_limit": d("0.05")}, market(), Retcode.LIMIT_VOLUME),
        ({"trade_exemode": "INSTANT"}, market(price=d("1.10005"), deviation=4), Retcode.REQUOTE),
        ({"trade_exemode": "INSTANT"}, market(price=d("1.10005"), deviation=5), Retcode.DONE),
        ({"stops_level": 50}, market(sl=d("1.09951")), Retcode.INVALID_STOPS),
        ({"stops_level": 50}, market(sl=d("1.09949")), Retcode.DONE),
    ],
)
async def test_the_symbols_own_terms_are_kept(fields, request_, retcode):
    broker = still_market(instruments=with_eurusd(**fields))
    assert (await broker.order_send(request_)).retcode == retcode


async def test_a_closed_market_takes_no_order_and_an_open_one_does():
    broker = still_market()
    broker.set_market("EURUSD", open_=False)
    assert (await broker.order_send(market())).retcode == Retcode.MARKET_CLOSED
    assert (await broker.order_send(market(symbol="GBPUSD"))).retcode == Retcode.DONE
    broker.set_market("EURUSD", open_=True)
    assert (await broker.order_send(market())).retcode == Retcode.DONE


async def test_a_prohibited_hedge_is_refused():
    broker = still_market(hedge_allowed=False)
    await broker.order_send(market())
    assert (await broker.order_send(market("SELL"))).retcode == Retcode.HEDGE_PROHIBITED


async def test_fifo_lets_only_the_oldest_position_be_closed():
    broker = still_market(fifo_close=True)
    first, second = [await broker.order_send(market()) for _ in range(2)]
    assert (await broker.order_send(market("SELL", position=second.order))).retcode == Retcode.FIFO_CLOSE
    assert (await broker.order_send(market("SELL", position=first.order))).retcode == Retcode.DONE
    assert (await broker.order_send(market("SELL", position=second.order))).retcode == Retcode.DONE


async def test_the_book_holds_no_more_orders_than_the_account_allows():
    broker = still_market(limit_orders=1)
    assert (await broker.order_send(pending("BUY_LIMIT", "1.09000"))).retcode == Retcode.DONE
    assert (await broker.order_send(pending("BUY_LIMIT", "1.08000"))).retcode == Retcode.LIMIT_ORDERS


async def test_more_than_the_position_cannot_be_closed():
    broker = still_market()
    opened = await broker.order_send(market())
    too_much = market("SELL", "0.11", position=opened.order)
    assert (await broker.order_send(too_much)).retcode == Retcode.INVALID_CLOSE_VOLUME


async def test_a_change_that_changes_nothing_says_so():
    broker = still_market()
    opened = await broker.order_send(market(sl=d("1.09000")))
    same = Request(Action.SLTP, "EURUSD", position=opened.order, sl=d("1.09000"))
    assert (await broker.order_send(same)).retcode == Retcode.NO_CHANGES
    placed = await broker.order_send(pending("BUY_LIMIT", "1.09000"))
    again = Request(Action.MODIFY, order=placed.order, price=d("1.09000"))
    assert (await broker.order_send(again)).retcode == Retcode.NO_CHANGES


async def test_near_the_market_an_order_is_frozen():
    broker = still_market(instruments=with_eurusd(freeze_level=100))
    placed = await broker.order_send(pending("BUY_LIMIT", "1.09950"))
    assert (await broker.order_send(Request(Action.REMOVE, order=placed.order))).retcode == Retcode.FROZEN
    broker.quote("EURUSD", d("1.10200"))
    assert (await broker.order_send(Request(Action.REMOVE, order=placed.order))).retcode == Retcode.DONE


@pytest.mark.parametrize("retcode", [int(code) for code in Retcode if code not in {10008, 10009, 10010}])
async def test_every_retcode_can_be_asked_for_and_then_trading_goes_on(retcode):
    broker = still_market()
    broker.script(Behaviour(retcode=retcode))
    assert (await broker.order_send(market())).retcode == retcode
    assert await broker.positions() == []
    assert (await broker.order_send(market())).retcode == Retcode.DONE


async def test_a_lost_request_does_nothing_and_a_silent_one_does_its_work():
    broker = still_market()
    broker.script(Behaviour(lost=True), Behaviour(silent=True))
    with pytest.raises(NoAnswerError):
        await broker.order_send(market())
    assert await broker.positions() == []
    assert broker.ledger.sends == []
    with pytest.raises(NoAnswerError):
        await broker.order_send(market(comment="RS-A"))
    assert [p.comment for p in await broker.positions()] == ["RS-A"]
    assert [(s.comment, s.retcode, s.answered) for s in broker.ledger.sends] == [("RS-A", 10009, False)]


def test_a_pending_type_is_known_by_its_name():
    assert [t.value for t in OrderType if not t.is_pending] == ["BUY", "SELL"]
