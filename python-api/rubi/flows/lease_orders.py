"""Hand out what waits for a terminal: under a lease, to the session that holds the account, closes first."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import structlog

from rubi.domain.order import OrderState, comment_of
from rubi.observability.metrics import ORDER_TRANSITIONS, observe_order
from rubi.store import orders
from rubi.store.orders import ParkedCycle, Waiting
from rubi.store.pool import Connection

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 20
SHORTEST_LEASE, LONGEST_LEASE = timedelta(seconds=5), timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Holder:
    """The terminal that orders are handed to, as its locked session row says."""

    account_id: UUID
    instance: str
    epoch: int
    poll_ms: int
    trading_state: str
    tradable: bool
    reconciled: bool
    """Whether this terminal's books were compared with ours since it connected."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Orders that are locked for a terminal, and the commands that tell it of them when `hand_over` has written it."""

    commands: list[dict[str, Any]] = field(default_factory=list)
    rows: Sequence[Waiting] = ()
    leases: Sequence[tuple[int, UUID]] = ()
    expires_at: datetime | None = None
    legacy: bool = False


async def take_orders(
    conn: Connection, holder: Holder, *, now: datetime, legacy: bool = False, most: int = MOST_AT_ONCE
) -> Taken:
    """Lock what may be handed out, and make commands of the wire. The session and its account are locked by the caller.

    Nothing while the terminal says that it cannot trade. HALTED and REDUCING accounts get what reduces, and so do those
    that are not reconciled: what was decided before the terminal came back did not know what it brings.
    """
    if not holder.tradable:
        return Taken()
    only_closes = holder.trading_state != "ACTIVE" or not holder.reconciled
    rows = await orders.lock_queue(conn, holder.account_id, only_closes=only_closes, now=now, most=most, legacy=legacy)
    return _taken(rows, holder.poll_ms, now, legacy=legacy)


def _taken(rows: Sequence[Waiting], poll_ms: int, now: datetime, *, legacy: bool = False) -> Taken:
    expires_at = now + lease_time(poll_ms)
    leases = [(row["id"], uuid4()) for row in rows]
    commands = [command_of(row, lease_id, expires_at) for row, (_, lease_id) in zip(rows, leases, strict=True)]
    return Taken(commands, rows, leases, expires_at, legacy)


async def hand_over(
    conn: Connection, holder: Holder, taken: Taken, *, kept: tuple[UUID, bytes] | None = None, now: datetime
) -> None:
    """Lease what was taken, in the transaction that took it; `kept` is a session and the answer that it is to keep."""
    if taken.expires_at is None or not taken.leases:
        return
    await orders.lease(
        conn,
        taken.leases,
        epoch=holder.epoch,
        instance=holder.instance,
        expires_at=taken.expires_at,
        now=now,
        legacy=taken.legacy,
        kept=kept,
    )
    _count(taken, now)


async def see_waiting(conn: Connection, parked: ParkedCycle, *, clock: Callable[[], datetime]) -> Taken | None:
    """What a parked cycle would be given, not locked by anybody; None when a transaction has to tell."""
    found = await orders.read_waiting(conn, parked, now=clock(), most=MOST_AT_ONCE)
    if found is None:
        return None
    poll_ms, rows = found
    return _taken(rows, poll_ms, clock())


def as_told(told: Sequence[str], poll_ms: int, *, now: datetime) -> Taken | None:
    """What bells have told of, as if it had been seen; None when that tells nothing."""
    try:
        # By its number, each once: a bell whose way to Redis was cut is sometimes sent twice.
        waiting = {row["id"]: row for row in map(orders.read_told, told)}
        rows = sorted(waiting.values(), key=lambda row: (not row["kind"].startswith("CLOSE"), row["id"]))
        return _taken(rows, poll_ms, now) if 1 <= len(rows) <= MOST_AT_ONCE else None
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        # Another version of this service told it. A look at the queue is always right.
        log.warning("lease.told_otherwise", error=type(error).__name__)
        return None


async def hand_over_seen(conn: Connection, parked: ParkedCycle, seen: Taken, *, answer: bytes, now: datetime) -> bool:
    """Lease what was seen if `take_orders` would take just this now, and keep the answer; False: nothing was done."""
    assert seen.expires_at is not None, "something was seen"
    if not await orders.lease_waiting(
        conn,
        parked,
        seen.rows,
        seen.leases,
        expires_at=seen.expires_at,
        now=now,
        most=MOST_AT_ONCE,
        answer=answer,
    ):
        return False
    _count(seen, now)
    return True


def _count(taken: Taken, now: datetime) -> None:
    ORDER_TRANSITIONS.labels(OrderState.LEASED).inc(len(taken.leases))
    for row in taken.rows:
        if row["leased_at"] is None:
            observe_order("queue", (now - row["queued_at"]).total_seconds())


def lease_time(poll_ms: int) -> timedelta:
    """Four polls, between 5 and 15 seconds."""
    return min(max(4 * timedelta(milliseconds=poll_ms), SHORTEST_LEASE), LONGEST_LEASE)


def command_of(row: Waiting, lease_id: UUID, expires_at: datetime) -> dict[str, Any]:
    """An order as a command of the wire, with its checksum."""
    guards: Mapping[str, Any] = row["guards"]
    band = guards.get("price_band")
    command: dict[str, Any] = {
        "order_id": row["id"],
        "lease_id": str(lease_id),
        "lease_expires_at": _iso(expires_at),
        "lease_expires_gmt": int(expires_at.timestamp()),
        "not_after": None if row["not_after"] is None else _iso(row["not_after"]),
        "not_after_gmt": None if row["not_after"] is None else int(row["not_after"].timestamp()),
        "kind": row["kind"],
        "symbol": row["symbol"],
        "side": row["side"],
        "order_type": row["order_type"],
        "volume": plain(row["volume"]),
        "price": plain(row["price"]),
        "stop_limit": plain(row["stop_limit"]),
        "sl": plain(row["sl"]),
        "tp": plain(row["tp"]),
        "deviation_points": row["deviation_points"],
        "filling": "AUTO",
        "type_time": row["type_time"],
        "expiration": None if row["expiration"] is None else _iso(row["expiration"]),
        "expiration_gmt": None if row["expiration"] is None else int(row["expiration"].timestamp()),
        "magic": str(row["magic"]),
        "comment": comment_of(row["id"]),
        "position_ticket": None if row["position_ticket"] is None else str(row["position_ticket"]),
        "order_ticket": None if row["target_ticket"] is None else str(row["target_ticket"]),
        "guards": {
            "max_spread_points": plain(guards.get("max_spread_points")),
            "price_band": None if band is None else [plain(edge) for edge in band],
            "reduce_only": bool(guards.get("reduce_only", False)),
            "expect_volume": plain(guards.get("expect_volume")),
        },
    }
    return command | {"sha256": checksum(command)}


def query_of(order_id: int, symbol: str) -> dict[str, Any]:
    """Ask what the terminal's journal says of an order: no lease, nothing to trade."""
    command: dict[str, Any] = dict.fromkeys(_COVERED) | {"order_id": order_id, "kind": "QUERY", "symbol": symbol}
    return command | {"sha256": checksum(command)}


_COVERED = (
    "order_id",
    "kind",
    "symbol",
    "side",
    "order_type",
    "volume",
    "price",
    "sl",
    "tp",
    "position_ticket",
    "order_ticket",
)


def checksum(command: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the fields that move money, joined by `|`; absent ones are empty."""
    text = "|".join("" if command[name] is None else str(command[name]) for name in _COVERED)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Decimal | str | float | None) -> Decimal | None:
    """A number as it stands in the JSON text: no exponent, no trailing zeros."""
    if value is None:
        return None
    normal = Decimal(str(value)).normalize()
    return Decimal(format(normal, "f"))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
