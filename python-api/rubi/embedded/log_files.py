"""What the children print, kept small: a running `./rubi up` must not fill the disk."""

import os
import shutil
from pathlib import Path

MOST_BYTES = 20 * 1024 * 1024
KEPT = 3
EVERY = 5.0
"""Seconds between two looks."""


def keep_small(folder: Path, *, most: int = MOST_BYTES, kept: int = KEPT) -> list[Path]:
    """Move what is in a log of more than `most` bytes to `NAME.log.1` and so on, `kept` of them; return these logs.

    The children hold their files open, so a log is copied and emptied, not renamed; they append, so they go on at its
    start. What is printed between the last read and the emptying, some microseconds, is lost: the service's own lines
    are in LOG_FILE as well.
    """
    done = []
    for log in sorted(folder.glob("*.log")):
        if log.stat().st_size <= most:
            continue
        for number in range(kept - 1, 0, -1):
            older = _numbered(log, number)
            if older.exists():
                older.replace(_numbered(log, number + 1))
        with log.open("r+b") as source, os.fdopen(_new(_numbered(log, 1)), "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.write(source.read())  # what came while the bulk was copied
            source.truncate(0)
        done.append(log)
    return done


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _new(path: Path) -> int:
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
