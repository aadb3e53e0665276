"""What a decision is made from, read in one round trip under the account's lock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.account import AccountSnapshot, TradingState, strictest
from rubi.domain.clock import BrokerClock
from rubi.domain.order import OrderKind
from rubi.domain.risk.case import TradingStates
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.drawdown import NavState
from rubi.domain.risk.holdings import OpenPosition, PendingOrder, Reservation
from rubi.domain.risk.loss import DayState
from rubi.domain.risk.lot_quote import LotQuote
from rubi.domain.risk.memory import PastDeals, begin, standing, turn_day
from rubi.domain.risk.policy import LockScope, PolicyError, RiskPolicy
from rubi.domain.risk.protections import Closure, Lock
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Lots, Money, Price, Side, exact
from rubi.store import risk_state
from rubi.store.books import spec_of
from rubi.store.pool import Connection, Row
from rubi.store.risk_state import clock_of, policy_of, snapshot_of
from rubi.store.sql import statements

SQL = statements(__file__)
_SHORT_WAIT = timedelta(milliseconds=500)
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """An account as the database knows it at one moment, and the symbol that is asked about."""

    policy: RiskPolicy
    policy_fault: PolicyError | None
    """What is wrong with the stored policy; `policy` holds in its place, and nothing opens."""
    account: AccountSnapshot | None
    tick: Tick | None
    specs: tuple[SymbolSpec, ...]
    positions: tuple[OpenPosition, ...]
    tickets: dict[str, int]
    """POSITION_TICKET by position id: what a close names."""
    pendings: tuple[PendingOrder, ...]
    reservations: tuple[Reservation, ...]
    states: TradingStates
    reconciled: bool
    unknown_order: bool
    closing: frozenset[int]
    """Tickets of positions that a close is on its way to."""
    locks: tuple[Lock, ...]
    clock: BrokerClock
    day: DayState | None
    """With every known deposit and withdrawal; None while nothing is known of the account's money."""
    nav: NavState | None
    quotes: tuple[LotQuote, ...]
    """What the terminal's own calculators say of the symbol."""
    not_tradable: str | None
    """Why the broker or the terminal refuses every order."""
    real: bool
    """Not a demo: money is at stake."""
    legacy: bool
    """The terminal is an older connector: no specification, no quotes, figures every half minute."""

    @property
    def barred(self) -> str | None:
        """The code of what lets nothing open on the account, whatever is asked for."""
        if self.not_tradable is not None:
            return "ACCOUNT_NOT_TRADABLE"
        if self.policy_fault is not None:
            return "POLICY_UNUSABLE"
        return "DEMO_ONLY" if self.real and self.policy.demo_only else None


@dataclass(frozen=True, slots=True)
class QuotedSymbol:
    """A symbol with its quote, and what holds for it alone."""

    spec: SymbolSpec
    tick: Tick
    state: TradingState
    unknown_order: bool
    quotes: tuple[LotQuote, ...]


async def take_turn(conn: Connection, account_id: UUID) -> timedelta:
    """Wait for the account's lock, which is given back at the end of the transaction; how long that took.

    Ages are judged at the time after it: what was fresh before a queue may be old behind it. A wait that no age shows
    is none.
    """
    begun = time.monotonic()
    await conn.execute(SQL["take_turn"], account_id)
    return waited_since(begun)


def waited_since(begun: float) -> timedelta:
    """The time since this moment of the monotonic clock, as a wait for a turn."""
    waited = timedelta(seconds=time.monotonic() - begun)
    return waited if waited >= _SHORT_WAIT else timedelta()


async def gather(conn: Connection, account_id: UUID, symbol: str, *, now: datetime) -> RiskFacts:
    """Read the facts. Call it after `take_turn` in the same transaction, else two decisions see the same room."""
    row = await conn.fetchrow(SQL["gather"], account_id, symbol, now)
    if row is None:
        raise RuntimeError(f"account {account_id} is not there")
    clock, account = clock_of(row["offsets"]), snapshot_of(row)
    policy, fault = policy_of(row["policy"], row["policy_version"])
    day, nav = await _limits(conn, account_id, row, account, policy, clock, now)
    specs = tuple(
        spec_of(name, spec, datetime.fromisoformat(received_at)) for name, spec, received_at in row["specs"] or ()
    )
    return RiskFacts(
        policy=policy,
        policy_fault=fault,
        account=account,
        tick=_tick(row, symbol),
        specs=specs,
        positions=tuple(_position(each) for each in row["positions"] or ()),
        tickets={each[6]: int(each[7]) for each in row["positions"] or ()},
        pendings=tuple(_pending(each) for each in row["pendings"] or ()),
        reservations=tuple(_reservation(each) for each in row["reservations"] or ()),
        states=_states(row),
        reconciled=row["reconciled_at"] is not None,
        unknown_order=row["unknown_order"],
        closing=frozenset(int(ticket) for ticket in row["closing"] or () if ticket is not None),
        locks=tuple(_lock(each) for each in row["locks"] or ()),
        clock=clock,
        day=day,
        nav=nav,
        quotes=tuple(_quote(symbol, each) for each in row["quotes"] or ()),
        not_tradable=row["not_tradable_code"],
        real=row["trade_mode"] == "REAL",
        legacy=row["protocol"] == 1 and all(spec.name != symbol for spec in specs),
    )


async def quoted_symbols(conn: Connection, account_id: UUID) -> list[QuotedSymbol]:
    """Every symbol whose specification and quote are known, with both."""
    found = []
    for row in await conn.fetch(SQL["quoted_symbols"], account_id):
        spec = spec_of(row["name"], row["spec"], row["received_at"])
        found.append(
            QuotedSymbol(
                spec=spec,
                tick=Tick(spec.name, Price(row["bid"]), Price(row["ask"]), row["quoted_at"], row["tick_received_at"]),
                state=strictest([TradingState.ACTIVE, *(TradingState(each) for each in row["switches"] or ())]),
                unknown_order=row["unknown_order"],
                quotes=tuple(_quote(spec.name, each) for each in row["quotes"] or ()),
            )
        )
    return found


async def closures(conn: Connection, account_id: UUID, policy: RiskPolicy, *, now: datetime) -> tuple[Closure, ...]:
    """The recent closes, as far back as the policy's protections look; none when it has no protection."""
    reach = policy.cooldown_seconds
    for guard in (policy.stop_guard, policy.low_profit_guard):
        if guard is not None:
            reach = max(reach, guard.window_seconds + guard.lock_seconds)
    if reach == 0:
        return ()
    rows = await conn.fetch(SQL["closures"], account_id, now - timedelta(seconds=reach))
    return tuple(
        Closure(row["symbol"], Side(row["side"]), row["executed_at"], Money(row["profit"]), row["by_stop"])
        for row in rows
    )


async def _limits(
    conn: Connection,
    account_id: UUID,
    row: Row,
    account: AccountSnapshot | None,
    policy: RiskPolicy,
    clock: BrokerClock,
    now: datetime,
) -> tuple[DayState | None, NavState | None]:
    """Day and units as they stand now; a day that the next snapshot will begin is begun here and not stored."""
    if account is None or account.equity <= 0:
        return None, None
    today, memory = trading_day(now, policy, clock), risk_state.memory_of(row)
    deals_come = row["protocol"] is None or row["protocol"] > 1
    past = PastDeals()
    if memory is None or memory.day.day < today.day:
        past = await risk_state.past_deals(conn, account_id, today.starts)
    if memory is None:
        memory = begin(account, policy, today, past)
    with exact():
        memory = turn_day(memory, account, policy, today, past, deals_come=deals_come)
        return standing(memory, account, deals_come=deals_come)


def _tick(row: Row, symbol: str) -> Tick | None:
    if row["bid"] is None:
        return None
    return Tick(symbol, Price(row["bid"]), Price(row["ask"]), row["quoted_at"], row["tick_received_at"])


def _price(text: str | None) -> Price | None:
    return None if text is None or Decimal(text) == 0 else Price(Decimal(text))


def _position(stored: list[Any]) -> OpenPosition:
    symbol, side, volume, open_price, current_price, stop, position_id, _ = stored
    return OpenPosition(
        symbol=symbol,
        side=Side(side),
        volume=Lots(Decimal(volume)),
        open_price=Price(Decimal(open_price)),
        current_price=Price(Decimal(current_price)),
        stop=_price(stop),
        position_id=position_id,
    )


def _pending(stored: list[Any]) -> PendingOrder:
    symbol, kind, volume, price, stop, ticket = stored
    side = Side.BUY if kind.startswith("BUY") else Side.SELL
    return PendingOrder(symbol, side, Lots(Decimal(volume)), Price(Decimal(price)), _price(stop), ticket)


def _reservation(stored: list[Any]) -> Reservation:
    symbol, side, volume, risk, margin, price, order_id, kind = stored
    return Reservation(
        symbol=symbol,
        side=Side(side),
        volume=Lots(Decimal(volume)),
        risk=Money(Decimal(risk)),
        margin=Money(Decimal(margin)),
        price=_price(price),
        order_id=order_id,
        kind=OrderKind(kind),
    )


def _states(row: Row) -> TradingStates:
    levels = {
        "everywhere": TradingState.ACTIVE,
        "account": strictest([TradingState(row["trading_state"]), TradingState(row["risk_state"] or "ACTIVE")]),
        "symbol": TradingState.ACTIVE,
    }
    for account_id, symbol, state in row["switches"] or ():
        level = "symbol" if symbol is not None else "account" if account_id is not None else "everywhere"
        levels[level] = strictest([levels[level], TradingState(state)])
    return TradingStates(**levels, reason=_reason(row))


def _reason(row: Row) -> str:
    """Why the account itself is held back: what a person said, and what the loss limits say."""
    said = row["trading_reason"] if row["trading_state"] != TradingState.ACTIVE else None
    return " ".join(reason for reason in (said, row["risk_reason"]) if reason)


def _lock(stored: list[Any]) -> Lock:
    scope, code, until, reason, symbol, side = stored
    return Lock(
        scope=LockScope(scope),
        code=DenialCode(code),
        until=_FOR_EVER if until is None else datetime.fromisoformat(until),
        reason=reason,
        symbol=symbol,
        side=None if side is None else Side(side),
    )


def _quote(symbol: str, stored: list[Any]) -> LotQuote:
    side, entry, stop, loss, margin, received_at = stored
    return LotQuote(
        symbol=symbol,
        side=Side(side),
        entry=Price(Decimal(entry)),
        stop=_price(stop),
        loss_per_lot=None if loss is None else Money(Decimal(loss)),
        margin_per_lot=None if margin is None else Money(Decimal(margin)),
        received_at=datetime.fromisoformat(received_at),
    )
