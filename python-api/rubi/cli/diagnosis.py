"""`status` and `doctor`: what runs, and what stands in the way."""

import asyncio
import json as json_text
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(status)
    app.command()(doctor)


def status(json: Json = False) -> None:
    """Show what runs in this clone: processes, address, health, sessions, waiting orders."""
    from rubi.cli.overview import overview

    seen = asyncio.run(overview())
    if json:
        print(json_text.dumps(seen, default=str))
        return
    if not seen["instances"]:
        print("nothing was started here yet: ./rubi demo, or ./rubi up")
    for each in seen["instances"]:
        print(f"{each['name']}: {'running' if each['running'] else 'stopped'}  {each.get('url') or ''}".rstrip())
        for process in each["processes"]:
            print(f"    {process['name']:<10} {process['pid']}")
        for name in ("health", "sessions_active", "orders_pending", "oldest_pending_seconds", "problem"):
            if each.get(name) is not None:
                print(f"    {name.replace('_', ' ')}: {each[name]}")


def doctor(json: Json = False) -> None:
    """Look for what stands in the way, and say the cure of each."""
    from rubi.cli.findings import examine

    findings = asyncio.run(examine())
    if json:
        print(json_text.dumps([{"what": f.what, "ok": f.ok, "seen": f.seen, "cure": f.cure} for f in findings]))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]" if finding.ok is False else "[yellow]note[/]"
            console.print(f"{mark} {finding.what:<14} {escape(finding.seen)}")
            if not finding.ok and finding.cure:
                console.print(f"     {'':<14} → {escape(finding.cure)}")
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)
