"""The account as its terminal reports it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rubi.domain.units import NO_MONEY, Money, Percent


class MarginMode(StrEnum):
    """How positions are kept (ENUM_ACCOUNT_MARGIN_MODE)."""

    HEDGING = "HEDGING"
    NETTING = "NETTING"
    EXCHANGE = "EXCHANGE"


class TradeMode(StrEnum):
    """What kind of money it is (ENUM_ACCOUNT_TRADE_MODE)."""

    DEMO = "DEMO"
    CONTEST = "CONTEST"
    REAL = "REAL"


class TradingState(StrEnum):
    """What orders may do. Reconciling is a flag beside it: an account can be halted and unreconciled at once."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


def strictest(states: Iterable[TradingState]) -> TradingState:
    """Return the state that holds of several: the last of ACTIVE, REDUCING, HALTED."""
    return max(states, key=list(TradingState).index)


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Money of one account at one moment, account currency."""

    balance: Money
    equity: Money
    margin: Money
    margin_free: Money
    currency: str
    taken_at: datetime
    """When the terminal read it, in our clock: the caller takes the terminal's clock error out."""
    received_at: datetime
    margin_level: Percent | None = None
    """None while no margin is used."""
    profit: Money = NO_MONEY
    credit: Money = NO_MONEY
    digits: int = 2
    leverage: int | None = None
    """The account's margin leverage (100 means 1:100), when known."""
