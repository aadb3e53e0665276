"""The broker's books in Postgres: money, positions, working orders, deals, quotes, bars, specifications."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.market import Bar, QuoteTick
from rubi.domain.order import order_id_of
from rubi.domain.position import AccountMoney, BrokerPosition, Deal, WorkingOrder
from rubi.domain.risk.lot_quote import LotQuote
from rubi.domain.symbol import ExecutionMode, SymbolSpec, SymbolTradeMode
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)


async def save_money(
    conn: Connection, account_id: UUID, money: AccountMoney, *, taken_at: datetime, now: datetime
) -> None:
    """Store the account's money as it is now, and as a point of its series."""
    await conn.execute(
        SQL["save_money"],
        account_id,
        money.balance,
        money.equity,
        money.margin,
        money.margin_free,
        money.margin_level,
        money.profit,
        money.credit,
        taken_at,
        now,
    )


async def upsert_positions(
    conn: Connection, account_id: UUID, positions: Sequence[BrokerPosition], taken_at: datetime
) -> None:
    """Write the open positions as they are now."""
    await conn.execute(
        SQL["upsert_positions"],
        account_id,
        taken_at,
        [p.position_id for p in positions],
        [p.ticket for p in positions],
        [p.symbol for p in positions],
        [p.side for p in positions],
        [p.volume for p in positions],
        [p.open_price for p in positions],
        [p.current_price for p in positions],
        [p.sl for p in positions],
        [p.tp for p in positions],
        [p.profit for p in positions],
        [p.swap for p in positions],
        [p.commission for p in positions],
        [p.magic for p in positions],
        [p.comment for p in positions],
        [p.opened_at for p in positions],
        [order_id_of(p.comment) for p in positions],
    )


async def close_missing(
    conn: Connection, account_id: UUID, still_open: Sequence[int], *, taken_at: datetime, now: datetime
) -> list[Row]:
    """Close what the list no longer has; the closed rows."""
    return await conn.fetch(SQL["close_missing"], account_id, taken_at, now, list(still_open))


async def replace_working(
    conn: Connection, account_id: UUID, working: Sequence[WorkingOrder], taken_at: datetime
) -> None:
    """Write the broker's order book of the account as it is now."""
    await conn.execute(
        SQL["replace_working"],
        account_id,
        taken_at,
        [w.ticket for w in working],
        [w.symbol for w in working],
        [w.type for w in working],
        [w.volume_initial for w in working],
        [w.volume_current for w in working],
        [w.price_open for w in working],
        [w.stop_limit for w in working],
        [w.sl for w in working],
        [w.tp for w in working],
        [w.state for w in working],
        [w.type_time for w in working],
        [w.expiration for w in working],
        [w.magic for w in working],
        [w.comment for w in working],
        [order_id_of(w.comment) for w in working],
    )


async def insert_deals(conn: Connection, account_id: UUID, deals: Sequence[Deal], now: datetime) -> set[int]:
    """Store deals, each once; the tickets that are new."""
    rows = await conn.fetch(
        SQL["insert_deals"],
        account_id,
        now,
        [d.ticket for d in deals],
        [d.order_ticket for d in deals],
        [d.position_id for d in deals],
        [d.symbol for d in deals],
        [d.type for d in deals],
        [d.entry for d in deals],
        [d.volume for d in deals],
        [d.price for d in deals],
        [d.sl for d in deals],
        [d.tp for d in deals],
        [d.profit for d in deals],
        [d.swap for d in deals],
        [d.commission for d in deals],
        [d.fee for d in deals],
        [d.magic for d in deals],
        [d.comment for d in deals],
        [d.reason for d in deals],
        [d.time_msc for d in deals],
        [d.executed_at for d in deals],
    )
    return {row["ticket"] for row in rows}


async def save_ticks(
    conn: Connection, account_id: UUID, ticks: Sequence[QuoteTick], *, broker_msc: int | None, now: datetime
) -> list[QuoteTick]:
    """Store quotes, each once, and the last of each symbol; the last ones.

    `broker_msc` is the broker's wall clock at the time of sending: a quote is as old as it is on that clock, so that a
    clock that is wrong makes no quote stale. None: the quote's own time counts.
    """
    await conn.execute(
        SQL["save_ticks"],
        account_id,
        [t.time for t in ticks],
        [t.symbol for t in ticks],
        [t.time_msc for t in ticks],
        [float(t.bid) for t in ticks],
        [float(t.ask) for t in ticks],
        [float(t.last) for t in ticks],
        [float(t.volume) for t in ticks],
    )
    latest: dict[str, QuoteTick] = {}
    for tick in sorted(ticks, key=lambda t: t.time_msc):
        latest[tick.symbol] = tick
    last = [latest[symbol] for symbol in sorted(latest)]  # one order of locks for all writers
    await conn.execute(
        SQL["save_latest_ticks"],
        account_id,
        now,
        [t.symbol for t in last],
        [t.bid for t in last],
        [t.ask for t in last],
        [t.time_msc for t in last],
        [_quoted_at(t, broker_msc, now) for t in last],
    )
    return last


def _quoted_at(tick: QuoteTick, broker_msc: int | None, now: datetime) -> datetime:
    if broker_msc is None:
        return min(tick.time, now)
    return now - timedelta(milliseconds=max(0, broker_msc - tick.time_msc))


async def save_bars(conn: Connection, account_id: UUID, bars: Sequence[Bar], now: datetime) -> None:
    """Store bars; a bar told again with more ticks replaces what was known of it."""
    await conn.execute(
        SQL["save_bars"],
        account_id,
        now,
        [b.time for b in bars],
        [b.symbol for b in bars],
        [b.timeframe for b in bars],
        [float(b.open) for b in bars],
        [float(b.high) for b in bars],
        [float(b.low) for b in bars],
        [float(b.close) for b in bars],
        [b.tick_volume for b in bars],
        [b.real_volume for b in bars],
        [b.spread for b in bars],
    )


async def save_quotes(conn: Connection, account_id: UUID, quotes: Sequence[LotQuote]) -> None:
    """Store what the terminal's own calculators say of one lot, the last of each symbol and side."""
    last = {(quote.symbol, quote.side): quote for quote in quotes}
    ordered = [last[key] for key in sorted(last)]
    await conn.execute(
        SQL["save_quotes"],
        account_id,
        [q.symbol for q in ordered],
        [q.side for q in ordered],
        [q.entry for q in ordered],
        [q.stop for q in ordered],
        [q.loss_per_lot for q in ordered],
        [q.margin_per_lot for q in ordered],
        [q.received_at for q in ordered],
    )


async def save_symbols(conn: Connection, account_id: UUID, specs: Sequence[SymbolSpec], now: datetime) -> None:
    """Store specifications of symbols."""
    ordered = sorted(specs, key=lambda spec: spec.name)
    await conn.execute(
        SQL["save_symbols"],
        account_id,
        now,
        [spec.name for spec in ordered],
        [spec_to_json(spec) for spec in ordered],
        [spec.version for spec in ordered],
    )


def spec_to_json(spec: SymbolSpec) -> dict[str, Any]:
    """A specification as JSON; decimals are strings, what `spec_of` reads."""
    kept = {}
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.name in ("name", "as_of", "sessions") or value is None:
            continue
        kept[field.name] = format(value, "f") if isinstance(value, Decimal) else value
    return kept


_TEXTS = frozenset({"currency_base", "currency_profit", "currency_margin", "trade_mode", "trade_exemode", "path"})


def spec_of(name: str, spec: dict[str, Any], received_at: datetime) -> SymbolSpec:
    """The specification that `save_symbols` stored."""
    values = dict(spec)
    for field in dataclasses.fields(SymbolSpec):
        if isinstance(values.get(field.name), str) and field.name not in _TEXTS:
            values[field.name] = Decimal(values[field.name])
    values["trade_mode"] = SymbolTradeMode(spec["trade_mode"])
    values["trade_exemode"] = ExecutionMode(spec["trade_exemode"])
    return SymbolSpec(name=name, as_of=received_at, **values)
