"""What a terminal says it did with commands: acknowledgements and reports become facts of their orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from rubi.domain.order import OrderEvent, OrderEventType, OrderKind
from rubi.domain.retcodes import NOT_TRADABLE, event_of, name_of
from rubi.flows.reconcile_account import resolve_without_record
from rubi.flows.record_deals import attribute_earlier_deals
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import orders, terminals
from rubi.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Ack:
    """The terminal took a command (INTENT), refused it before sending, or had it already (DUPLICATE)."""

    order_id: int
    lease_id: str
    outcome: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """The `n`-th thing a terminal tells of an order."""

    order_id: int
    n: int
    outcome: str
    retcode: int
    order_ticket: int | None
    deal_ticket: int | None
    position_id: int | None
    price: Decimal | None
    volume: Decimal | None
    message: str | None


_ACKS = {
    "INTENT": OrderEventType.INTENT,
    "REFUSED": OrderEventType.REFUSED,
    "DUPLICATE": OrderEventType.INTENT,
}
_OUTCOMES = {
    "RECOVERED": OrderEventType.PLACED,
    "AMBIGUOUS": OrderEventType.AMBIGUOUS,
    "NEVER_SENT": OrderEventType.NEVER_SENT,
    "NO_RECORD": OrderEventType.NO_RECORD,
}


async def record_acks(
    conn: Connection, account_id: UUID, acks: Sequence[Ack], *, actor: str, now: datetime
) -> tuple[list[str], list[Event]]:
    """Settle acknowledgements; their identities for `ack_acks`, and what to publish.

    An acknowledgement of an order that is not this account's, or of no known kind, is acknowledged too, or the
    terminal would repeat it for ever.
    """
    events: list[Event] = []
    for ack in acks:
        what = _ACKS.get(ack.outcome)
        if what is None:
            continue
        settled = await settle(
            conn,
            ack.order_id,
            OrderEvent(what, now, code=ack.code, payload={"lease_id": ack.lease_id, "outcome": ack.outcome}),
            actor=actor,
            dedupe=f"ack:{ack.lease_id}:{ack.outcome}",
            account_id=account_id,
        )
        events += [] if settled is None else settled.events
    return [f"{ack.order_id}:{ack.outcome}" for ack in acks], events


async def record_reports(
    conn: Connection, account_id: UUID, reports: Sequence[Report], *, instance: str, actor: str, now: datetime
) -> tuple[list[str], list[Event]]:
    """Settle reports; their identities for `report_acks`, and what to publish."""
    events: list[Event] = []
    for report in reports:
        events += await _record(conn, account_id, report, instance=instance, actor=actor, now=now)
    return [f"{report.order_id}:{report.n}" for report in reports], events


async def _record(
    conn: Connection, account_id: UUID, report: Report, *, instance: str, actor: str, now: datetime
) -> list[Event]:
    row = await orders.lock(conn, report.order_id, None)
    if row is None or row["account_id"] != account_id:
        return []
    kind = OrderKind(row["kind"])
    if report.outcome == "RESULT":
        what = event_of(report.retcode, kind)
        code = None if what is OrderEventType.PLACED else name_of(report.retcode)
    else:
        what = _OUTCOMES.get(report.outcome, OrderEventType.AMBIGUOUS)
        code = None if what is OrderEventType.PLACED else report.outcome
    if what is OrderEventType.NO_RECORD and row["lease_instance"] != instance:
        return []  # another terminal's journal proves nothing about this order
    if what is OrderEventType.NO_RECORD:
        return await resolve_without_record(conn, row, actor=actor, now=now)
    payload = {
        "outcome": report.outcome,
        "retcode": report.retcode,
        "message": report.message,
        "order_ticket": None if report.order_ticket is None else str(report.order_ticket),
        "deal_ticket": None if report.deal_ticket is None else str(report.deal_ticket),
        "price": None if report.price is None else str(report.price),
        "reported_volume": None if report.volume is None else str(report.volume),
    }
    settled = await settle(
        conn,
        report.order_id,
        OrderEvent(what, now, code=code, payload={key: value for key, value in payload.items() if value is not None}),
        actor=actor,
        dedupe=f"report:{instance}:{report.n}",
        facts={
            "retcode": report.retcode or None,
            "message": report.message,
            "order_ticket": report.order_ticket,
            "position_id": report.position_id,
        },
        account_id=account_id,
    )
    events = [] if settled is None else settled.events
    if report.retcode in NOT_TRADABLE:
        await conn.execute(terminals.SQL["set_tradable"], account_id, name_of(report.retcode))
    if report.order_ticket is not None and (kind.fills or kind.closes):
        events += await attribute_earlier_deals(
            conn, account_id, report.order_id, report.order_ticket, actor=actor, now=now
        )
    return events
