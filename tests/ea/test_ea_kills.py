"""SIGKILL at every point of an order's way; the terminal starts again on the journal it left."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.ea.desk import START_MS, Desk, settings_for
from tests.ea.driver import KILL_POINTS, launch
from tests.ea.service import ScriptedService, comment_of, serving

# Beyond the six: around the journal's own writes.
POINTS = {
    **KILL_POINTS,
    "before_intent": {"point": "before_flush", "contains": "journal"},
    "after_intent": {"point": "after_flush", "contains": "journal"},
    "before_sending": {"point": "before_flush", "contains": "journal", "nth": 2},
    "before_result": {"point": "before_flush", "contains": "journal", "nth": 3},
    "after_result": {"point": "after_flush", "contains": "journal", "nth": 3},
}


async def life(connector: Path, folder: Path, service: ScriptedService, start_ms: int) -> Desk:
    terminal = await launch(connector, folder, settings_for(service, start_ms=start_ms))
    await terminal.ask("init")
    return Desk(terminal, service)


async def killed_and_started_again(
    connector: Path, folder: Path, service: ScriptedService, point: str, script: dict[str, object] | None = None
) -> Desk:
    """Kill at `point` while order 1 is worked on, start again two minutes later; the service hands it out again."""
    desk = await life(connector, folder, service, START_MS)
    await desk.advance(500)
    if script:
        await desk.scripts(script)
    command = service.order(1)
    await desk.terminal.ask("kill_at", **POINTS[point])
    with pytest.raises(Exception, match=r"terminal ended|no answer"):
        await desk.advance(5000)
    assert await desk.terminal.ended() == -9
    # A real service hands out again what was never acknowledged.
    service.commands.append({**command, "lease_id": "again"})
    desk = await life(connector, folder, service, START_MS + 120_000)
    await desk.advance(20_000)
    return desk


@pytest.mark.parametrize("point", POINTS)
async def test_an_order_is_executed_at_most_once_and_its_end_is_told(
    connector: Path, tmp_path: Path, point: str
) -> None:
    async with serving() as service:
        desk = await killed_and_started_again(connector, tmp_path / "t", service, point)
        try:
            done = [s for s in desk.terminal.sends() if s["comment"] == comment_of(1) and s["retcode"] == 10009]
            assert len(done) <= 1, f"{point}: executed twice"
            assert len(await desk.positions()) == len(done)
            report = service.result(1)
            assert report is not None, f"{point}: nothing was reported"
            if done:
                assert report["outcome"] in {"RESULT", "RECOVERED"}
                assert report["order_ticket"] == "5000000001"
            else:
                assert report["outcome"] in {"NEVER_SENT", "AMBIGUOUS"}
        finally:
            await desk.terminal.kill()


@pytest.mark.parametrize("point", ["before_claim", "before_intent"])
async def test_an_order_that_left_no_trace_is_executed_after_the_restart(
    connector: Path, tmp_path: Path, point: str
) -> None:
    async with serving() as service:
        desk = await killed_and_started_again(connector, tmp_path / "t", service, point)
        try:
            assert len(desk.executed(1)) == 1
        finally:
            await desk.terminal.kill()


async def test_an_intent_that_the_broker_never_saw_is_told_as_such(connector: Path, tmp_path: Path) -> None:
    async with serving() as service:
        desk = await killed_and_started_again(connector, tmp_path / "t", service, "after_intent")
        try:
            report = service.result(1)
            assert report is not None
            assert report["outcome"] == "NEVER_SENT"
            assert desk.terminal.sends() == []
        finally:
            await desk.terminal.kill()


async def test_a_kill_while_sending_is_never_told_as_never_sent(connector: Path, tmp_path: Path) -> None:
    async with serving() as service:
        desk = await killed_and_started_again(connector, tmp_path / "t", service, "before_send")
        try:
            report = service.result(1)
            assert report is not None
            assert report["outcome"] == "AMBIGUOUS"
        finally:
            await desk.terminal.kill()


async def test_a_position_is_found_although_the_broker_rewrote_the_comment(connector: Path, tmp_path: Path) -> None:
    async with serving() as service:
        script: dict[str, object] = {"comment_rewrite": "margin 12%"}
        desk = await killed_and_started_again(connector, tmp_path / "t", service, "after_send", script)
        try:
            assert len(desk.terminal.sends()) == 1
            report = service.result(1)
            assert report is not None
            assert (report["outcome"], report["deal_ticket"]) == ("RECOVERED", "7000000001")
        finally:
            await desk.terminal.kill()


async def test_a_signal_is_not_lost_by_a_kill(connector: Path, tmp_path: Path) -> None:
    from tests.ea.test_ea_network import signal

    async with serving() as service:
        desk = await life(connector, tmp_path / "t", service, START_MS)
        await desk.advance(500)
        await desk.terminal.ask("kill_at", point="web_before", contains='"signals":[{')
        await signal(desk, "one")
        with pytest.raises(Exception, match=r"terminal ended|no answer"):
            await desk.advance(5000)
        await desk.terminal.ended()
        desk = await life(connector, tmp_path / "t", service, START_MS + 120_000)
        await desk.advance(5000)
        try:
            assert len(service.signals) == 1
        finally:
            await desk.terminal.kill()
