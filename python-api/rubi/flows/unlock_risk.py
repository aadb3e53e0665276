"""A person takes a lock away, or unlocks a breached limit, and says why."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from rubi.domain.account import TradingState
from rubi.domain.errors import ConflictError, NotFoundError
from rubi.domain.risk import memory as limits
from rubi.domain.risk.day import trading_day
from rubi.flows.audit import audit
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection, Ports
from rubi.flows.raise_alert import raise_alert
from rubi.flows.show_signal import shown
from rubi.flows.watch_limits import remembered, why_held
from rubi.store import risk_facts, risk_locks, risk_state
from rubi.store.pool import Row

DAY, DRAWDOWN = "DAY", "DRAWDOWN"


async def read_locks(ports: Ports, caller: Caller, account: str | None) -> dict[str, Any]:
    """Everything that a limit or a protection holds back on an account now.

    Raises:
        NotFoundError, ForbiddenError, RubiError: a wrong account, or none.

    """
    async with ports.pool.acquire() as conn:
        chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
        locks = [show_lock(row) for row in await risk_locks.live(conn, chosen.id, caller.now)]
        async with conn.transaction():
            state = await risk_state.read(conn, chosen.id)
    held = []
    if state is not None and state.memory is not None:
        memory = state.memory
        if memory.day_level.trading_state is not TradingState.ACTIVE and caller.now < memory.day.ends:
            held.append({"lock": DAY, "level": memory.day_level, "until": shown("until", memory.day.ends)})
        if memory.drawdown_level.trading_state is not TradingState.ACTIVE:
            held.append({"lock": DRAWDOWN, "level": memory.drawdown_level, "until": None})
    return {
        "account_id": str(chosen.id),
        "reason": None if state is None else state.reason,
        "limits": held,
        "locks": locks,
    }


async def unlock(conn: Connection, caller: Caller, lock: int | str, *, account: str | None, reason: str) -> Effect:
    """Unlock in the caller's transaction: a lock by its id, `DAY`, or `DRAWDOWN`.

    An unlocked day or drawdown counts anew from the account's money now: the loss so far is not counted twice.

    Raises:
        NotFoundError: no such lock holds.
        ConflictError: `NOT_LOCKED`, the limit holds nothing back.

    """
    chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
    await risk_facts.take_turn(conn, chosen.id)
    if isinstance(lock, int):
        row = await risk_locks.release(conn, chosen.id, lock, user_id=caller.who.user_id, reason=reason, now=caller.now)
        if row is None:
            raise NotFoundError("LOCK_NOT_FOUND", f"no lock {lock} holds this account; see /api/v1/risk/locks")
        told: dict[str, Any] = {"unlocked": lock, **show_lock(row)}
    else:
        told = await _unlock_limit(conn, caller, chosen.id, lock)
    events = await raise_alert(
        conn,
        user_id=caller.who.user_id,
        account_id=chosen.id,
        code="RISK_UNLOCKED",
        severity="info",
        object_="account",
        object_id=f"{chosen.id}@{caller.now.isoformat()}",
        detail=f"{caller.who.actor} unlocked {lock}: {reason}",
        now=caller.now,
    )
    await audit(
        conn,
        caller.who,
        "risk.unlock",
        "account",
        chosen.id,
        {"lock": lock, "reason": reason, **told},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(200, {"account_id": str(chosen.id), "reason": reason, **told}, events)


async def _unlock_limit(conn: Connection, caller: Caller, account_id: UUID, limit: str) -> dict[str, Any]:
    account = await risk_state.read(conn, account_id)
    if account is None or account.memory is None:
        raise ConflictError("NOT_LOCKED", "nothing is known of this account's money yet, so no limit holds it back")
    today = trading_day(caller.now, account.policy, account.clock)
    memory = await remembered(conn, account_id, account, today)
    level = memory.day_level if limit == DAY else memory.drawdown_level
    if level.trading_state is TradingState.ACTIVE:
        detail = f"the {limit.lower()} limit holds nothing back now; it is {level}"
        raise ConflictError("NOT_LOCKED", detail, level=level)
    watched = limits.watch(
        memory, account.snapshot, account.policy, today, deals_come=account.deals_come, now=caller.now
    )
    restart = limits.restart_day if limit == DAY else limits.restart_drawdown
    after = restart(watched.memory, account.snapshot, account.policy, today)
    reason = why_held(replace(watched, memory=after), account.snapshot.currency)
    since = account.flatten_since if after.trading_state is TradingState.HALTED else None
    await risk_state.save(conn, account_id, after, reason=reason, flatten_since=since, now=caller.now)
    await risk_state.save_day(conn, account_id, after, account.policy.day_anchor)
    return {"unlocked": limit, "was": level, "trading_state": after.trading_state}


def show_lock(row: Row) -> dict[str, Any]:
    """A lock as JSON."""
    return {name: shown(name, value) for name, value in row.items()}
