"""A stopped market with a clock of its own, on which the tests of the terminal stand."""

from decimal import Decimal

from rubi.terminal.broker import Action, Filling, OrderType, Request
from rubi.terminal.instruments import INSTRUMENTS
from rubi.terminal.simulated import AccountTerms, SimulatedBroker

NOON = 1_761_213_600_000
QUOTES = {
    "EURUSD": ("1.10000", "1.10010"),
    "GBPUSD": ("1.27000", "1.27010"),
    "USDJPY": ("150.000", "150.010"),
    "XAUUSD": ("2350.00", "2350.20"),
    "US30": ("39500.0", "39502.0"),
}


class HandClock:
    """A clock that a test moves."""

    def __init__(self, msc=NOON):
        self.msc = msc

    def __call__(self):
        return self.msc

    def advance(self, seconds):
        self.msc += round(seconds * 1000)


def d(text):
    return Decimal(text)


def still_market(clock=None, *, instruments=INSTRUMENTS, terms=None, path=None, **terms_fields):
    """A broker whose prices move only by `quote`, with the same quotes at each start."""
    broker = SimulatedBroker(
        terms or AccountTerms(**terms_fields),
        clock=clock or HandClock(),
        interval_ms=0,
        history_minutes=0,
        instruments=instruments,
        ledger_path=path,
    )
    for symbol, (bid, ask) in QUOTES.items():
        if symbol in broker.prices.series:
            broker.quote(symbol, d(bid), d(ask))
    return broker


def market(side="BUY", volume="0.10", symbol="EURUSD", **fields):
    return Request(
        action=Action.DEAL,
        symbol=symbol,
        type=OrderType(side),
        volume=d(volume),
        filling=fields.pop("filling", Filling.FOK),
        **fields,
    )


def pending(kind, price, volume="0.10", symbol="EURUSD", **fields):
    return Request(
        action=Action.PENDING, symbol=symbol, type=OrderType(kind), volume=d(volume), price=d(price), **fields
    )
