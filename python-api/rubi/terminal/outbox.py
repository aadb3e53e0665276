"""Signals on their way to the service: on the disk first, gone only when the service has answered for them.

Acknowledgements and reports wait in the journal, deals at the broker (they are read again from the service's cursor),
so signals are all that needs an outbox. It is bounded: a full one refuses the newest, loudly, and drops nothing.
"""

import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

from rubi.terminal.records import RecordFile
from rubi.terminal.wire import iso

LARGEST = 10_000
COMPACT_FROM_BYTES = 1024 * 1024


class OutboxFullError(RuntimeError):
    """The service has not answered for too long: the signal was not taken."""


class Outbox:
    """First in, first out, keyed: a key that waits already is not taken twice."""

    def __init__(self, path: Path, *, largest: int = LARGEST, compact_from: int = COMPACT_FROM_BYTES) -> None:
        self._file = RecordFile(path)
        self._largest = largest
        self._compact_from = compact_from
        self._compacted_size = 0
        self._waiting: dict[str, dict[str, Any]] = {}
        """Read what an earlier run could not deliver."""
        for record in self._file.records:
            if "signal" in record:
                self._waiting[record["key"]] = record
            else:
                self._waiting.pop(record["key"], None)
        self._file.records = []

    def __len__(self) -> int:
        """How many signals wait."""
        return len(self._waiting)

    def put(self, signal: dict[str, Any], *, at: datetime) -> None:
        """Keep a signal (docs/wire.md, with its `key`) until it is answered for.

        Raises:
            OutboxFullError: `largest` signals wait already.

        """
        key = signal["key"]
        if key in self._waiting:
            return
        if len(self._waiting) >= self._largest:
            raise OutboxFullError(
                f"{len(self._waiting)} signals wait for the service; {signal.get('symbol')} {signal.get('signal_type')}"
                " was not taken. Is the service up, and the token valid?"
            )
        record = {"key": key, "at": iso(at), "signal": signal}
        self._file.append(record)
        self._waiting[key] = record

    def first(self, limit: int) -> list[dict[str, Any]]:
        """The oldest signals that wait."""
        return [record["signal"] for record in itertools.islice(self._waiting.values(), limit)]

    def answered(self, keys: list[str]) -> None:
        """The service has taken or refused these for good."""
        done = [key for key in keys if self._waiting.pop(key, None) is not None]
        if done:
            self._file.append(*({"key": key} for key in done), durable=False)
        if self._file.size >= max(self._compact_from, 2 * self._compacted_size):
            self._file.rewrite(self._waiting.values())
            self._compacted_size = self._file.size

    def close(self) -> None:
        """Close the file."""
        self._file.close()
