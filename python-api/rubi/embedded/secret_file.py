"""The secrets of an instance: made once, kept in one file that only its owner may read."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path

MODE = 0o600


def _made() -> str:
    return secrets.token_urlsafe(48)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an instance signs and opens with."""

    jwt_secret: str = field(default_factory=_made)
    api_secret_key: str = field(default_factory=_made)
    postgres_password: str = field(default_factory=_made)
    postgres_superuser_password: str = field(default_factory=_made)
    redis_password: str = field(default_factory=_made)
    jwt_secret_previous: str = ""
    jwt_secret_previous_until: str = ""
    """ISO 8601 with its offset; empty when there is no previous secret."""

    def previous(self, now: datetime) -> str:
        """Return the previous signing secret while what it signed is still taken, else nothing."""
        until = self.jwt_secret_previous_until
        return self.jwt_secret_previous if until and now < datetime.fromisoformat(until) else ""

    def __repr__(self) -> str:
        """Name nothing: a traceback or a log line must not carry them."""
        return "Secrets(…)"


def load_or_make(path: Path) -> Secrets:
    """Return the secrets kept in `path`; make what is missing and write it back, readable by the owner alone."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    known = {each.name for each in fields(Secrets)}
    loaded = Secrets(**{name: value for name, value in kept.items() if name in known})
    if path.exists() and path.stat().st_mode & 0o077:
        path.chmod(MODE)
    if kept.keys() != known:
        _write(path, loaded)
    return loaded


def rotate(path: Path, *, keep_until: datetime | None) -> Secrets:
    """Make a new signing secret; the one before it still reads until `keep_until`, or not at all."""
    before = load_or_make(path)
    after = replace(
        before,
        jwt_secret=_made(),
        jwt_secret_previous="" if keep_until is None else before.jwt_secret,
        jwt_secret_previous_until="" if keep_until is None else keep_until.isoformat(),
    )
    _write(path, after)
    return after


def _write(path: Path, kept: Secrets) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w") as file:
        json.dump(asdict(kept), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
