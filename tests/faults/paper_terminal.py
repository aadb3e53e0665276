"""A terminal that keeps the real journal and does what the wire's document says, at the pace of a test."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.faults.ledger_broker import WALL, LedgerBroker

from rubi.domain.market import QuoteTick
from rubi.domain.order import OrderKind
from rubi.domain.position import AccountMoney
from rubi.domain.retcodes import NO_ANSWER, Retcode
from rubi.domain.symbol import SymbolSpec
from rubi.flows.connect_terminal import Hello
from rubi.flows.record_reports import Ack, Report
from rubi.flows.sync_terminal import Cycle
from rubi.store.terminals import Terminal
from rubi.terminal.journal import Entry, Journal
from rubi.terminal.wire import parse_iso

SYMBOLS = ("EURUSD", "GBPUSD")
MONEY = AccountMoney(*(Decimal(n) for n in (10000, 10000, 0, 10000, 0, 0, 0)))
ENDS = (
    "whole", "whole", "part", "slow", "refuse", "reject", "dies_before_claim", "dies_after_claim", "dies_before_send",
    "dies_after_send", "no_answer_done", "no_answer_undone",
)  # fmt: skip
"""What may become of a command. `whole` twice: most orders simply work."""


def market(now: datetime) -> dict[str, Any]:
    """What risk needs of the symbols."""
    ones = [Decimal(1)] * 2
    specs = [
        SymbolSpec(
            name, 5, Decimal("0.00001"), Decimal("0.00001"), *ones, Decimal(100000), Decimal("0.01"), Decimal(100),
            Decimal("0.01"), name[:3], "USD", now, currency_margin=name[:3],
        )
        for name in SYMBOLS
    ]  # fmt: skip
    msc = int((now + WALL).timestamp() * 1000)
    prices = Decimal("1.09999"), Decimal("1.1"), Decimal(0), Decimal(0)
    return {"symbols": specs, "ticks": [QuoteTick(name, *prices, msc, now) for name in SYMBOLS], "money": MONEY}


@dataclass(eq=False)
class PaperTerminal:
    """One installation: its journal survives a restart, its memory does not."""

    path: Path
    broker: LedgerBroker
    now: datetime
    session: Terminal | None = None
    seq: int = 0
    unanswered: Cycle | None = None
    hand: list[dict] = field(default_factory=list)
    deals_had: set[int] = field(default_factory=set)
    former: list[Terminal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(self.path, now=self.now)

    @property
    def instance(self) -> str:
        return self.journal.instance_id

    def die(self) -> None:
        """The process ends here; the next one reads the journal."""
        self.lose_session()
        self.journal.close()
        self.journal = Journal(self.path, now=self.now)

    def lose_session(self) -> None:
        if self.session is not None:
            self.former.append(self.session)
        self.session, self.unanswered, self.hand = None, None, []

    def recover(self, now: datetime) -> None:
        """What a start does first: look for what was taken and has no end."""
        for entry in self.journal.unresolved():
            self._look_for(entry, now)

    def hello(self, *, protocol: int = 2) -> Hello:
        return Hello(
            server="Broker-Demo", login="12345678", broker="Broker", currency="USD", money=MONEY, protocol=protocol,
            instance=self.instance, poll_ms=1000, offset_minutes=180, last_session=self.journal.last_session,
            journal_open={one["order_id"]: one["phase"] for one in self.journal.open_entries()},
        )  # fmt: skip

    def connected(self, session: Terminal, actions: list[tuple[int, str]]) -> None:
        self.lose_session()
        self.session, self.seq, self.deals_had = session, 0, set()
        self.journal.note_session(str(session.session_id))
        for order_id, action in actions:
            {"REPORT": self.journal.report_again, "FORGET": self.journal.forget}[action](order_id)

    def cycle(self, *, copies: int, backwards: bool, deals: str, books: bool, now: datetime, **more: Any) -> Cycle:
        """Everything that is not acknowledged yet, `copies` times; the same bytes again while an answer is missing."""
        if self.unanswered is not None:
            return self.unanswered
        self.seq += 1
        step = -1 if backwards else 1
        told = [deal for deal in self.broker.deals if deals == "all" or deal.ticket not in self.deals_had]
        parts = {
            "acks": ([Ack(**ack) for ack in self.journal.acks()] * copies)[::step],
            "reports": ([_report(one) for one in self.journal.reports()] * copies)[::step],
            "deals": [] if deals == "none" else told[::step] * copies,
            **(self._books(backwards=backwards, now=now) if books else {}),
            **more,
        }  # fmt: skip
        self.unanswered = Cycle(
            epoch=self.session.epoch,
            seq=self.seq,
            body_sha256=hashlib.sha256(repr((self.instance, self.seq, parts)).encode()).digest(),
            wait=timedelta(0),
            **{"taken_at": now} | parts,
        )
        return self.unanswered

    def _books(self, *, backwards: bool, now: datetime) -> dict[str, Any]:
        broker = self.broker
        lists = {"positions": [*broker.positions.values()], "working": [*broker.working.values()]}
        return {**lists, "left": broker.left[:: -1 if backwards else 1], **market(now)}

    def answered(self, answer: dict) -> None:
        """Take note of an answer."""
        cycle, self.unanswered = self.unanswered, None
        self.deals_had |= {deal.ticket for deal in cycle.deals}
        if "deals" in answer["need"]:
            self.deals_had = set()
        self.journal.confirmed(answer["report_acks"], answer["ack_acks"])
        for order_id in answer["revoke"]:
            if not self.journal.knows(order_id):
                self.journal.refuse(order_id, "", "REVOKED", at=self.now)
        self.hand += answer["commands"]

    def carry_out(self, command: dict, *, end: str, keeps_comment: bool, now: datetime) -> None:
        """Do what the document says of the order of work, as far as `end` lets it come."""
        order_id, journal = command["order_id"], self.journal
        if command["kind"] == "QUERY":
            return self._answer_query(order_id, now)
        if journal.knows(order_id):
            return journal.repeat(order_id, command["lease_id"])
        if now > parse_iso(command["lease_expires_at"]):
            return None
        late = command["not_after"] is not None and now > parse_iso(command["not_after"])
        if end == "refuse" or late:
            code = "COMMAND_EXPIRED" if late else "GUARD_SPREAD"
            return journal.refuse(order_id, command["lease_id"], code, at=now)
        if end == "dies_before_claim":
            return self.die()
        journal.intend(order_id, command["lease_id"], command | {"volume": str(command["volume"])}, at=now)
        if end == "dies_after_claim":
            return self.die()
        journal.sending(order_id)
        if end == "dies_before_send":
            return self.die()
        if end in {"reject", "no_answer_undone"}:
            return self._result(order_id, Retcode.REJECT if end == "reject" else NO_ANSWER, now)
        how = end if end in {"part", "slow"} else "whole"
        done = self.broker.send(command, how=how, keeps_comment=keeps_comment, now=now)
        if end == "dies_after_send":
            return self.die()
        if end == "no_answer_done":
            return self._result(order_id, NO_ANSWER, now)
        return self._result(order_id, done.retcode, now, done.order_ticket, done.deal_ticket, done.position_id)

    def _result(self, order_id: int, retcode: int, now: datetime, ticket=None, deal=None, position=None) -> None:
        facts = {"retcode": int(retcode), "order_ticket": ticket, "deal_ticket": deal, "position_id": position}
        self.journal.report(order_id, "RESULT", at=now, message="", **facts)

    def _answer_query(self, order_id: int, now: datetime) -> None:
        entry = self.journal.entries.get(order_id)
        if entry is None or not entry.is_claimed:
            self.journal.report(order_id, "NO_RECORD", at=now)
        elif entry.phase == "REFUSED":
            self.journal.repeat(order_id, entry.lease_id)
        elif entry.has_unknown_end:
            self._look_for(entry, now)
        else:
            self.journal.report_again(order_id)

    def _look_for(self, entry: Entry, now: datetime) -> None:
        ticket = self.broker.trace_of(entry.order_id)
        changes = not OrderKind(entry.command["kind"]).fills and self.broker.executed[entry.order_id]
        if entry.phase == "INTENT":
            self.journal.report(entry.order_id, "NEVER_SENT", at=now)
        elif ticket is not None or changes:
            self.journal.report(entry.order_id, "RECOVERED", at=now, retcode=int(Retcode.DONE), order_ticket=ticket)
        else:
            self.journal.report(entry.order_id, "AMBIGUOUS", at=now)


def other_body(cycle: Cycle) -> Cycle:
    """A cycle of the same seq that says something else."""
    return replace(cycle, body_sha256=hashlib.sha256(cycle.body_sha256).digest())


def read(answer: bytes) -> dict:
    return json.loads(answer)


def _report(one: dict) -> Report:
    names = ("order_ticket", "deal_ticket", "position_id", "price", "volume", "message")
    return Report(
        one["order_id"], one["n"], one["outcome"], one.get("retcode", 0), **{name: one.get(name) for name in names}
    )
