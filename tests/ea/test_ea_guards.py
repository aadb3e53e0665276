"""What the EA refuses by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.ea.desk import Desk, opened
from tests.ea.service import serving


async def refused(desk: Desk, order_id: int, kind: str = "OPEN", **fields: Any) -> str:
    """The code with which the EA refuses; nothing may have been sent."""
    before = len(desk.terminal.sends())
    report = await desk.work(order_id, kind, **fields)
    assert report is None, report
    assert len(desk.terminal.sends()) == before
    (outcome,) = desk.service.outcomes(order_id)
    return outcome


async def test_a_command_after_its_deadline_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, not_after_gmt=1761213590) == "REFUSED:NOT_AFTER_PASSED"


async def test_a_command_that_was_changed_on_the_way_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, sha256="0" * 64) == "REFUSED:SHA_MISMATCH"


async def test_a_command_whose_lease_is_over_is_left_alone(desk: Desk) -> None:
    desk.service.order(1, lease_expires_gmt=1761213590)
    await desk.advance(2000)
    assert desk.terminal.sends() == []
    assert 1 not in desk.service.acks


async def test_an_order_without_a_stop_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, sl=None) == "REFUSED:NO_STOP_LOSS"


async def test_a_stop_on_the_wrong_side_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, sl=1.105, tp=1.12) == "REFUSED:STOP_ON_WRONG_SIDE"


async def test_a_stop_inside_of_the_stops_level_is_refused(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", stops_level=100)
    assert await refused(desk, 1, sl=1.0995, tp=1.12) == "REFUSED:STOP_TOO_CLOSE"


async def test_a_risk_beyond_the_own_limit_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, volume=1.0, sl=1.09) == "REFUSED:MAX_RISK"


async def test_a_volume_beyond_the_limit_of_the_service_is_refused(desk: Desk) -> None:
    desk.service.limits = {"max_volume": 0.05}
    await desk.advance(1000)
    assert await refused(desk, 1) == "REFUSED:MAX_VOLUME"


async def test_the_own_number_of_positions_is_a_limit(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs={"MaxOpenPositions": 1}) as desk:
        await desk.advance(500)
        await desk.open(1)
        assert await refused(desk, 2) == "REFUSED:MAX_OPEN_POSITIONS"
        closed = await desk.work(3, "CLOSE_ALL")
        assert closed is not None
        assert closed["retcode"] == 10009


async def test_orders_of_a_minute_are_counted(connector: Path, tmp_path: Path) -> None:
    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, inputs={"MaxOrdersPerMinute": 1}) as desk,
    ):
        await desk.advance(500)
        await desk.open(1)
        assert await refused(desk, 2) == "REFUSED:MAX_ORDERS_PER_MINUTE"
        await desk.advance(61_000)
        await desk.open(3)


async def test_a_spread_beyond_the_guard_is_refused(desk: Desk) -> None:
    await desk.quote(1.1, 1.1003)
    assert await refused(desk, 1, guards={"max_spread_points": 10}) == "REFUSED:SPREAD_TOO_WIDE"


async def test_a_price_outside_of_the_band_is_refused(desk: Desk) -> None:
    assert await refused(desk, 1, guards={"price_band": [1.09, 1.0999]}) == "REFUSED:PRICE_OUT_OF_BAND"


async def test_a_stale_quote_is_refused(desk: Desk) -> None:
    await desk.advance(70_000, quotes=False)
    desk.service.order(1)
    await desk.advance(2000, quotes=False)
    assert desk.service.outcomes(1) == ["REFUSED:STALE_QUOTE"]


async def test_a_symbol_that_is_not_synchronized_is_refused(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", synchronized=False)
    assert (await refused(desk, 1)).startswith("REFUSED:")


async def test_an_unknown_symbol_is_refused(desk: Desk) -> None:
    assert (await refused(desk, 1, symbol="XAUUSD")).startswith("REFUSED:")


@pytest.mark.parametrize(
    ("mode", "side", "code"),
    [
        (0, "BUY", "SYMBOL_TRADE_DISABLED"),
        (1, "SELL", "SYMBOL_LONG_ONLY"),
        (2, "BUY", "SYMBOL_SHORT_ONLY"),
        (3, "BUY", "SYMBOL_CLOSE_ONLY"),
    ],
)
async def test_the_trade_mode_of_the_symbol_is_respected(desk: Desk, mode: int, side: str, code: str) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", trade_mode=mode)
    sl, tp = (1.095, 1.11) if side == "BUY" else (1.105, 1.09)
    assert await refused(desk, 1, side=side, sl=sl, tp=tp) == f"REFUSED:{code}"


@pytest.mark.parametrize(
    "flag", ["terminal_trade_allowed", "mql_trade_allowed", "account_trade_allowed", "account_trade_expert"]
)
async def test_a_missing_permission_is_told_and_nothing_is_sent(desk: Desk, flag: str) -> None:
    await desk.terminal.ask("flags", **{flag: False})
    assert (await refused(desk, 1)).startswith("REFUSED:")
    assert desk.service.last("flags")[flag] is False


async def test_a_lost_connection_is_told_without_lists(desk: Desk) -> None:
    await desk.open(1)
    await desk.terminal.ask("flags", connected=False)
    await desk.advance(1500)
    body = desk.service.syncs()[-1]
    assert body["flags"]["connected"] is False
    assert "positions" not in body
    assert (await refused(desk, 2)).startswith("REFUSED:")


async def test_a_closed_market_is_told_with_its_retcode(desk: Desk) -> None:
    await desk.terminal.ask("symbol", name="EURUSD", market_open=False)
    report = await desk.work(1)
    assert report is not None
    assert report["retcode"] == 10018


async def test_a_real_account_is_not_traded_by_default(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, account={"trade_mode": "REAL"}) as desk:
        await desk.advance(500)
        assert await refused(desk, 1) == "REFUSED:DEMO_ONLY"


async def test_demo_only_of_the_service_opens_nothing_and_keeps_no_position(connector: Path, tmp_path: Path) -> None:
    world = {"account": {"trade_mode": "REAL"}, "inputs": {"DemoOnly": False}}
    async with serving() as service, opened(connector, tmp_path / "t", service, **world) as desk:
        await desk.advance(500)
        held = await desk.open(1)
        service.limits = {"demo_only": True}
        await desk.advance(1000)
        assert await refused(desk, 2) == "REFUSED:DEMO_ONLY"
        closed = await desk.work(3, "CLOSE_POSITION", position_ticket=held["order_ticket"])
        assert closed is not None
        assert closed["retcode"] == 10009
        assert await desk.positions() == []


async def test_a_dry_run_sends_nothing(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs={"DryRun": True}) as desk:
        await desk.advance(500)
        assert await refused(desk, 1) == "REFUSED:DRY_RUN"


async def test_a_dry_run_asks_the_broker_whether_it_would_have_taken_it(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs={"DryRun": True}) as desk:
        await desk.advance(500)
        assert await refused(desk, 1) == "REFUSED:DRY_RUN"
        await desk.terminal.ask("symbol", name="EURUSD", volume_limit=0.05)
        assert await refused(desk, 2) == "REFUSED:DRY_RUN_CHECK_FAILED"
        checks = [e["retcode"] for e in desk.terminal.events if e["event"] == "order_check"]
        assert checks == [0, 10034]


PENDING = {"kind": "PLACE_PENDING", "price": 1.09, "sl": 1.085, "tp": 1.1}


@pytest.mark.parametrize(
    ("world", "command", "code"),
    [
        ({"account": {"balance": 80.0}}, {"sl": 1.0999, "tp": 1.11}, "NOT_ENOUGH_MARGIN"),
        ({}, {"guards": {"reduce_only": True}}, "REDUCE_ONLY"),
        ({}, {"side": "FLAT"}, "BAD_COMMAND"),
        ({"symbol": {"expiration_modes": 1}}, PENDING | {"type_time": "DAY"}, "EXPIRATION_NOT_ALLOWED"),
        ({}, PENDING | {"type_time": "SPECIFIED", "expiration": 1761213600}, "EXPIRATION_PASSED"),
        ({}, PENDING | {"price": 1.2, "sl": 1.19, "tp": 1.3}, "PRICE_ON_WRONG_SIDE"),
        ({"symbol": {"stops_level": 2000}}, PENDING, "PRICE_TOO_CLOSE"),
        ({}, PENDING | {"order_type": "STOP_LIMIT", "price": 1.11, "sl": 1.1, "tp": 1.12}, "STOP_LIMIT_PRICE_MISSING"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_opening_that_cannot_be_right_is_refused(
    desk: Desk, world: dict[str, Any], command: dict[str, Any], code: str
) -> None:
    for what, changes in world.items():
        await desk.terminal.ask(what, **({"name": "EURUSD"} if what == "symbol" else {}), **changes)
    fields = dict(command)
    assert await refused(desk, 1, fields.pop("kind", "OPEN"), **fields) == f"REFUSED:{code}"


@pytest.mark.parametrize(
    ("world", "command", "code"),
    [
        ({"symbol": {"freeze_level": 2000}}, {"kind": "MODIFY_POSITION", "sl": 1.096, "tp": 1.11}, "FREEZE_LEVEL"),
        ({"account": {"fifo_close": True}}, {"kind": "CLOSE_POSITION"}, "FIFO_CLOSE"),
        ({"account": {"hedge_allowed": False}}, {"kind": "OPEN", "side": "SELL", "sl": 1.105}, "HEDGE_PROHIBITED"),
        ({"symbol": {"volume_min": 0.05}}, {"kind": "CLOSE_PARTIAL", "volume": 0.06}, "REST_BELOW_MINIMUM"),
        ({}, {"kind": "CLOSE_PARTIAL", "volume": 0.2}, "VOLUME_ABOVE_POSITION"),
        ({}, {"kind": "CLOSE_POSITION", "guards": {"expect_volume": 0.2}}, "POSITION_CHANGED"),
        ({}, {"kind": "CLOSE_POSITION", "symbol": "GBPUSD"}, "POSITION_OF_OTHER_SYMBOL"),
        ({"account": {"margin_mode": "NETTING"}}, {"kind": "CLOSE_BY"}, "CLOSE_BY_NEEDS_HEDGING"),
        ({"symbol": {"order_modes": 63}}, {"kind": "CLOSE_BY"}, "OPPOSITE_NOT_FOUND"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_change_of_what_is_held_that_cannot_be_right_is_refused(
    desk: Desk, world: dict[str, Any], command: dict[str, Any], code: str
) -> None:
    await desk.open(1)
    second = await desk.open(2)
    for what, changes in world.items():
        await desk.terminal.ask(what, **({"name": "EURUSD"} if what == "symbol" else {}), **changes)
    fields = dict(command)
    kind = fields.pop("kind")
    if kind != "OPEN":
        fields |= {"position_ticket": second["order_ticket"], "order_ticket": second["order_ticket"]}
    if kind == "OPEN":
        fields["tp"] = 1.09
    assert await refused(desk, 3, kind, **fields) == f"REFUSED:{code}"


async def test_auto_trading_off_sends_nothing(connector: Path, tmp_path: Path) -> None:
    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, inputs={"EnableAutoTrading": False}) as desk,
    ):
        await desk.advance(500)
        assert await refused(desk, 1) == "REFUSED:AUTO_TRADING_OFF"


async def test_a_revoked_order_is_never_sent(desk: Desk) -> None:
    desk.service.revoke = [9]
    await desk.advance(1000)
    assert desk.service.outcomes(9) == ["REFUSED:REVOKED"]
    desk.service.order(9)
    await desk.advance(2000)
    assert desk.terminal.sends() == []


async def test_a_query_of_an_unknown_order_is_answered_and_closes_it(desk: Desk) -> None:
    report = await desk.work(9, "QUERY")
    assert report is not None
    assert report["outcome"] == "NO_RECORD"
    desk.service.order(9)
    await desk.advance(2000)
    assert desk.terminal.sends() == []


async def test_the_strategy_tester_is_recognised(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, mql={"tester": True}) as desk:
        init = await desk.terminal.event("init")
        assert init["code"] != 0
        assert service.calls == []
