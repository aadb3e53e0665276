"""The instruments of the simulated broker: their specification and how their price moves."""

from dataclasses import dataclass
from decimal import Decimal

from rubi.domain.units import ZERO
from rubi.terminal.broker import FOK, IOC


@dataclass(frozen=True)
class Instrument:
    """A symbol's constants. `volatility` is the relative standard deviation of the price over one second."""

    name: str
    base: str
    profit: str
    digits: int
    tick_size: Decimal
    contract_size: Decimal
    start: Decimal
    spread_points: int
    volatility: float
    volume_min: Decimal = Decimal("0.01")
    volume_max: Decimal = Decimal(100)
    volume_step: Decimal = Decimal("0.01")
    volume_limit: Decimal = ZERO
    stops_level: int = 0
    freeze_level: int = 0
    trade_mode: str = "FULL"
    trade_exemode: str = "MARKET"
    filling_flags: int = FOK | IOC
    order_modes: int = 127
    expiration_modes: int = 15
    forex: bool = True
    """Margin from the contract alone (FOREX); otherwise from contract × price (CFD_LEVERAGE)."""
    margin_rate: Decimal = Decimal(1)
    commission_per_lot: Decimal = Decimal("7.0")
    """Round turn, account currency."""
    swap_long: Decimal = ZERO
    swap_short: Decimal = ZERO
    """Points per lot and night."""

    @property
    def point(self) -> Decimal:
        """The last digit of the price."""
        return Decimal(1).scaleb(-self.digits)


# fmt: off
INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("EURUSD", "EUR", "USD", 5, Decimal("0.00001"), Decimal(100_000), Decimal("1.08500"), 7, 1.7e-5,
               swap_long=Decimal("-6.1"), swap_short=Decimal("2.4")),
    Instrument("GBPUSD", "GBP", "USD", 5, Decimal("0.00001"), Decimal(100_000), Decimal("1.27200"), 10, 1.9e-5,
               swap_long=Decimal("-3.2"), swap_short=Decimal("-2.1")),
    Instrument("USDJPY", "USD", "JPY", 3, Decimal("0.001"), Decimal(100_000), Decimal("150.200"), 9, 2.0e-5,
               swap_long=Decimal("10.3"), swap_short=Decimal("-22.8")),
    Instrument("XAUUSD", "XAU", "USD", 2, Decimal("0.01"), Decimal(100), Decimal("2350.00"), 18, 3.2e-5, forex=False,
               stops_level=10, swap_long=Decimal("-31.5"), swap_short=Decimal("14.9")),
    Instrument("US30", "USD", "USD", 1, Decimal("0.1"), Decimal(1), Decimal("39500.0"), 16, 2.4e-5, forex=False,
               stops_level=10, volume_min=Decimal("0.1"), volume_step=Decimal("0.1"), commission_per_lot=ZERO,
               swap_long=Decimal("-65.0"), swap_short=Decimal("12.0")),
)
# fmt: on
"""Two 5-digit pairs, a yen pair, gold and an index: every shape of tick value arithmetic."""
