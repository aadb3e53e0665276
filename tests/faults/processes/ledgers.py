"""What really happened: the books of a broker's process, read from its file."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from rubi.domain.retcodes import ACCEPTED
from rubi.domain.units import Side
from rubi.terminal.broker import Deal, Position
from rubi.terminal.ledger import Send, read_all

DEAL_TYPES = {0: "BUY", 1: "SELL", 2: "BALANCE"}
DEAL_ENTRIES = {0: "IN", 1: "OUT", 2: "INOUT", 3: "OUT_BY"}


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
    """The broker may go on writing: it keeps a write-ahead log. A host's broker keeps lines of JSON."""
    if path.suffix == ".jsonl":
        return read_lines(path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return Books(
            sends=[Send(*row[1:]) for row in database.execute("SELECT * FROM sends ORDER BY n")],
            deals=read_all(database, "SELECT body FROM deals", Deal),
            positions=read_all(database, "SELECT body FROM positions", Position),
        )


def shortest(text: str) -> Decimal:
    """The host writes every digit of a double; what it means is the shortest number that reads as the same double."""
    return Decimal(repr(float(text)))


def read_lines(path: Path) -> Books:
    """The ledger of the Expert Advisor's host; a line that a kill cut was never acted upon."""
    sends: dict[int, dict[str, Any]] = {}
    deals: dict[int, Deal] = {}
    positions: dict[int, Position] = {}
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        if not line.endswith("}"):
            continue
        told = json.loads(line, parse_float=shortest)
        if told["t"] == "send":
            sends[told["n"]] = told
        elif told["t"] == "result":
            sends[told["n"]] |= {"retcode": told["retcode"], "order": told["order"], "deal": told["deal"]}
        elif told["t"] == "deal":
            deals[told["ticket"]] = _deal(told)
        elif told["t"] == "position":
            positions[told["identifier"]] = _position(told)
        elif told["t"] == "gone":
            positions.pop(told["identifier"], None)
    return Books([_send(told) for told in sends.values()], list(deals.values()), list(positions.values()))


def _send(told: dict[str, Any]) -> Send:
    asked = told["request"]
    return Send(
        at_msc=told["at_ms"],
        action=asked["action"],
        symbol=asked["symbol"],
        magic=asked["magic"],
        comment=asked["comment"],
        volume=str(asked["volume"]),
        retcode=told.get("retcode", 0),
        order_ticket=told.get("order", 0),
        deal_ticket=told.get("deal", 0),
        answered="retcode" in told,
    )


def _deal(told: dict[str, Any]) -> Deal:
    names = {field.name for field in fields(Deal)}
    numbers = {name: Decimal(told[name]) for name in ("volume", "price", "profit", "swap", "commission", "fee")}
    words = {"type": DEAL_TYPES[told["type"]], "entry": DEAL_ENTRIES[told["entry"]], "reason": str(told["reason"])}
    return Deal(**{name: value for name, value in (told | numbers | words).items() if name in names})


def _position(told: dict[str, Any]) -> Position:
    return Position(
        ticket=told["ticket"],
        position_id=told["identifier"],
        symbol=told["symbol"],
        type=Side.SELL if told["type"] else Side.BUY,
        volume=Decimal(told["volume"]),
        open_price=Decimal(told["price_open"]),
        sl=Decimal(told["sl"]),
        tp=Decimal(told["tp"]),
        magic=told["magic"],
        comment=told["comment"],
        open_time_msc=told["time_msc"],
    )


def executed_since(paths: Iterable[Path]) -> int:
    """Executions in all ledgers together."""
    return sum(len(read(path).executed) for path in paths)
