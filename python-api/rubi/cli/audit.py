"""`audit`: whether anybody changed the record of who did what."""

import asyncio
import json as json_text
import sys
from typing import Annotated, Any

import typer

audit = typer.Typer(help="The record of who did what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(audit, name="audit")


@audit.callback()
def _group() -> None:
    """Keep `verify` a command of its own while it is the only one."""


@audit.command("verify")
def verify(
    user_name: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only this user's chain.")] = None,
    instance: Annotated[str | None, typer.Option(help="Which running stack, as `./rubi status` names it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Recompute every hash; name the first entry of a chain that does not fit. Ends with 1 when there is one."""
    chains = asyncio.run(_verify(instance, user_name))
    broken = [chain for chain in chains if chain["broken_at"] is not None]
    if json:
        print(json_text.dumps({"ok": not broken, "chains": chains}))
    else:
        for chain in chains:
            said = "whole" if chain["broken_at"] is None else f"BROKEN at entry {chain['broken_at']}"
            print(f"{chain['user']}: {chain['entries']} entries, {said}")
        if not chains:
            print("nothing is recorded yet")
    if broken:
        sys.exit(1)


async def _verify(instance: str | None, user_name: str | None) -> list[dict[str, Any]]:
    from rubi.cli.errors import CommandError
    from rubi.cli.target import open_target
    from rubi.flows.audit import verify_chain
    from rubi.store import audit_views

    async with open_target(instance) as (ports, _), ports.pool.acquire() as conn:
        owners = await audit_views.owners(conn, user_name)
        if user_name is not None and not owners:
            raise CommandError(f"nothing is recorded of a user {user_name}")
        return [
            {
                "user": owner["username"] or f"user {owner['user_id']}",
                "entries": owner["entries"],
                "broken_at": await verify_chain(conn, owner["user_id"]),
            }
            for owner in owners
        ]
