"""Closed bars: several timeframes, and no hole after an outage."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.ea.desk import OFFSET_S, START_MS, Desk, opened
from tests.ea.service import serving

NOW = START_MS // 1000 + OFFSET_S  # the broker's wall clock
SECONDS = {"M1": 60, "H1": 3600, "D1": 86_400}
PERIODS = {"M1": 1, "H1": 16385, "D1": 16408}


def series(timeframe: str, count: int, until: int = NOW) -> list[dict[str, Any]]:
    """`count` bars up to the one that grows at `until`."""
    step = SECONDS[timeframe]
    newest = until // step * step
    return [
        {"time": newest - n * step, "open": 1.1, "high": 1.2, "low": 1.0, "close": 1.15, "tick_volume": 5}
        for n in reversed(range(count))
    ]


async def history(desk: Desk, timeframe: str, count: int, until: int = NOW) -> list[dict[str, Any]]:
    bars = series(timeframe, count, until)
    await desk.terminal.ask("bars", symbol="EURUSD", period=PERIODS[timeframe], bars=bars)
    return bars


def told(desk: Desk, timeframe: str) -> list[int]:
    """Times of the bars the service was sent, in the order they came."""
    return [
        bar["time"]
        for body in desk.service.syncs()
        for bar in body.get("bars", [])
        if (bar["symbol"], bar["timeframe"]) == ("EURUSD", timeframe)
    ]


@pytest.mark.parametrize(("timeframe", "first"), [("M1", 120), ("H1", 101), ("D1", 101)])
async def test_a_service_that_knows_nothing_gets_a_bounded_past_of_closed_bars(
    desk: Desk, timeframe: str, first: int
) -> None:
    bars = await history(desk, timeframe, 300)
    await desk.advance(5000)
    assert told(desk, timeframe) == [bar["time"] for bar in bars[-1 - first : -1]]


async def test_a_gap_of_forty_minutes_is_filled(desk: Desk) -> None:
    await history(desk, "M1", 200)
    await desk.advance(3000)
    assert len(told(desk, "M1")) == 120
    await desk.faults({"kind": "return", "value": -1, "error": 5203, "count": 100_000})
    await desk.advance(40 * 60 * 1000)
    later = await history(desk, "M1", 400, NOW + 40 * 60)
    await desk.faults()
    await desk.advance(70_000)
    sent = told(desk, "M1")
    assert sent == sorted(set(sent))
    assert set(sent) >= {bar["time"] for bar in later[-41:-1]}
    assert [b - a for a, b in itertools.pairwise(sent)] == [60] * (len(sent) - 1)


async def test_a_lost_session_goes_on_from_where_the_service_has_got_to(desk: Desk) -> None:
    bars = await history(desk, "M1", 300)
    await desk.advance(3000)
    before = len(told(desk, "M1"))
    desk.service.bars = {"EURUSD": {"M1": bars[-50]["time"]}}
    desk.service.states.append((404, {}, {"code": "SESSION_NOT_FOUND"}))
    await desk.advance(8000)
    assert desk.service.epoch == 2
    assert told(desk, "M1")[before:] == [bar["time"] for bar in bars[-49:-1]]


async def test_bars_are_sent_again_when_their_body_was_refused(desk: Desk) -> None:
    desk.service.poison = (b'"bars"', 422)
    bars = await history(desk, "H1", 20)
    await desk.advance(3000)
    assert desk.service.last("bars") is not None
    desk.service.poison = None
    await desk.advance(30_000)
    assert told(desk, "H1")[-19:] == [bar["time"] for bar in bars[:-1]]


async def test_a_message_holds_a_bounded_number_of_bars(desk: Desk) -> None:
    desk.service.bars = {"EURUSD": {"M1": NOW // 60 * 60 - 3000 * 60}}
    await history(desk, "M1", 3500)
    await desk.terminal.ask("chart_change")
    await desk.advance(20_000)
    assert max(len(body.get("bars", [])) for body in desk.service.syncs()) == 200
    assert max(len(call.raw) for call in desk.service.calls) < 262_144
    assert len(set(told(desk, "M1"))) >= 2998


async def test_timeframes_are_a_choice(connector: Path, tmp_path: Path) -> None:
    inputs = {"BarsTimeframes": " h1 , H1,"}
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs=inputs) as desk:
        for timeframe in PERIODS:
            await history(desk, timeframe, 10)
        await desk.advance(3000)
        assert [len(told(desk, timeframe)) for timeframe in PERIODS] == [0, 9, 0]


async def test_a_timeframe_that_is_none_is_told_at_the_start(connector: Path, tmp_path: Path) -> None:
    inputs = {"BarsTimeframes": "M1,H9"}
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs=inputs) as desk:
        assert (await desk.terminal.event("init"))["code"] != 0
        assert "BarsTimeframes" in "".join(desk.terminal.prints())


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://127.0.0.1:1", False), ("http://localhost:1", False), ("http://bridge.example:1", True)],
)
async def test_a_token_in_clear_text_is_warned_of(connector: Path, tmp_path: Path, url: str, warned: bool) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs={"BackendURL": url}) as desk:
        assert any("read the token" in line for line in desk.terminal.prints()) is warned
