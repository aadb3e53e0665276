"""Change an order that works at the broker: a safer stop passes, everything else is weighed like a new order."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from rubi.domain.errors import ConflictError, NotFoundError, RubiError
from rubi.domain.order import NewOrder, OrderEvent, OrderEventType, OrderKind, OrderState
from rubi.domain.risk import gates, gates_change
from rubi.domain.risk.case import Proposal, SizingChoice
from rubi.domain.risk.exposure import of_pending
from rubi.domain.risk.holdings import OpenPosition, PendingOrder
from rubi.domain.risk.policy import SizingMode
from rubi.domain.risk.record import plain
from rubi.domain.signal import OrderType
from rubi.domain.units import NO_MONEY, Lots, Money, Price, Side
from rubi.flows.audit import audit
from rubi.flows.cancel_order import lives, refuse_the_older_connector, shown_with, working_of
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.place_order import keep_order
from rubi.flows.ports import Connection
from rubi.flows.queue_order import not_after
from rubi.flows.read_signals import show_decision
from rubi.flows.settle_order import settle
from rubi.flows.show_order import show_order
from rubi.flows.weigh_signal import Verdict, case_of, refuse_unusable
from rubi.store import order_views, risk_facts
from rubi.store.pool import Row
from rubi.store.risk_facts import RiskFacts


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of an order or a position; a name that is not in `given` stays as it is.

    `sl`, `tp` None in `given`: taken off.
    """

    given: frozenset[str]
    price: Price | None = None
    stop_limit: Price | None = None
    sl: Price | None = None
    tp: Price | None = None
    expiration: datetime | None = None

    def pick(self, name: str, now: Any) -> Any:
        """The value that `name` shall have; `now` is the one it has."""
        return getattr(self, name) if name in self.given else now


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a pending order stands for."""

    price: Price
    stop_limit: Price | None
    sl: Price | None
    tp: Price | None
    expiration: datetime | None
    type_time: str = field(default="GTC", compare=False)


async def modify_order(conn: Connection, caller: Caller, order_id: int, change: Change) -> Effect:
    """Instruct the terminal to change a working order of ours; a change that risk denies is kept as DENIED.

    Raises:
        NotFoundError: no such order of this owner.
        ConflictError: it does not work at the broker, or another change is under way.
        RubiError: 422 when nothing would change, or a time is over.

    """
    row = await order_views.one(conn, caller.owner, order_id)
    if row is None:
        raise NotFoundError("ORDER_NOT_FOUND", f"there is no order {order_id}")
    caller = replace(caller, now=caller.now + await risk_facts.take_turn(conn, row["account_id"]))
    row = await order_views.one(conn, caller.owner, order_id)
    assert row is not None
    if row["state"] not in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED) or row["kind"] != OrderKind.PLACE_PENDING:
        busy = row["state"] in (OrderState.PENDING_MODIFY, OrderState.PENDING_CANCEL)
        raise ConflictError(
            "CHANGE_IN_PROGRESS" if busy else "ORDER_NOT_WORKING",
            f"order {order_id} is {row['state']}; only an order that works at the broker can be modified",
            state=row["state"],
        )
    working = await order_views.working(conn, caller.owner, row["order_ticket"], row["account_id"])
    if not working:
        raise ConflictError("ORDER_NOT_WORKING", f"order {order_id} is not in the broker's book now; try again")
    return await _modify(conn, caller, working[0], change, order_id)


async def modify_ticket(conn: Connection, caller: Caller, ticket: int, change: Change) -> Effect:
    """Change the order of a broker's ticket: ours, or one that somebody else placed.

    Raises:
        NotFoundError, ConflictError, RubiError: as `modify_order`; 422 when two accounts have the ticket.

    """
    working = await working_of(conn, caller, ticket)
    caller = replace(caller, now=caller.now + await risk_facts.take_turn(conn, working["account_id"]))
    if await lives(conn, caller, working["order_id"]):
        return await modify_order(conn, caller, working["order_id"], change)
    return await _modify(conn, caller, working, change, None)


async def _modify(conn: Connection, caller: Caller, working: Row, change: Change, ours: int | None) -> Effect:
    now, account_id = caller.now, working["account_id"]
    await refuse_the_older_connector(conn, account_id)
    live = await order_views.live_change(conn, account_id, order_ticket=working["ticket"])
    if live is not None:
        raise ConflictError("CHANGE_IN_PROGRESS", f"order {live['id']} is changing it already", order_id=live["id"])
    facts = await risk_facts.gather(conn, account_id, working["symbol"], now=now)
    before, after = _terms(working, change, facts)
    if after == before:
        raise RubiError("NOTHING_TO_CHANGE", "the order stands like this already")
    if "expiration" in change.given and after.expiration is not None and after.expiration <= now:
        raise RubiError("EXPIRATION_PAST", f"expiration {after.expiration.isoformat()} is over", field="expiration")
    side = Side.BUY if working["type"].startswith("BUY") else Side.SELL
    verdict, added = await _weigh(conn, caller, working, side, before, after, facts)
    order = NewOrder(
        user_id=caller.who.user_id,
        account_id=account_id,
        kind=OrderKind.MODIFY_PENDING,
        symbol=working["symbol"],
        side=side,
        order_type=_order_type(working),
        price=after.price,
        stop_limit=after.stop_limit,
        # The wire takes an absent stop for "leave it": one that is taken off is sent as 0.
        sl=after.sl or (Price(Decimal(0)) if before.sl else None),
        tp=after.tp or (Price(Decimal(0)) if before.tp else None),
        type_time=after.type_time,
        expiration=after.expiration,
        magic=working["magic"],
        target_ticket=working["ticket"],
        target_order_id=ours,
        reserved_risk=added,
        not_after=not_after(OrderKind.MODIFY_PENDING, now),
    )
    order_id, events = await keep_order(conn, caller, order, verdict)
    if verdict.code is None and ours is not None:
        asked = OrderEvent(OrderEventType.MODIFY_ASKED, now, payload={"by_order": order_id})
        settled = await settle(conn, ours, asked, actor=caller.who.actor)
        events += [] if settled is None else settled.events
    decision = await order_views.decision(conn, order_id)
    assert decision is not None
    told = {name: getattr(change, name) for name in sorted(change.given)}
    await audit(
        conn,
        caller.who,
        "order.modify",
        "ticket" if ours is None else "order",
        ours or working["ticket"],
        {**told, "instruction": order_id, "code": verdict.code},
        request_id=caller.request_id,
        now=now,
    )
    shown = show_decision(decision)
    if ours is None:
        row = await order_views.one(conn, caller.owner, order_id)
        assert row is not None
        return Effect(200, {**show_order(row), "decision": shown}, events)
    return Effect(200, await shown_with(conn, caller, ours, order_id, decision=shown), events)


def _terms(working: Row, change: Change, facts: RiskFacts) -> tuple[_Terms, _Terms]:
    """The order as the broker has it, and as it shall be, prices on the tick grid."""
    before = _Terms(
        price=Price(working["price_open"]),
        stop_limit=_or_none(working["stop_limit"]),
        sl=_or_none(working["sl"]),
        tp=_or_none(working["tp"]),
        expiration=working["expiration"],
        type_time=working["type_time"],
    )
    spec = next((each for each in facts.specs if each.name == working["symbol"]), None)

    def on_grid(name: str, now: Price | None) -> Price | None:
        wanted: Price | None = change.pick(name, now)
        return wanted if wanted is None or spec is None or name not in change.given else spec.price(wanted)

    expiration = change.pick("expiration", before.expiration)
    return before, _Terms(
        price=on_grid("price", before.price) or before.price,
        stop_limit=on_grid("stop_limit", before.stop_limit),
        sl=on_grid("sl", before.sl),
        tp=on_grid("tp", before.tp),
        expiration=expiration,
        type_time="SPECIFIED" if "expiration" in change.given else before.type_time,
    )


async def _weigh(
    conn: Connection, caller: Caller, working: Row, side: Side, before: _Terms, after: _Terms, facts: RiskFacts
) -> tuple[Verdict, Money]:
    """The verdict on new terms, and the risk that they add (account currency)."""
    now, volume = caller.now, Lots(working["volume_current"])
    same_entry = (before.price, before.stop_limit) == (after.price, after.stop_limit)
    if same_entry and not gates_change.adds_risk(side, before.sl, after.sl):
        waiting = OpenPosition(working["symbol"], side, volume, before.price, before.price, before.sl)
        asked = gates_change.StopCase(waiting, after.sl, facts.policy.version)
        safe = asked.decide(now)
        record = {"rules": "change", "case": plain(asked), "decision": safe.to_record()}
        return Verdict((), None, "", record, safe.digest), NO_MONEY
    if facts.policy_fault is not None:
        return refuse_unusable(facts.policy.version, facts.policy_fault), NO_MONEY
    ticket, order_id = str(working["ticket"]), working["order_id"]
    others = replace(
        facts,
        pendings=tuple(each for each in facts.pendings if each.ticket != ticket),
        reservations=tuple(each for each in facts.reservations if order_id is None or each.order_id != order_id),
    )
    proposal = Proposal(
        symbol=working["symbol"],
        side=side,
        signal_time=now,
        order_type=_order_type(working),
        entry=after.price,
        limit_price=after.stop_limit,
        stop=after.sl,
        target=after.tp,
        volume=volume,
        sizing=SizingChoice(SizingMode.FIXED_LOTS, volume),
    )
    case = await case_of(conn, proposal, working["account_id"], others, now=now)
    decision = gates.decide(case, now=now)
    record = {"rules": "gates", **gates.decision_record(case, decision)}
    code, detail = (None, "") if decision.approved else (str(decision.code), decision.detail)
    if decision.approved and decision.volume != volume:
        code = "RISK_PER_ORDER_EXCEEDED"
        detail = f"At these prices {decision.volume} lots are allowed and {volume} wait; cancel it and place it anew."
    return Verdict((), code, detail, record, record["digest"]), _added(working, side, before, decision.risk, facts)


def _added(working: Row, side: Side, before: _Terms, risk: Money | None, facts: RiskFacts) -> Money:
    spec = next((each for each in facts.specs if each.name == working["symbol"]), None)
    if spec is None or risk is None:
        return NO_MONEY
    volume = Lots(working["volume_current"])
    pending = PendingOrder(working["symbol"], side, volume, before.price, before.sl)
    leverage = None if facts.account is None else facts.account.leverage
    return Money(max(NO_MONEY, risk - of_pending(pending, spec, facts.policy, leverage).risk))


def _order_type(working: Row) -> OrderType:
    return OrderType(working["type"].partition("_")[2] or "LIMIT")


def _or_none(value: Decimal | None) -> Price | None:
    return Price(value) if value else None
