"""A kept signal becomes orders in the queue, or a denial with its code: one transaction, whatever dies around it."""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from rubi.domain.order import OrderState
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.gates import GATES
from rubi.domain.signal import SignalStatus, SignalType
from rubi.flows.ports import Ports
from rubi.flows.queue_order import command_waits, queue_order
from rubi.flows.report_unusable_policy import report_unusable_policy
from rubi.flows.show_order import order_made
from rubi.flows.show_signal import signal_update
from rubi.flows.weigh_signal import Verdict, refuse, weigh_close, weigh_open
from rubi.live.bus import Event
from rubi.observability.metrics import ORDER_TRANSITIONS, RISK_BLOCKS, SIGNALS_DENIED, count_blocks, observe_order
from rubi.store import orders, plans, risk_facts, signals
from rubi.store.decisions import NewDecision
from rubi.store.orders import Queued
from rubi.store.pool import Connection, Row

log = structlog.get_logger(__name__)

# From 0 on: a series that begins with its first denial has no rate.
for _code in (*DenialCode, "EXPIRED", "NO_ACCOUNT", "NOTHING_TO_CLOSE"):
    SIGNALS_DENIED.labels(str(_code))
for _gate in GATES:
    RISK_BLOCKS.labels(_gate.__name__)

ACTOR = "risk"
_CUT = (
    # A connection that was cut before it was taken out of the pool: what it may have committed is not decided again.
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *_CUT)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a signal; `events` are told after the commit."""

    signal_id: int
    received_at: datetime
    approved: bool
    code: str | None
    order_ids: tuple[int, ...] = ()
    blocked_by: tuple[str, ...] = ()
    events: tuple[Event, ...] = field(default=(), repr=False)


async def decide_signal(ports: Ports, signal_id: int, *, now: datetime) -> Decided | None:
    """Decide on a signal that waits; None when it is decided already or another worker has it."""
    try:
        decided = await _decide(ports, signal_id, now)
    except _AGAIN as error:
        log.info("decide.again", signal_id=signal_id, error=type(error).__name__)
        if isinstance(error, _CUT):
            await ports.pool.expire_connections()  # the others were cut with it, as likely as not
        decided = await _decide(ports, signal_id, now)
    if decided is not None:
        _count(decided, now)
    return decided


def _count(decided: Decided, now: datetime) -> None:
    if decided.approved:
        ORDER_TRANSITIONS.labels(OrderState.QUEUED).inc(len(decided.order_ids))
        observe_order("decide", (now - decided.received_at).total_seconds())
    else:
        SIGNALS_DENIED.labels(decided.code).inc()
        count_blocks(decided.blocked_by)


async def _decide(ports: Ports, signal_id: int, now: datetime) -> Decided | None:
    async with ports.pool.acquire() as conn:
        async with conn.transaction():
            decided = await _decide_in(conn, signal_id, now)
        if decided is not None:
            # Before the connection is given back, which takes turns of the loop: a terminal waits for this.
            ports.bus.tell(decided.events)
        return decided


async def _decide_in(conn: Connection, signal_id: int, now: datetime) -> Decided | None:
    begun = time.monotonic()
    signal = await signals.take_undecided(conn, signal_id)
    if signal is None:
        return None
    if signal["expires_at"] <= now:
        return await expire(conn, signal, now=now)
    account_id = signal["meant_account_id"]
    if account_id is None:
        detail = "There is no account to trade on: connect a terminal, or name one of several in `account`."
        return await _deny(conn, signal, None, refuse("NO_ACCOUNT", detail), now)
    now += risk_facts.waited_since(begun)
    facts = await risk_facts.gather(conn, account_id, signal["symbol"], now=now)
    if SignalType(signal["signal_type"]).closes:
        verdict = weigh_close(signal, account_id, facts, now=now)
    else:
        verdict = await weigh_open(conn, signal, account_id, facts, now=now)
    if not verdict.orders:
        denied = await _deny(conn, signal, account_id, verdict, now)
        if facts.policy_fault is None:
            return denied
        alerts = await report_unusable_policy(
            conn,
            user_id=signal["user_id"],
            account_id=account_id,
            version=facts.policy.version,
            fault=facts.policy_fault,
            now=now,
        )
        return replace(denied, events=(*denied.events, *alerts))
    return await _queue(conn, signal, account_id, verdict, now)


async def expire(conn: Connection, signal: Row, *, now: datetime) -> Decided:
    """End a signal whose life is over before anybody decided; its row is locked by the caller's transaction."""
    life = (signal["expires_at"] - signal["received_at"]).total_seconds()
    return await end_undecided(
        conn,
        signal,
        code="EXPIRED",
        message=f"It was not decided within its {life:.0f} s; nothing was sent to the terminal.",
        now=now,
    )


async def end_undecided(conn: Connection, signal: Row, *, code: str, message: str, now: datetime) -> Decided:
    """End a signal that nobody decided, for a reason; its row is locked by the caller's transaction."""
    decision = _decision(signal, signal["account_id"], refuse(code, message), now)
    row = await signals.settle(
        conn, signal["id"], decision, status=SignalStatus.EXPIRED, detail_status=SignalStatus.EXPIRED
    )
    return Decided(signal["id"], signal["received_at"], approved=False, code=code, events=(signal_update(row),))


async def _deny(conn: Connection, signal: Row, account_id: UUID | None, verdict: Verdict, now: datetime) -> Decided:
    decision = _decision(signal, account_id, verdict, now)
    row = await signals.settle(conn, signal["id"], decision, status=SignalStatus.REJECTED, detail_status="DENIED")
    return Decided(
        signal["id"],
        signal["received_at"],
        approved=False,
        code=verdict.code,
        blocked_by=verdict.blocked_by,
        events=(signal_update(row),),
    )


async def _queue(conn: Connection, signal: Row, account_id: UUID, verdict: Verdict, now: datetime) -> Decided:
    first, *others = verdict.orders
    decision = _decision(signal, account_id, verdict, now, approved=True)
    row = await orders.insert_of_signal(conn, first, decision, actor=ACTOR)
    if row is None:
        raise RuntimeError(f"signal {signal['id']} has its orders but was not marked as decided")
    made = [(first, Queued(row["order_id"], row["told"]))]
    for order in others:
        queued = await queue_order(conn, order, actor=ACTOR, now=now)
        if queued is not None:
            made.append((order, queued))
    if verdict.plan is not None:
        await plans.insert(
            conn,
            account_id,
            verdict.plan,
            user_id=signal["user_id"],
            signal_id=signal["id"],
            order_id=row["order_id"],
            now=now,
        )
    told = [
        command_waits(signal["user_id"], account_id, *(queued for _, queued in made)),
        *(order_made(order, queued.id, OrderState.QUEUED, now=now) for order, queued in made),
        signal_update(row),
    ]
    return Decided(
        signal["id"],
        signal["received_at"],
        approved=True,
        code=None,
        order_ids=tuple(queued.id for _, queued in made),
        events=tuple(told),
    )


def _decision(
    signal: Row, account_id: UUID | None, verdict: Verdict, now: datetime, *, approved: bool = False
) -> NewDecision:
    return NewDecision(
        user_id=signal["user_id"],
        account_id=account_id,
        signal_id=signal["id"],
        order_id=None,
        approved=approved,
        code=verdict.code,
        detail=verdict.detail,
        record=verdict.record,
        record_sha256=verdict.sha256,
        decided_at=now,
    )
