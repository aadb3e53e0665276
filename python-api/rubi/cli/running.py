"""`up`, `demo`, `terminal`: what runs until it is stopped."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

import typer

from rubi.cli.errors import CommandError

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; a free one when left out.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(demo)


def up(port: Port = None) -> None:
    """Run the service: database, queue, API, worker, beat. Stop it with Ctrl-C."""
    from rubi.cli.own_settings import own_settings
    from rubi.cli.stopping import Stopped, stopping_everything
    from rubi.embedded import loopback
    from rubi.embedded.instance import claim
    from rubi.embedded.stack import Stack

    own = own_settings()
    stack = Stack(claim("up"), own, port=port or _port(own), host=own.get("API_HOST", loopback.HOST), tell=progress)
    with suppress(Stopped), stopping_everything(stack) as request:
        stack.start()
        print(f"ready {stack.url}", flush=True)
        tell_first_visit(stack.url, stack.environment["JWT_SECRET"])
        while True:
            request.heed()
            stack.watch()
            time.sleep(0.2)


def demo(
    seconds: Annotated[int | None, typer.Option(min=1, help="Stop after so many seconds of trading.")] = None,
    json: Annotated[bool, typer.Option("--json", help="No screen; the last line is one JSON object.")] = False,
    port: Port = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated prices.")] = 7,
) -> None:
    """Run everything with a simulated terminal that trades, and show it. Stop it with Ctrl-C."""
    from rubi.cli.demonstration import run_demo

    run_demo(seconds=seconds, as_json=json, port=port, seed=seed)


def tell_first_visit(url: str, jwt_secret: str) -> None:
    """Tell the set-up code while nobody is known: with it the page at `url` makes the first person."""
    import httpx

    from rubi.flows.set_up_service import setup_code

    with suppress(httpx.HTTPError, ValueError, KeyError):
        if httpx.get(f"{url}/api/v1/setup", timeout=5, trust_env=False).json()["needed"]:
            progress(f"first visit: open {url} and enter the set-up code {setup_code(jwt_secret)}")


def _port(own: Mapping[str, str]) -> int | None:
    text = own.get("API_PORT")
    if text is not None and not text.isdigit():
        raise CommandError(f"API_PORT is {text!r}: it has to be a number")
    return None if text is None else int(text)


def progress(message: str) -> None:
    """Tell on stderr what happens: stdout belongs to the answer."""
    print(f"rubi: {message}", file=sys.stderr, flush=True)
