"""`replay`: compute a stored decision again and compare it bit by bit."""

import json as json_text
from typing import Annotated, Any

import typer

from rubi.cli.errors import CommandError
from rubi.cli.people import Instance, Json


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(replay)


def replay(
    decision_id: Annotated[
        int, typer.Argument(metavar="DECISION_ID", help="As `decision.id` of a signal or an order.")
    ],
    instance: Instance = None,
    json: Json = False,
) -> None:
    """Decide again from what is stored of a decision, and say whether the answer is the same, bit by bit."""
    import asyncio

    result = asyncio.run(_replay(instance, decision_id))
    if json:
        print(json_text.dumps(result, sort_keys=True))
    else:
        _print(result)
    if not result["equal"]:
        raise typer.Exit(1)


async def _replay(instance: str | None, decision_id: int) -> dict[str, Any]:
    from rubi.cli.target import open_target
    from rubi.flows.replay_decision import replay_stored
    from rubi.store import decisions

    async with open_target(instance) as (ports, _), ports.pool.acquire() as conn:
        row = await decisions.one(conn, decision_id)
    if row is None:
        raise CommandError(f"there is no decision {decision_id}")
    return replay_stored(dict(row))


def _print(result: dict[str, Any]) -> None:
    answer = "approved" if result["approved"] else f"denied with {result['code']}"
    print(f"decision {result['id']}: {answer}")
    print(f"  stored    {result['stored_sha256']}")
    print(f"  computed  {result['replayed_sha256']}")
    for difference in result["differences"]:
        print(f"  differs   {difference}")
    print("the same, bit by bit" if result["equal"] else "not the same: the rules, or the record, have changed since")
