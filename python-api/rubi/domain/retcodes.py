"""The trade return codes of MetaTrader 5: what each says of an order, and what a terminal may do about it."""

from enum import IntEnum

from rubi.domain.order import OrderEventType, OrderKind


class Retcode(IntEnum):
    """`TRADE_RETCODE_*` of the MQL5 reference."""

    REQUOTE = 10004
    REJECT = 10006
    CANCEL = 10007
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    ERROR = 10011
    TIMEOUT = 10012
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_CHANGED = 10020
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    ORDER_CHANGED = 10023
    TOO_MANY_REQUESTS = 10024
    NO_CHANGES = 10025
    SERVER_DISABLES_AT = 10026
    CLIENT_DISABLES_AT = 10027
    LOCKED = 10028
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    ONLY_REAL = 10032
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038
    CLOSE_ORDER_EXIST = 10039
    LIMIT_POSITIONS = 10040
    REJECT_CANCEL = 10041
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044
    FIFO_CLOSE = 10045
    HEDGE_PROHIBITED = 10046


NO_ANSWER = 0
"""What a terminal reports when `OrderSend` never returned: it does not know."""

ACCEPTED = frozenset({Retcode.PLACED, Retcode.DONE, Retcode.DONE_PARTIAL})
"""The broker took the request."""

FRESH_PRICE = frozenset({Retcode.REQUOTE, Retcode.PRICE_CHANGED, Retcode.PRICE_OFF})
"""Not executed because the price moved: may be sent again with a fresh one."""

WAIT_AND_SEE = frozenset({Retcode.ORDER_CHANGED, Retcode.TOO_MANY_REQUESTS, Retcode.LOCKED, Retcode.FROZEN})
"""Not executed for a passing reason: may be sent again after a wait."""

TRADE_DISABLED_IN_TERMINAL = 4752
TRADE_SEND_FAILED = 4756
"""Run-time errors of MQL5 that a terminal may report in the place of a return code."""

UNKNOWN_END = frozenset({NO_ANSWER, Retcode.ERROR, Retcode.TIMEOUT, Retcode.CONNECTION, TRADE_SEND_FAILED})
"""Nobody knows whether the broker has the order: silence is never read as rejected, and it is never sent again."""

NOT_TRADABLE = frozenset(
    {
        Retcode.TRADE_DISABLED,
        Retcode.SERVER_DISABLES_AT,
        Retcode.CLIENT_DISABLES_AT,
        Retcode.ONLY_REAL,
        TRADE_DISABLED_IN_TERMINAL,
    }
)
"""The account cannot trade at all: nothing is handed out until the terminal says otherwise."""

_NOTHING_LEFT_TO_DO: dict[int, frozenset[OrderKind]] = {
    Retcode.NO_CHANGES: frozenset({OrderKind.MODIFY_POSITION, OrderKind.MODIFY_PENDING}),
    Retcode.POSITION_CLOSED: frozenset(kind for kind in OrderKind if kind.closes) | {OrderKind.MODIFY_POSITION},
}


def name_of(retcode: int) -> str:
    """Return MT5's name of a retcode without its prefix, or `RETCODE_<n>` when MT5 has none for it."""
    try:
        return Retcode(retcode).name
    except ValueError:
        return "NO_ANSWER" if retcode == NO_ANSWER else f"RETCODE_{retcode}"


def event_of(retcode: int, kind: OrderKind) -> OrderEventType:
    """What a return code of `OrderSend` says about an instruction of this kind."""
    if retcode in ACCEPTED:
        return OrderEventType.PLACED
    if retcode in UNKNOWN_END:
        return OrderEventType.AMBIGUOUS
    if kind in _NOTHING_LEFT_TO_DO.get(retcode, ()):
        return OrderEventType.CARRIED_OUT
    return OrderEventType.BROKER_REJECTED
