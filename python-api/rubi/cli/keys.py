"""`rotate-keys`: another secret for signing tokens."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rubi.cli.errors import CommandError

KEPT_DAYS = 30
"""As long as a login lasts."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("rotate-keys")(rotate_keys)


def rotate_keys(
    keep_days: Annotated[
        int, typer.Option(min=1, max=1830, help="For so many days tokens of the old secret are taken too.")
    ] = KEPT_DAYS,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="Forget the old secret at once: every login and token ends.")
    ] = False,
    instance: Annotated[str, typer.Option(help="Which stack of this clone; it must be stopped.")] = "up",
) -> None:
    """Sign with a new secret. What the old one signed is taken until its end, or until the old secret's."""
    from rubi.cli.own_settings import own_settings
    from rubi.embedded.instance import claim, home
    from rubi.embedded.secret_file import rotate

    until = None if leaked else datetime.now(UTC).replace(microsecond=0) + timedelta(days=keep_days)
    if own_settings().get("JWT_SECRET"):
        _tell_what_to_set(until)
        return
    if not (home() / instance / "secrets.json").is_file():
        raise CommandError(f"there is no instance {instance} in this clone, and JWT_SECRET is not set")
    claimed = claim(instance)
    try:
        rotate(claimed.folder / "secrets.json", keep_until=until)
    finally:
        claimed.release()
    print(f"{instance} signs with a new secret from its next start on")
    _tell_end(until)


def _tell_what_to_set(until: datetime | None) -> None:
    import secrets

    print("JWT_SECRET is yours to set. In every place that has it (API, workers; one release of all of them):")
    print(f"  JWT_SECRET={secrets.token_urlsafe(48)}")
    if until is None:
        print("  JWT_SECRET_PREVIOUS=          (empty)")
    else:
        print("  JWT_SECRET_PREVIOUS=          (what JWT_SECRET is now)")
        print(f"and on {until:%Y-%m-%d} JWT_SECRET_PREVIOUS= (empty)")
    _tell_end(until)


def _tell_end(until: datetime | None) -> None:
    if until is None:
        print("every login and token has ended: log in again, and make new tokens for terminals and programs")
        return
    print(f"tokens of the old secret are taken until {until:%Y-%m-%d %H:%M} UTC: logins renew themselves before,")
    print("terminals and programs need a new token before (./rubi token create, or the page)")
