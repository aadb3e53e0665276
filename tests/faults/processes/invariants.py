"""What must hold after every run, judged by the broker's ledger, not by what the service believes."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
from tests.faults.processes import ledgers
from tests.faults.processes.report import Result
from tests.faults.processes.senders import Load
from tests.faults.processes.stage import Desk, Stage

from rubi.domain.order import (
    OrderEvent,
    OrderEventType,
    OrderKind,
    OrderLife,
    OrderState,
    comment_of,
    order_id_of,
    transition,
)
from rubi.domain.risk.gates import replay
from rubi.domain.units import Lots

RESTING = {*(state.value for state in OrderState if state.final), OrderState.ACCEPTED.value}
UNFILLED_ENDS = {"DENIED", "REJECTED", "EXPIRED", "CANCELED"}
REPLAYED_DECISIONS = 50
REST_WITHIN_S = 90.0
UNKNOWN_AT_MOST_S = 10.0
"""The bar: an order is UNKNOWN for no longer than this once its terminal is back, if there is any evidence of it."""
UNKNOWN_FOR_S = 5.0
"""An order of which nobody knows the end is waited for this long; then it may stay UNKNOWN, with its alert."""


async def settle(stage: Stage, desks: Sequence[Desk], *, unknown_for: float) -> str:
    """Wait until nothing moves any more, for UNKNOWN orders `unknown_for` seconds; what is still open then, or ""."""
    begun = time.monotonic()
    waiting = "nobody looked"
    while time.monotonic() - begun < REST_WITHIN_S + unknown_for:
        async with stage.database() as conn:
            patient = time.monotonic() - begun < unknown_for
            waiting = await _open(conn, desks, unknown_too=patient)
        if not waiting:
            return ""
        await asyncio.sleep(0.2)
    return waiting


async def _open(conn: asyncpg.Connection, desks: Sequence[Desk], *, unknown_too: bool) -> str:
    undecided = await conn.fetchval(
        "SELECT count(*) FROM trading_signals WHERE user_id = $1 AND decided_at IS NULL AND status = 'PENDING'",
        desks[0].trader.id,
    )
    if undecided:
        return f"{undecided} signals undecided"
    resting = RESTING if unknown_too else RESTING | {"UNKNOWN"}
    moving = await conn.fetch(
        "SELECT state, count(*) AS n FROM trading_orders WHERE account_id = ANY ($1) AND state <> ALL ($2) GROUP BY 1",
        [desk.account_id for desk in desks],
        list(resting),
    )
    if moving:
        return "orders: " + ", ".join(f"{row['n']} {row['state']}" for row in moving)
    for desk in desks:
        if difference := await _books_differ(conn, desk, await asyncio.to_thread(ledgers.read, desk.ledger)):
            return difference[0]
    return ""


async def _books_differ(conn: asyncpg.Connection, desk: Desk, books: ledgers.Books) -> list[str]:
    found = []
    rows = await conn.fetch("SELECT * FROM deals WHERE account_id = $1", desk.account_id)
    stored = {row["ticket"]: deal_of(row) for row in rows}
    real = {deal.ticket: deal_of(deal) for deal in books.deals}
    if missing := real.keys() - stored.keys():
        found.append(f"account {desk.login}: {len(missing)} deals are not stored: {sorted(missing)[:5]}")
    if invented := stored.keys() - real.keys():
        found.append(f"account {desk.login}: {len(invented)} deals were invented: {sorted(invented)[:5]}")
    found += [
        f"account {desk.login}: deal {ticket} is {stored[ticket]}, the broker has {real[ticket]}"
        for ticket in real.keys() & stored.keys()
        if real[ticket] != stored[ticket]
    ]
    rows = await conn.fetch(
        "SELECT * FROM trading_positions WHERE account_id = $1 AND status = 'OPEN'", desk.account_id
    )
    shown = {row["ticket"]: (row["symbol"], row["side"], Decimal(row["volume"])) for row in rows}
    held = {one.ticket: (one.symbol, one.type.value, one.volume) for one in books.positions}
    if shown != held:
        found.append(f"account {desk.login}: positions {shown.keys() ^ held.keys() or (shown, held)} differ")
    return found


def deal_of(one: Any) -> tuple[Any, ...]:
    """What two records of a deal must agree on."""
    stored = isinstance(one, asyncpg.Record)

    def get(name: str) -> Any:
        return one[name] if stored else getattr(one, name)

    money = tuple(Decimal(get(name)) for name in ("volume", "price", "profit", "commission", "swap"))
    order = get("order_ticket" if stored else "order")
    return (order or 0, get("position_id") or 0, get("symbol") or "", str(get("type")), str(get("entry")), *money)


async def examine(
    stage: Stage,
    desks: Sequence[Desk],
    load: Load,
    result: Result,
    *,
    unknown_for: float = UNKNOWN_FOR_S,
    service_stayed: bool = False,
) -> None:
    """Wait until everything is at rest, then check every invariant; what is found goes into `result`.

    `service_stayed`: only terminals died, so how long an order was UNKNOWN is the service's own time.
    """
    left = await settle(stage, desks, unknown_for=unknown_for)
    if left:
        result.violations.append(f"not at rest: {left}")
    result.violations += load.violations
    async with stage.database() as conn:
        signals = await conn.fetch("SELECT * FROM trading_signals WHERE user_id = $1", desks[0].trader.id)
        orders = await conn.fetch("SELECT * FROM trading_orders WHERE user_id = $1", desks[0].trader.id)
        _signals(signals, load, result)
        _signals_ended(signals, orders, result)
        await _ends(conn, orders, result)
        await _folds(conn, orders, result)
        await _decisions(conn, desks[0].trader.id, result)
        figures, times = await _unknown_times(conn, orders)
        result.figures |= figures
        if service_stayed:
            result.hold_against("unknown_resolved", UNKNOWN_AT_MOST_S, times)
        executed = 0
        for desk in desks:
            books = await asyncio.to_thread(ledgers.read, desk.ledger)
            result.violations += await _books_differ(conn, desk, books)
            _executions(desk, books, orders, result)
            executed += len(books.executed)
    result.figures |= {
        "signals": len(signals),
        "orders": len(orders),
        "executed": executed,
        "retries": load.retries,
        "denied": dict(Counter(row["code"] for row in signals if row["detail_status"] == "DENIED").most_common(8)),
        "states": dict(Counter(row["state"] for row in orders)),
    }


def _signals(rows: Sequence[asyncpg.Record], load: Load, result: Result) -> None:
    """Every accepted signal is stored once, under the id that was answered."""
    stored = {row["id"]: row for row in rows}
    by_comment = Counter(row["comment"] for row in rows if row["comment"] is not None)
    for key, ids in load.accepted.items():
        if len(ids) > 1 or by_comment[key] > 1:
            result.duplicated += 1
            result.violations.append(f"signal {key} was answered as {sorted(ids)} and stored {by_comment[key]} times")
        if not any(each in stored and stored[each]["comment"] == key for each in ids):
            result.lost += 1
            result.violations.append(f"signal {key} was accepted as {sorted(ids)} and is not stored")


def _signals_ended(signals: Sequence[asyncpg.Record], orders: Sequence[asyncpg.Record], result: Result) -> None:
    """Every signal ends visibly; one that was denied has no order."""
    of_signal: dict[int, list[str]] = defaultdict(list)
    for order in orders:
        of_signal[order["signal_id"]].append(order["state"])
    for row in signals:
        states = of_signal[row["id"]]
        if row["status"] == "PENDING" and not set(states) & {"UNKNOWN", "ACCEPTED"}:
            result.violations.append(f"signal {row['id']} is still PENDING; its orders are {states}")
        if row["detail_status"] == "DENIED" and states:
            result.violations.append(f"signal {row['id']} was denied ({row['code']}) and has orders {states}")
        if not states and row["status"] not in {"REJECTED", "EXPIRED", "PENDING"}:
            result.violations.append(f"signal {row['id']} is {row['status']} without any order")


async def _ends(conn: asyncpg.Connection, orders: Sequence[asyncpg.Record], result: Result) -> None:
    """Every order is final, or UNKNOWN and told."""
    told = {row["object_id"] for row in await conn.fetch("SELECT object_id FROM alerts WHERE object = 'order'")}
    for order in orders:
        if order["state"] not in RESTING and not (order["state"] == "UNKNOWN" and str(order["id"]) in told):
            result.violations.append(f"order {order['id']} stands at {order['state']}")


async def _folds(conn: asyncpg.Connection, orders: Sequence[asyncpg.Record], result: Result) -> None:
    """An order is the fold of its events."""
    events: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await conn.fetch(
        "SELECT * FROM order_events WHERE order_id = ANY ($1) ORDER BY order_id, n", [each["id"] for each in orders]
    ):
        events[row["order_id"]].append(row)
    for order in orders:
        told = events[order["id"]]
        life = OrderLife(OrderKind(order["kind"]), None if order["volume"] is None else Lots(order["volume"]))
        for row in told:
            change = transition(life, event_of(row))
            life = change.after
            if change.legal != row["legal"] or life.state != row["to_state"]:
                result.violations.append(
                    f"order {order['id']}: event {row['n']} {row['event']} is stored as {row['to_state']},"
                    f" it leads to {life.state}"
                )
                break
        stored = (order["state"], Decimal(order["filled_volume"]), order["deliveries"], order["late_fill"])
        if stored != (life.state, life.filled, life.deliveries, life.late_fill):
            result.violations.append(f"order {order['id']} is {stored}, its events add up to {life}")
        if [row["n"] for row in told] != list(range(1, len(told) + 1)):
            result.violations.append(f"order {order['id']} has events {[row['n'] for row in told]}")


def event_of(row: Mapping[str, Any]) -> OrderEvent:
    """A stored event as the domain's."""
    payload = row["payload"]
    volume = payload.get("volume")
    return OrderEvent(
        OrderEventType(row["event"]),
        row["at"],
        volume=None if volume is None else Lots(Decimal(volume)),
        code=payload.get("code"),
        payload=payload,
    )


async def _decisions(conn: asyncpg.Connection, user_id: int, result: Result) -> None:
    """A decision made again from its record is the same decision."""
    rows = await conn.fetch(
        "SELECT id, record, record_sha256 FROM decisions WHERE user_id = $1 AND record->>'rules' = 'gates'"
        " ORDER BY random() LIMIT $2",
        user_id,
        REPLAYED_DECISIONS,
    )
    for row in rows:
        if replay(row["record"]).digest != row["record_sha256"]:
            result.violations.append(f"decision {row['id']} made again has another digest")


def _executions(desk: Desk, books: ledgers.Books, orders: Sequence[asyncpg.Record], result: Result) -> None:
    """At most one execution for each order; none for what ended without one; none that nobody ordered."""
    known = {order["id"]: order for order in orders if order["account_id"] == desk.account_id}
    done = books.executions()
    for comment, times in done.items():
        if times > 1:
            result.duplicated += times - 1
            result.violations.append(f"account {desk.login}: {comment} was executed {times} times")
    for send in books.executed:
        order = known.get(order_id_of(send.comment) or 0)
        if order is None or (order["symbol"], Decimal(order["volume"])) != (send.symbol, Decimal(send.volume)):
            result.violations.append(f"account {desk.login}: {send} was executed, the order is {order}")
        elif order["state"] in UNFILLED_ENDS and not order["filled_volume"]:
            result.violations.append(f"order {order['id']} is {order['state']}, and the broker executed it: {send}")
    for order in known.values():
        if order["state"] == "FILLED" and not done[comment_of(order["id"])]:
            result.violations.append(f"order {order['id']} is FILLED, and the broker never executed it")


async def _unknown_times(
    conn: asyncpg.Connection, orders: Sequence[asyncpg.Record]
) -> tuple[dict[str, Any], list[float]]:
    """How long orders stayed UNKNOWN with a terminal there: from its connect, or from the doubt if that is later.

    What never reached the broker leaves no evidence: it ends as NOT_FOUND a minute after its time, counted apart.
    """
    rows = await conn.fetch(
        """SELECT o.account_id, e.order_id, e.n, e.event, e.from_state, e.to_state, e.at
           FROM order_events e JOIN trading_orders o ON o.id = e.order_id
           WHERE o.id = ANY ($1) AND 'UNKNOWN' IN (e.from_state, e.to_state) ORDER BY e.order_id, e.n""",
        [order["id"] for order in orders],
    )
    connects: dict[Any, list[datetime]] = defaultdict(list)
    for row in await conn.fetch("SELECT account_id, connected_at FROM mt5_sessions ORDER BY connected_at"):
        connects[row["account_id"]].append(row["connected_at"])
    doubted: dict[int, datetime] = {}
    by_evidence, not_found = [], 0
    for row in rows:
        if row["to_state"] == "UNKNOWN":
            doubted.setdefault(row["order_id"], row["at"])
        elif row["order_id"] in doubted:
            before = [at for at in connects[row["account_id"]] if at <= row["at"]]
            since = max([doubted.pop(row["order_id"]), *before[-1:]])
            if row["event"] == OrderEventType.NOT_FOUND:
                not_found += 1
            else:
                by_evidence.append((row["at"] - since).total_seconds())
    found: dict[str, Any] = {
        "unknown": len(by_evidence) + not_found + len(doubted),
        "unknown_not_found": not_found,
        "unknown_left": len(doubted),
    }
    if by_evidence:
        by_evidence.sort()
        found["unknown_p50_s"] = round(by_evidence[len(by_evidence) // 2], 2)
        found["unknown_max_s"] = round(by_evidence[-1], 2)
    return found, by_evidence
