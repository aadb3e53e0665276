"""A desk whose terminal is the Expert Advisor: its own source, executed by the host, with the host's broker."""

import json
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mql5.host.build import build
from tests.faults.processes.ea_terminal import LEDGER
from tests.faults.processes.stage import Desk

from rubi.embedded.places import PROJECT_ROOT
from rubi.terminal.execution import Behaviour
from rubi.terminal.points import VARIABLE

CONNECTOR = PROJECT_ROOT / "mql5" / "RubiStudioConnector.mq5"


@cache
def executable() -> Path:
    """The connector, built for speed."""
    return build(CONNECTOR, flavour="fast").executable


@dataclass(slots=True)
class EaDesk(Desk):
    """The broker lives in the terminal's process, so its ledger lies in the terminal's folder."""

    moods: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.folder / "t" / LEDGER

    def start_broker(self) -> None:
        """There is none apart from the terminal."""

    async def broker_ready(self) -> None:
        """There is nothing to wait for."""

    async def script(self, behaviour: Behaviour) -> None:
        """How the broker treats the first order of the next start: it rewrites the comment where another is moody.

        What a broker does late ends with the host, so a late deal cannot be played here.
        """
        self.moods = [{"comment_rewrite": "so 12%"}] if behaviour != Behaviour() else []

    def start_terminal(
        self, *, dies_at: str | None = None, data: str = "t", url: str | None = None, clock_off_by_s: int = 0
    ) -> subprocess.Popen[bytes]:
        """A new terminal process over the journal in `data`."""
        if clock_off_by_s:
            raise NotImplementedError("the host has the clock of its machine")
        arguments: list[object] = ["--executable", executable(), "--url", url or self.url, "--login", self.login]
        arguments += ["--data", self.folder / data, "--script", json.dumps(self.moods)]
        self.moods = []
        started = self._spawn(
            data, ["-m", "tests.faults.processes.ea_terminal", *arguments], **({VARIABLE: dies_at} if dies_at else {})
        )
        self.terminals.append(started)
        return started
