"""The risk parameters of one account: what may be risked, lost, held and when."""

# ruff: noqa: RUF009 - a unit's NewType returns its immutable argument

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from rubi.domain.errors import RubiError
from rubi.domain.risk.record import RecordError, build, plain
from rubi.domain.symbol import SessionWindow
from rubi.domain.units import Lots, Money, Percent


class SizingMode(StrEnum):
    """What `sizing_value` means."""

    RISK_PERCENT = "RISK_PERCENT"
    """Percent of the risk basis lost at the stop."""
    MONEY = "MONEY"
    """Account currency lost at the stop."""
    FIXED_LOTS = "FIXED_LOTS"
    LOTS_PER_BALANCE = "LOTS_PER_BALANCE"
    """Lots for each `sizing_balance_unit` of balance."""
    MARGIN_PERCENT = "MARGIN_PERCENT"
    """Percent of the free margin used."""
    SIGNAL_VOLUME = "SIGNAL_VOLUME"
    """The signal's own lots, capped by `sizing_value` percent of risk."""


PERCENT_MODES = frozenset({SizingMode.RISK_PERCENT, SizingMode.SIGNAL_VOLUME, SizingMode.MARGIN_PERCENT})


class RiskBasis(StrEnum):
    """The money that a risk percent is taken of."""

    BALANCE = "BALANCE"
    EQUITY = "EQUITY"
    MIN_BALANCE_EQUITY = "MIN_BALANCE_EQUITY"
    FREE_MARGIN = "FREE_MARGIN"
    FIXED_CAPITAL = "FIXED_CAPITAL"


class BelowMinimum(StrEnum):
    """What happens when the budget buys less than the smallest volume."""

    DENY = "DENY"
    USE_MINIMUM = "USE_MINIMUM"
    """Take the minimum while it loses at most `below_minimum_factor` times the budget."""


class DayAnchor(StrEnum):
    """The money from which the day's loss is counted."""

    BALANCE = "BALANCE"
    EQUITY = "EQUITY"
    MAX = "MAX"
    INITIAL = "INITIAL"


class LimitBase(StrEnum):
    """The money that a loss limit's percent is taken of."""

    ANCHOR = "ANCHOR"
    """The day's anchor, or the drawdown's peak."""
    INITIAL = "INITIAL"


class DrawdownMode(StrEnum):
    """From which peak the drawdown is counted."""

    TRAILING_EQUITY = "TRAILING_EQUITY"
    """The highest value ever seen, at any moment."""
    STATIC = "STATIC"
    """The value at the start."""
    EOD_TRAILING = "EOD_TRAILING"
    """The highest value at the end of a day."""
    INTRADAY = "INTRADAY"
    """The highest value of the day."""


class PeakOf(StrEnum):
    """Which money makes the peak of a trailing drawdown; the floor is always compared with the equity."""

    EQUITY = "EQUITY"
    BALANCE = "BALANCE"


class LockScope(StrEnum):
    """How wide a protection locks."""

    ACCOUNT = "ACCOUNT"
    SYMBOL = "SYMBOL"
    SIDE = "SIDE"


class PolicyError(RubiError):
    """A policy that cannot hold; `field` names the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("POLICY_INVALID", f"{field}: {message}", field=field)
        self.field = field

    @property
    def parameter(self) -> str:
        """The parameter of the policy that `field` is, or is a part of."""
        return self.field.partition(".")[0].partition("[")[0]


@dataclass(frozen=True, slots=True)
class StopGuard:
    """After `stops` losing stop-outs within `window_seconds`, lock for `lock_seconds`."""

    stops: int
    window_seconds: int
    lock_seconds: int
    scope: LockScope = LockScope.ACCOUNT


@dataclass(frozen=True, slots=True)
class LowProfitGuard:
    """After `trades` closes of a symbol within `window_seconds` that earn less than `min_profit`, lock the symbol."""

    trades: int
    window_seconds: int
    min_profit: Money
    lock_seconds: int


BROKER_ZONE = "BROKER"
"""Broker wall-clock by its offset history, instead of an IANA zone."""


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """Every parameter of the risk engine. Percents: 2 is 2 %. None switches an optional limit off."""

    version: int = 1

    sizing_mode: SizingMode = SizingMode.RISK_PERCENT
    sizing_value: Decimal = Decimal(1)
    sizing_balance_unit: Money = Money(Decimal(1000))
    risk_basis: RiskBasis = RiskBasis.MIN_BALANCE_EQUITY
    fixed_capital: Money | None = None
    below_minimum: BelowMinimum = BelowMinimum.DENY
    below_minimum_factor: Decimal = Decimal(1)
    slippage_ticks: Decimal = Decimal(0)
    tick_value_tolerance_percent: Percent = Percent(Decimal(2))
    require_terminal_quote: bool = False
    """Size nothing by the broker's tick value alone: the terminal must have computed the loss of one lot, too."""
    max_lot: Lots | None = None
    require_stop: bool = True
    require_target: bool = False
    atr_stop_multiple: Decimal | None = None
    """With a known ATR, an order without a stop gets one this many ATR away; it is sent to the broker."""
    no_stop_move_percent: Percent | None = None
    """The move assumed for a position without a stop; None takes its margin as its risk."""

    max_position_size_percent: Percent = Percent(Decimal(2))
    max_total_exposure_percent: Percent = Percent(Decimal(10))
    max_daily_loss_percent: Percent | None = Percent(Decimal(5))
    max_drawdown_percent: Percent | None = Percent(Decimal(20))
    min_risk_reward: Decimal | None = Decimal("1.5")
    max_positions: int = 10
    max_positions_per_symbol: int | None = None
    allow_opposite: bool = True

    max_leverage: Decimal | None = None
    max_currency_exposure_percent: Percent | None = None
    max_correlated_risk_percent: Percent | None = Percent(Decimal(6))
    correlation_threshold: Decimal = Decimal("0.7")
    max_portfolio_risk_percent: Percent | None = None
    min_margin_level_percent: Percent = Percent(Decimal(200))
    margin_reserve_percent: Percent = Percent(Decimal(0))
    max_spread_points: Decimal | None = None
    max_entry_deviation_points: Decimal | None = None

    max_account_age_seconds: int = 15
    max_tick_age_seconds: int = 10
    max_symbol_age_seconds: int = 86400
    max_signal_age_seconds: int = 300

    initial_balance: Money | None = None
    day_zone: str = BROKER_ZONE
    day_reset_minutes: int = 0
    """Minutes after midnight in `day_zone` at which the day begins."""
    day_anchor: DayAnchor = DayAnchor.MAX
    daily_loss_base: LimitBase = LimitBase.ANCHOR
    drawdown_mode: DrawdownMode = DrawdownMode.TRAILING_EQUITY
    drawdown_base: LimitBase = LimitBase.ANCHOR
    drawdown_peak_of: PeakOf = PeakOf.EQUITY
    drawdown_lock_at_initial: bool = False
    """The trailing floor stops rising at the initial value."""
    warn_at_percent: Percent = Percent(Decimal(80))
    """Percent of a loss limit used up, at which a warning goes out."""
    reduce_at_percent: Percent = Percent(Decimal(95))
    """Percent of a loss limit used up, from which positions may only be reduced; at 100 the account is halted."""
    flatten_on_breach: bool = False

    demo_only: bool = False
    """A real account opens nothing; the terminal holds to it, too."""
    symbols_allowed: tuple[str, ...] | None = None
    symbols_blocked: tuple[str, ...] = ()
    trading_sessions: tuple[SessionWindow, ...] | None = None
    session_zone: str = BROKER_ZONE
    cooldown_seconds: int = 0
    stop_guard: StopGuard | None = None
    low_profit_guard: LowProfitGuard | None = None

    def __post_init__(self) -> None:
        _validate(self)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; Decimals are strings."""
        return dict(plain(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RiskPolicy":
        """Build a policy; absent keys take the default. Raise `PolicyError` naming the key that does not fit."""
        try:
            return build(cls, data)
        except RecordError as error:
            raise PolicyError(error.field, error.message) from error

    def changed(self, **changes: Any) -> "RiskPolicy":
        """Return the policy with these parameters and the next version."""
        return replace(self, **{"version": self.version + 1, **changes})


_PERCENTS = {
    "max_position_size_percent": 100,
    "max_total_exposure_percent": 100,
    "max_daily_loss_percent": 100,
    "max_drawdown_percent": 100,
    "max_correlated_risk_percent": 100,
    "max_portfolio_risk_percent": 100,
    "no_stop_move_percent": 100,
    "tick_value_tolerance_percent": 100,
    "warn_at_percent": 100,
    "reduce_at_percent": 100,
}
_POSITIVE = {
    "sizing_value", "sizing_balance_unit", "fixed_capital", "below_minimum_factor", "max_lot", "atr_stop_multiple",
    "max_positions", "max_positions_per_symbol", "max_leverage", "max_currency_exposure_percent", "max_spread_points",
    "max_entry_deviation_points", "max_account_age_seconds", "max_tick_age_seconds", "max_symbol_age_seconds",
    "max_signal_age_seconds", "initial_balance",
}  # fmt: skip
_NOT_NEGATIVE = {
    "slippage_ticks",
    "min_risk_reward",
    "min_margin_level_percent",
    "margin_reserve_percent",
    "cooldown_seconds",
}
_COUNTS = {"max_positions", "max_positions_per_symbol", "stops", "trades"}


MOST_SECONDS = 366 * 86400
MOST_COUNT = 10_000
MOST_PERCENT = 100_000
MOST = Decimal(10) ** 12
PLACES = 8
"""Beyond these no parameter means anything, and arithmetic with it ends in an error instead of an answer."""


def _validate(policy: RiskPolicy) -> None:
    for field in fields(policy):
        value = getattr(policy, field.name)
        if value is None:
            continue
        _validate_bounds(field.name, field.name, value)
        if field.name in _POSITIVE and value <= 0:
            raise PolicyError(field.name, f"is {value}; it must be above 0")
        if field.name in _NOT_NEGATIVE and value < 0:
            raise PolicyError(field.name, f"is {value}; it must not be negative")
        most = _PERCENTS.get(field.name)
        if most is not None and not 0 < value <= most:
            raise PolicyError(field.name, f"is {value}; it must be above 0 and at most {most} percent")
    _validate_together(policy)


def _validate_bounds(field: str, name: str, value: Any) -> None:
    """Refuse a number that no computation carries; `name` tells its unit."""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if abs(value) >= MOST or not isinstance(exponent, int) or exponent < -PLACES:
            raise PolicyError(field, f"is {value}; it must be below 10^12, with at most {PLACES} decimals")
        if name.endswith("_percent") and name not in _PERCENTS and value > MOST_PERCENT:
            raise PolicyError(field, f"is {value}; it must be at most {MOST_PERCENT} percent")
    elif name.endswith("_seconds") and value > MOST_SECONDS:
        raise PolicyError(field, f"is {value}; it must be at most {MOST_SECONDS} seconds, 366 days")
    elif name in _COUNTS and value > MOST_COUNT:
        raise PolicyError(field, f"is {value}; it must be at most {MOST_COUNT}")


def _validate_together(policy: RiskPolicy) -> None:
    if policy.sizing_mode in PERCENT_MODES and policy.sizing_value > 100:
        raise PolicyError("sizing_value", f"is {policy.sizing_value} percent; it must be at most 100")
    if policy.risk_basis is RiskBasis.FIXED_CAPITAL and policy.fixed_capital is None:
        raise PolicyError("fixed_capital", "is needed when risk_basis is FIXED_CAPITAL")
    if policy.max_position_size_percent > policy.max_total_exposure_percent:
        raise PolicyError(
            "max_position_size_percent",
            f"is {policy.max_position_size_percent}, more than max_total_exposure_percent "
            f"{policy.max_total_exposure_percent}; no order of that size could ever open",
        )
    if policy.below_minimum_factor < 1:
        raise PolicyError("below_minimum_factor", f"is {policy.below_minimum_factor}; it must be at least 1")
    if not 0 < policy.correlation_threshold <= 1:
        raise PolicyError("correlation_threshold", f"is {policy.correlation_threshold}; it must be above 0, at most 1")
    if policy.warn_at_percent > policy.reduce_at_percent:
        raise PolicyError("warn_at_percent", f"must not be above reduce_at_percent {policy.reduce_at_percent}")
    needs_initial = policy.day_anchor is DayAnchor.INITIAL or LimitBase.INITIAL in {
        policy.daily_loss_base,
        policy.drawdown_base,
    }
    if needs_initial and policy.initial_balance is None:
        raise PolicyError("initial_balance", "is needed by a limit that counts from the initial balance")
    if not 0 <= policy.day_reset_minutes < 1440:
        raise PolicyError("day_reset_minutes", f"is {policy.day_reset_minutes}; it must be 0 to 1439")
    for name in ("day_zone", "session_zone"):
        _validate_zone(name, getattr(policy, name))
    for guard in (policy.stop_guard, policy.low_profit_guard):
        _validate_guard(guard)


def _validate_zone(field: str, zone: str) -> None:
    if zone == BROKER_ZONE:
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise PolicyError(field, f"{zone!r} is neither BROKER nor a known zone such as Europe/Prague") from None


def _validate_guard(guard: StopGuard | LowProfitGuard | None) -> None:
    if guard is None:
        return
    name = "stop_guard" if isinstance(guard, StopGuard) else "low_profit_guard"
    count = guard.stops if isinstance(guard, StopGuard) else guard.trades
    if min(count, guard.window_seconds, guard.lock_seconds) <= 0:
        raise PolicyError(name, "its count, window_seconds and lock_seconds must be above 0")
    for field in fields(guard):
        _validate_bounds(f"{name}.{field.name}", field.name, getattr(guard, field.name))
