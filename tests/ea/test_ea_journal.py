"""The journal on a disk that fails, tears, loses and fills up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.ea.desk import ACCOUNT, START_MS, Desk, opened
from tests.ea.driver import TerminalError
from tests.ea.service import ScriptedService, serving

DAY_MS = 86_400_000


def folder(desk: Desk) -> Path:
    return desk.terminal.folder / "MQL5" / "Files" / "Rubi" / ACCOUNT


def sealed(record: dict[str, Any]) -> str:
    """A line as the terminal writes it."""
    line = json.dumps(record, separators=(",", ":"))
    return f"{hashlib.sha256(line.encode()).hexdigest()[:16]} {line}\n"


def whole(path: Path) -> list[tuple[str, int]]:
    """(event, order id) of the lines that are whole."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        seal, _, body = line.partition(b" ")
        if body and hashlib.sha256(body).hexdigest()[:16].encode() == seal:
            record = json.loads(body)
            found.append((record["event"], record.get("id", 0)))
    return found


def sessions(path: Path) -> list[str]:
    """The sessions that the journal names, oldest first."""
    lines = (line.partition(" ")[2] for line in path.read_text().splitlines() if line)
    return [record["session_id"] for record in map(json.loads, lines) if record["event"] == "SESSION"]


def named(service: ScriptedService) -> list[str | None]:
    """The session that each connect named as the last one."""
    return [call.body["last_session_id"] for call in service.calls if call.path.endswith("/connect")]


async def restarted(desk: Desk) -> None:
    """Stop and start the program on the same chart."""
    assert await desk.terminal.ask("init") == 0
    await desk.advance(1000)


def intent(order_id: int, at: int, **changes: Any) -> dict[str, Any]:
    """The record of an order that is about to be sent."""
    return {
        "event": "INTENT",
        "id": order_id,
        "lease": "l",
        "kind": "OPEN",
        "symbol": "EURUSD",
        "side": "BUY",
        "type": "MARKET",
        "volume": 0.1,
        "price": 0,
        "sl": 1.095,
        "tp": 1.11,
        "magic": "20251023",
        "comment": "RS-XX",
        "position": "0",
        "order": "0",
        "at": at,
        "server": at + 10_800,
    } | changes


async def test_an_order_is_refused_when_its_intent_cannot_be_written(desk: Desk) -> None:
    await desk.terminal.ask("disk", left=0)
    assert await desk.work(1) is None
    assert desk.service.outcomes(1) == ["REFUSED:JOURNAL_FAILED"]
    assert desk.terminal.sends() == []
    await desk.terminal.ask("disk", left=-1)
    await desk.open(2)


async def test_an_order_is_not_sent_when_its_sending_cannot_be_written(desk: Desk) -> None:
    size = len(sealed(intent(1, START_MS // 1000)))
    await desk.terminal.ask("disk", left=size + 30)
    report = await desk.work(1)
    assert report is not None
    assert report["outcome"] == "NEVER_SENT"
    assert desk.terminal.sends() == []


@pytest.mark.parametrize("left", [1, 40, 200])
async def test_half_a_line_of_a_full_disk_swallows_no_later_one(desk: Desk, left: int) -> None:
    await desk.terminal.ask("disk", left=left)
    await desk.work(1)
    await desk.terminal.ask("disk", left=-1)
    await desk.open(2)
    assert [event for event, order_id in whole(folder(desk) / "journal.log") if order_id == 2][:3] == [
        "INTENT",
        "SENDING",
        "RESULT",
    ]
    await desk.terminal.ask("deinit")
    await restarted(desk)
    desk.service.order(2)
    await desk.advance(1500)
    assert "DUPLICATE" in desk.service.outcomes(2)
    assert len(desk.executed(2)) == 1


async def test_a_torn_last_line_is_taken_out(desk: Desk) -> None:
    await desk.open(1)
    await desk.terminal.ask("deinit")
    path = folder(desk) / "journal.log"
    path.write_bytes(path.read_bytes() + sealed(intent(2, START_MS // 1000)).encode()[:50])
    await restarted(desk)
    assert path.read_bytes().endswith(b"\n")
    desk.service.order(1)
    await desk.open(2)
    assert len(desk.executed(1)) == 1
    assert not any("not whole" in line for line in desk.terminal.prints())


async def test_a_crash_between_the_two_moves_of_a_compaction_forgets_nothing(desk: Desk) -> None:
    await desk.open(1)
    await desk.terminal.ask("deinit")
    (folder(desk) / "journal.log").rename(folder(desk) / "journal.log.new")
    await restarted(desk)
    desk.service.order(1)
    await desk.advance(2000)
    assert "DUPLICATE" in desk.service.outcomes(1)
    assert len(desk.terminal.sends()) == 1
    assert not (folder(desk) / "journal.log.new").exists()


async def test_a_half_written_compaction_is_thrown_away(desk: Desk) -> None:
    await desk.open(1)
    await desk.terminal.ask("deinit")
    (folder(desk) / "journal.log.new").write_bytes(b"0123 half")
    await restarted(desk)
    desk.service.order(1)
    await desk.advance(2000)
    assert "DUPLICATE" in desk.service.outcomes(1)
    assert len(desk.terminal.sends()) == 1


async def test_a_damaged_line_casts_doubt_on_what_was_and_not_on_what_comes(connector: Path, tmp_path: Path) -> None:
    at = START_MS // 1000
    path = tmp_path / "t" / "MQL5" / "Files" / "Rubi" / ACCOUNT / "journal.log"
    await asyncio.to_thread(path.parent.mkdir, parents=True)
    path.write_text(sealed(intent(1, at - 60)) + "0123456789abcdef damaged\n" + sealed(intent(2, at - 50)))
    async with serving() as service, opened(connector, tmp_path / "t", service) as desk:
        await desk.advance(10_000)
        for order_id in (1, 2):
            report = service.result(order_id)
            assert report is not None
            assert report["outcome"] == "AMBIGUOUS", "the lost line may have said that it was sent"
        silent = await desk.work(90, "QUERY")
        assert silent is not None
        assert silent["outcome"] == "AMBIGUOUS"
        await desk.terminal.ask("deinit")
        assert whole(path)[2] == ("DOUBT", 0)
        # An order of later that never got beyond its intent: now silence proves something again.
        path.write_text(path.read_text() + sealed(intent(3, at)))
        await restarted(desk)
        await desk.advance(10_000)
        later = service.result(3)
        assert later is not None
        assert later["outcome"] == "NEVER_SENT"
    # A day after, what is not in the journal never came.
    async with serving() as service, opened(connector, tmp_path / "t", service, start_ms=START_MS + 2 * DAY_MS) as desk:
        await desk.advance(1000)
        silent = await desk.work(91, "QUERY")
        assert silent is not None
        assert silent["outcome"] == "NO_RECORD"


async def test_old_orders_leave_the_journal_and_young_ones_stay(connector: Path, tmp_path: Path) -> None:
    at = START_MS // 1000
    path = tmp_path / "t" / "MQL5" / "Files" / "Rubi" / ACCOUNT / "journal.log"
    await asyncio.to_thread(path.parent.mkdir, parents=True)

    def ended(order_id: int, when: int) -> str:
        result = {"event": "RESULT", "id": order_id, "n": 1, "outcome": "RESULT", "retcode": 10009, "unsettled": False}
        acked = [{"event": "ACKED", "id": order_id, "what": what} for what in ("INTENT", "n1")]
        return "".join(sealed(one) for one in (intent(order_id, when), result | {"deal_ticket": "1"}, *acked))

    old = "".join(ended(order_id, at - 40 * 86_400) for order_id in range(1, 2001))
    before = "".join(sealed({"event": "SESSION", "session_id": f"earlier-{n}"}) for n in range(3))
    path.write_text(before + old + ended(5000, at - 86_400) + sealed(intent(5001, at - 40 * 86_400)))
    assert path.stat().st_size > 1_000_000
    async with serving() as service, opened(connector, tmp_path / "t", service) as desk:
        # Twelve seconds of a processor, with the sanitizers.
        await desk.terminal.ask("advance", ms=500, wait=120)
        assert path.stat().st_size < 10_000
        assert {order_id for event, order_id in whole(path) if event != "SESSION"} == {5000, 5001}
        assert sessions(path) == ["earlier-2", "session-1"]
        assert named(service) == ["earlier-2"]
        service.order(5000)
        await desk.advance(1500)
        assert "DUPLICATE" in service.outcomes(5000)
        assert desk.terminal.sends() == []


async def test_a_terminal_names_the_session_that_it_had_last(desk: Desk) -> None:
    await desk.terminal.ask("chart_change")
    await desk.advance(1000)
    desk.service.states.append((404, {}, {"code": "SESSION_NOT_FOUND"}))
    await desk.advance(6000)
    assert named(desk.service) == [None, "session-1", "session-2"]
    assert sessions(folder(desk) / "journal.log") == ["session-1", "session-2", "session-3"]


async def test_the_session_is_on_disk_before_its_first_cycle(connector: Path, tmp_path: Path) -> None:
    path = tmp_path / "t" / "MQL5" / "Files" / "Rubi" / ACCOUNT / "journal.log"
    async with serving() as service, opened(connector, tmp_path / "t", service) as desk:
        await desk.terminal.ask("kill_at", point="web_before", contains="/sync")
        with pytest.raises(TerminalError):
            await desk.advance(500)
        assert service.syncs() == []
        assert sessions(path) == ["session-1"]


async def test_a_session_whose_answer_was_lost_is_not_named(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service) as desk:
        await desk.advance(500)
        await desk.faults({"kind": "drop_response", "match": "/connect", "count": 2})
        await desk.terminal.ask("chart_change")
        await desk.advance(20_000)
        assert named(service) == [None, "session-1", "session-1", "session-1"]
        assert service.syncs()[-1]["session_id"] == "session-4"


async def test_a_session_is_kept_as_soon_as_the_full_disk_has_room(desk: Desk) -> None:
    await desk.terminal.ask("disk", left=0)
    desk.service.states.append((404, {}, {"code": "SESSION_NOT_FOUND"}))
    await desk.advance(6000)
    assert desk.service.syncs()[-1]["session_id"] == "session-2", "what a full disk allows goes on"
    assert sessions(folder(desk) / "journal.log") == ["session-1"]
    await desk.terminal.ask("disk", left=-1)
    await desk.open(1)
    assert sessions(folder(desk) / "journal.log") == ["session-1", "session-2"]


async def test_another_account_has_another_last_session(connector: Path, tmp_path: Path) -> None:
    other = {"login": 777, "server": "Other-Demo"}
    async with serving() as service, opened(connector, tmp_path / "t", service, other_accounts=[other]) as desk:
        await desk.advance(500)
        for login in (777, 12345678):
            await desk.terminal.ask("switch_account", login=login)
            await desk.advance(2000)
        assert named(service) == [None, None, "session-1"]


@pytest.mark.parametrize("action", ["FORGET", "REPORT"])
async def test_the_service_says_at_connect_what_it_wants_of_the_journal(desk: Desk, action: str) -> None:
    await desk.open(1)
    desk.service.reports.clear()
    desk.service.journal_actions = [{"order_id": 1, "action": action}, {"order_id": 99, "action": action}]
    await desk.terminal.ask("chart_change")
    await desk.advance(2000)
    assert (1 in desk.service.reports) is (action == "REPORT")
    assert 99 not in desk.service.reports
    desk.service.journal_actions = []
    desk.service.order(1)
    await desk.advance(2000)
    assert len(desk.terminal.sends()) == 1, "a forgotten order is still an order that was sent"


async def test_two_closes_of_one_position_do_not_take_each_others_deal(desk: Desk) -> None:
    position = await desk.open(1, volume=0.3)
    ticket = position["order_ticket"]
    await desk.scripts({"comment_rewrite": "so 1"})
    first = await desk.work(2, "CLOSE_PARTIAL", position_ticket=ticket, volume=0.1, ms=300)
    assert first is not None
    await desk.scripts({"retcode": 10012})
    await desk.work(3, "CLOSE_PARTIAL", position_ticket=ticket, volume=0.1, ms=70_000)
    second = desk.service.result(3)
    assert second is not None
    assert second["outcome"] == "AMBIGUOUS"


async def test_an_answer_to_another_question_is_not_waited_for_for_ever(desk: Desk) -> None:
    desk.service.stale_answers = 1
    await desk.advance(120_000)
    assert desk.service.epoch == 2
    await desk.open(1)


async def test_books_too_large_for_a_message_are_said_to_be_missing(connector: Path, tmp_path: Path) -> None:
    limits = {"MaxOpenPositions": 2000, "MaxOrdersPerMinute": 100_000, "SendTicks": False}
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs=limits) as desk:
        service.limits = {}
        await desk.advance(500)
        await desk.open(1)
        await desk.terminal.ask("clone_position", count=900, comment="ü" * 31)
        await desk.advance(3000)
        body = service.calls[-1]
        assert len(body.raw) < 262_144
        assert "positions" not in body.body
        assert any("901 positions" in line for line in desk.terminal.prints())
        # Deals and orders go on.
        closed = await desk.work(2, "CLOSE_POSITION", position_ticket="5000000001")
        assert closed is not None
        assert closed["retcode"] == 10009
        await desk.advance(1000)
        assert {d["entry"] for d in service.deals.values()} == {"IN", "OUT"}
