"""The terminal's memory of orders: written before the broker is called, so that none is sent twice whatever dies.

Phases of an order, each one record in the file, flushed before anything else happens:
`INTENT` (taken) → `SENDING` (the next call is `OrderSend`) → `RESULT`, or after a restart `RECOVERED`, `AMBIGUOUS`,
`NEVER_SENT`; `REFUSED` when a guard failed; `NO_RECORD` when the service asked for an order that never came here. What
the service has acknowledged is noted without a flush: a lost note only means that it is told again.
"""

import dataclasses
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from rubi.domain.retcodes import UNKNOWN_END
from rubi.terminal.records import RecordFile
from rubi.terminal.wire import iso, parse_iso

KEPT_FOR = timedelta(days=7)
"""How long a finished order is remembered, so that a late copy of its command is recognised."""

COMPACT_FROM_BYTES = 4 * 1024 * 1024

OPEN_PHASES = frozenset({"INTENT", "SENDING"})


@dataclass
class Entry:
    """What the journal knows of one order."""

    order_id: int
    phase: str
    at: str
    lease_id: str = ""
    command: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    last: dict[str, Any] | None = None
    """The last report, acknowledged or not."""
    n: int = 0
    ack: str | None = None
    """The acknowledgement that the service has not confirmed yet."""
    unreported: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_claimed(self) -> bool:
        """Whether the order may never be sent (again)."""
        return self.phase != "NO_RECORD"

    @property
    def is_finished(self) -> bool:
        """Whether the service knows all that there is to know."""
        return self.phase not in OPEN_PHASES and self.ack is None and not self.unreported

    @property
    def has_unknown_end(self) -> bool:
        """Whether nobody here knows if the broker executed the order."""
        if self.phase == "RESULT" and self.last is not None:
            return self.last["retcode"] in UNKNOWN_END
        return self.phase == "AMBIGUOUS" or self.phase in OPEN_PHASES

    def apply(self, record: dict[str, Any]) -> None:
        """Fold one record of the file."""
        match record["phase"]:
            case "ACKED":
                self.ack = None if record["outcome"] == self.ack else self.ack
            case "REPORTED":
                self.unreported = [one for one in self.unreported if one["n"] != record["n"]]
            case "FORGOTTEN":
                self.ack, self.unreported = None, []
                self.phase = "FORGOTTEN" if self.phase in OPEN_PHASES else self.phase
            case "SUMMARY":
                self.__dict__.update(record["entry"])
            case "INTENT":
                self.phase, self.at, self.lease_id = "INTENT", record["at"], record["lease_id"]
                self.command, self.ack = record["command"], "INTENT"
            case "REFUSED":
                self.phase, self.at, self.lease_id = "REFUSED", record["at"], record["lease_id"]
                self.code, self.ack = record["code"], "REFUSED"
            case "SENDING":
                self.phase = "SENDING"
            case outcome:
                self.phase, self.last, self.n = outcome, record["report"], record["report"]["n"]
                self.unreported.append(record["report"])

    def summary(self) -> dict[str, Any]:
        """One record that folds to this entry."""
        return {"order_id": self.order_id, "phase": "SUMMARY", "entry": dataclasses.asdict(self)}


class Journal:
    """The orders of this terminal, and what the service still has to be told of them."""

    def __init__(self, path: Path, *, now: datetime | None = None, compact_from: int = COMPACT_FROM_BYTES) -> None:
        """Read the file; finished orders older than `KEPT_FOR` are dropped from it when it has grown."""
        self._file = RecordFile(path)
        self._compact_from = compact_from
        self._compacted_size = 0
        self.entries: dict[int, Entry] = {}
        self._unfinished: dict[int, Entry] = {}
        self._duplicates: dict[int, str] = {}
        self.instance_id = next((r["instance_id"] for r in self._file.records if "instance_id" in r), "")
        """The terminal's own id, made with the journal: without its journal a terminal is another one, and says so."""
        self.last_session: str | None = None
        """The session that the service gave last: it tells this terminal from a copy of its data folder."""
        for record in self._file.records:
            self.last_session = record.get("session_id", self.last_session)
            if "order_id" in record:
                self._fold(record)
        self._file.records = []
        if not self.instance_id:
            self.instance_id = str(uuid4())
            self._file.append({"instance_id": self.instance_id})
        self.compact(now or datetime.now(UTC))

    def knows(self, order_id: int) -> bool:
        """Whether the order was taken or refused here: then it must not be sent."""
        entry = self.entries.get(order_id)
        return entry is not None and entry.is_claimed

    def intend(self, order_id: int, lease_id: str, command: dict[str, Any], *, at: datetime) -> None:
        """Take an order: from here on no copy of its command is carried out."""
        assert not self.knows(order_id), f"order {order_id} is already in the journal"
        self._write(order_id, phase="INTENT", at=iso(at), lease_id=lease_id, command=command)

    def sending(self, order_id: int) -> None:
        """Note that the next thing to happen is `OrderSend`."""
        self._write(order_id, phase="SENDING")

    def refuse(self, order_id: int, lease_id: str, code: str, *, at: datetime) -> None:
        """Note that nothing was sent and why."""
        self._write(order_id, phase="REFUSED", at=iso(at), lease_id=lease_id, code=code)

    def report(self, order_id: int, outcome: str, *, at: datetime, **facts: Any) -> dict[str, Any]:
        """Note an outcome; it is reported until it is acknowledged."""
        entry = self.entries.get(order_id)
        numbered = {"order_id": order_id, "n": entry.n + 1 if entry else 1, "outcome": outcome}
        report = numbered | facts | {"at": iso(at)}
        self._write(order_id, phase=outcome, at=iso(at), report=report)
        return report

    def repeat(self, order_id: int, lease_id: str) -> None:
        """Answer a command that is already here: the refusal again, or DUPLICATE with the recorded outcome."""
        entry = self.entries[order_id]
        if entry.phase == "REFUSED":
            entry.lease_id, entry.ack = lease_id, "REFUSED"
            self._unfinished[order_id] = entry
            return
        self._duplicates[order_id] = lease_id
        self.report_again(order_id)

    def report_again(self, order_id: int) -> None:
        """Send the last report once more, under its own number."""
        entry = self.entries.get(order_id)
        if entry is not None and entry.last is not None and entry.last not in entry.unreported:
            entry.unreported.append(entry.last)
            self._unfinished[order_id] = entry

    def forget(self, order_id: int) -> None:
        """The order is final at the service: keep the record, tell nothing more."""
        if order_id in self.entries:
            self._write(order_id, durable=False, phase="FORGOTTEN")
        self._duplicates.pop(order_id, None)

    def acks(self, limit: int = 100) -> list[dict[str, Any]]:
        """Acknowledgements not yet confirmed, oldest first."""
        waiting = [
            {"order_id": e.order_id, "lease_id": e.lease_id, "outcome": e.ack, "code": e.code}
            for e in self._unfinished.values()
            if e.ack is not None
        ]
        repeated = [
            {"order_id": order_id, "lease_id": lease_id, "outcome": "DUPLICATE", "code": None}
            for order_id, lease_id in self._duplicates.items()
        ]
        return (waiting + repeated)[:limit]

    def reports(self, limit: int = 100) -> list[dict[str, Any]]:
        """Reports not yet confirmed, oldest order first."""
        return [report for entry in self._unfinished.values() for report in entry.unreported][:limit]

    def confirmed(self, report_acks: list[str], ack_acks: list[str]) -> None:
        """Take note of what the service has: `"17:2"` is report 2 of order 17, `"17:INTENT"` an acknowledgement."""
        notes: list[dict[str, Any]] = []
        for order_id, outcome in map(split_identity, ack_acks):
            entry = self.entries.get(order_id)
            if outcome == "DUPLICATE":
                self._duplicates.pop(order_id, None)
            elif entry is not None and entry.ack == outcome:
                notes.append({"order_id": order_id, "phase": "ACKED", "outcome": outcome})
        for order_id, n in map(split_identity, report_acks):
            entry = self.entries.get(order_id)
            if entry is not None and any(str(one["n"]) == n for one in entry.unreported):
                notes.append({"order_id": order_id, "phase": "REPORTED", "n": int(n)})
        if notes:
            self._file.append(*notes, durable=False)
            for note in notes:
                self._fold(note)

    def refused_by_service(self, reports: list[dict[str, Any]]) -> None:
        """Reports that the service cannot read: sending them again would not help."""
        self.confirmed([f"{one['order_id']}:{one['n']}" for one in reports], [])

    def unresolved(self) -> list[Entry]:
        """Orders that were taken and have no outcome: what a crash leaves."""
        return [entry for entry in self._unfinished.values() if entry.phase in OPEN_PHASES]

    def open_entries(self, limit: int = 1000) -> list[dict[str, Any]]:
        """What `connect` tells the service of orders that it has not heard the end of."""
        claimed = [entry for entry in self._unfinished.values() if entry.is_claimed]
        return [{"order_id": e.order_id, "phase": e.phase, "intent_at": e.at} for e in claimed[:limit]]

    def compact(self, now: datetime) -> None:
        """Write the file anew when it has doubled and passed the threshold; forget what finished long ago."""
        if self._file.size < max(self._compact_from, 2 * self._compacted_size):
            return
        self.entries = {
            order_id: entry
            for order_id, entry in self.entries.items()
            if not entry.is_finished or parse_iso(entry.at) > now - KEPT_FOR
        }
        summaries = (entry.summary() for entry in self.entries.values())
        who = {"instance_id": self.instance_id, "session_id": self.last_session}
        self._file.rewrite(itertools.chain([who], summaries))
        self._compacted_size = self._file.size

    def note_session(self, session_id: str) -> None:
        """Remember the session that orders come by from here on."""
        self._file.append({"session_id": session_id})
        self.last_session = session_id

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, order_id: int, *, durable: bool = True, **fields: Any) -> None:
        record = {"order_id": order_id, **fields}
        self._file.append(record, durable=durable)
        self._fold(record)

    def _fold(self, record: dict[str, Any]) -> None:
        order_id = record["order_id"]
        entry = self.entries.get(order_id)
        if entry is None:
            entry = self.entries[order_id] = Entry(order_id, record["phase"], record.get("at", ""))
        entry.apply(record)
        if entry.is_finished:
            self._unfinished.pop(order_id, None)
        else:
            self._unfinished[order_id] = entry


def split_identity(identity: str) -> tuple[int, str]:
    """`"17:2"` → 17 and `"2"`."""
    order_id, _, rest = identity.partition(":")
    return int(order_id), rest
