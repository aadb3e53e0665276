"""Every five seconds: whatever a lost bell, a dead worker or a silent terminal left over.

Each step is a transaction of its own, in batches, and takes rows that no other sweep holds: two at once are harmless.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rubi.flows.decide_signal import expire
from rubi.flows.flatten_account import flatten_asked, flatten_breached
from rubi.flows.follow_plans import follow_all
from rubi.flows.ports import Ports
from rubi.flows.raise_alert import raise_alert
from rubi.flows.sweep_orders import sweep_orders
from rubi.live.bus import Event
from rubi.observability.metrics import SWEEPS, SWEPT
from rubi.store import signals, sweeps

log = structlog.get_logger(__name__)

BELL_PATIENCE = timedelta(seconds=3)
"""A signal whose bell was rung this long ago and that nobody decided is rung again."""
SESSION_PATIENCE = timedelta(seconds=15)
LEGACY_SESSION_PATIENCE = timedelta(seconds=180)
KEY_LIFE = timedelta(days=7)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """How much each step found."""

    rung: int
    expired: int
    silent: int
    forgotten: int


async def sweep(ports: Ports, *, now: datetime) -> Swept:
    """Do every step; one that fails does not keep the others from their work.

    Raises:
        ExceptionGroup: what failed, after all steps were tried.

    """
    failures: list[Exception] = []

    async def attempt(step: Callable[..., Awaitable[int]]) -> int:
        try:
            return await step(ports, now=now)
        except Exception as error:  # noqa: BLE001 - raised again below, when the other steps had their turn
            failures.append(error)
            return 0

    swept = Swept(
        expired=await attempt(_expire_signals),
        rung=await attempt(_ring_again),
        silent=await attempt(_silence_sessions),
        forgotten=await attempt(_forget_keys),
    )
    await attempt(_sweep_orders)
    await attempt(flatten_breached)
    await attempt(flatten_asked)
    await attempt(follow_all)
    SWEEPS.inc()
    for what in ("rung", "expired", "silent"):
        SWEPT.labels(what).inc(getattr(swept, what))
    if swept.rung or swept.expired or swept.silent:
        log.info("sweep.found", rung=swept.rung, expired=swept.expired, silent=swept.silent)
    if failures:
        raise ExceptionGroup("the sweep could not do everything", failures)
    return swept


async def _sweep_orders(ports: Ports, *, now: datetime) -> int:
    await sweep_orders(ports, now=now)
    return 0


async def _ring_again(ports: Ports, *, now: datetime) -> int:
    async with ports.pool.acquire() as conn, conn.transaction():
        waiting = await signals.ring_again(conn, now=now, silent_for=BELL_PATIENCE, limit=BATCH)
    for signal_id in waiting:
        ports.ring_decide(signal_id)
    return len(waiting)


async def _expire_signals(ports: Ports, *, now: datetime) -> int:
    async with ports.pool.acquire() as conn, conn.transaction():
        ended = [await expire(conn, row, now=now) for row in await signals.lock_expired(conn, now=now, limit=BATCH)]
    await ports.bus.publish([event for each in ended for event in each.events])
    return len(ended)


async def _silence_sessions(ports: Ports, *, now: datetime) -> int:
    told: list[Event] = []
    async with ports.pool.acquire() as conn, conn.transaction():
        silent = await sweeps.silence_sessions(
            conn, now=now, patience=SESSION_PATIENCE, legacy_patience=LEGACY_SESSION_PATIENCE, limit=BATCH
        )
        for session in silent:
            told += await raise_alert(
                conn,
                user_id=session["user_id"],
                account_id=session["account_id"],
                code="TERMINAL_SILENT",
                severity="warning",
                object_="session",
                object_id=f"{session['id']}@{session['last_seen_at'].isoformat()}",
                detail=(
                    f"the terminal of account {session['login']} on {session['server']} has not called for "
                    f"{(now - session['last_seen_at']).total_seconds():.0f} s; orders wait for it"
                ),
                now=now,
            )
    await ports.bus.publish(told)
    return len(silent)


async def _forget_keys(ports: Ports, *, now: datetime) -> int:
    async with ports.pool.acquire() as conn, conn.transaction():
        return await sweeps.forget_keys(conn, before=now - KEY_LIFE, limit=BATCH)
