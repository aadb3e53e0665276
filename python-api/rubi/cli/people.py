"""`user` and `token`: who may do what, from the machine the service runs on."""

import asyncio
import json as json_text
import secrets
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

Instance = Annotated[str | None, typer.Option(help="Which running stack, as `./rubi status` names it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

user = typer.Typer(help="People who may log in.", no_args_is_help=True)
token = typer.Typer(help="Long-lived tokens of terminals and programs.", no_args_is_help=True)


class TokenScope(StrEnum):
    """What a token is good for."""

    EA = "ea"
    TRADE = "trade"
    READ = "read"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(user, name="user")
    app.add_typer(token, name="token")


@user.command("create")
def create_user(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name to log in with.")],
    email: Annotated[str | None, typer.Option(help="NAME@localhost when left out.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
    ] = False,
    instance: Instance = None,
    json: Json = False,
) -> None:
    """Make a user. The password is asked for; without a terminal to ask at, one is made and shown once."""
    made = None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("password", hide_input=True, confirmation_prompt=True)
    else:
        password = made = secrets.token_urlsafe(15)
    created = asyncio.run(_create_user(instance, name, email or f"{name}@localhost", password))
    if made is not None:
        created["password"] = made
    print(json_text.dumps(created) if json else "\n".join(f"{key}: {value}" for key, value in created.items()))


@user.command("setup-code")
def tell_setup_code(instance: Instance = None, json: Json = False) -> None:
    """Tell the code with which the page makes the first person; it is good while nobody is known."""
    code = asyncio.run(_setup_code(instance))
    print(json_text.dumps({"code": code}) if json else code or "somebody is known already: no set-up code is needed")


@token.command("create")
def create_token(
    user_name: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose token it is.")],
    scope: Annotated[TokenScope, typer.Option(help="ea: a terminal; trade: signals and orders; read: only looking.")],
    name: Annotated[str, typer.Option(help="What it is called in the list.")] = "made by ./rubi",
    account: Annotated[
        str | None, typer.Option(metavar="LOGIN|ID", help="The only account it is good for; all of them when left out.")
    ] = None,
    instance: Instance = None,
    json: Json = False,
) -> None:
    """Make a token and show it, this once."""
    created = asyncio.run(_create_token(instance, user_name, scope, name, account))
    print(json_text.dumps(created, default=str) if json else created["token"])


async def _create_user(instance: str | None, name: str, email: str, password: str) -> dict[str, Any]:
    from rubi.cli.target import open_target
    from rubi.flows.register_user import register_user

    async with open_target(instance) as (ports, keys):
        login = await register_user(ports, keys, email=email, username=name, password=password, now=datetime.now(UTC))
    return {"id": login.user.id, "username": login.user.username, "email": login.user.email}


async def _setup_code(instance: str | None) -> str | None:
    from rubi.cli.target import open_target
    from rubi.flows.set_up_service import needs_setup, setup_code
    from rubi.settings import load_settings

    async with open_target(instance) as (ports, _):
        needed = await needs_setup(ports)
        return setup_code(load_settings().jwt_secret.get_secret_value()) if needed else None


async def _create_token(
    instance: str | None, user_name: str, scope: TokenScope, name: str, account: str | None
) -> dict[str, Any]:
    from uuid import uuid4

    from rubi.cli.errors import CommandError
    from rubi.cli.target import open_target
    from rubi.domain.auth import Principal, Scope, TokenKind
    from rubi.flows.choose_account import choose_account
    from rubi.flows.issue_token import issue_token
    from rubi.store import users

    async with open_target(instance) as (ports, keys):
        async with ports.pool.acquire() as conn:
            found = await users.by_login(conn, user_name)
        if found is None:
            raise CommandError(f"there is no user {user_name}: ./rubi user create {user_name}")
        owner, _password_hash = found
        bound = None
        if account is not None:
            async with ports.pool.acquire() as conn:
                bound = await choose_account(conn, owner.id, named=account, bound=None)
        # The caller may read the service's secrets: for the audit log this is the owner at the machine itself.
        identity = uuid4()
        principal = Principal(owner.id, owner.username, Scope.PERSON, TokenKind.ACCESS, identity, identity)
        kept, text = await issue_token(
            ports,
            keys,
            principal,
            name=name,
            scope=Scope(scope.value),
            account_id=None if bound is None else bound.id,
            now=datetime.now(UTC),
        )
    return {
        "id": kept.id,
        "user": owner.username,
        "name": kept.name,
        "scope": kept.scope,
        "account": None if kept.account_id is None else str(kept.account_id),
        "expires_at": kept.expires_at.isoformat(),
        "token": text,
    }
