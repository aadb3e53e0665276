"""Where an account stands against every limit, and how much room is left, in money and in lots."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.risk.case import Proposal, RiskCase
from rubi.domain.risk.decision import show
from rubi.domain.risk.status import RiskStatus, headroom_lots, status
from rubi.domain.risk.workings import Workings
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Price, Side, exact
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller
from rubi.flows.ports import Ports
from rubi.flows.show_signal import shown
from rubi.flows.unlock_risk import read_locks
from rubi.store import risk_facts
from rubi.store.risk_facts import RiskFacts

STOP_POINTS = 200
"""The distance of the stop for which lots are told, unless the caller names one."""


async def read_risk(ports: Ports, caller: Caller, account: str | None, *, stop_points: int) -> dict[str, Any]:
    """The account's risk now, as JSON; lots are what the room carries with a stop `stop_points` away.

    Raises:
        NotFoundError, ForbiddenError, RubiError: a wrong account, or none.

    """
    async with ports.pool.acquire() as conn, conn.transaction(readonly=True):
        chosen = await need_account(conn, caller.who.user_id, named=account, bound=caller.who.account_id)
        facts = await risk_facts.gather(conn, chosen.id, "", now=caller.now)
        quoted = await risk_facts.quoted_symbols(conn, chosen.id)
    locks = await read_locks(ports, caller, str(chosen.id))
    return _show(chosen.id, facts, quoted, locks, stop_points, caller.now)


def _show(
    account_id: UUID,
    facts: RiskFacts,
    quoted: list[tuple[SymbolSpec, Tick]],
    locks: dict[str, Any],
    stop_points: int,
    now: datetime,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "account_id": str(account_id),
        "at": shown("at", now),
        "policy_version": facts.policy.version,
        "trading_state": facts.states.account,
        "everywhere": facts.states.everywhere,
        "reason": facts.states.reason or None,
        "reconciled": facts.reconciled,
        "clock_suspect": facts.clock.suspect,
        "not_tradable_code": facts.not_tradable,
        "limits": locks["limits"],
        "locks": locks["locks"],
        "counts": {
            "positions": len(facts.positions),
            "pendings": len(facts.pendings),
            "reservations": sum(one.opens for one in facts.reservations),
            "max": facts.policy.max_positions,
        },
        "money": None,
    }
    if facts.account is None:
        return said
    nothing = Proposal(symbol="", side=Side.BUY, signal_time=now)
    with exact():
        case = RiskCase(
            proposal=nothing,
            policy=facts.policy,
            account=facts.account,
            tick=None,
            specs=facts.specs,
            positions=facts.positions,
            pendings=facts.pendings,
            reservations=facts.reservations,
            clock=facts.clock,
            day=facts.day,
            nav=facts.nav,
        )
        work = Workings(case, now)
        found = status(
            facts.account,
            facts.policy,
            work.exposures,
            work.specs,
            day=facts.day,
            nav=facts.nav,
            clock=facts.clock,
            now=now,
        )
    account = facts.account
    said["money"] = {
        "currency": account.currency,
        "balance": _number(account.balance),
        "equity": _number(account.equity),
        "margin_free": _number(account.margin_free),
        "taken_at": shown("taken_at", account.taken_at),
    }
    return said | _numbers(found, facts) | {"lots": _lots(found, facts, quoted, stop_points)}


def _numbers(found: RiskStatus, facts: RiskFacts) -> dict[str, Any]:
    policy, day, loss, down = facts.policy, facts.day, found.day, found.drawdown
    return {
        "open_risk": _number(found.open_risk),
        "heat_percent": _number(found.heat_percent),
        "max_heat_percent": _number(policy.max_total_exposure_percent),
        "leverage": _number(found.leverage),
        "max_leverage": _number(policy.max_leverage),
        "currencies": {name: _number(worth) for name, worth in found.currencies.items()},
        "day": None
        if day is None
        else {
            "day": day.day.isoformat(),
            "starts": shown("starts", day.starts),
            "ends": shown("ends", day.ends),
            "anchor": _number(day.anchor),
            "flows": _number(day.flows),
            "estimated": day.estimated,
            "loss": None if loss is None else _number(loss.loss),
            "limit": None if loss is None else _number(loss.limit),
            "floor": None if loss is None else _number(loss.floor),
            "used_percent": None if loss is None else _number(loss.used_percent),
            "level": None if loss is None else loss.level,
        },
        "drawdown": None
        if down is None
        else {
            "mode": policy.drawdown_mode,
            "percent": _number(down.percent),
            "limit_percent": _number(policy.max_drawdown_percent),
            "floor": _number(down.floor),
            "used_percent": _number(down.used_percent),
            "level": down.level,
        },
        "level": found.level,
        "headroom": {"money": _number(found.headroom.money), "limit": found.headroom.limit},
    }


def _lots(
    found: RiskStatus, facts: RiskFacts, quoted: list[tuple[SymbolSpec, Tick]], stop_points: int
) -> list[dict[str, Any]]:
    """The room in lots of every symbol with a quote: a buy at the ask with its stop so many points below."""
    rooms = []
    for spec, tick in quoted:
        stop = spec.price(tick.ask - stop_points * spec.point)
        if stop <= 0:
            continue
        lots = headroom_lots(found.headroom, spec, tick.ask, Price(stop), facts.policy)
        rooms.append({"symbol": spec.name, "lots": _number(lots), "stop_points": stop_points})
    return rooms


def _number(value: Decimal | None) -> float | None:
    """A number as JSON; what is infinite (no equity at all) is none."""
    return None if value is None or not value.is_finite() else float(show(value))
