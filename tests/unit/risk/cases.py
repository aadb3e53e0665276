"""Cases that a test changes in one place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk.case import Proposal, RiskCase
from rubi.domain.risk.holdings import OpenPosition
from rubi.domain.risk.policy import RiskPolicy
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import Side

NOW = datetime(2026, 2, 12, 12, 45, tzinfo=UTC)


def eurusd(**changes) -> SymbolSpec:
    return replace(
        SymbolSpec(
            name="EURUSD",
            digits=5,
            point=D("0.00001"),
            tick_size=D("0.00001"),
            tick_value_loss=D(1),
            tick_value_profit=D(1),
            contract_size=D(100000),
            volume_min=D("0.01"),
            volume_max=D(100),
            volume_step=D("0.01"),
            currency_base="EUR",
            currency_profit="USD",
            currency_margin="EUR",
            as_of=NOW - timedelta(hours=1),
        ),
        **changes,
    )


def gbpusd(**changes) -> SymbolSpec:
    return eurusd(name="GBPUSD", currency_base="GBP", currency_margin="GBP", **changes)


def usdjpy(**changes) -> SymbolSpec:
    rate = D(100) / D(150)
    return replace(
        eurusd(name="USDJPY", digits=3, point=D("0.001"), tick_size=D("0.001"), currency_base="USD"),
        **{"currency_profit": "JPY", "tick_value_loss": rate, "tick_value_profit": rate, **changes},
    )


def xauusd(**changes) -> SymbolSpec:
    base = eurusd(name="XAUUSD", digits=2, point=D("0.01"), tick_size=D("0.01"), contract_size=D(100))
    return replace(base, **{"currency_base": "XAU", **changes})


def us30(**changes) -> SymbolSpec:
    base = eurusd(name="US30", digits=1, point=D("0.1"), tick_size=D("0.1"), contract_size=D(1))
    values = {
        "currency_base": "USD",
        "tick_value_loss": D("0.1"),
        "tick_value_profit": D("0.1"),
        "volume_min": D("0.1"),
        "volume_step": D("0.1"),
    }
    return replace(base, **{**values, **changes})


def account(balance="10000", equity=None, **changes) -> AccountSnapshot:
    equity = D(equity if equity is not None else balance)
    values = {
        "balance": D(balance),
        "equity": equity,
        "margin": D(0),
        "margin_free": equity,
        "currency": "USD",
        "taken_at": NOW - timedelta(seconds=1),
        "received_at": NOW - timedelta(seconds=1),
        "leverage": 100,
    }
    return AccountSnapshot(**{**values, **changes})


def tick(symbol="EURUSD", bid="1.09998", ask="1.10000", age=1) -> Tick:
    at = NOW - timedelta(seconds=age)
    return Tick(symbol, D(bid), D(ask), at, at)


def proposal(**changes) -> Proposal:
    return replace(
        Proposal(
            symbol="EURUSD",
            side=Side.BUY,
            signal_time=NOW - timedelta(seconds=2),
            stop=D("1.09500"),
            target=D("1.11000"),
        ),
        **changes,
    )


def position(symbol="EURUSD", side=Side.BUY, volume="0.20", current="1.1020", stop="1.0950", **changes) -> OpenPosition:
    values = {
        "symbol": symbol,
        "side": side,
        "volume": D(volume),
        "open_price": D("1.1000"),
        "current_price": D(current),
        "stop": None if stop is None else D(stop),
    }
    return OpenPosition(**{**values, **changes})


def case(**changes) -> RiskCase:
    """A buy of EURUSD by a clean account of 10,000: approved with 0.20 lots at 1 % risk."""
    values = {
        "proposal": proposal(),
        "policy": RiskPolicy(),
        "account": account(),
        "tick": tick(),
        "specs": (eurusd(), gbpusd()),
    }
    return RiskCase(**{**values, **changes})
