"""Compare what we believe with the broker's books, as the terminal just read them: whole, connected, after its deals.

Runs inside the sync that brought the books: at the first after a connect or a gap, every 30 s, and every few seconds
while an order's fate is unknown. Run twice on the same books it finds nothing new.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from rubi.domain.order import OrderEvent, OrderEventType, OrderKind
from rubi.flows.queue_order import queue_again
from rubi.flows.raise_alert import raise_alert
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store.pool import Connection, Row
from rubi.store.reconciliation import SQL

EVERY = timedelta(seconds=30)
SPREAD_MS = 5000
EVERY_WHILE_UNKNOWN = timedelta(seconds=2)
PATIENCE = timedelta(seconds=30)
"""How long a deal may take to explain what the books show."""
WIDER = timedelta(days=1)
"""How far back deals are asked for again when one is missing."""
NOT_FOUND_AFTER = timedelta(seconds=60)
CLEAN_STATES = 2
ENDED_AFTER = timedelta(seconds=60)
"""How long the rest of an order that was filled in part is waited for."""


@dataclass(frozen=True, slots=True)
class _About:
    code: str
    object: str
    id: int
    critical: bool = False


Reason = Literal["CONNECT", "GAP", "PERIODIC", "UNKNOWN"]


@dataclass(slots=True)
class Pass:
    """One pass: what it found, what to publish, and whether deals are to be asked for again."""

    differences: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ask_deals_from: datetime | None = None


def every(account_id: UUID) -> timedelta:
    """How often an account is compared: some a little more often, so that those of one start do not stay together."""
    return EVERY - timedelta(milliseconds=account_id.int % SPREAD_MS)


def due(
    last: datetime | None, *, has_unknown: bool, gap: bool = False, period: timedelta = EVERY, now: datetime
) -> Reason | None:
    """Why the account is to be reconciled now, if so. `gap`: its terminal was silent, or cut off from its broker."""
    if last is None:
        return "CONNECT"
    if gap:
        return "GAP"
    if has_unknown and now - last >= EVERY_WHILE_UNKNOWN:
        return "UNKNOWN"
    return "PERIODIC" if now - last >= period else None


async def reconcile_account(
    conn: Connection, *, user_id: int, account_id: UUID, reason: Reason, deals_wait: bool = False, now: datetime
) -> Pass:
    """One pass over the stored books, in the transaction that stored them.

    `deals_wait`: the terminal has more deals than it has told. Then nothing is concluded from a deal that is missing.
    """
    found = Pass()

    async def tell(about: _About, detail: str) -> None:
        """Raise an alert; what stands already is no new difference."""
        events = await raise_alert(
            conn,
            user_id=user_id,
            account_id=account_id,
            code=about.code,
            severity="critical" if about.critical else "warning",
            object_=about.object,
            object_id=str(about.id),
            detail=detail,
            now=now,
        )
        if events:
            found.events += events
            found.differences.append(
                {"kind": about.code, "object": about.object, "id": str(about.id), "detail": detail}
            )

    await _resolve_unknown(conn, account_id, found, now, deals_wait=deals_wait)
    if not deals_wait:
        await _end_in_part(conn, account_id, found, now)
    for row in await conn.fetch(SQL["adopt_positions"], account_id, now):
        found.differences.append({"kind": "EXTERNAL_POSITION_ADOPTED", **_position(row)})
    if await conn.fetch(SQL["unexplained_closes"], account_id):
        found.ask_deals_from = now - WIDER
    for row in await conn.fetch(SQL["give_up_closes"], account_id, now - PATIENCE):
        position = f"{row['position_id']} ({row['side']} {row['volume']} {row['symbol']})"
        about = _About("CLOSED_UNEXPLAINED", "position", row["position_id"], critical=True)
        await tell(about, f"position {position} is gone and no deal tells why")
    for row in await conn.fetch(SQL["missing_protections"], account_id):
        about = _About("PROTECTION_MISSING", "position", row["position_id"], critical=True)
        asked = f"order {row['order_id']} (sl {row['asked_sl']}, tp {row['asked_tp']})"
        await tell(about, f"position {row['position_id']} ({row['symbol']}) lacks the stop or target of {asked}")
    for row in await conn.fetch(SQL["vanished_working"], account_id, now - PATIENCE):
        found.ask_deals_from = now - WIDER
        order = f"{row['id']} ({row['symbol']}, ticket {row['order_ticket']})"
        await tell(
            _About("WORKING_ORDER_GONE", "order", row["id"]), f"order {order} is in no book of the broker any more"
        )
    if found.ask_deals_from is not None:
        await conn.execute(SQL["move_cursor_back"], account_id, int(found.ask_deals_from.timestamp() * 1000))
    if found.differences:
        await conn.execute(SQL["insert_reconciliation"], account_id, reason, now, found.differences)
    await conn.execute(SQL["note_pass"], account_id, now)
    return found


async def _end_in_part(conn: Connection, account_id: UUID, found: Pass, now: datetime) -> None:
    """The broker filled a part and dropped the rest: the order ends with what it has."""
    for row in await conn.fetch(SQL["ended_in_part"], account_id, now - ENDED_AFTER):
        event = OrderEvent(OrderEventType.HISTORY_CANCELED, now, code="REST_NOT_FILLED")
        settled = await settle(conn, row["id"], event, actor="reconciliation")
        found.events += [] if settled is None else settled.events
        detail = f"{row['filled_volume']} of {row['volume']} lots were filled, and the rest waits nowhere"
        found.differences.append({"kind": "ORDER_ENDED_IN_PART", "order_id": row["id"], "detail": detail})


async def _resolve_unknown(conn: Connection, account_id: UUID, found: Pass, now: datetime, *, deals_wait: bool) -> None:
    """Two clean full states, a minute after the order could last have been sent: it was never at the broker."""
    for row in await conn.fetch(SQL["unknown_orders"], account_id):
        last_chance = row["not_after"] or row["lease_expires_at"]
        if last_chance is None or now <= last_chance or deals_wait:
            continue
        all_of_it = row["kind"] == OrderKind.CLOSE_ALL
        if all_of_it and not await conn.fetchval(SQL["left_to_close"], account_id, row["symbol"], row["side"]):
            event = OrderEvent(OrderEventType.CARRIED_OUT, now, code="NOTHING_LEFT_TO_CLOSE")
            settled = await settle(conn, row["id"], event, actor="reconciliation")
            found.events += [] if settled is None else settled.events
            continue
        # What changes an order or a position leaves no trace of its own; the ticket that it knows is its target's.
        leaves_trace = OrderKind(row["kind"]).fills
        if leaves_trace and await conn.fetchval(SQL["sign_of_order"], account_id, row["id"], row["order_ticket"]):
            found.ask_deals_from = now - WIDER  # it is there; the deal that says how much has not come
            continue
        clean = await conn.fetchval(SQL["count_clean_state"], row["id"])
        if clean >= CLEAN_STATES and now >= last_chance + NOT_FOUND_AFTER:
            event = OrderEvent(OrderEventType.NOT_FOUND, now, code="NOT_FOUND", payload={"clean_states": clean})
            settled = await settle(conn, row["id"], event, actor="reconciliation")
            found.events += [] if settled is None else settled.events
            found.differences.append({"kind": "ORDER_NOT_FOUND", "order_id": row["id"], "symbol": row["symbol"]})


async def resolve_without_record(conn: Connection, row: Row, *, actor: str, now: datetime) -> list[Event]:
    """The terminal that was given this order has no record of it: it never came, and from now on it is refused there.

    Past `not_after` it has expired. What never expires (a close) ends too, and another order takes its place: the
    terminal bars the number that it denied. `row` is the order, locked.
    """
    if row["state"] != "UNKNOWN":
        return []
    overdue = row["not_after"] is not None and row["not_after"] <= now
    if overdue or row["revoke_asked_at"] is not None:
        settled = await settle(
            conn, row["id"], OrderEvent(OrderEventType.NEVER_RECEIVED, now, code="NEVER_RECEIVED"), actor=actor
        )
        return [] if settled is None else settled.events
    if row["not_after"] is not None:
        return []
    again = await queue_again(conn, row, actor=actor, now=now)
    never_sent = OrderEvent(OrderEventType.NEVER_SENT, now, code="NEVER_RECEIVED", payload={"replaced_by": again})
    settled = await settle(conn, row["id"], never_sent, actor=actor)
    return [] if settled is None else settled.events


def _position(row: Row) -> dict[str, Any]:
    return {
        "position_id": str(row["position_id"]),
        "symbol": row["symbol"],
        "side": row["side"],
        "volume": str(row["volume"]),
    }
