"""What the caller has set: the environment, files that it names, and `python-api/.env` below them."""

import os
from pathlib import Path

from dotenv import dotenv_values

from rubi.cli.errors import CommandError
from rubi.embedded.places import SOURCE_ROOT

FROM_FILES = (
    "DATABASE_URL",
    "REDIS_URL",
    "API_SECRET_KEY",
    "JWT_SECRET",
    "JWT_SECRET_PREVIOUS",
    "METRICS_TOKEN",
    "SENTRY_DSN",
)
"""The settings that are secrets: each may be the content of a file, named by `<NAME>_FILE`."""


def own_settings() -> dict[str, str]:
    """Return the caller's variables, in the order in which the service itself looks: environment, files, `.env`.

    An empty value in the environment takes the one of `.env` away.

    Raises:
        CommandError: a file that is named cannot be read.

    """
    both = {**dotenv_values(SOURCE_ROOT / ".env"), **os.environ}
    for name in FROM_FILES:
        path = os.environ.get(f"{name}_FILE")
        if path and not os.environ.get(name):
            both[name] = _content(f"{name}_FILE", Path(path))
    return {name: value for name, value in both.items() if value}


def _content(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(f"{variable} names {path}, which cannot be read: {error.strerror}") from error
