"""The trade return codes of MetaTrader 5, and what a terminal may do about each."""

from enum import IntEnum


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

UNKNOWN_END = frozenset({NO_ANSWER, Retcode.ERROR, Retcode.TIMEOUT, Retcode.CONNECTION})
"""The request may or may not have been executed: never sent again."""


def name_of(retcode: int) -> str:
    """Return MT5's name of a retcode without its prefix, or the number when MT5 has none for it."""
    try:
        return Retcode(retcode).name
    except ValueError:
        return "NO_ANSWER" if retcode == NO_ANSWER else str(retcode)
