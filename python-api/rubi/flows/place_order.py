"""A person's or a program's own order: the same gates as for a signal, and a decision that is kept with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rubi.domain.errors import RubiError
from rubi.domain.order import NewOrder, OrderKind, OrderState
from rubi.domain.risk.case import Proposal, SizingChoice
from rubi.domain.signal import OrderType
from rubi.domain.units import Lots, Price, Side
from rubi.flows.audit import audit
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.ports import Connection, Ports
from rubi.flows.queue_order import command_waits, queue_order
from rubi.flows.read_signals import show_decision
from rubi.flows.show_order import order_made, show_order
from rubi.flows.weigh_signal import Opening, Verdict, refuse, weigh_opening
from rubi.live.bus import Event
from rubi.observability.metrics import count_blocks
from rubi.store import decisions, denied_orders, order_views, risk_facts
from rubi.store.decisions import NewDecision
from rubi.store.pool import Row


@dataclass(frozen=True, slots=True)
class OrderWish:
    """An opening order. `sizing` None: the account's policy sizes it. Prices as asked, not yet on the grid."""

    symbol: str
    side: Side
    order_type: OrderType = OrderType.MARKET
    volume: Lots | None = None
    sizing: SizingChoice | None = None
    price: Price | None = None
    stop_limit: Price | None = None
    sl: Price | None = None
    tp: Price | None = None
    expiration: datetime | None = None
    deviation_points: int | None = None
    comment: str | None = None
    magic: int = 0
    account: str | None = None


async def place_order(conn: Connection, caller: Caller, wish: OrderWish) -> Effect:
    """Decide on the order under the account's lock, in the caller's transaction, and queue it or keep it as DENIED.

    Raises:
        RubiError: 422 for a wrong field or account, 403 or 404 for a wrong account.

    """
    opening, verdict, account = await _weigh(conn, caller, wish)
    order = verdict.orders[0] if verdict.orders else _as_asked(opening, wish, account)
    order_id, event = await keep_order(conn, caller, order, verdict)
    row = await order_views.one(conn, caller.owner, order_id)
    decision = await order_views.decision(conn, order_id)
    assert row is not None
    assert decision is not None
    await audit(
        conn,
        caller.who,
        "order.place",
        "order",
        order_id,
        {"symbol": wish.symbol, "side": wish.side, "volume": row["volume"], "state": row["state"], "code": row["code"]},
        request_id=caller.request_id,
        now=caller.now,
    )
    answer = {**show_order(row), "comment": wish.comment, "decision": show_decision(decision)}
    return Effect(201, answer, event)


async def try_order(ports: Ports, caller: Caller, wish: OrderWish) -> dict[str, Any]:
    """What `place_order` would decide now, with the whole record; nothing is stored.

    Raises:
        RubiError: as `place_order`.

    """
    async with ports.pool.acquire() as conn, conn.transaction(readonly=True):
        _, verdict, account = await _weigh(conn, caller, wish)
    said = verdict.record.get("decision", {})
    return {
        "dry_run": True,
        "account_id": str(account["id"]),
        "approved": bool(verdict.orders),
        "code": verdict.code,
        "detail": verdict.detail,
        "volume": None if said.get("volume") is None else float(said["volume"]),
        "risk": None if said.get("risk") is None else float(said["risk"]),
        "margin": None if said.get("margin") is None else float(said["margin"]),
        "sha256": verdict.sha256,
        "record": verdict.record,
    }


async def keep_order(conn: Connection, caller: Caller, order: NewOrder, verdict: Verdict) -> tuple[int, list[Event]]:
    """Queue the order, or keep it as DENIED when the verdict has a code; its decision with it."""
    now, actor = caller.now, caller.who.actor
    if verdict.code is None:
        queued = await queue_order(conn, order, actor=actor, now=now)
        assert queued is not None, "only the legs of signals are unique"
        order_id = queued.id
        events = [command_waits(order.user_id, order.account_id, queued)]
        events.append(order_made(order, order_id, OrderState.QUEUED, now=now))
    else:
        order_id = await denied_orders.insert(
            conn, order, code=verdict.code, detail=verdict.detail, actor=actor, now=now
        )
        count_blocks(verdict.blocked_by)
        events = [order_made(order, order_id, OrderState.DENIED, code=verdict.code, now=now)]
    await decisions.insert(
        conn,
        NewDecision(
            user_id=order.user_id,
            account_id=order.account_id,
            signal_id=None,
            order_id=order_id,
            approved=verdict.code is None,
            code=verdict.code,
            detail=verdict.detail,
            record=verdict.record,
            record_sha256=verdict.sha256,
            decided_at=now,
        ),
    )
    return order_id, events


async def _weigh(conn: Connection, caller: Caller, wish: OrderWish) -> tuple[Opening, Verdict, Row]:
    now, user_id = caller.now, caller.who.user_id
    if wish.expiration is not None and wish.expiration <= now:
        raise RubiError(
            "EXPIRATION_PAST",
            f"expiration {wish.expiration.isoformat()} is over; name a later time",
            field="expiration",
        )
    chosen = await need_account(conn, user_id, named=wish.account, bound=caller.who.account_id)
    now += await risk_facts.take_turn(conn, chosen.id)
    account = await order_views.desk(conn, chosen.id)
    opening = Opening(
        user_id=user_id,
        proposal=Proposal(
            symbol=wish.symbol,
            side=wish.side,
            signal_time=now,
            order_type=wish.order_type,
            entry=wish.price,
            limit_price=wish.stop_limit,
            stop=wish.sl,
            target=wish.tp,
            volume=wish.volume,
            sizing=wish.sizing,
        ),
        magic=wish.magic,
        deviation_points=wish.deviation_points,
        expiration=wish.expiration,
    )
    if account["older_connector"]:
        verdict = refuse(
            "CONNECTOR_TOO_OLD",
            "The connector of this account takes signals only; send one to /api/v1/trading/signals, or update it.",
        )
    else:
        facts = await risk_facts.gather(conn, chosen.id, wish.symbol, now=now)
        verdict = await weigh_opening(conn, opening, chosen.id, facts, now=now)
    if wish.comment is not None:
        verdict.record["comment"] = wish.comment
    return opening, verdict, account


def _as_asked(opening: Opening, wish: OrderWish, account: Row) -> NewOrder:
    """A denied order in the words of who asked for it."""
    market = wish.order_type is OrderType.MARKET
    return NewOrder(
        user_id=opening.user_id,
        account_id=account["id"],
        kind=OrderKind.OPEN if market else OrderKind.PLACE_PENDING,
        symbol=wish.symbol,
        side=wish.side,
        order_type=wish.order_type,
        volume=wish.volume,
        price=wish.price,
        stop_limit=wish.stop_limit,
        sl=wish.sl,
        tp=wish.tp,
        type_time="GTC" if wish.expiration is None else "SPECIFIED",
        expiration=wish.expiration,
        deviation_points=20 if wish.deviation_points is None else wish.deviation_points,
        magic=wish.magic,
    )
