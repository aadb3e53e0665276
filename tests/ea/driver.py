"""Drives one host process: settings, control channel, events, ledger."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Where a terminal may be shot, in the words of the host's control channel.
KILL_POINTS: dict[str, dict[str, Any]] = {
    "before_claim": {"point": "web_before", "contains": "/sync"},
    "after_claim": {"point": "web_after", "contains": '"commands":[{'},
    "before_send": {"point": "before_send"},
    "after_send": {"point": "after_send"},
    "before_report": {"point": "web_before", "contains": '"reports":[{'},
    "mid_report": {"point": "web_sent", "contains": '"reports":[{'},
}
HANDLERS = ("none", "init", "deinit", "tick", "timer", "trade", "transaction", "chart")
_SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=0:handle_abort=1:abort_on_error=1:print_summary=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class TerminalError(Exception):
    """The host died, or did not answer; the text holds its last words."""


@dataclass(slots=True)
class Terminal:
    """A running terminal. `events` holds everything it said, oldest first."""

    process: asyncio.subprocess.Process
    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _replies: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _readers: list[asyncio.Task[None]] = field(default_factory=list)
    _next: int = 0

    async def ask(self, cmd: str, *, wait: float = 30.0, **arguments: Any) -> Any:
        """Send one command and return its result; raise TerminalError when the process ends instead."""
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[self._next] = answer
        line = json.dumps({"id": self._next, "cmd": cmd, **arguments}) + "\n"
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode())
            await self.process.stdin.drain()
            async with asyncio.timeout(wait):
                return await answer
        except (ConnectionError, TimeoutError) as error:
            raise TerminalError(f"no answer to {cmd}: {self.last_words()}") from error

    async def event(
        self, kind: str, match: Callable[[dict[str, Any]], bool] = lambda _: True, *, since: int = 0, wait: float = 15.0
    ) -> dict[str, Any]:
        """Return the first event of `kind` (from index `since`) that matches, waiting for it when needed."""
        try:
            async with asyncio.timeout(wait):
                while True:
                    for event in self.events[since:]:
                        if event.get("event") == kind and match(event):
                            return event
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise TerminalError(f"no event {kind}: {self.last_words()}") from error

    async def until(self, true: Callable[[], bool], *, wait: float = 15.0, step: float = 0.02) -> None:
        """Wait until something outside of the terminal is true."""
        try:
            async with asyncio.timeout(wait):
                while not true():
                    await asyncio.sleep(step)
        except TimeoutError as error:
            raise TerminalError(f"never became true: {self.last_words()}") from error

    def prints(self) -> list[str]:
        """The lines of the Experts journal."""
        return [event["text"] for event in self.events if event.get("event") in {"print", "alert"}]

    def sends(self) -> list[dict[str, Any]]:
        """Every OrderSend that reached the broker, from the ledger, with its retcode."""
        return sends(self.folder / "ledger.jsonl")

    async def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.ended()

    async def ended(self, wait: float = 15.0) -> int:
        """Wait for the process to end; return its code."""
        async with asyncio.timeout(wait):
            code = await self.process.wait()
            await asyncio.gather(*self._readers, return_exceptions=True)
        return code

    def last_words(self) -> str:
        """What a failing test shows."""
        said = [json.dumps(event) for event in self.events[-12:]]
        return "\n".join([f"exit code {self.process.returncode}", *said, *self.errors[-40:]])

    async def _read_events(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            message = json.loads(line)
            if "reply" in message:
                answer = self._replies.pop(message["reply"])
                if answer.done():
                    continue
                if "error" in message:
                    answer.set_exception(TerminalError(message["error"]))
                else:
                    answer.set_result(message["result"])
            else:
                self.events.append(message)
                self._changed.set()
        for answer in self._replies.values():
            if not answer.done():
                answer.set_exception(TerminalError(f"the terminal ended: {self.last_words()}"))
        self._changed.set()

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace").rstrip())


async def launch(executable: Path, folder: Path, settings: dict[str, Any]) -> Terminal:
    """Start a terminal on `folder` without initialising the program (ask for `init`)."""
    path = await asyncio.to_thread(_write_settings, folder, settings)
    process = await asyncio.create_subprocess_exec(
        str(executable),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 24,
        env={**os.environ, **_SANITIZERS, "RUBI_HOST_SETTINGS": str(path)},
    )
    terminal = Terminal(process, folder)
    terminal._readers = [asyncio.create_task(terminal._read_events()), asyncio.create_task(terminal._read_errors())]
    await terminal.event("ready")
    return terminal


def _write_settings(folder: Path, settings: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"
    path.write_text(json.dumps({"folder": str(folder), **settings}))
    return path


@contextlib.asynccontextmanager
async def running(executable: Path, folder: Path, settings: dict[str, Any]) -> AsyncIterator[Terminal]:
    """A terminal that is killed at the end, and must not have died of a critical error or a sanitizer before."""
    terminal = await launch(executable, folder, settings)
    try:
        yield terminal
    finally:
        died = terminal.process.returncode
        await terminal.kill()
    if died not in {None, 0, -signal.SIGKILL}:
        raise TerminalError(f"the terminal died: {terminal.last_words()}")


def sends(ledger: Path) -> list[dict[str, Any]]:
    """Every `send` of a ledger with the retcode of its `result` (None when the broker was cut off)."""
    found: dict[int, dict[str, Any]] = {}
    for entry in entries(ledger):
        if entry["t"] == "send":
            found[entry["n"]] = {**entry["request"], "n": entry["n"], "retcode": None}
        elif entry["t"] == "result":
            found[entry["n"]]["retcode"] = entry["retcode"]
    return list(found.values())


def entries(ledger: Path) -> list[dict[str, Any]]:
    """All whole lines of a ledger."""
    if not ledger.exists():
        return []
    return [json.loads(line) for line in ledger.read_text().splitlines() if line.endswith("}")]
