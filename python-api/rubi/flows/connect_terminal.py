"""A terminal dials in: it gets a session and a new epoch, or learns that another one trades this account."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.errors import ForbiddenError, LeasedElsewhereError
from rubi.domain.order import MOST_DELIVERIES, OrderEvent, OrderEventType, OrderState
from rubi.domain.position import AccountMoney
from rubi.flows.audit import audit
from rubi.flows.learn_clock import learn_first_offset
from rubi.flows.ports import Connection, Ports
from rubi.flows.settle_order import settle
from rubi.live.bus import Event
from rubi.store import books, orders, terminals
from rubi.store.pool import Row

TAKE_OVER_PATIENCE = timedelta(seconds=30)
"""A terminal that lost the account by a take-over dials again at once: for this long the other one goes first."""
LEGACY_POLL_MS = 5000
"""The older connector looks for signals every 5 s (its CheckInterval)."""
SHORTEST_SILENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a terminal says of itself and its account.

    `offset_minutes`: how far its broker's clock is ahead of UTC. `last_session`: the session that it had before, as it
    remembers it; None: it does not tell. `address`: where the call comes from.
    """

    server: str
    login: str
    broker: str
    currency: str
    money: AccountMoney
    protocol: int
    instance: str
    poll_ms: int
    account: Mapping[str, Any] = field(default_factory=dict)
    ea_version: str | None = None
    build: int | None = None
    offset_minutes: int | None = None
    journal_open: Mapping[int, str] = field(default_factory=dict)
    last_session: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The session that was opened.

    `actions`: (order id, REPORT or FORGET) for the terminal's journal. `bars`: symbol → timeframe → opening of the
    newest bar that is kept, in seconds of the broker's wall clock; the terminal goes on from there.
    """

    session_id: UUID
    account: Row
    policy: dict[str, Any] | None
    epoch: int
    actions: list[tuple[int, str]]
    bars: dict[str, dict[str, int]]


async def connect_terminal(
    ports: Ports, hello: Hello, *, user_id: int, bound_account: UUID | None, now: datetime
) -> Connected:
    """Give the account to this terminal.

    Raises:
        LeasedElsewhereError: another live terminal trades the account.
        ForbiddenError: the token is bound to another account.

    """
    async with ports.pool.acquire() as conn, conn.transaction():
        account = await _account(conn, hello, user_id)
        if bound_account is not None and account["id"] != bound_account:
            raise ForbiddenError(
                "TOKEN_OTHER_ACCOUNT",
                f"this token belongs to another account than {hello.login} on {hello.server}; use that account's token",
            )
        epoch = account["epoch"] + 1
        hello = replace(hello, instance=await _who_it_is(conn, account["id"], hello, epoch))
        await _refuse_a_second(conn, account, hello, now)
        await conn.execute(terminals.SQL["fence_sessions"], account["id"], now)
        session_id = await conn.fetchval(
            terminals.SQL["insert_session"],
            user_id,
            account["id"],
            hello.instance,
            epoch,
            hello.protocol,
            hello.ea_version,
            hello.build,
            now,
            hello.poll_ms,
            hello.address,
            hello.last_session,
        )
        # The older connector never sends its whole books, so there is nothing to wait for.
        books_told = hello.protocol == 1
        await conn.execute(terminals.SQL["hold_account"], account["id"], epoch, session_id, books_told, now)
        await books.save_money(conn, account["id"], hello.money, taken_at=now, now=now)
        if hello.offset_minutes is not None:
            await learn_first_offset(conn, account["id"], hello.offset_minutes, now)
        policy = await conn.fetchval(terminals.SQL["current_policy"], account["id"])
        actions, events = await _orders_in_flight(conn, account["id"], hello, now)
        bars = {} if hello.protocol == 1 else await terminals.newest_bars(conn, account["id"])
        await audit(
            conn,
            user_id,
            "terminal.connect",
            "account",
            account["id"],
            {"session_id": str(session_id), "epoch": epoch, "instance": hello.instance, "login": hello.login},
            now=now,
        )
    await ports.bus.publish([*events, _account_update(user_id, account["id"], hello.money, now)])
    return Connected(session_id, account, policy, epoch, actions, bars)


async def _account(conn: Connection, hello: Hello, user_id: int) -> Row:
    said = hello.account
    row = await conn.fetchrow(
        terminals.SQL["upsert_account"],
        user_id,
        hello.server,
        hello.login,
        hello.broker,
        hello.currency,
        said.get("currency_digits"),
        said.get("leverage"),
        said.get("margin_mode"),
        said.get("trade_mode"),
        said.get("fifo_close"),
        said.get("hedge_allowed"),
        said.get("limit_orders"),
    )
    if row is None:
        raise RuntimeError("an upsert returned no account")
    return row


async def _who_it_is(conn: Connection, account_id: UUID, hello: Hello, epoch: int) -> str:
    """The name under which orders are given to this terminal.

    One whose last session is not the last one of its name works with a copy of a data folder: its journal does not know
    what the other one did. It goes by a name of its own from here on, so that everything holds for it that holds for
    another terminal.
    """
    if hello.last_session is None:
        return hello.instance
    former = await conn.fetchrow(terminals.SQL["former_session"], account_id, hello.last_session, hello.instance)
    if former is not None and former["is_last"]:
        name: str = former["terminal_instance_id"]
        return name
    return f"{hello.instance}/{epoch}"


async def _refuse_a_second(conn: Connection, account: Row, hello: Hello, now: datetime) -> None:
    if account["session_id"] is None:
        return
    holder = await conn.fetchrow(terminals.SQL["holding_session"], account["session_id"])
    if holder is None:
        return
    same = holder["terminal_instance_id"] == hello.instance
    if same and holder["state"] == "FENCED" and (left := _barred_for(holder, now)) > timedelta(0):
        raise LeasedElsewhereError(
            "ACCOUNT_TAKEN_OVER",
            f"a person took account {hello.login} on {hello.server} from this terminal;"
            f" another one may connect, this one again in {left.total_seconds():.0f} s",
            retry_after=max(1, round(left.total_seconds())),
        )
    # An older connector has no name of its own: from another place it is another one.
    moved = hello.protocol == 1 and holder["client_address"] not in (None, hello.address)
    if holder["state"] != "ACTIVE" or (same and not moved):
        return
    patience = patience_with(holder["poll_ms"])
    silent_for = now - holder["last_seen_at"]
    if silent_for < patience:
        raise LeasedElsewhereError(
            "ACCOUNT_LEASED_ELSEWHERE",
            f"account {hello.login} on {hello.server} is traded by another terminal, last heard"
            f" {silent_for.total_seconds():.1f} s ago;"
            f" stop that one, wait {patience.total_seconds():.0f} s, or take over",
            retry_after=max(1, round((patience - silent_for).total_seconds())),
        )


def patience_with(poll_ms: int) -> timedelta:
    """How long a terminal may say nothing before it counts as silent: three of its polls, at least 5 s."""
    return max(3 * timedelta(milliseconds=poll_ms), SHORTEST_SILENCE)


def _barred_for(holder: Row, now: datetime) -> timedelta:
    """How long a terminal that was taken over still leaves the account to another one."""
    taken_over_at = holder["flags"].get("taken_over_at")
    if taken_over_at is None:
        return timedelta(0)
    return datetime.fromisoformat(taken_over_at) + TAKE_OVER_PATIENCE - now


async def _orders_in_flight(
    conn: Connection, account_id: UUID, hello: Hello, now: datetime
) -> tuple[list[tuple[int, str]], list[Event]]:
    """What was in a terminal's hands when it went away: given back when its journal has it not, else UNKNOWN."""
    actions: list[tuple[int, str]] = []
    events: list[Event] = []
    asked: set[int] = set()
    for row in await conn.fetch(orders.SQL["account_in_flight"], account_id):
        same = row["lease_instance"] == hello.instance and not row["legacy"]
        what = _fate(row, same=same, journal=hello.journal_open, now=now)
        if what is not None:
            settled = await settle(conn, row["id"], OrderEvent(what, now), actor=f"terminal:{hello.instance}")
            events += [] if settled is None else settled.events
        if same and what is not OrderEventType.LEASE_RETURNED:
            actions.append((row["id"], "REPORT"))
            asked.add(row["id"])
    actions += [(order_id, "FORGET") for order_id in hello.journal_open if order_id not in asked]
    return actions, events


def _fate(row: Row, *, same: bool, journal: Mapping[int, str], now: datetime) -> OrderEventType | None:
    """What a connect says about an order in flight.

    The same terminal dedupes by its journal, so a command that it does not hold open may be handed out again. Another
    terminal knows nothing of it. None: the order stays where it is until its report comes.
    """
    if row["state"] == OrderState.UNKNOWN:
        return None
    if row["state"] == OrderState.QUEUED:
        # It was given back for the terminal that had it. Another one would carry it out a second time.
        return None if same else OrderEventType.LEASE_LOST
    if row["state"] == OrderState.LEASED:
        again = (
            same
            and row["id"] not in journal
            and row["revoke_asked_at"] is None
            and row["deliveries"] < MOST_DELIVERIES
            and (row["not_after"] is None or row["not_after"] > now)
        )
        return OrderEventType.LEASE_RETURNED if again else OrderEventType.LEASE_LOST
    return OrderEventType.LEASE_LOST if not same or journal.get(row["id"]) == "INTENT" else None


def _account_update(user_id: int, account_id: UUID, money: AccountMoney, now: datetime) -> Event:
    return Event("ACCOUNT_UPDATE", user_id, account_id, account_frame(money, now))


def account_frame(money: AccountMoney, now: datetime) -> dict[str, Any]:
    """The account's money as WebSocket readers get it."""
    return {
        "balance": float(money.balance),
        "equity": float(money.equity),
        "margin": float(money.margin),
        "margin_free": float(money.margin_free),
        "margin_level": float(money.margin_level),
        "profit": float(money.profit),
        "updated_at": now.isoformat(),
    }
