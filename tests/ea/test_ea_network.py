"""The network as it is: slow, broken, forbidden, twice."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.ea.desk import ACCOUNT, Desk, opened, settings_for
from tests.ea.driver import HANDLERS, running
from tests.ea.service import serving


async def test_a_url_that_is_not_allowed_is_named_once(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, allowed_urls=[]) as desk:
        await desk.advance(40_000)
        alerts = [e["text"] for e in desk.terminal.events if e["event"] == "alert"]
        assert len(alerts) == 1
        assert service.url in alerts[0]
        assert "4014" in "".join(e["text"] for e in desk.terminal.events if e["event"] == "comment")
        assert service.calls == []
        await desk.terminal.ask("allow", url=service.url)
        await desk.advance(40_000)
        assert service.syncs()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "return", "value": -1, "error": 5203},
        {"kind": "return", "value": -1, "error": 5200},
        {"kind": "return", "value": -1, "error": 5201},
        {"kind": "return", "value": -1, "error": 5202},
        {"kind": "return", "value": 1001, "error": 0},
        {"kind": "return", "value": 1003, "error": 0},
        {"kind": "drop_response"},
        {"kind": "duplicate"},
        {"kind": "truncate"},
        {"kind": "status", "value": 500},
        {"kind": "status", "value": 503},
        {"kind": "body", "body": "<html>a proxy</html>"},
        {"kind": "slow", "ms": 5000},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('value', '')}-{fault.get('error', '')}",
)
@pytest.mark.parametrize("match", ["/sync", '"reports":['])
async def test_an_order_survives_every_fault_of_the_network_and_is_sent_once(
    desk: Desk, fault: dict[str, Any], match: str
) -> None:
    await desk.faults({**fault, "match": match, "count": 2})
    desk.service.order(1)
    await desk.advance(20_000)
    report = desk.service.result(1)
    assert report is not None
    assert report["retcode"] == 10009
    assert len(desk.terminal.sends()) == 1
    assert len(desk.service.reports[1]) == 1


async def test_the_same_bytes_are_sent_again_when_no_answer_came(desk: Desk) -> None:
    before = len(desk.service.calls)
    await desk.faults({"kind": "drop_response", "match": "/sync"})
    await desk.advance(5000)
    first, second = desk.service.calls[before], desk.service.calls[before + 1]
    assert first.raw == second.raw
    assert desk.service.epoch == 1


async def test_the_same_bytes_are_sent_until_an_answer_comes(desk: Desk) -> None:
    before = len(desk.service.calls)
    await desk.faults({"kind": "drop_response", "value": 1003, "error": 0, "match": "/sync", "count": 6})
    await desk.advance(75_000)
    assert len({call.raw for call in desk.service.calls[before : before + 7]}) == 1
    assert desk.service.epoch == 1


async def test_failures_are_answered_with_growing_pauses(desk: Desk) -> None:
    await desk.faults({"kind": "return", "value": -1, "error": 5203, "count": 1000})
    since = len(desk.terminal.events)
    await desk.advance(60_000)
    tries = [e for e in desk.terminal.events[since:] if e["event"] == "web"]
    assert 4 <= len(tries) <= 8


async def test_a_lost_session_is_begun_again_with_all_that_is_open(desk: Desk) -> None:
    await desk.faults({"kind": "return", "value": -1, "error": 5203, "match": '"reports":[', "count": 1})
    desk.service.order(1)
    await desk.advance(400)
    desk.service.states.append((404, {}, {"code": "SESSION_NOT_FOUND"}))
    await desk.advance(10_000)
    assert desk.service.epoch == 2
    report = desk.service.result(1)
    assert report is not None
    assert report["retcode"] == 10009


async def test_a_fenced_epoch_connects_again(desk: Desk) -> None:
    desk.service.states.append((409, {}, {"code": "EPOCH_FENCED"}))
    await desk.advance(6000)
    assert desk.service.epoch == 2
    assert desk.service.syncs()[-1]["epoch"] == 2


async def test_a_leased_account_is_tried_again_later(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service) as desk:
        service.lead = "another"
        await desk.advance(20_000)
        assert service.syncs() == []
        assert 2 <= len(service.calls) <= 6
        service.lead = None
        await desk.advance(20_000)
        assert service.syncs()


async def test_retry_after_is_respected(desk: Desk) -> None:
    desk.service.states.append((503, {"Retry-After": "30"}, None))
    await desk.advance(2000)
    count = len(desk.service.calls)
    await desk.advance(20_000)
    assert len(desk.service.calls) == count
    await desk.advance(15_000)
    assert len(desk.service.calls) > count


async def test_the_network_is_used_in_the_timer_only(desk: Desk) -> None:
    await desk.open(1)
    await desk.terminal.ask("chart_change")
    await desk.advance(2000)
    used = {HANDLERS[e["handler"]] for e in desk.terminal.events if e["event"] == "web"}
    assert used == {"timer"}


async def test_timeouts_stay_within_three_seconds_and_the_long_poll(desk: Desk) -> None:
    await desk.advance(3000)
    assert max(e["timeout_ms"] for e in desk.terminal.events if e["event"] == "web") <= 3000 + 1500


async def test_the_token_and_the_secret_are_never_printed(connector: Path, tmp_path: Path) -> None:
    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, inputs={"HmacSecret": "very-secret", "LogLevel": 2}) as desk,
    ):
        await desk.advance(2000)
        service.states.append((401, {}, None))
        await desk.advance(2000)
        said = json.dumps(desk.terminal.events)
        assert "very-secret" not in said
        assert "ea-token-of-the-tests" not in said
        assert all(c.headers.get("x-rubi-signature", "").startswith("sha256=") for c in service.calls)


async def test_the_signature_covers_the_bytes_that_were_sent(connector: Path, tmp_path: Path) -> None:
    import hashlib
    import hmac

    async with (
        serving() as service,
        opened(connector, tmp_path / "t", service, inputs={"HmacSecret": "geheim"}) as desk,
    ):
        await desk.advance(1000)
        for call in service.calls:
            expected = hmac.new(b"geheim", call.raw, hashlib.sha256).hexdigest()
            assert call.headers["x-rubi-signature"] == f"sha256={expected}"


async def test_a_night_without_network_loses_nothing(desk: Desk) -> None:
    await desk.terminal.ask("disallow")
    await desk.faults({"kind": "return", "value": -1, "error": 5203, "count": 100_000})
    await desk.terminal.ask("allow", url=desk.service.url)
    for n in range(8):
        await signal(desk, f"night-{n}")
        await desk.advance(20_000)
    await desk.terminal.ask("balance", amount=100.0)
    await desk.advance(60_000)
    assert desk.service.signals == {}
    await desk.faults()
    await desk.advance(65_000)
    assert [s["comment"] if "comment" in s else s["symbol"] for s in desk.service.signals.values()] == ["EURUSD"] * 8
    assert any(d["type"] == "BALANCE" for d in desk.service.deals.values())


async def signal(desk: Desk, name: str) -> None:
    """Drop a signal file as `Rubi/Signals.mqh` does."""
    folder = desk.terminal.folder / "Common" / "Files" / "Rubi" / "signals" / ACCOUNT
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "symbol": "EURUSD",
        "signal_type": "BUY",
        "entry_price": 1.1,
        "stop_loss": 1.095,
        "take_profit": 1.11,
        "volume": 0.1,
    }
    await asyncio.to_thread((folder / f"{name}.json").write_text, json.dumps(body))


async def test_a_slow_service_does_not_stop_the_clock_of_the_terminal(connector: Path, tmp_path: Path) -> None:
    """On the real clock: the service parks every answer, the terminal goes on and stops in time."""
    async with serving() as service:
        service.park_s = 0.8
        settings = settings_for(service, clock="real")
        del settings["start_ms"]
        async with running(connector, tmp_path / "t", settings) as terminal:
            await terminal.ask("init")
            await terminal.until(lambda: bool(service.syncs()))
            service.order(1)
            await terminal.until(lambda: service.result(1) is not None, wait=20)
            await terminal.ask("deinit")
            done = await terminal.event("deinit")
            assert done["ms"] < 500
        assert len(terminal.sends()) == 1


def rhythm(desk: Desk, since: int) -> list[tuple[int, int]]:
    """`wait_ms` of each sync after call `since`, and the milliseconds between its beginning and the end of the last."""
    syncs = [call for call in desk.service.calls[since:] if call.path.endswith("/sync")]
    told = [(call.body["wait_ms"], int(call.headers["x-virtual-now-ms"])) for call in syncs]
    # The time of a held call has passed when it comes: see `hold`.
    return [(wait, now - wait - before) for (_, before), (wait, now) in pairwise(told)]


async def hold(desk: Desk) -> None:
    """From now on a call takes as long as it may be held."""
    service = desk.service
    service.idle_ms = 1000
    await desk.faults(*({"kind": "slow", "ms": ms, "match": f'"wait_ms":{ms}}}', "count": 1000} for ms in (250, 1000)))


async def test_a_held_call_follows_the_other_since_orders_come_in_no_pause(desk: Desk) -> None:
    await hold(desk)
    await desk.advance(5000)
    since = len(desk.service.calls)
    await desk.advance(10_000)
    told = rhythm(desk, since)
    assert {wait for wait, _ in told} == {1000}
    assert len(told) >= 8
    assert max(pause for _, pause in told) <= 50  # the timer's period


async def test_after_an_order_the_next_one_is_waited_for_at_once(desk: Desk) -> None:
    await hold(desk)
    await desk.advance(5000)
    since = len(desk.service.calls)
    desk.service.order(17)
    await desk.advance(4000)
    assert desk.service.result(17) is not None
    told = rhythm(desk, since)
    waits = [wait for wait, _ in told]
    at = waits.index(0)  # the report, held by nothing
    assert waits[at : at + 3] == [0, 250, 1000]  # its deals are looked for soon, then there is peace
    assert max(pause for _, pause in told) <= 50


async def test_a_service_that_holds_no_call_is_not_asked_without_a_pause(desk: Desk) -> None:
    desk.service.idle_ms = 1000
    await desk.advance(5000)
    since = len(desk.service.calls)
    await desk.advance(10_000)
    assert 9 <= len(rhythm(desk, since)) <= 11


async def test_without_held_calls_there_is_a_pause_between_calls(connector: Path, tmp_path: Path) -> None:
    async with serving() as service, opened(connector, tmp_path / "t", service, inputs={"LongPollMs": 0}) as desk:
        service.idle_ms = 1000
        await desk.advance(5000)
        since = len(service.calls)
        await desk.advance(10_000)
        assert {wait for wait, _ in rhythm(desk, since)} == {0}
        assert 9 <= len(rhythm(desk, since)) <= 11


async def test_a_service_that_acknowledges_nothing_is_not_asked_without_a_pause(desk: Desk) -> None:
    desk.service.idle_ms = 1000
    await desk.open(17)
    desk.service.acknowledge = False
    desk.service.order(18)
    await desk.advance(5000)
    since = len(desk.service.calls)
    await desk.advance(10_000)
    assert {wait for wait, _ in rhythm(desk, since)} == {0}
    assert len(rhythm(desk, since)) <= 41  # each 250 ms, as the service asks for while there are reports
