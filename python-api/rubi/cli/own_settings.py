"""What the caller has set: the environment, and `python-api/.env` below it."""

import os

from dotenv import dotenv_values

from rubi.embedded.places import SOURCE_ROOT


def own_settings() -> dict[str, str]:
    """Return the caller's variables. The environment wins over the file; an empty value there takes the file's away."""
    both = {**dotenv_values(SOURCE_ROOT / ".env"), **os.environ}
    return {name: value for name, value in both.items() if value}
