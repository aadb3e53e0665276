"""The EA against the real service: API, worker, Postgres and Redis; nothing of the wire is played here."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.ea.driver import KILL_POINTS, Terminal, launch
from tests.ea.test_ea_network import signal as signal_file

SIGNALS = "/api/v1/trading/signals"


class Office:
    """One trader with one terminal on the real clock."""

    def __init__(self, person: Any, executable: Path, folder: Path, settings: dict[str, Any]) -> None:
        self.person = person
        self._executable, self._folder, self._settings = executable, folder, settings
        self.terminal: Terminal

    async def start(self, **changes: Any) -> None:
        """Start the terminal and keep its prices fresh."""
        self.terminal = await launch(self._executable, self._folder, self._settings | changes)
        await self.terminal.ask("init")
        await self.terminal.event("web", lambda e: e["url"].endswith("/sync") and e["status"] == 200, wait=30)

    async def until(self, found: Callable[[], Awaitable[Any]], what: str, within: float = 30.0) -> Any:
        """Poll until something is found; fail with what the terminal said last."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            if answer := await found():
                return answer
            assert asyncio.get_running_loop().time() < deadline, f"{what} never came: {self.terminal.last_words()}"
            if self.terminal.process.returncode is None:
                await self.terminal.ask("quote", symbol="EURUSD", bid=1.1, ask=1.10002)
            await asyncio.sleep(0.1)

    async def send(self, **changes: Any) -> int:
        """A signal over the API; its id."""
        wish = {
            "symbol": "EURUSD",
            "signal_type": "BUY",
            "entry_price": 1.1,
            "stop_loss": 1.095,
            "take_profit": 1.11,
            "volume": 0.1,
            "timeframe": "H1",
            "confidence": 0.8,
            "signal_time": datetime.now(UTC).isoformat(),
        }
        answer = await self.person.client.post(SIGNALS, json=wish | changes)
        assert answer.is_success, answer.text
        return int(answer.json()["id"])

    async def ended(self, signal_id: int) -> dict[str, Any]:
        """The signal, once it is no longer pending."""

        async def look() -> dict[str, Any] | None:
            found = (await self.person.client.get(f"{SIGNALS}/{signal_id}")).json()
            return found if found["status"] != "PENDING" else None

        return dict(await self.until(look, f"the end of signal {signal_id}"))

    async def positions(self) -> list[dict[str, Any]]:
        """What the broker has."""
        return list((await self.terminal.ask("state"))["positions"])


@pytest.fixture
async def office(connector: Path, tmp_path: Path, stack: Any, new_user: Any) -> AsyncIterator[Office]:
    person = await new_user()
    token = await person.token("ea")
    settings = {
        "clock": "real",
        "allowed_urls": [stack.url],
        "inputs": {"BackendURL": stack.url, "APIToken": token, "CheckInterval": 250},
    }
    one = Office(person, connector, tmp_path / "terminal", settings)
    await one.start()
    try:
        yield one
    finally:
        with contextlib.suppress(Exception):
            await one.terminal.kill()


async def test_a_signal_becomes_a_position_at_the_broker(office: Office) -> None:
    ended = await office.ended(await office.send())
    assert ended["status"] == "EXECUTED", ended
    (position,) = await office.positions()
    assert (position["symbol"], position["volume"], position["sl"]) == ("EURUSD", 0.1, 1.095)
    assert len(office.terminal.sends()) == 1


async def test_a_signal_file_of_a_strategy_goes_the_whole_way(office: Office) -> None:
    class Drop:
        terminal = office.terminal

    await signal_file(Drop(), "strategy")  # type: ignore[arg-type]
    await office.until(office.positions, "a position")
    assert len(office.terminal.sends()) == 1


@pytest.mark.parametrize("point", ["after_claim", "before_send", "after_send", "before_report", "mid_report"])
async def test_a_killed_terminal_executes_at_most_once_and_settles(office: Office, point: str) -> None:
    await office.terminal.ask("kill_at", **KILL_POINTS[point])
    signal_id = await office.send()
    await office.terminal.ended(wait=40)
    # The lock of the dead chart is stale after a minute; a restarted machine has none.
    await asyncio.to_thread((office.terminal.folder / "globals.json").unlink, missing_ok=True)
    await office.start()

    async def settled() -> bool:
        found = (await office.person.client.get(f"{SIGNALS}/{signal_id}")).json()
        return bool(found["status"] != "PENDING" or found.get("detail_status") in {"UNKNOWN", "EXECUTED", "FILLED"})

    await office.until(settled, "an end", within=60)
    done = [s for s in office.terminal.sends() if s["retcode"] == 10009]
    assert len(done) <= 1
    assert len(await office.positions()) == len(done)


async def test_a_folder_set_back_to_an_older_copy_is_another_terminal(office: Office) -> None:
    async def instance() -> str:
        """The terminal that holds the account."""
        told = (await office.person.client.get("/api/v1/mt5/sessions")).json()["sessions"]
        return str(next(one["terminal_instance_id"] for one in told if one["holds_account"]))

    original = await instance()
    files = office.terminal.folder / "MQL5" / "Files" / "Rubi"
    copy = office.terminal.folder / "copy"

    async def killed() -> None:
        await office.terminal.kill()
        await asyncio.to_thread((office.terminal.folder / "globals.json").unlink, missing_ok=True)

    await killed()
    await asyncio.to_thread(shutil.copytree, files, copy)
    await office.start()
    assert await instance() == original, "a restart is the same terminal"
    await killed()
    await asyncio.to_thread(shutil.rmtree, files)
    await asyncio.to_thread(shutil.move, copy, files)
    await office.start()
    assert (await instance()).startswith(f"{original}/"), "its journal knows nothing of the last session"
