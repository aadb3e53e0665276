"""The simulated broker's books: what has happened on one account, in memory and, given a path, in SQLite.

The file is the truth against which faults are judged: `sends` has one row per `order_send` that reached the broker,
written in the same transaction as its effects and before the answer leaves.
"""

import sqlite3
from bisect import bisect_right
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from rubi.domain.units import ZERO
from rubi.terminal.broker import Deal, DealCursor, Order, Position, Request, Result

KEEP = {
    "positions": "INSERT OR REPLACE INTO positions VALUES (?, ?)",
    "orders": "INSERT OR REPLACE INTO orders VALUES (?, ?)",
    "history": "INSERT OR REPLACE INTO history VALUES (?, ?)",
    "deals": "INSERT OR REPLACE INTO deals VALUES (?, ?)",
}

RecordT = TypeVar("RecordT")
FIRST_TICKET = 1_000_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (ticket INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (ticket INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS history (ticket INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deals (ticket INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sends (
    n INTEGER PRIMARY KEY, at_msc INTEGER NOT NULL, action TEXT NOT NULL, symbol TEXT NOT NULL, magic INTEGER NOT NULL,
    comment TEXT NOT NULL, volume TEXT NOT NULL, retcode INTEGER NOT NULL, order_ticket INTEGER NOT NULL,
    deal_ticket INTEGER NOT NULL, answered INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class Send:
    """One `order_send` as the broker saw it. `answered` is false when the answer was withheld on purpose."""

    at_msc: int
    action: str
    symbol: str
    magic: int
    comment: str
    volume: str
    retcode: int
    order_ticket: int
    deal_ticket: int
    answered: bool


class Ledger:
    """Balance, positions, orders, history and deals of one account. Nothing is durable before `commit`."""

    def __init__(self, path: Path | None = None) -> None:
        self.balance = ZERO
        self.positions: dict[int, Position] = {}
        self.orders: dict[int, Order] = {}
        self.history: list[Order] = []
        self.deals: list[Deal] = []
        self.sends: list[Send] = []
        self.meta: dict[str, str] = {}
        self._ticket = FIRST_TICKET
        self._writes: list[tuple[str, tuple[object, ...]]] = []
        self._database = None if path is None else self._open(path)

    @property
    def is_new(self) -> bool:
        """Whether nothing has happened yet, not even a deposit."""
        return not self.deals

    @property
    def is_changed(self) -> bool:
        """Whether something is not durable yet."""
        return bool(self._writes)

    def next_ticket(self) -> int:
        """Return a number no order, deal or position of this account has had."""
        self._ticket += 1
        return self._ticket

    def keep_position(self, position: Position) -> None:
        """Insert or replace an open position."""
        self.positions[position.ticket] = position
        self._put("positions", position.ticket, position)

    def drop_position(self, ticket: int) -> None:
        """Remove a closed position."""
        del self.positions[ticket]
        self._writes.append(("DELETE FROM positions WHERE ticket = ?", (ticket,)))

    def keep_order(self, order: Order) -> None:
        """Insert or replace an order in the book."""
        self.orders[order.ticket] = order
        self._put("orders", order.ticket, order)

    def finish_order(self, order: Order) -> None:
        """Move an order from the book, if it is there, to the history."""
        if self.orders.pop(order.ticket, None) is not None:
            self._writes.append(("DELETE FROM orders WHERE ticket = ?", (order.ticket,)))
        self.history.append(order)
        self._put("history", order.ticket, order)

    def add_deal(self, deal: Deal) -> Deal:
        """Record a deal and book its money on the balance."""
        self.deals.append(deal)
        self.balance += deal.profit + deal.swap + deal.commission + deal.fee
        self._put("deals", deal.ticket, deal)
        return deal

    def add_send(self, request: Request, result: Result, *, at_msc: int, answered: bool) -> None:
        """Record that a request reached the broker, and what became of it."""
        sent = Send(
            at_msc=at_msc,
            action=request.action.value,
            symbol=request.symbol,
            magic=request.magic,
            comment=request.comment,
            volume=str(request.volume),
            retcode=result.retcode,
            order_ticket=result.order,
            deal_ticket=result.deal,
            answered=answered,
        )
        self.sends.append(sent)
        self._writes.append(("INSERT INTO sends VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(sent)))

    def set_meta(self, key: str, value: str) -> None:
        """Keep a word about the market beside the books."""
        self.meta[key] = value
        self._writes.append(("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)))

    def deals_after(self, cursor: DealCursor, limit: int) -> list[Deal]:
        """Deals later than the cursor, oldest first."""
        first = bisect_right(self.deals, cursor, key=lambda deal: DealCursor(deal.time_msc, deal.ticket))
        return self.deals[first : first + limit]

    def history_since(self, since_msc: int) -> list[Order]:
        """Orders that left the book at or after `since_msc`, oldest first."""
        first = bisect_right(self.history, since_msc - 1, key=lambda order: order.time_done_msc)
        return self.history[first:]

    def commit(self) -> None:
        """Make everything since the last call durable in one transaction."""
        writes, self._writes = self._writes, []
        if self._database is None or not writes:
            return
        with self._database:
            for statement, row in writes:
                self._database.execute(statement, row)
            self._database.execute("INSERT OR REPLACE INTO meta VALUES ('ticket', ?)", (str(self._ticket),))

    def close(self) -> None:
        """Commit and close the file."""
        self.commit()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _put(self, table: str, ticket: int, record: object) -> None:
        self._writes.append((KEEP[table], (ticket, msgspec.json.encode(record))))

    def _open(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(SCHEMA)
        self.meta = dict(database.execute("SELECT key, value FROM meta"))
        self._ticket = int(self.meta.get("ticket", FIRST_TICKET))
        self.positions = {p.ticket: p for p in read_all(database, "SELECT body FROM positions", Position)}
        self.orders = {o.ticket: o for o in read_all(database, "SELECT body FROM orders", Order)}
        history = read_all(database, "SELECT body FROM history", Order)
        self.history = sorted(history, key=lambda order: (order.time_done_msc, order.ticket))
        deals = read_all(database, "SELECT body FROM deals", Deal)
        self.deals = sorted(deals, key=lambda deal: (deal.time_msc, deal.ticket))
        self.sends = [Send(*row[1:]) for row in database.execute("SELECT * FROM sends ORDER BY n")]
        self.balance = sum((d.profit + d.swap + d.commission + d.fee for d in self.deals), ZERO)
        return database


def read_all(database: sqlite3.Connection, query: str, kind: type[RecordT]) -> list[RecordT]:
    """Decode the one column of every row of a query."""
    return [msgspec.json.decode(body, type=kind) for (body,) in database.execute(query)]
