"""The demo: a stack of its own, a user of its own, a simulated terminal that trades through the public wire."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
from rich.console import Console
from rich.live import Live

from rubi.cli.demo_screen import draw, plain
from rubi.cli.demo_story import Story, read_story, read_summary
from rubi.cli.demo_visitor import Visitor, enrol
from rubi.cli.own_settings import own_settings
from rubi.cli.running import progress
from rubi.cli.stopping import Stopped, StopRequest, stopping_everything
from rubi.embedded.instance import claim
from rubi.embedded.offer_timescale import offer_timescale
from rubi.embedded.stack import Stack

LOOK_EVERY = 1.0


@dataclass(slots=True)
class Run:
    """One run of the demo: who trades, since when, and how the screen is brought up to date."""

    stack: Stack
    visitor: Visitor
    typed_at: datetime
    ready_at: datetime
    runner: asyncio.Runner

    def look(self) -> Story | None:
        """Read what happened so far; None while the database is away for a moment."""
        with suppress(OSError, asyncpg.PostgresError):
            return self.runner.run(read_story(self.stack.database_url, self.visitor.user_id))
        return None

    def summary(self) -> dict[str, object]:
        """Read the figures of this run back from Postgres; the first fill is counted from the typed command."""
        seconds = round((datetime.now(UTC) - self.ready_at).total_seconds(), 1)
        counted = self.runner.run(read_summary(self.stack.database_url, self.visitor.user_id, self.typed_at))
        return {"seconds": seconds, **counted}


def run_demo(*, seconds: int | None, as_json: bool, port: int | None, seed: int) -> None:
    """Run until `seconds` of trading have passed or a signal comes; end with the summary of this run."""
    typed_at = datetime.now(UTC) - timedelta(seconds=time.process_time())
    own = {**own_settings(), "REGISTRATION": "open"}
    if not own.get("DATABASE_URL"):
        offer_timescale(progress)
    stack = Stack(claim("demo", next_free=True), own, port=port, tell=progress)
    if stack.instance.name != "demo":  # the first demo writes where the documentation says
        stack.own = {"LOG_FILE": str(stack.instance.logs / "rubi-studio.log"), **own}
    summary: dict[str, object] | None = None
    with asyncio.Runner() as runner, suppress(Stopped), stopping_everything(stack) as request:
        stack.start()
        progress("enrolling a demo user")
        visitor = enrol(stack.url)
        stack.start_terminal(visitor.ea_token, seed=seed)
        run = Run(stack, visitor, typed_at, datetime.now(UTC), runner)
        progress(f"DEMO, simulated prices and money: {stack.url} (user {visitor.username}, {visitor.password})")
        progress("stop it with Ctrl-C")
        try:
            _trade(run, request, seconds, as_json=as_json)
        finally:
            summary = run.summary()
    if summary is not None:
        print(json.dumps(summary) if as_json else plain_summary(summary), flush=True)


def plain_summary(summary: dict[str, object]) -> str:
    """Return the summary as lines for a person."""
    return "\n".join(f"{name.replace('_', ' '):>20}  {value}" for name, value in summary.items())


def _trade(run: Run, request: StopRequest, seconds: int | None, *, as_json: bool) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    look_again = 0.0
    with _show(run, as_json=as_json) as show:
        while deadline is None or time.monotonic() < deadline:
            request.heed()
            run.stack.watch()
            if time.monotonic() >= look_again:
                look_again = time.monotonic() + LOOK_EVERY
                if not as_json and (story := run.look()) is not None:
                    show(story)
            time.sleep(0.1)


@contextmanager
def _show(run: Run, *, as_json: bool) -> Iterator[Callable[[Story], None]]:
    """Yield what brings a story before the person: a moving screen, or a line now and then where none can move."""
    if as_json:
        yield lambda _story: None
        return
    console = Console()
    if console.is_terminal and os.environ.get("TERM") != "dumb":
        with Live(console=console, screen=False, auto_refresh=False, transient=True) as live:
            # What the supervisor tells goes above the moving part, not through it.
            run.stack.tell = lambda message: live.console.print(f"[yellow]rubi: {message}[/]")
            yield lambda story: live.update(draw(story, run.stack.url, run.visitor.username), refresh=True)
        return
    last: list[str] = []

    def line_by_line(story: Story) -> None:
        line = plain(story)
        if last != [line]:
            last[:] = [line]
            print(line, file=sys.stdout, flush=True)

    yield line_by_line
