"""What a decision is made from, read in one round trip under the account's lock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk.case import TradingStates
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.holdings import OpenPosition, PendingOrder, Reservation
from rubi.domain.risk.loss import DayState
from rubi.domain.risk.policy import LockScope, RiskPolicy
from rubi.domain.risk.protections import Closure, Lock
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Lots, Money, Percent, Price, Side
from rubi.store.books import spec_of
from rubi.store.pool import Connection, Row
from rubi.store.sql import statements

SQL = statements(__file__)
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """An account as the database knows it at one moment, and the symbol that is asked about."""

    policy: RiskPolicy
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
    clock_known: bool
    day: DayState | None
    not_tradable: str | None
    legacy: bool
    """The terminal is an older connector: no specification, no quotes, figures every half minute."""


async def take_turn(conn: Connection, account_id: UUID) -> None:
    """Wait for the account's lock; it is given back at the end of the transaction."""
    await conn.execute(SQL["take_turn"], account_id)


async def only_account(conn: Connection, user_id: int) -> UUID | None:
    """The account of a user who has exactly one."""
    found: UUID | None = await conn.fetchval(SQL["only_account"], user_id)
    return found


async def gather(conn: Connection, account_id: UUID, symbol: str, *, now: datetime) -> RiskFacts:
    """Read the facts. Call it after `take_turn` in the same transaction, else two decisions see the same room."""
    row = await conn.fetchrow(SQL["gather"], account_id, symbol, now)
    if row is None:
        raise RuntimeError(f"account {account_id} is not there")
    clock, clock_known = _clock(row["offsets"])
    specs = tuple(
        spec_of(name, spec, datetime.fromisoformat(received_at)) for name, spec, received_at in row["specs"] or ()
    )
    return RiskFacts(
        policy=RiskPolicy() if row["policy"] is None else _policy(row["policy"], row["policy_version"]),
        account=_account(row),
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
        clock_known=clock_known,
        day=_day(row),
        not_tradable=row["not_tradable_code"],
        legacy=row["protocol"] == 1 and all(spec.name != symbol for spec in specs),
    )


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


def _policy(stored: dict[str, Any], version: int) -> RiskPolicy:
    return RiskPolicy.from_dict({**stored, "version": version})


def _account(row: Row) -> AccountSnapshot | None:
    if row["balance"] is None:
        return None
    return AccountSnapshot(
        balance=Money(row["balance"]),
        equity=Money(row["equity"]),
        margin=Money(row["margin"]),
        margin_free=Money(row["margin_free"]),
        currency=row["currency"],
        taken_at=row["taken_at"],
        received_at=row["received_at"],
        margin_level=Percent(row["margin_level"]) if row["margin"] > 0 else None,
        profit=Money(row["profit"]),
        credit=Money(row["credit"]),
        digits=row["currency_digits"],
        leverage=row["leverage"],
    )


def _clock(offsets: list[tuple[str, int, bool]] | None) -> tuple[BrokerClock, bool]:
    history = [(datetime.fromisoformat(since), minutes) for since, minutes, _ in offsets or ()]
    return BrokerClock.of_minutes(history, suspect=bool(offsets and offsets[-1][2])), bool(offsets)


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
    symbol, side, volume, risk, margin, price, order_id = stored
    return Reservation(
        symbol=symbol,
        side=Side(side),
        volume=Lots(Decimal(volume)),
        risk=Money(Decimal(risk)),
        margin=Money(Decimal(margin)),
        price=_price(price),
        order_id=order_id,
    )


def _states(row: Row) -> TradingStates:
    levels = {
        "everywhere": TradingState.ACTIVE,
        "account": TradingState(row["trading_state"]),
        "symbol": TradingState.ACTIVE,
    }
    for account_id, symbol, state in row["switches"] or ():
        level = "symbol" if symbol is not None else "account" if account_id is not None else "everywhere"
        levels[level] = _stricter(levels[level], TradingState(state))
    return TradingStates(**levels)


def _stricter(one: TradingState, other: TradingState) -> TradingState:
    return max(one, other, key=list(TradingState).index)


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


def _day(row: Row) -> DayState | None:
    if row["day"] is None:
        return None
    return DayState(
        day=row["day"],
        starts=row["day_starts_at"],
        ends=row["day_ends_at"],
        anchor=Money(row["day_anchor"]),
        flows=Money(row["day_flows"]),
        estimated=row["day_estimated"],
    )
