"""`terminal`: the other end of the wire, without MetaTrader."""

import asyncio
import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from rubi.cli.errors import CommandError


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(terminal)


def terminal(
    url: Annotated[str, typer.Option(help="Where the service is, as http://127.0.0.1:8000.")],
    token: Annotated[
        str, typer.Option(envvar="RUBI_TOKEN", help="Its token of scope ea; in RUBI_TOKEN no other user can read it.")
    ],
    simulated: Annotated[bool, typer.Option("--simulated", help="Trade at a simulated broker.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the prices and of the strategy.")] = 1,
    strategy: Annotated[bool, typer.Option(help="Send the signals of the demo strategy.")] = True,
    data: Annotated[
        Path | None, typer.Option(help="Folder of its journal and account; one of its own for each seed when left out.")
    ] = None,
) -> None:
    """Run a simulated terminal against a service. Stop it with Ctrl-C."""
    if not simulated:
        raise CommandError("only --simulated terminals run here; to a MetaTrader 5 attach the Expert Advisor of mql5/")
    from rubi.embedded.instance import home
    from rubi.terminal.session import TerminalStoppedError

    folder = data or home() / "terminals" / str(seed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        asyncio.run(_run(url, token, seed, folder, with_strategy=strategy))
    except TerminalStoppedError as error:
        raise CommandError(str(error)) from error


async def _run(url: str, token: str, seed: int, data: Path, *, with_strategy: bool) -> None:
    from rubi.terminal.run import run_terminal

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_terminal(url, token, seed=seed, data_dir=data, stop=stop, with_strategy=with_strategy, on_event=_tell)


def _tell(event: str, facts: dict[str, Any]) -> None:
    print(json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **facts}, default=str), flush=True)
