"""`check`: everything about the code that is not a test."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Annotated

import typer

from rubi.cli import risk_codes
from rubi.embedded.places import PROJECT_ROOT, SOURCE_ROOT

OPENAPI = PROJECT_ROOT / "docs" / "openapi.json"
# Where somebody's machine shows through. Nothing that is committed may name one.
MACHINE_PATHS = r"/(home|Users)/[a-z][a-z0-9_-]*/|/root/|/work/|C:\\\\Users\\\\"
MAY_NAME_PATHS = ("python-api/rubi/cli/checks.py",)

Problems = list[str]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(check)


def check(
    write_openapi: Annotated[bool, typer.Option("--write-openapi", help="Bring docs/openapi.json up to date.")] = False,
    write_codes: Annotated[bool, typer.Option("--write-codes", help="Bring docs/risk.md up to date.")] = False,
) -> None:
    """Check format, lint, types, layers, schema, OpenAPI, paths and scripts."""
    if write_openapi:
        OPENAPI.write_text(generated_openapi())
        print(f"wrote {OPENAPI.relative_to(PROJECT_ROOT)}")
    if write_codes:
        risk_codes.write()
        print("wrote docs/risk.md")
    failed = [name for name, step in STEPS.items() if not _passes(name, step)]
    if failed:
        print(f"FAIL: {', '.join(failed)}")
        raise typer.Exit(1)
    print("everything ok")


def _passes(name: str, step: Callable[[], Problems]) -> bool:
    print(f"{name:<12} ", end="", flush=True)
    problems = step()
    print("FAIL" if problems else "ok", flush=True)
    for problem in problems:
        print(f"    {problem}")
    return not problems


def _run(*command: str) -> Problems:
    done = subprocess.run(  # noqa: S603
        command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return []
    return (done.stdout + done.stderr).strip().splitlines() or [f"{command[0]} ended with {done.returncode}"]


def _tool(module: str, *arguments: str) -> Problems:
    return _run(sys.executable, "-m", module, *arguments)


def layers() -> Problems:
    """Check that imports only go down."""
    return _run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def schema() -> Problems:
    """Check that schema.sql and the migrations give the same database."""
    from rubi.embedded.postgres import EmbeddedPostgres
    from rubi.embedded.schema_diff import differences

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "home", folder / "postgres.log", "for-a-moment", "for-a-moment")
        try:
            server.start()
            return differences(server)
        finally:
            server.stop()


def openapi() -> Problems:
    """Check that docs/openapi.json is what the application says of itself."""
    if not OPENAPI.exists():
        return [f"{OPENAPI.relative_to(PROJECT_ROOT)} is missing: ./rubi check --write-openapi"]
    if OPENAPI.read_text() != generated_openapi():
        return ["docs/openapi.json is not what the application says: ./rubi check --write-openapi, and read the diff"]
    return []


def generated_openapi() -> str:
    """Return the OpenAPI document of the application; its process needs secrets, not servers."""
    import json
    import os
    import secrets

    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE_ROOT),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
        "REDIS_URL": "redis://127.0.0.1/0",
        "JWT_SECRET": secrets.token_urlsafe(48),
        "LOG_FILE": os.devnull,
    }
    script = "import json; from rubi.api.app import create_app; print(json.dumps(create_app().openapi()))"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    document = json.loads(done.stdout.splitlines()[-1])
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def paths() -> Problems:
    """Check that no committed file names a path of somebody's machine."""
    allowed = [f":!{path}" for path in MAY_NAME_PATHS]
    found = subprocess.run(  # noqa: S603
        ["git", "grep", "-nIE", MACHINE_PATHS, "--", ".", *allowed],  # noqa: S607
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.splitlines()


def scripts() -> Problems:
    """Check the shell scripts: their syntax, and with shellcheck where it is installed."""
    found = [PROJECT_ROOT / "rubi", PROJECT_ROOT / ".ci" / "run", *sorted(PROJECT_ROOT.glob("*/*.sh"))]
    files = [str(path.relative_to(PROJECT_ROOT)) for path in found]
    problems = [line for path, file in zip(found, files, strict=True) for line in _run(_shell(path), "-n", file)]
    return problems + (_run("shellcheck", *files) if which("shellcheck") else [])


def _shell(path: Path) -> str:
    with path.open() as file:
        return "bash" if "bash" in file.readline() else "sh"


STEPS: dict[str, Callable[[], Problems]] = {
    "format": lambda: _tool("ruff", "format", "--check", "--output-format", "concise", "."),
    "lint": lambda: _tool("ruff", "check", "--output-format", "concise", "."),
    "types": lambda: _tool("mypy"),
    "layers": layers,
    "schema": schema,
    "openapi": openapi,
    "codes": risk_codes.problems,
    "paths": paths,
    "scripts": scripts,
}
