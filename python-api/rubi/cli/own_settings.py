"""What the caller has set: the environment, and `python-api/.env` below it."""

import os

from dotenv import dotenv_values

from rubi.settings import SOURCE_ROOT


def own_settings() -> dict[str, str]:
    """Return the caller's variables; the environment wins over the file, empty values count as absent."""
    from_file = {name: value for name, value in dotenv_values(SOURCE_ROOT / ".env").items() if value}
    return {**from_file, **{name: value for name, value in os.environ.items() if value}}
