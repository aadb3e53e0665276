"""Carry out the plans of open positions by orders like anybody else's: a second apart, never backwards."""

from datetime import datetime, timedelta
from uuid import UUID

from rubi.domain.order import NewOrder, OrderKind, OrderState
from rubi.domain.plan import MoveStop, Step, TakePart, shown_step
from rubi.domain.risk import gates_change
from rubi.domain.risk.record import digest, plain
from rubi.domain.signal import OrderType
from rubi.flows.ports import Connection, Ports
from rubi.flows.queue_order import command_waits, not_after, queue_order
from rubi.flows.show_order import order_made
from rubi.live.bus import Event
from rubi.store import decisions, plans, risk_facts
from rubi.store.decisions import NewDecision
from rubi.store.plans import Plan

PAUSE = timedelta(seconds=1)
"""Between two orders for one position."""
AFTER_FAILURE = timedelta(seconds=15)
"""Before an order that the broker refused is tried again."""
OLDEST_QUOTE = timedelta(seconds=10)
ACTOR = "plan"


async def follow_plans(ports: Ports, account_id: UUID, *, now: datetime) -> int:
    """Do the next step of each of the account's plans; how many orders were made."""
    async with ports.pool.acquire() as conn:
        await plans.end(conn, account_id, now)
        if not _steps(await plans.due(conn, account_id, now=now, failed_after=now - AFTER_FAILURE), now):
            return 0
        async with conn.transaction():
            # Read again in the account's turn: a person may have moved the stop in this moment.
            now += await risk_facts.take_turn(conn, account_id)
            due = await plans.due(conn, account_id, now=now, failed_after=now - AFTER_FAILURE)
            events: list[Event] = []
            for plan, step in _steps(due, now):
                events += await _do(conn, account_id, plan, step, now)
    await ports.bus.publish(events)
    return len(events) // 2


def _steps(due: list[Plan], now: datetime) -> list[tuple[Plan, Step]]:
    found = [
        (plan, plan.case.next_step())
        for plan in due
        if now - min(plan.tick.time, plan.tick.received_at) <= OLDEST_QUOTE
    ]
    return [(plan, step) for plan, step in found if step is not None]


async def _do(conn: Connection, account_id: UUID, plan: Plan, step: Step, now: datetime) -> list[Event]:
    if isinstance(step, MoveStop):
        order, why, target = _move(account_id, plan, step, now), step.why, None
    else:
        order, why, target = _take_part(account_id, plan, step, now), f"target {step.n + 1}", step.n
    queued = await queue_order(conn, order, actor=f"{ACTOR}:{plan.id}", now=now)
    assert queued is not None, "only the legs of signals are unique"
    record = {
        "rules": "plan",
        "plan": plan.id,
        "case": plain(plan.case),
        "step": shown_step(step),
        "decision": gates_change.allow(0, plan.held.stop, order.sl or plan.held.stop, now=now).to_record(),
    }
    await decisions.insert(
        conn,
        NewDecision(
            user_id=plan.user_id,
            account_id=account_id,
            signal_id=None,
            order_id=queued.id,
            approved=True,
            code=None,
            detail=f"Plan {plan.id}: {why}.",
            record=record,
            record_sha256=digest(record),
            decided_at=now,
        ),
    )
    await plans.note_step(conn, plan, queued.id, target=target, next_at=now + PAUSE)
    return [
        command_waits(plan.user_id, account_id, queued),
        order_made(order, queued.id, OrderState.QUEUED, now=now),
    ]


def _take_part(account_id: UUID, plan: Plan, step: TakePart, now: datetime) -> NewOrder:
    kind = OrderKind.CLOSE_POSITION if step.whole else OrderKind.CLOSE_PARTIAL
    return NewOrder(
        user_id=plan.user_id,
        account_id=account_id,
        kind=kind,
        symbol=plan.spec.name,
        side=plan.held.side,
        order_type=OrderType.MARKET,
        volume=step.volume,
        magic=plan.magic,
        position_ticket=plan.ticket,
        guards={"reduce_only": True, "expect_volume": float(plan.held.volume)},
        not_after=not_after(kind, now),
    )


def _move(account_id: UUID, plan: Plan, step: MoveStop, now: datetime) -> NewOrder:
    return NewOrder(
        user_id=plan.user_id,
        account_id=account_id,
        kind=OrderKind.MODIFY_POSITION,
        symbol=plan.spec.name,
        side=plan.held.side,
        sl=step.price,
        tp=plan.target,
        magic=plan.magic,
        position_ticket=plan.ticket,
        not_after=not_after(OrderKind.MODIFY_POSITION, now),
    )


async def follow_all(ports: Ports, *, now: datetime) -> int:
    """Follow every account's plans: what a lost cycle left over, and plans whose positions are gone."""
    async with ports.pool.acquire() as conn:
        rows = await conn.fetch(plans.SQL["accounts"], 500)
    return sum([await follow_plans(ports, row["account_id"], now=now) for row in rows])
