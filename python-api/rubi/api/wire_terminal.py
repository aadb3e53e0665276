"""The terminal's bodies (protocol 2, and the specification's own): what may come in, and how it is read.

msgspec decodes straight into these; unknown fields are ignored, numbers may be strings, `null` counts as absent.
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from rubi.api.strict_json import read_json
from rubi.domain.errors import MalformedError, RubiError

BIGGEST_BODY = 256 * 1024

Number = Decimal
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Word = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=512)]
Ticket = int | Annotated[str, Meta(max_length=20)]
Clock = int | float | str
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
BigCount = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Time(Struct):
    """The terminal's clocks: `TimeGMT()`, `TimeTradeServer()` in seconds, the last tick's `time_msc`."""

    gmt: int | None = None
    server: int | None = None
    tick_msc: int | None = None


class JournalEntry(Struct):
    """An order that the terminal's journal holds open."""

    order_id: int
    phase: Word
    intent_at: str | None = None


class Journal(Struct):
    """The open end of the terminal's journal."""

    open: list[JournalEntry] = []


class Connect(Struct):
    """POST /mt5/connect. The first five are the specification's."""

    account_number: Ticket
    broker: Name
    balance: Number
    equity: Number
    currency: Annotated[str, Meta(min_length=1, max_length=12)] = "USD"
    server: Word | None = None
    protocol: Annotated[int, Meta(ge=1, le=2)] = 1
    terminal_instance_id: Word | None = None
    ea_version: Word | None = None
    build: Count | None = None
    login: Ticket | None = None
    company: Word | None = None
    leverage: Count | None = None
    currency_digits: Annotated[int, Meta(ge=0, le=8)] | None = None
    margin_mode: Word | None = None
    trade_mode: Word | None = None
    fifo_close: bool | None = None
    hedge_allowed: bool | None = None
    limit_orders: Count | None = None
    poll_ms: Annotated[int, Meta(ge=10, le=3_600_000)] | None = None
    time: Time | None = None
    journal: Journal | None = None
    symbols_hash: Word | None = None
    last_session_id: Word | None = None


class Flags(Struct):
    """The five permissions, and the ping to the trade server."""

    connected: bool = True
    terminal_trade_allowed: bool = True
    mql_trade_allowed: bool = True
    account_trade_allowed: bool = True
    account_trade_expert: bool = True
    ping_ms: Number | None = None


class Account(Struct):
    """Money of the account now, account currency."""

    balance: Number
    equity: Number
    margin: Number | None = None
    margin_free: Number | None = None
    margin_level: Number | None = None
    profit: Number | None = None
    credit: Number | None = None


class Position(Struct):
    """An open position. `position_id` is POSITION_IDENTIFIER, the ticket may change."""

    ticket: Ticket
    symbol: Name
    type: Word
    volume: Number
    open_price: Number
    current_price: Number | None = None
    position_id: Ticket | None = None
    sl: Number | None = None
    tp: Number | None = None
    profit: Number | None = None
    swap: Number | None = None
    commission: Number | None = None
    magic: Ticket | None = None
    comment: Text | None = None
    open_time: Clock | None = None
    open_time_msc: int | None = None


class WorkingOrder(Struct):
    """An order in the broker's book, or one that left it."""

    ticket: Ticket
    symbol: Name
    type: Word
    state: Word
    volume_initial: Number | None = None
    volume_current: Number | None = None
    price_open: Number | None = None
    stop_limit: Number | None = None
    sl: Number | None = None
    tp: Number | None = None
    type_time: Word | None = None
    expiration: int | None = None
    magic: Ticket | None = None
    comment: Text | None = None
    position_id: Ticket | None = None
    time_setup_msc: int | None = None
    time_done_msc: int | None = None


class Deal(Struct):
    """A fill or a balance operation; `time_msc` is broker wall clock."""

    ticket: Ticket
    type: Word
    time_msc: int
    order: Ticket | None = None
    position_id: Ticket | None = None
    symbol: Word | None = None
    entry: Word | None = None
    volume: Number | None = None
    price: Number | None = None
    sl: Number | None = None
    tp: Number | None = None
    profit: Number | None = None
    swap: Number | None = None
    commission: Number | None = None
    fee: Number | None = None
    magic: Ticket | None = None
    comment: Text | None = None
    reason: Word | None = None


class Symbol(Struct):
    """A symbol's specification."""

    name: Name
    digits: Annotated[int, Meta(ge=0, le=12)]
    point: Number
    tick_size: Number
    tick_value_loss: Number
    tick_value_profit: Number
    contract_size: Number
    volume_min: Number
    volume_max: Number
    volume_step: Number
    currency_base: Word = ""
    currency_profit: Word = ""
    currency_margin: Word = ""
    volume_limit: Number | None = None
    stops_level: int = 0
    freeze_level: int = 0
    trade_mode: Word = "FULL"
    trade_exemode: Word = "MARKET"
    filling_flags: int = 3
    order_modes: int = 127
    expiration_modes: int = 15
    margin_initial: Number | None = None
    margin_rate: Number | None = None
    commission_per_lot: Number | None = None
    swap_long: Number | None = None
    swap_short: Number | None = None
    path: Text = ""


class Tick(Struct):
    """A quote; `time_msc` is broker wall clock."""

    symbol: Name
    bid: Number
    ask: Number
    time_msc: int
    last: Number | None = None
    volume: Number | None = None


class Bar(Struct):
    """A bar; `time` is its start, broker wall clock, seconds."""

    symbol: Name
    timeframe: Word
    time: int
    open: Number
    high: Number
    low: Number
    close: Number
    tick_volume: int = 0
    spread: int = 0
    real_volume: int = 0


class Quote(Struct):
    """What the terminal's own calculators say: loss and margin of one lot, account currency."""

    symbol: Name
    side: Word
    entry: Number
    loss_per_lot: Number | None = None
    margin_per_lot: Number | None = None
    stop: Number | None = None


class Ack(Struct):
    """The terminal took a command (INTENT), refused it, or had it already."""

    order_id: int
    lease_id: Word
    outcome: Word
    code: Word | None = None


class Report(Struct):
    """What became of a command; `order_id` and `n` are its identity."""

    order_id: int
    n: int
    outcome: Word
    retcode: int | None = None
    order_ticket: Ticket | None = None
    deal_ticket: Ticket | None = None
    position_id: Ticket | None = None
    price: Number | None = None
    volume: Number | None = None
    message: Text | None = None
    at: Clock | None = None


class Sync(Struct):
    """POST /mt5/sync: one cycle."""

    session_id: Word
    epoch: Count
    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    time: Time | None = None
    flags: Flags | None = None
    account: Account | None = None
    taken_at: str | None = None
    positions: list[Position | None] | None = None
    orders: list[WorkingOrder | None] | None = None
    order_history: list[WorkingOrder | None] | None = None
    deals: list[Deal | None] | None = None
    symbols: list[Symbol | None] | None = None
    ticks: list[Tick | None] | None = None
    bars: list[Bar | None] | None = None
    quotes: list[Quote | None] | None = None
    signals: list[dict[str, Any] | None] | None = None
    acks: list[Ack | None] | None = None
    reports: list[Report | None] | None = None
    wait_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0


class Ping(Struct):
    """POST /mt5/ping of the specification."""

    session_id: Word
    balance: Number
    equity: Number
    margin_free: Number
    timestamp: Clock | None = None


class AccountUpdate(Struct):
    """POST /mt5/account/update of the specification."""

    session_id: Word
    balance: Number
    equity: Number
    margin: Number
    margin_free: Number
    margin_level: Number
    profit: Number
    timestamp: Clock | None = None


class PositionsUpdate(Struct):
    """POST /trading/positions/update of the specification; a null among the positions is skipped."""

    session_id: Word
    positions: list[Position | None]
    timestamp: Clock | None = None


class Disconnect(Struct):
    """POST /mt5/disconnect of the specification."""

    session_id: Word
    timestamp: Clock | None = None
    total_signals_sent: BigCount = 0
    total_signals_received: BigCount = 0
    total_orders_executed: BigCount = 0
    total_errors: BigCount = 0


class SignalReport(Struct):
    """POST /trading/signals/{id}/status of the specification."""

    status: Word
    signal_id: int | None = None
    message: Text | None = None
    timestamp: Clock | None = None


def read(kind: type[Struct], body: bytes) -> Any:
    """Decode a body.

    Raises:
        MalformedError: 400 when it is not JSON, or holds what Postgres cannot keep as text.
        RubiError: 422 `BODY_INVALID` with the field that is wrong.

    """
    text = body.rstrip(b"\0 \r\n\t").removeprefix(b"\xef\xbb\xbf")
    if b"\\u" in text:
        read_json(text)  # refuses NUL and half characters, whatever type of content the body was sent as
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        field = path.strip("`.") or _named(reason) or "body"
        raise RubiError("BODY_INVALID", f"{field}: {reason}", field=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError(
            "BODY_MALFORMED", "the body is not JSON in UTF-8; look at quotes, commas and encoding"
        ) from None


def _named(reason: str) -> str | None:
    """The field in "Object missing required field `x`"."""
    parts = reason.split("`")
    return parts[1] if len(parts) > 1 and "field" in reason else None
