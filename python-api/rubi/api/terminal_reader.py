"""The terminal's bodies made into facts of the domain: every number finite, every ticket a number, every time UTC."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Context, Decimal
from typing import TypeVar
from uuid import UUID

from rubi.api import wire_terminal as wire
from rubi.domain.clock import UTC_CLOCK, BrokerClock, parse_time
from rubi.domain.errors import RubiError
from rubi.domain.learn_clock import TimesSaid
from rubi.domain.market import TIMEFRAMES, Bar, QuoteTick
from rubi.domain.position import AccountMoney, BrokerPosition, Deal, WorkingOrder
from rubi.domain.risk.lot_quote import LotQuote
from rubi.domain.symbol import ExecutionMode, SymbolSpec, SymbolTradeMode
from rubi.domain.units import Lots, Money, Price, Side

_BIGGEST = Decimal("1e15")
_SMALLEST = -18
"""Decimal exponent below which a number is the remainder of a subtraction: zero."""
_DIGITS = Context(prec=34)
"""Twice what a double holds: what came as one keeps every digit, and a kilometre of digits is cut."""
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_LAST_32_BIT = 2**31 - 1
_LAST_64_BIT = 2**63 - 1
_ZERO = Decimal(0)
Item = TypeVar("Item")


def present(items: Iterable[Item | None] | None) -> list[Item]:
    """Skip what is null: the older connector starts its lists with one."""
    return [item for item in items or () if item is not None]


def session_id(text: str) -> UUID:
    """A session's id; anything else is a session that does not exist."""
    try:
        return UUID(text)
    except ValueError:
        raise RubiError(
            "SESSION_ID_INVALID", f"session_id is {text[:40]!r}; use the one that connect gave", field="session_id"
        ) from None


def number(value: Decimal | None, field: str, *, default: Decimal = _ZERO) -> Decimal:
    """A finite number of a size that money, prices and volumes can have."""
    if value is None:
        return default
    # copy_abs: abs() rounds, and overflows where it cannot.
    if not value.is_finite() or value.copy_abs() > _BIGGEST:
        raise RubiError(
            "NUMBER_INVALID", f"{field} is {value!s:.40}; it must be a finite number below 1e15", field=field
        )
    if not value or value.adjusted() < _SMALLEST:
        return _ZERO
    return _DIGITS.plus(value)


def integer(value: int, field: str, *, least: int = 0, most: int = _LAST_32_BIT) -> int:
    """A whole number of a size that can be kept."""
    if not least <= value <= most:
        raise RubiError(
            "NUMBER_INVALID", f"{field} is {value!s:.40}; it must be between {least} and {most}", field=field
        )
    return value


def positive(value: Decimal | None, field: str) -> Decimal:
    """A number above zero."""
    read = number(value, field)
    if read <= 0:
        raise RubiError("NUMBER_INVALID", f"{field} is {read}; it must be above zero", field=field)
    return read


def price_or_none(value: Decimal | None, field: str) -> Price | None:
    """A stop or a target; MT5 says 0 for none."""
    read = number(value, field)
    return Price(read) if read > 0 else None


def ticket(value: int | str | None, field: str) -> int | None:
    """A 64-bit ticket, from a string or a number; 0 and absent are none."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and not _INTEGER.fullmatch(value.strip()):
        raise RubiError("TICKET_INVALID", f"{field} is {value[:40]!r}; a ticket has digits only", field=field)
    read = int(value)
    if not 0 <= read <= _LAST_64_BIT:
        raise RubiError("TICKET_INVALID", f"{field} is {read!s:.40}; a ticket is between 0 and 2^63 - 1", field=field)
    return read or None


def _ticket(value: int | str | None, field: str) -> int:
    read = ticket(value, field)
    if read is None:
        raise RubiError("TICKET_INVALID", f"{field} is missing or 0", field=field)
    return read


def _magic(value: int | str | None, field: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if value is None or value == "":
        return 0
    if not isinstance(value, int) or not -_LAST_64_BIT <= value < 2**64:
        raise RubiError("MAGIC_INVALID", f"{field} is {value!s:.40}; a magic number is a 64-bit integer", field=field)
    return value if value <= _LAST_64_BIT else value - 2**64  # the upper half of MT5's ulong, as bigint


def _side(value: str, field: str) -> Side:
    try:
        return Side(value.upper().removeprefix("POSITION_TYPE_"))
    except ValueError:
        raise RubiError("SIDE_INVALID", f"{field} is {value!r}; BUY or SELL", field=field) from None


def moment(value: int, clock: BrokerClock, field: str) -> datetime:
    """UTC of milliseconds of the broker's wall clock, between 2000 and 2100."""
    if not 946_684_800_000 <= value < 4_102_444_800_000:
        raise RubiError(
            "TIME_INVALID", f"{field} is {value!s:.40}; milliseconds of the broker's clock are expected", field=field
        )
    return clock.from_msc(value)


def money(body: wire.Account | wire.AccountUpdate | wire.Ping | wire.Connect, at: str = "") -> AccountMoney:
    """The account's money; what a body does not tell follows from what it tells."""
    prefix = f"{at}." if at else ""
    balance, equity = number(body.balance, f"{prefix}balance"), number(body.equity, f"{prefix}equity")

    def optional(name: str, default: Decimal) -> Decimal:
        return number(getattr(body, name, None), f"{prefix}{name}", default=default)

    margin = optional("margin", _ZERO)
    level = min(equity / margin * 100, _BIGGEST) if margin > 0 else _ZERO
    return AccountMoney(
        balance=balance,
        equity=equity,
        margin=margin,
        margin_free=optional("margin_free", equity - margin),
        margin_level=optional("margin_level", level),
        profit=optional("profit", equity - balance),
        credit=optional("credit", _ZERO),
    )


def positions(items: list[wire.Position | None] | None, clock: BrokerClock, now: datetime) -> list[BrokerPosition]:
    """The whole list of open positions; a ticket told twice is an error."""
    read: dict[int, BrokerPosition] = {}
    for index, item in enumerate(items or ()):
        if item is None:
            continue
        at = f"positions[{index}]"
        number_of = _ticket(item.ticket, f"{at}.ticket")
        identity = ticket(item.position_id, f"{at}.position_id") or number_of
        if identity in read:
            raise RubiError("POSITION_TWICE", f"{at}: position {identity} stands in the list twice", field=at)
        opened = now
        if item.open_time_msc:
            opened = moment(item.open_time_msc, clock, f"{at}.open_time_msc")
        elif item.open_time not in (None, "", 0):
            opened = parse_time(item.open_time, clock, field=f"{at}.open_time")
        open_price = Price(positive(item.open_price, f"{at}.open_price"))
        read[identity] = BrokerPosition(
            position_id=identity,
            ticket=number_of,
            symbol=item.symbol.strip(),
            side=_side(item.type, f"{at}.type"),
            volume=Lots(positive(item.volume, f"{at}.volume")),
            open_price=open_price,
            current_price=price_or_none(item.current_price, f"{at}.current_price") or open_price,
            sl=price_or_none(item.sl, f"{at}.sl"),
            tp=price_or_none(item.tp, f"{at}.tp"),
            profit=Money(number(item.profit, f"{at}.profit")),
            swap=Money(number(item.swap, f"{at}.swap")),
            commission=Money(number(item.commission, f"{at}.commission")),
            magic=_magic(item.magic, f"{at}.magic"),
            comment=item.comment,
            opened_at=opened,
        )
    return list(read.values())


def working_orders(
    items: list[wire.WorkingOrder | None] | None, clock: BrokerClock, at_list: str
) -> list[WorkingOrder]:
    """Orders of the broker's book or its history; a ticket told twice is an error."""
    read: dict[int, WorkingOrder] = {}
    for index, item in enumerate(items or ()):
        if item is None:
            continue
        at = f"{at_list}[{index}]"
        number_of = _ticket(item.ticket, f"{at}.ticket")
        if number_of in read:
            raise RubiError("ORDER_TWICE", f"{at}: order {number_of} stands in the list twice", field=at)
        initial = number(item.volume_initial, f"{at}.volume_initial")
        expires = None
        if item.expiration:
            expires = moment(item.expiration * 1000, clock, f"{at}.expiration")
        read[number_of] = WorkingOrder(
            ticket=number_of,
            symbol=item.symbol.strip(),
            type=item.type,
            volume_initial=Lots(initial),
            volume_current=Lots(number(item.volume_current, f"{at}.volume_current", default=initial)),
            price_open=Price(number(item.price_open, f"{at}.price_open")),
            stop_limit=price_or_none(item.stop_limit, f"{at}.stop_limit"),
            sl=price_or_none(item.sl, f"{at}.sl"),
            tp=price_or_none(item.tp, f"{at}.tp"),
            state=item.state.upper(),
            type_time=item.type_time or "GTC",
            expiration=expires,
            magic=_magic(item.magic, f"{at}.magic"),
            comment=item.comment,
            position_id=ticket(item.position_id, f"{at}.position_id"),
        )
    return list(read.values())


def deals(items: list[wire.Deal | None] | None, clock: BrokerClock) -> list[Deal]:
    """Deals, oldest first."""
    read: dict[int, Deal] = {}
    for index, item in enumerate(items or ()):
        if item is None:
            continue
        at = f"deals[{index}]"
        number_of = _ticket(item.ticket, f"{at}.ticket")
        read[number_of] = Deal(
            ticket=number_of,
            type=item.type.upper(),
            entry=item.entry.upper() if item.entry else None,
            symbol=item.symbol or None,
            order_ticket=ticket(item.order, f"{at}.order"),
            position_id=ticket(item.position_id, f"{at}.position_id"),
            volume=Lots(number(item.volume, f"{at}.volume")),
            price=Price(number(item.price, f"{at}.price")),
            sl=price_or_none(item.sl, f"{at}.sl"),
            tp=price_or_none(item.tp, f"{at}.tp"),
            profit=Money(number(item.profit, f"{at}.profit")),
            swap=Money(number(item.swap, f"{at}.swap")),
            commission=Money(number(item.commission, f"{at}.commission")),
            fee=Money(number(item.fee, f"{at}.fee")),
            magic=_magic(item.magic, f"{at}.magic"),
            comment=item.comment,
            reason=item.reason.upper() if item.reason else None,
            time_msc=item.time_msc,
            executed_at=moment(item.time_msc, clock, f"{at}.time_msc"),
        )
    return sorted(read.values(), key=lambda deal: (deal.time_msc, deal.ticket))


def symbols(items: list[wire.Symbol | None] | None, now: datetime) -> list[SymbolSpec]:
    """Specifications of symbols, the last one told of each."""
    read: dict[str, SymbolSpec] = {}
    for index, item in enumerate(items or ()):
        if item is None:
            continue
        at = f"symbols[{index}]"
        try:
            spec = SymbolSpec(
                name=item.name.strip(),
                digits=item.digits,
                point=number(item.point, f"{at}.point"),
                tick_size=number(item.tick_size, f"{at}.tick_size"),
                tick_value_loss=Money(number(item.tick_value_loss, f"{at}.tick_value_loss")),
                tick_value_profit=Money(number(item.tick_value_profit, f"{at}.tick_value_profit")),
                contract_size=number(item.contract_size, f"{at}.contract_size"),
                volume_min=Lots(number(item.volume_min, f"{at}.volume_min")),
                volume_max=Lots(number(item.volume_max, f"{at}.volume_max")),
                volume_step=Lots(number(item.volume_step, f"{at}.volume_step")),
                currency_base=item.currency_base,
                currency_profit=item.currency_profit,
                currency_margin=item.currency_margin,
                as_of=now,
                volume_limit=Lots(number(item.volume_limit, f"{at}.volume_limit")),
                stops_level=integer(item.stops_level, f"{at}.stops_level"),
                freeze_level=integer(item.freeze_level, f"{at}.freeze_level"),
                trade_mode=SymbolTradeMode(item.trade_mode.upper()),
                trade_exemode=ExecutionMode(item.trade_exemode.upper()),
                filling_flags=integer(item.filling_flags, f"{at}.filling_flags"),
                order_modes=integer(item.order_modes, f"{at}.order_modes"),
                expiration_modes=integer(item.expiration_modes, f"{at}.expiration_modes"),
                margin_initial=Money(number(item.margin_initial, f"{at}.margin_initial")),
                commission_per_lot=Money(number(item.commission_per_lot, f"{at}.commission_per_lot")),
                path=item.path,
            )
        except ValueError as error:
            raise RubiError("SYMBOL_INVALID", f"{at}: {error}", field=at) from None
        read[spec.name] = spec
    return list(read.values())


def ticks(items: list[wire.Tick | None] | None, clock: BrokerClock) -> list[QuoteTick]:
    """Quotes, in the order they came."""
    return [
        QuoteTick(
            symbol=item.symbol.strip(),
            bid=Price(positive(item.bid, f"ticks[{index}].bid")),
            ask=Price(positive(item.ask, f"ticks[{index}].ask")),
            last=number(item.last, f"ticks[{index}].last"),
            volume=number(item.volume, f"ticks[{index}].volume"),
            time_msc=item.time_msc,
            time=moment(item.time_msc, clock, f"ticks[{index}].time_msc"),
        )
        for index, item in enumerate(items or ())
        if item is not None
    ]


def bars(items: list[wire.Bar | None] | None, clock: BrokerClock) -> list[Bar]:
    """Bars, each once: two wall-clock times can be one moment where the broker's clock was moved."""
    read: dict[tuple[str, str, datetime], Bar] = {}
    for index, item in enumerate(items or ()):
        if item is None:
            continue
        at = f"bars[{index}]"
        if item.timeframe not in TIMEFRAMES:
            raise RubiError(
                "TIMEFRAME_INVALID",
                f"{at}.timeframe is {item.timeframe!r}; one of {' '.join(TIMEFRAMES)}",
                field=f"{at}.timeframe",
            )
        symbol, begins = item.symbol.strip(), moment(item.time * 1000, clock, f"{at}.time")
        read[symbol, item.timeframe, begins] = Bar(
            symbol=symbol,
            timeframe=item.timeframe,
            time=begins,
            open=Price(positive(item.open, f"{at}.open")),
            high=Price(positive(item.high, f"{at}.high")),
            low=Price(positive(item.low, f"{at}.low")),
            close=Price(positive(item.close, f"{at}.close")),
            tick_volume=integer(item.tick_volume, f"{at}.tick_volume", most=_LAST_64_BIT),
            real_volume=integer(item.real_volume, f"{at}.real_volume", most=_LAST_64_BIT),
            spread=integer(item.spread, f"{at}.spread"),
        )
    return list(read.values())


def quotes(items: list[wire.Quote | None] | None, now: datetime) -> list[LotQuote]:
    """Loss and margin of one lot by the terminal's own calculators."""
    return [
        LotQuote(
            symbol=item.symbol.strip(),
            side=_side(item.side, f"quotes[{index}].side"),
            entry=Price(positive(item.entry, f"quotes[{index}].entry")),
            stop=price_or_none(item.stop, f"quotes[{index}].stop"),
            loss_per_lot=_money_or_none(item.loss_per_lot, f"quotes[{index}].loss_per_lot"),
            margin_per_lot=_money_or_none(item.margin_per_lot, f"quotes[{index}].margin_per_lot"),
            received_at=now,
        )
        for index, item in enumerate(items or ())
        if item is not None
    ]


def _money_or_none(value: Decimal | None, field: str) -> Money | None:
    return None if value is None else Money(number(value, field))


def times(said: wire.Time) -> TimesSaid:
    """The terminal's clocks; of the broker's wall clock the zone is UTC for now."""
    if said.tick_msc:
        moment(said.tick_msc, UTC_CLOCK, "time.tick_msc")
    return TimesSaid(_unix(said.gmt, "time.gmt"), _unix(said.server, "time.server"), said.tick_msc or None)


def _unix(seconds: int | None, field: str) -> datetime | None:
    return None if not seconds else moment(seconds * 1000, UTC_CLOCK, field)
