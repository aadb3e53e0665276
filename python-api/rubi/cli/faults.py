"""`faults`: break everything that can break, then compare with the broker's ledger."""

import os
import sys
from typing import Annotated

import typer

from rubi.embedded.places import PROJECT_ROOT


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(faults)


def faults(
    full: Annotated[bool, typer.Option("--full", help="The whole proof (about two hours) instead of minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this scenario; may be given several times.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the scenarios and run none.")] = False,
    terminal: Annotated[str, typer.Option(help="python, or ea: the Expert Advisor (terminal-kills only).")] = "python",
    each: Annotated[int | None, typer.Option(help="Kills at each point, with --only terminal-kills.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The last line is one JSON object.")] = False,
) -> None:
    """Kill processes and cut connections; 0 lost, 0 executed twice, or exit code 1."""
    os.chdir(PROJECT_ROOT)
    chosen = {"--full": full, "--list": show, "--json": json}
    arguments = [name for name, wanted in chosen.items() if wanted]
    arguments += ["--terminal", terminal, *([] if each is None else ["--each", str(each)])]
    arguments += [part for name in only or () for part in ("--only", name)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "tests.faults", *arguments])  # noqa: S606
