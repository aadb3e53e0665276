"""Where an account stands against every limit, and how much room is left, in money and in lots."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.risk.case import Proposal, RiskCase
from rubi.domain.risk.decision import show
from rubi.domain.risk.headroom import Headroom, Room, headroom_lots
from rubi.domain.risk.lot_quote import stated
from rubi.domain.risk.protections import Closure
from rubi.domain.risk.status import RiskStatus, status
from rubi.domain.risk.workings import Workings
from rubi.domain.units import NO_LOTS, NO_MONEY, Price, Side
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller
from rubi.flows.ports import Ports
from rubi.flows.show_signal import shown
from rubi.flows.unlock_risk import read_locks
from rubi.store import risk_facts
from rubi.store.risk_facts import QuotedSymbol, RiskFacts

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
        closures = await risk_facts.closures(conn, chosen.id, facts.policy, now=caller.now)
    locks = await read_locks(ports, caller, str(chosen.id))
    return _show(chosen.id, facts, quoted, closures, locks, stop_points=stop_points, now=caller.now)


def _show(
    account_id: UUID,
    facts: RiskFacts,
    quoted: list[QuotedSymbol],
    closures: tuple[Closure, ...],
    locks: dict[str, Any],
    *,
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
    work = Workings(_case(facts, closures, quoted, now), now)
    found = status(work)
    assert found is not None, "the account's figures are known"
    account = facts.account
    said["money"] = {
        "currency": account.currency,
        "balance": _number(account.balance),
        "equity": _number(account.equity),
        "margin_free": _number(account.margin_free),
        "taken_at": shown("taken_at", account.taken_at),
    }
    room = found.headroom
    if facts.barred is not None:
        room = Headroom(NO_MONEY, facts.barred)
    return said | _numbers(found, facts, room) | {"lots": _lots(work, facts, room, quoted, stop_points)}


def _case(facts: RiskFacts, closures: tuple[Closure, ...], quoted: list[QuotedSymbol], now: datetime) -> RiskCase:
    """The account's case about nothing yet, with every symbol that something could be proposed in."""
    known = {spec.name for spec in facts.specs}
    return RiskCase(
        proposal=Proposal(symbol="", side=Side.BUY, signal_time=now),
        policy=facts.policy,
        account=facts.account,
        tick=None,
        specs=(*facts.specs, *(one.spec for one in quoted if one.spec.name not in known)),
        positions=facts.positions,
        pendings=facts.pendings,
        reservations=facts.reservations,
        states=facts.states,
        reconciled=facts.reconciled,
        locks=facts.locks,
        closures=closures,
        clock=facts.clock,
        day=facts.day,
        nav=facts.nav,
    )


def _numbers(found: RiskStatus, facts: RiskFacts, room: Headroom) -> dict[str, Any]:
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
        "headroom": {"money": _number(room.money), "limit": room.limit},
    }


def _lots(
    work: Workings, facts: RiskFacts, room: Headroom, quoted: list[QuotedSymbol], stop_points: int
) -> list[dict[str, Any]]:
    """The room of every symbol with a quote, on each side: a market order with its stop so many points away."""
    rooms = []
    for one in quoted:
        sides = {side: _room(work, facts, room, one, side, stop_points) for side in Side}
        rooms.append(
            {
                "symbol": one.spec.name,
                "stop_points": stop_points,
                "lots": _number(min(each.lots for each in sides.values())),
                **{side.lower(): {"lots": _number(each.lots), "limit": each.limit} for side, each in sides.items()},
            }
        )
    return rooms


def _room(work: Workings, facts: RiskFacts, room: Headroom, one: QuotedSymbol, side: Side, stop_points: int) -> Room:
    if facts.barred is not None:
        return Room(NO_LOTS, room.limit)
    stop = Price(one.spec.price(one.tick.entry(side) - side.sign * stop_points * one.spec.point))
    proposal = Proposal(symbol=one.spec.name, side=side, signal_time=work.now, stop=stop)
    said = stated(one.quotes, proposal, one.spec, one.tick, now=work.now)
    case = replace(
        work.case,
        proposal=proposal,
        tick=one.tick,
        states=replace(work.case.states, symbol=one.state),
        unknown_order=one.unknown_order,
        ea_loss_per_lot=said.loss_per_lot,
        ea_margin_per_lot=said.margin_per_lot,
    )
    return headroom_lots(work.about(case), room)


def _number(value: Decimal | None) -> float | None:
    """A number as JSON; what is infinite (no equity at all) is none."""
    return None if value is None or not value.is_finite() else float(show(value))
