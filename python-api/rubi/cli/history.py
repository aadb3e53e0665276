"""`history`: the rollups of the accounts' money."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

Instance = Annotated[str | None, typer.Option(help="Which running stack, as `./rubi status` names it.")]

history = typer.Typer(help="The rollups that history is read from.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(history, name="history")


@history.callback()
def _group() -> None:
    """The rollups that history is read from."""


@history.command()
def rebuild(
    account: Annotated[UUID | None, typer.Option(help="Of this account only; of all when left out.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", help="From this time on (UTC).")] = None,
    instance: Instance = None,
) -> None:
    """Make minutes, hours and days anew from the snapshots that are kept. Safe beside a running service."""
    made = asyncio.run(_rebuild(account, since, instance))
    print(f"{made} minutes were made anew")


async def _rebuild(account: UUID | None, since: datetime | None, instance: str | None) -> int:
    from rubi.cli.running import progress
    from rubi.cli.target import open_target
    from rubi.flows.roll_up_metrics import rebuild_metrics

    start = None if since is None else since.replace(tzinfo=UTC)
    async with open_target(instance) as (ports, _keys):
        return await rebuild_metrics(
            ports, account_id=account, since=start, tell=lambda made: progress(f"{made} minutes so far")
        )
