"""Move the stop and the target of an open position; a stop that moves away from profit is weighed like new risk."""

from dataclasses import replace
from decimal import Decimal

from rubi.domain.errors import ConflictError, RubiError
from rubi.domain.order import NewOrder, OrderKind
from rubi.domain.risk import gates_change
from rubi.domain.risk.case import Proposal
from rubi.domain.risk.record import plain
from rubi.domain.units import NO_MONEY, Money, Price, Side
from rubi.flows.audit import audit
from rubi.flows.cancel_order import refuse_the_older_connector
from rubi.flows.close_positions import position_of
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.modify_order import Change
from rubi.flows.place_order import keep_order
from rubi.flows.ports import Connection
from rubi.flows.queue_order import not_after
from rubi.flows.read_signals import show_decision
from rubi.flows.show_order import show_order
from rubi.flows.weigh_signal import Verdict, case_of, refuse_unusable
from rubi.store import order_views, risk_facts
from rubi.store.pool import Row
from rubi.store.risk_facts import RiskFacts


async def modify_position(
    conn: Connection, caller: Caller, ticket: int, change: Change, *, account: str | None
) -> Effect:
    """Instruct the terminal to set a position's stop and target; what risk denies is kept as DENIED.

    Raises:
        NotFoundError: no such open position of this owner.
        ConflictError: another change is under way, or the connector takes signals only.
        RubiError: 422 when nothing would change, or a price stands on the wrong side of the market.

    """
    row = await position_of(conn, caller, ticket, account)
    account_id = row["account_id"]
    now = caller.now + await risk_facts.take_turn(conn, account_id)
    caller = replace(caller, now=now)
    row = await position_of(conn, caller, ticket, str(account_id))
    await refuse_the_older_connector(conn, account_id)
    live = await order_views.live_change(conn, account_id, position_ticket=row["ticket"])
    if live is not None:
        raise ConflictError("CHANGE_IN_PROGRESS", f"order {live['id']} is changing it already", order_id=live["id"])
    facts = await risk_facts.gather(conn, account_id, row["symbol"], now=now)
    stop, target = _levels(row, change, facts)
    verdict, added = await _weigh(conn, caller, row, stop, facts)
    order = NewOrder(
        user_id=caller.who.user_id,
        account_id=account_id,
        kind=OrderKind.MODIFY_POSITION,
        symbol=row["symbol"],
        side=Side(row["side"]),
        # The wire takes an absent stop for "leave it": one that is taken off is sent as 0.
        sl=stop or (Price(Decimal(0)) if row["sl"] else None),
        tp=target or (Price(Decimal(0)) if row["tp"] else None),
        magic=row["magic"],
        position_ticket=row["ticket"],
        reserved_risk=added,
        not_after=not_after(OrderKind.MODIFY_POSITION, now),
    )
    order_id, events = await keep_order(conn, caller, order, verdict)
    made = await order_views.one(conn, caller.owner, order_id)
    kept = await order_views.decision(conn, order_id)
    assert made is not None
    assert kept is not None
    await audit(
        conn,
        caller.who,
        "position.modify",
        "position",
        row["position_id"],
        {"ticket": row["ticket"], "sl": stop, "tp": target, "order_id": order_id, "code": verdict.code},
        request_id=caller.request_id,
        now=now,
    )
    return Effect(201, {**show_order(made), "decision": show_decision(kept)}, events)


def _levels(row: Row, change: Change, facts: RiskFacts) -> tuple[Price | None, Price | None]:
    """The stop and the target that the position shall have, on the tick grid and on their sides of the market."""
    spec = next((each for each in facts.specs if each.name == row["symbol"]), None)
    side = Side(row["side"])
    market = facts.tick.closing(side) if facts.tick is not None else Price(row["current_price"])
    before = {name: Price(row[name]) if row[name] else None for name in ("sl", "tp")}
    after: dict[str, Price | None] = {}
    for name, direction in (("sl", -1), ("tp", 1)):
        wanted: Price | None = change.pick(name, before[name])
        if name in change.given and wanted is not None:
            wanted = wanted if spec is None else spec.price_toward(wanted, market)
            if (wanted - market) * side.sign * direction <= 0:
                below = (side.sign * direction) < 0
                raise RubiError(
                    "STOP_WRONG_SIDE" if name == "sl" else "TARGET_WRONG_SIDE",
                    f"{name} {wanted} of a {side} must lie {'below' if below else 'above'} the market, {market}",
                    field=name,
                )
        after[name] = wanted
    if after == before:
        raise RubiError("NOTHING_TO_CHANGE", f"position {row['ticket']} has this stop and target already")
    return after["sl"], after["tp"]


async def _weigh(
    conn: Connection, caller: Caller, row: Row, stop: Price | None, facts: RiskFacts
) -> tuple[Verdict, Money]:
    held = next((each for each in facts.positions if each.position_id == str(row["position_id"])), None)
    if held is None:
        raise RuntimeError(f"position {row['position_id']} is open but not among the facts")
    if facts.policy_fault is not None and gates_change.adds_risk(held.side, held.stop, stop):
        return refuse_unusable(facts.policy.version, facts.policy_fault), NO_MONEY
    proposal = Proposal(symbol=held.symbol, side=held.side, signal_time=caller.now, stop=stop, volume=held.volume)
    case = await case_of(conn, proposal, row["account_id"], facts, now=caller.now)
    asked = gates_change.StopCase.of(case, held, stop)
    decision = asked.decide(caller.now)
    record = {"rules": "change", "case": plain(asked), "decision": decision.to_record()}
    code = None if decision.approved else str(decision.code)
    return Verdict((), code, decision.detail, record, decision.digest), decision.risk or NO_MONEY
