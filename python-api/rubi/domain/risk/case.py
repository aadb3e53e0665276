"""Everything a decision is made from. A case is stored with its decision and gives the same one when it is replayed."""

# ruff: noqa: RUF009 - the defaults are frozen themselves

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rubi.domain.account import AccountSnapshot, TradingState
from rubi.domain.clock import BrokerClock
from rubi.domain.risk.correlation import Correlation
from rubi.domain.risk.drawdown import NavState
from rubi.domain.risk.holdings import OpenPosition, PendingOrder, Reservation
from rubi.domain.risk.loss import DayState
from rubi.domain.risk.policy import RiskPolicy, SizingMode
from rubi.domain.risk.protections import Closure, Lock
from rubi.domain.risk.record import build, plain
from rubi.domain.signal import OrderType
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Lots, Money, Price, Side


@dataclass(frozen=True, slots=True)
class SizingChoice:
    """A signal's own sizing; the policy's limits hold over it."""

    mode: SizingMode
    value: Decimal


@dataclass(frozen=True, slots=True)
class Proposal:
    """The order somebody wishes for."""

    symbol: str
    side: Side
    signal_time: datetime
    order_type: OrderType = OrderType.MARKET
    entry: Price | None = None
    """Pending: its price. Market: the price the signal was made at, if it says so."""
    limit_price: Price | None = None
    """Stop-limit: where the limit order is placed once `entry` is reached."""
    stop: Price | None = None
    target: Price | None = None
    volume: Lots | None = None
    sizing: SizingChoice | None = None
    expires_at: datetime | None = None
    confidence: Decimal | None = None
    """Kept for the record; it never raises risk."""


@dataclass(frozen=True, slots=True)
class TradingStates:
    """The kill switch at its three levels."""

    everywhere: TradingState = TradingState.ACTIVE
    account: TradingState = TradingState.ACTIVE
    symbol: TradingState = TradingState.ACTIVE
    reason: str = ""
    """Why the account is held back, where somebody or a limit said so."""


@dataclass(frozen=True, slots=True)
class RiskCase:
    """The inputs of one decision. What is None is not known; the gates say what that means."""

    proposal: Proposal
    policy: RiskPolicy
    account: AccountSnapshot | None
    tick: Tick | None
    """The quote of the proposal's symbol."""
    specs: tuple[SymbolSpec, ...]
    """Of the proposal's symbol and of every symbol held."""
    positions: tuple[OpenPosition, ...] = ()
    pendings: tuple[PendingOrder, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    """Approved orders that are not yet among positions and pendings."""
    states: TradingStates = TradingStates()
    reconciled: bool = True
    unknown_order: bool = False
    """The symbol has an opening order whose outcome is not known."""
    locks: tuple[Lock, ...] = ()
    closures: tuple[Closure, ...] = ()
    """Recent closes, as far back as the protections look."""
    clock: BrokerClock = BrokerClock()
    day: DayState | None = None
    """None: the day's anchor is taken from this snapshot, and flagged as estimated."""
    nav: NavState | None = None
    """None: the drawdown counts from this snapshot."""
    correlations: tuple[Correlation, ...] = ()
    ea_loss_per_lot: Money | None = None
    ea_margin_per_lot: Money | None = None
    atr: Decimal | None = None
    """Average true range of the symbol in price, for stops that the policy makes itself."""

    def to_record(self) -> dict[str, Any]:
        """Return JSON values that `from_record` turns into an equal case."""
        return dict(plain(self))

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "RiskCase":
        """Build the case from its record; raise `RecordError` naming what does not fit."""
        return build(cls, record)
