"""What must hold of the rows of an account after every step, whatever happened before."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from rubi.domain.order import (
    FINAL,
    OrderEvent,
    OrderEventType,
    OrderKind,
    OrderLife,
    OrderState,
    signal_outcome,
    transition,
)
from rubi.domain.units import Lots
from rubi.store.orders import life_of

CLOSES = {kind for kind in OrderKind if kind.closes}
ORDERS = "SELECT * FROM trading_orders WHERE account_id = $1 ORDER BY id"
EVENTS = """SELECT e.* FROM order_events e JOIN trading_orders o ON o.id = e.order_id
            WHERE o.account_id = $1 ORDER BY e.order_id, e.n"""
ACCOUNT = """SELECT a.epoch, s.terminal_instance_id AS instance
             FROM accounts a JOIN mt5_sessions s ON s.id = a.session_id WHERE a.id = $1"""
SIGNALS = "SELECT * FROM trading_signals WHERE user_id = $1 ORDER BY id"


def check_orders(orders, events, account) -> None:
    """Each state is the fold of its events; leases, ends and reservations follow from it."""
    by_order = defaultdict(list)
    for event in events:
        by_order[event["order_id"]].append(event)
    for row in orders:
        check_life(row, by_order[row["id"]])
        check_reservation(row)
        if row["state"] == "LEASED":
            assert row["lease_epoch"] == account["epoch"], f"order {row['id']} is leased under an epoch that is over"
            assert row["lease_instance"] == account["instance"], f"order {row['id']} is leased to a fenced terminal"


def check_life(row, events) -> None:
    life = OrderLife(OrderKind(row["kind"]), None if row["volume"] is None else Lots(row["volume"]))
    for n, told in enumerate(events, 1):
        where = f"order {row['id']}, event {n} {told['event']} in {life.state}"
        assert told["n"] == n, f"{where}: the events have a gap"
        assert told["from_state"] == life.state, f"{where}: told from {told['from_state']}"
        change = transition(life, fact_of(told))
        assert change.legal == told["legal"], f"{where}: legal is {told['legal']}"
        if life.state in FINAL and change.after.state is not life.state:
            assert told["event"] in {"DEAL", "SEEN_WORKING"}, f"{where}: an end was left without the broker's word"
        if life.kind in CLOSES and change.after.state is OrderState.EXPIRED and life.state is OrderState.QUEUED:
            raise AssertionError(f"{where}: a close expired in the queue")
        life = change.after
        assert told["to_state"] == life.state, f"{where}: led to {told['to_state']}, not {life.state}"
    assert life_of(row) == life, f"order {row['id']} is {life_of(row)}, its events say {life}"


def fact_of(told) -> OrderEvent:
    volume = told["payload"].get("volume")
    return OrderEvent(
        OrderEventType(told["event"]),
        told["at"],
        volume=None if volume is None else Lots(Decimal(volume)),
        code=told["payload"].get("code"),
    )


def check_reservation(row) -> None:
    final = OrderState(row["state"]) in FINAL
    if row["released_at"] is None:
        assert not final or row["filled_volume"] > 0, f"order {row['id']} is {row['state']} and still reserves"
    else:
        assert final or row["late_fill"], f"order {row['id']} is {row['state']} and reserves nothing any more"


def check_signals(signals, orders, accepted: dict[int, object]) -> None:
    """Every accepted signal is there once, and stands where its orders stand."""
    assert {row["id"] for row in signals} == set(accepted), "signals were lost or invented"
    legs = defaultdict(list)
    for row in orders:
        if row["signal_id"] is not None:
            legs[row["signal_id"]].append((OrderState(row["state"]), row["filled_volume"] > 0))
    for row in signals:
        if row["id"] in legs:
            outcome = signal_outcome(legs[row["id"]])
            told = row["status"], row["detail_status"]
            # A lease alone is told by the order: its signal waits until the terminal says something.
            waits = outcome[1] is OrderState.LEASED and told == (outcome[0], OrderState.QUEUED)
            assert told == outcome or waits, f"signal {row['id']} is {told}: its orders say {outcome}"


def check_fills(orders, broker, told: set[int]) -> None:
    """Every deal that was told and can be told apart counts once, and nothing else does."""
    for row in orders:
        mine = [deal for deal in broker.deals if broker.order_of_deal.get(deal.ticket) == row["id"]]
        known = [d for d in mine if d.ticket in told and (d.comment or d.order_ticket == row["order_ticket"])]
        counted = sum((deal.volume for deal in known), Decimal(0))
        assert row["filled_volume"] == counted, f"order {row['id']} has {row['filled_volume']} of {counted} lots"


def may_be_handed_out(row, *, now: datetime, halted: bool) -> str | None:
    """Why an order may not leave the queue now; None when it may."""
    if OrderState(row["state"]) in FINAL:
        return f"it had ended as {row['state']}"
    if row["revoke_asked_at"] is not None:
        return "its cancel was asked"
    if row["not_after"] is not None and row["not_after"] <= now:
        return "its time was over"
    if halted and row["kind"] in {"OPEN", "PLACE_PENDING"}:
        return "trading was halted"
    return None
