"""An append-only file of records that survives `kill -9` and a power cut: one JSON line each, with its CRC, flushed.

A torn last line is what a crash leaves: it is cut off at the next start. A bad line with good ones after it is damage
that no crash makes; then nothing may be trusted and opening fails.
"""

import os
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rubi.terminal.wire import decode, encode

CRC_DIGITS = 8


class RecordFileDamagedError(RuntimeError):
    """The file has been changed by something else than a crash of the terminal."""


class RecordFileBusyError(RuntimeError):
    """Another process has the file open."""


class RecordFile:
    """The file, locked for this process. `records` is what it held when it was opened."""

    def __init__(self, path: Path) -> None:
        """Open or create the file, and cut off a torn last line.

        Raises:
            RecordFileBusyError: another terminal works with this data folder.
            RecordFileDamagedError: a line in the middle does not match its checksum.

        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path.with_suffix(path.suffix + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock_now(self._lock)
        except OSError as busy:
            os.close(self._lock)
            raise RecordFileBusyError(
                f"{path} is in use by another terminal; give this one its own data folder"
            ) from busy
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        content = path.read_bytes()
        self.records, self.size = read_records(content, path)
        if self.size < len(content):
            os.ftruncate(self._file, self.size)
        os.fsync(self._file)
        sync_folder(path.parent)

    def append(self, *records: dict[str, Any], durable: bool = True) -> None:
        """Write records, and with `durable` return only when they are on the disk.

        Raises:
            OSError: the disk is full or gone; the file is as before.

        """
        lines = b"".join(map(line_of, records))
        try:
            written = 0
            while written < len(lines):
                written += os.write(self._file, lines[written:])
            if durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(lines)

    def rewrite(self, records: Iterable[dict[str, Any]]) -> None:
        """Replace the whole content at once: a crash leaves either the old file or the new one."""
        lines = b"".join(map(line_of, records))
        fresh = self.path.with_suffix(self.path.suffix + ".new")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        written = 0
        while written < len(lines):
            written += os.write(file, lines[written:])
        os.fsync(file)
        fresh.replace(self.path)
        sync_folder(self.path.parent)
        os.close(self._file)
        self._file, self.size = file, len(lines)

    def close(self) -> None:
        """Close the file and let others have it."""
        os.close(self._file)
        os.close(self._lock)


def line_of(record: dict[str, Any]) -> bytes:
    """A record with its checksum."""
    body = encode(record)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def read_records(content: bytes, path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the records up to the first torn line, and the length of the sound part in bytes."""
    records: list[dict[str, Any]] = []
    sound = 0
    damaged_at: int | None = None
    for line in content.splitlines(keepends=True):
        record = read_line(line)
        if record is None:
            damaged_at = sound if damaged_at is None else damaged_at
        elif damaged_at is not None:
            raise RecordFileDamagedError(
                f"{path}: the record at byte {damaged_at} does not match its checksum and others follow it. Orders may"
                " have been sent of which nothing is known now: compare with the broker, then move the file away"
            )
        else:
            records.append(record)
            sound += len(line)
    return records, sound


def read_line(line: bytes) -> dict[str, Any] | None:
    """Decode a line, or None when it is torn or damaged."""
    crc, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or len(crc) != CRC_DIGITS or crc != b"%08x" % zlib.crc32(body):
        return None
    record: dict[str, Any] = decode(body)
    return record


def lock_now(handle: int) -> None:
    """Lock a file for this process until it ends; `OSError` when another process has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sync_folder(folder: Path) -> None:
    """Make the folder's list of files durable; Windows does it by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
