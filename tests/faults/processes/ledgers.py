"""What really happened: the books of a broker's process, read from its file."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rubi.domain.retcodes import ACCEPTED
from rubi.terminal.broker import Deal, Position
from rubi.terminal.ledger import Send, read_all


@dataclass(frozen=True, slots=True)
class Books:
    """One account as its broker knows it."""

    sends: list[Send]
    deals: list[Deal]
    positions: list[Position]

    @property
    def executed(self) -> list[Send]:
        """The requests that the broker carried out."""
        return [send for send in self.sends if send.retcode in ACCEPTED]

    def executions(self) -> Counter[str]:
        """How often each comment was carried out."""
        return Counter(send.comment for send in self.executed)


def read(path: Path) -> Books:
    """The broker may go on writing: it keeps a write-ahead log."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return Books(
            sends=[Send(*row[1:]) for row in database.execute("SELECT * FROM sends ORDER BY n")],
            deals=read_all(database, "SELECT body FROM deals", Deal),
            positions=read_all(database, "SELECT body FROM positions", Position),
        )


def executed_since(paths: Iterable[Path]) -> int:
    """Executions in all ledgers together."""
    return sum(len(read(path).executed) for path in paths)
