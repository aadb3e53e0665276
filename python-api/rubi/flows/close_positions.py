"""Close what is open: one position wholly or in part, or all that match. Closes pass every gate but ownership.

A position never has two closes under way that could take more of it than is there: the terminal sends a close only
while the position is as large as it was when the close was made (`guards.expect_volume`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

from rubi.domain.errors import ConflictError, NotFoundError, RubiError
from rubi.domain.order import NewOrder, OrderKind, OrderState
from rubi.domain.risk import gates
from rubi.domain.risk.holdings import OpenPosition
from rubi.domain.risk.record import plain
from rubi.domain.signal import OrderType, Signal, SignalType
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import HUNDRED, NO_LOTS, Lots, Price, Side
from rubi.flows.audit import audit
from rubi.flows.cancel_order import refuse_the_older_connector
from rubi.flows.choose_account import need_account
from rubi.flows.keep_answer import Caller, Effect
from rubi.flows.place_order import keep_order
from rubi.flows.ports import Connection
from rubi.flows.queue_order import not_after
from rubi.flows.read_signals import show_decision
from rubi.flows.show_order import show_order
from rubi.flows.show_signal import signal_update
from rubi.flows.weigh_signal import Verdict
from rubi.live.bus import Event
from rubi.store import order_views, risk_facts, signals
from rubi.store.order_views import Owner
from rubi.store.pool import Row

CLOSE_LIFE = timedelta(minutes=10)
"""How long a worker may take to decide on a signal that closes."""


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a position; both None: all of it."""

    volume: Lots | None = None
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which positions; None asks for all. `account`: an id or a login."""

    symbol: str | None = None
    side: Side | None = None
    magic: int | None = None
    account: str | None = None


@dataclass(slots=True)
class Closing:
    """What closing several led to. `skipped`: positions that stay, with the reason. `bells`: signals to decide."""

    order_ids: list[int] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    bells: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


async def close_position(conn: Connection, caller: Caller, ticket: int, part: Part, *, account: str | None) -> Effect:
    """Queue the close of a position in the caller's transaction.

    Raises:
        NotFoundError: no such open position of this owner.
        ConflictError: `CLOSE_IN_PROGRESS`, a close is under way; `CONNECTOR_TOO_OLD`.
        RubiError: 422 for a volume that is no tradable part, or when two accounts have the ticket.

    """
    row = await position_of(conn, caller, ticket, account)
    account_id = row["account_id"]
    await risk_facts.take_turn(conn, account_id)
    row = await position_of(conn, caller, ticket, str(account_id))
    await refuse_the_older_connector(conn, account_id)
    live = _closes_of(row, await order_views.live_closes(conn, account_id))
    spec = await order_views.symbol_spec(conn, account_id, row["symbol"])
    order, verdict = _closing(row, part, live, spec, caller)
    order_id, events = await keep_order(conn, caller, order, verdict)
    made = await order_views.one(conn, caller.owner, order_id)
    kept = await order_views.decision(conn, order_id)
    assert made is not None
    assert kept is not None
    await audit(
        conn,
        caller.who,
        "position.close",
        "position",
        row["position_id"],
        {"ticket": row["ticket"], "symbol": row["symbol"], "volume": order.volume, "order_id": order_id},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(201, {**show_order(made), "decision": show_decision(kept)}, events)


async def close_positions(conn: Connection, caller: Caller, chosen: Chosen) -> Effect:
    """Queue a close for each open position that matches, in the caller's transaction.

    Raises:
        NotFoundError, ForbiddenError: a wrong account.

    """
    owner = caller.owner
    if chosen.account is not None:
        found = await need_account(conn, owner.user_id, named=chosen.account, bound=owner.only)
        owner = Owner(owner.user_id, found.id)
    every = await order_views.positions(conn, owner, symbol=chosen.symbol, side=chosen.side, magic=chosen.magic)
    closing = Closing()
    # One order of locks for all callers: accounts by their ids.
    for account_id, _ in groupby(every, key=lambda row: row["account_id"]):
        await risk_facts.take_turn(conn, account_id)
        await close_account(conn, caller, account_id, chosen, closing)
    await audit(
        conn,
        caller.who,
        "positions.close",
        "account",
        chosen.account or "all",
        {"symbol": chosen.symbol, "side": chosen.side, "magic": chosen.magic, "orders": closing.order_ids},
        request_id=caller.request_id,
        now=caller.now,
    )
    return Effect(
        201 if closing.order_ids or closing.bells else 200,
        await show_closing(conn, caller, closing),
        closing.events,
        closing.bells,
    )


async def close_account(conn: Connection, caller: Caller, account_id: UUID, chosen: Chosen, closing: Closing) -> None:
    """Queue the closes of one account whose turn the caller has; adds to `closing`."""
    owner = Owner(caller.who.user_id, account_id)
    held = await order_views.positions(conn, owner, symbol=chosen.symbol, side=chosen.side, magic=chosen.magic)
    if held and (await order_views.desk(conn, account_id))["older_connector"]:
        await _close_by_signals(conn, caller, account_id, held, chosen, closing)
        return
    under_way = await order_views.live_closes(conn, account_id)
    for row in held:
        try:
            order, verdict = _closing(row, Part(), _closes_of(row, under_way), None, caller)
        except ConflictError as busy:
            closing.skipped.append({"ticket": str(row["ticket"]), "code": busy.code, **busy.context})
            continue
        order_id, events = await keep_order(conn, caller, order, verdict)
        closing.order_ids.append(order_id)
        closing.events += events


async def show_closing(conn: Connection, caller: Caller, closing: Closing) -> dict[str, Any]:
    """What closing several led to, as JSON."""
    rows = await order_views.several(conn, caller.owner, closing.order_ids)
    return {
        "total": len(rows) + len(closing.bells),
        "orders": [show_order(row) for row in rows],
        "signals": closing.bells,
        "skipped": closing.skipped,
    }


async def position_of(conn: Connection, caller: Caller, ticket: int, account: str | None) -> Row:
    """The open position of a ticket.

    Raises:
        NotFoundError, RubiError: there is none, or two accounts have it and none is named.

    """
    owner = caller.owner
    if account is not None:
        found = await need_account(conn, owner.user_id, named=account, bound=owner.only)
        owner = Owner(owner.user_id, found.id)
    rows = await order_views.position(conn, owner, ticket)
    if not rows:
        raise NotFoundError("POSITION_NOT_FOUND", f"you have no open position {ticket}")
    if len({row["account_id"] for row in rows}) > 1:
        raise RubiError(
            "ACCOUNT_REQUIRED",
            f"two of your accounts have a position {ticket}; name one in `account`",
            field="account",
        )
    return rows[0]


def _closes_of(position: Row, under_way: Sequence[Row]) -> list[Row]:
    """The closes under way that take of this position."""
    own = {position["ticket"], position["position_id"]}
    return [
        each
        for each in under_way
        if each["position_ticket"] in own
        or (
            each["kind"] == OrderKind.CLOSE_ALL
            and each["symbol"] in ("", position["symbol"])
            and each["side"] in (None, position["side"])
        )
    ]


def _closing(
    row: Row, part: Part, live: Sequence[Row], spec: SymbolSpec | None, caller: Caller
) -> tuple[NewOrder, Verdict]:
    """The order that closes the part, and the verdict on it."""
    asked = part.volume
    if part.percent is not None and part.percent < HUNDRED:
        if spec is None:
            raise RubiError(
                "SYMBOL_SPEC_UNKNOWN",
                f"the volume step of {row['symbol']} is not known yet, so {part.percent} % cannot be told in lots",
                field="percent",
            )
        asked = Lots(row["volume"] * part.percent / HUNDRED)
    left = _left(row, live, asked)
    position = OpenPosition(
        symbol=row["symbol"],
        side=Side(row["side"]),
        volume=left,
        open_price=Price(row["open_price"]),
        current_price=Price(row["current_price"]),
        position_id=str(row["position_id"]),
    )
    case = gates.CloseCase(position, asked, spec)
    decision = case.decide(caller.now)
    if not decision.approved or decision.volume is None:
        raise RubiError(str(decision.code), decision.detail, field="volume" if part.percent is None else "percent")
    if live and decision.volume >= left:
        raise _in_progress(row, live)
    whole = decision.volume == row["volume"]
    kind = OrderKind.CLOSE_POSITION if whole else OrderKind.CLOSE_PARTIAL
    order = NewOrder(
        user_id=caller.who.user_id,
        account_id=row["account_id"],
        kind=kind,
        symbol=row["symbol"],
        side=Side(row["side"]),
        order_type=OrderType.MARKET,
        volume=decision.volume,
        magic=row["magic"],
        position_ticket=row["ticket"],
        guards={"reduce_only": True, "expect_volume": float(left)},
        not_after=not_after(kind, caller.now),
    )
    record = {"rules": "close", "case": plain(case), "decision": decision.to_record()}
    return order, Verdict((order,), None, "", record, decision.digest)


def _left(row: Row, live: Sequence[Row], asked: Lots | None) -> Lots:
    """What the closes under way leave of the position; another part may only be taken of a known rest."""
    partial = all(each["kind"] == OrderKind.CLOSE_PARTIAL and each["state"] != OrderState.UNKNOWN for each in live)
    taken = sum((each["volume"] - each["filled_volume"] for each in live if partial), NO_LOTS)
    left = Lots(row["volume"] - taken)
    if live and (not partial or asked is None or asked >= left):
        raise _in_progress(row, live)
    return left


def _in_progress(row: Row, live: Sequence[Row]) -> ConflictError:
    return ConflictError(
        "CLOSE_IN_PROGRESS",
        f"order {live[0]['id']} is closing position {row['ticket']} already",
        order_id=live[0]["id"],
    )


async def _close_by_signals(
    conn: Connection, caller: Caller, account_id: UUID, held: Sequence[Row], chosen: Chosen, closing: Closing
) -> None:
    """The older connector knows one word: close all of a symbol's side. It is sent only where all of it is meant.

    Not again while a word for the same is undecided, or a close is on its way to each of them. A close whose end
    nobody knows is not on its way: this connector keeps no journal that could tell.
    """
    if chosen.magic is not None:
        closing.skipped += [{"ticket": str(row["ticket"]), "code": "CONNECTOR_TOO_OLD"} for row in held]
        return
    undecided = await signals.undecided_closes(conn, account_id, now=caller.now)
    live = await order_views.live_closes(conn, account_id)
    under_way = [each for each in live if each["state"] != OrderState.UNKNOWN]
    for symbol, side in sorted({(row["symbol"], row["side"]) for row in held}):
        meant = [row for row in held if (row["symbol"], row["side"]) == (symbol, side)]
        word = undecided.get((symbol, SignalType(f"CLOSE_{side}")))
        on_its_way = [_closes_of(row, under_way) for row in meant]
        if word is not None or all(on_its_way):
            closing.skipped += [
                {"ticket": str(row["ticket"]), "code": "CLOSE_IN_PROGRESS"}
                | ({"signal_id": word} if word is not None else {"order_id": orders[0]["id"]})
                for row, orders in zip(meant, on_its_way, strict=True)
            ]
            continue
        wish = Signal(
            user_id=caller.who.user_id,
            source="api",
            dedupe_key=f"close:{uuid4()}",
            symbol=symbol,
            signal_type=SignalType(f"CLOSE_{side}"),
            signal_time=caller.now,
            account_id=account_id,
            expires_in=CLOSE_LIFE,
        )
        received = await signals.insert(conn, wish, received_at=caller.now)
        closing.bells.append(received.id)
        closing.events.append(signal_update(received.row))
