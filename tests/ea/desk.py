"""A terminal with the connector, and the service it talks to, as one object for the tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ea.driver import Terminal, running
from tests.ea.service import TOKEN, ScriptedService

START_MS = 1761213600000  # Thursday 2025-10-23 10:00 UTC
OFFSET_S = 10800
ACCOUNT = "12345678@Rubi-Demo"


@dataclass(slots=True)
class Desk:
    """`advance` moves the virtual clock, with fresh quotes so that prices never grow stale."""

    terminal: Terminal
    service: ScriptedService
    bid: float = 1.1
    ask: float = 1.10002

    async def advance(self, ms: int, *, quotes: bool = True) -> None:
        """Let `ms` of the terminal's time pass."""
        step = 1000 if ms < 20_000 else 5000
        while ms > 0:
            if quotes:
                await self.quote(self.bid, self.ask)
            await self.terminal.ask("advance", ms=min(ms, step))
            ms -= step

    async def quote(self, bid: float, ask: float | None = None) -> None:
        """One tick of EURUSD."""
        self.bid, self.ask = bid, ask if ask is not None else round(bid + 0.00002, 5)
        await self.terminal.ask("quote", symbol="EURUSD", bid=self.bid, ask=self.ask)

    async def work(self, order_id: int, kind: str = "OPEN", ms: int = 2000, **fields: Any) -> dict[str, Any] | None:
        """Hand out one command, let time pass, return the newest report."""
        self.service.order(order_id, kind, **fields)
        await self.advance(ms)
        return self.service.result(order_id)

    async def open(self, order_id: int, **fields: Any) -> dict[str, Any]:
        """A market order that must be filled."""
        report = await self.work(order_id, **fields)
        assert report is not None
        assert report["retcode"] in {10009, 10010}, (report, self.terminal.last_words())
        return report

    async def scripts(self, *scripts: dict[str, Any]) -> None:
        """What the next requests to the broker meet."""
        await self.terminal.ask("scripts", scripts=list(scripts))

    async def faults(self, *faults: dict[str, Any]) -> None:
        """What the next WebRequests meet."""
        await self.terminal.ask("faults", faults=list(faults))

    async def state(self) -> dict[str, Any]:
        """What the broker has."""
        return dict(await self.terminal.ask("state"))

    async def positions(self) -> list[dict[str, Any]]:
        """The broker's positions."""
        return list((await self.state())["positions"])

    def executed(self, order_id: int) -> list[dict[str, Any]]:
        """Requests for one order that the broker carried out, by the comment that names it."""
        from tests.ea.service import comment_of

        good = {10008, 10009, 10010}
        return [s for s in self.terminal.sends() if s["comment"] == comment_of(order_id) and s["retcode"] in good]


def settings_for(service: ScriptedService, **changes: Any) -> dict[str, Any]:
    """Settings of a terminal for `service`; `inputs` are merged, everything else replaces."""
    inputs = {"BackendURL": service.url, "APIToken": TOKEN} | changes.pop("inputs", {})
    plain = {"clock": "virtual", "start_ms": START_MS, "server_offset_s": OFFSET_S, "allowed_urls": [service.url]}
    return plain | changes | {"inputs": inputs}


@contextlib.asynccontextmanager
async def opened(executable: Path, folder: Path, service: ScriptedService, **changes: Any) -> AsyncIterator[Desk]:
    """A terminal with the program initialised."""
    async with running(executable, folder, settings_for(service, **changes)) as terminal:
        await terminal.ask("init")
        yield Desk(terminal, service)
