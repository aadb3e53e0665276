"""Commands as they come from the service."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog

from rubi.domain.units import ZERO, Side
from rubi.terminal.wire import decode, parse_iso

log = structlog.get_logger(__name__)

SIGNED_FIELDS = (
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

CLOSING = frozenset({"CLOSE_POSITION", "CLOSE_PARTIAL", "CLOSE_BY", "CLOSE_ALL"})
OPENING = frozenset({"OPEN", "PLACE_PENDING"})
UNREADABLE = "UNREADABLE"
KINDS = CLOSING | OPENING | {"MODIFY_PENDING", "CANCEL_PENDING", "MODIFY_POSITION", "QUERY"}


@dataclass(frozen=True)
class Guards:
    """Conditions under which the service wants the command carried out."""

    max_spread_points: Decimal | None = None
    price_band: tuple[Decimal, Decimal] | None = None
    reduce_only: bool = False
    expect_volume: Decimal | None = None


@dataclass(frozen=True)
class Command:
    """One order of the service. Absent numbers are zero, as in MT5; `is_intact` is the checksum's verdict."""

    order_id: int
    lease_id: str
    kind: str
    symbol: str = ""
    side: Side | None = None
    order_type: str = "MARKET"
    volume: Decimal = ZERO
    price: Decimal = ZERO
    stop_limit: Decimal = ZERO
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    deviation_points: int = 0
    filling: str = "AUTO"
    type_time: str = "GTC"
    expiration: datetime | None = None
    magic: int = 0
    comment: str = ""
    position_ticket: int = 0
    order_ticket: int = 0
    not_after: datetime | None = None
    lease_expires_at: datetime | None = None
    guards: Guards = Guards()
    is_intact: bool = True

    @property
    def closes(self) -> bool:
        """Whether the command only reduces what is open."""
        return self.kind in CLOSING

    @property
    def opens(self) -> bool:
        """Whether the command adds a position or a pending order."""
        return self.kind in OPENING


def parse_commands(body: bytes) -> list[Command]:
    """Read the commands of an answer; the checksum is taken over the numbers as they stand in the text."""
    answer = decode(body)
    if not answer.get("commands"):
        return []
    texts = json.loads(body, parse_int=str, parse_float=str)["commands"]
    return [readable(fields, text) for fields, text in zip(answer["commands"], texts, strict=True)]


def readable(fields: dict[str, Any], text: dict[str, Any]) -> Command:
    """Read one command; one that cannot be read keeps its identity, so that it can be refused."""
    try:
        return parse_command(fields, text)
    except (LookupError, TypeError, ValueError, ArithmeticError) as wrong:
        log.warning("command.unreadable", order_id=fields.get("order_id"), why=repr(wrong))
        return Command(int(fields["order_id"]), str(fields.get("lease_id", "")), UNREADABLE)


def parse_command(fields: dict[str, Any], text: dict[str, Any]) -> Command:
    """Read one command; `text` is the same with its numbers left as text."""
    given = {name: value for name, value in fields.items() if value is not None}
    side = given.get("side")
    return Command(
        order_id=int(given["order_id"]),
        lease_id=str(given.get("lease_id", "")),
        kind=str(given["kind"]),
        symbol=given.get("symbol", ""),
        side=Side(side) if side in {"BUY", "SELL"} else None,
        order_type=given.get("order_type", "MARKET"),
        volume=number(given, "volume"),
        price=number(given, "price"),
        stop_limit=number(given, "stop_limit"),
        sl=number(given, "sl"),
        tp=number(given, "tp"),
        deviation_points=int(given.get("deviation_points", 0)),
        filling=given.get("filling", "AUTO"),
        type_time=given.get("type_time", "GTC"),
        expiration=moment(given.get("expiration")),
        magic=int(given.get("magic", 0)),
        comment=given.get("comment", ""),
        position_ticket=int(given.get("position_ticket", 0)),
        order_ticket=int(given.get("order_ticket", 0)),
        not_after=moment(given.get("not_after", given.get("not_after_gmt"))),
        lease_expires_at=moment(given.get("lease_expires_at", given.get("lease_expires_gmt"))),
        guards=parse_guards(given.get("guards") or {}),
        is_intact="sha256" not in given or given["sha256"] == checksum(text),
    )


def parse_guards(fields: dict[str, Any]) -> Guards:
    """Read the guards; absent and null are no condition."""
    spread, band, volume = (fields.get(name) for name in ("max_spread_points", "price_band", "expect_volume"))
    return Guards(
        max_spread_points=None if spread is None else Decimal(spread),
        price_band=None if band is None else (Decimal(band[0]), Decimal(band[1])),
        reduce_only=bool(fields.get("reduce_only")),
        expect_volume=None if volume is None else Decimal(volume),
    )


def number(fields: dict[str, Any], name: str) -> Decimal:
    """A number, or zero when it is absent."""
    read = Decimal(fields.get(name, 0))
    if not read.is_finite():
        raise ValueError(f"{name} is {read}")
    return read


def moment(value: Any) -> datetime | None:
    """ISO 8601, or seconds since 1970."""
    if value is None:
        return None
    return parse_iso(value) if isinstance(value, str) else datetime.fromtimestamp(float(value), UTC)


def checksum(text: dict[str, Any]) -> str:
    """SHA-256 over the fields that decide what is traded."""
    parts = ("" if text.get(name) is None else str(text[name]) for name in SIGNED_FIELDS)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
