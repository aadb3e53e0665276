"""Why an order was denied: `CATEGORY_CONDITION`, each with the sentence a trader reads."""

from enum import StrEnum
from typing import Self


class DenialCode(StrEnum):
    """One reason per member; the second value is its explanation."""

    explanation: str

    def __new__(cls, code: str, explanation: str = "") -> Self:
        """Keep the sentence beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.explanation = explanation
        return member

    TRADING_HALTED = "TRADING_HALTED", "All trading is switched off; nothing opens until a person switches it on."
    TRADING_REDUCING = "TRADING_REDUCING", "Trading is set to reduce only; positions may close but none may open."
    ACCOUNT_HALTED = "ACCOUNT_HALTED", "This account is halted; nothing opens until a person unlocks it with a reason."
    ACCOUNT_REDUCING = "ACCOUNT_REDUCING", "This account may only reduce its positions for now."
    SYMBOL_HALTED = "SYMBOL_HALTED", "This symbol is halted for the account."
    SYMBOL_REDUCING = "SYMBOL_REDUCING", "Positions in this symbol may only be reduced for now."

    POLICY_UNUSABLE = (
        "POLICY_UNUSABLE",
        "The account's stored policy cannot hold, so its limits are not known; nothing opens until another is set.",
    )

    ACCOUNT_RECONCILING = (
        "ACCOUNT_RECONCILING",
        "The account's positions and history have not been compared with the broker yet, so what is open is not known.",
    )
    SYMBOL_HAS_UNKNOWN_ORDER = (
        "SYMBOL_HAS_UNKNOWN_ORDER",
        "An earlier order in this symbol has an unknown outcome; a second one could double the position.",
    )

    STALE_ACCOUNT = "STALE_ACCOUNT", "The last account figures are missing or too old to size an order from."
    STALE_TICK = "STALE_TICK", "The last quote of the symbol is missing or too old."
    STALE_SYMBOL = "STALE_SYMBOL", "The symbol's specification is missing or too old, so a loss cannot be computed."
    SIGNAL_TOO_OLD = "SIGNAL_TOO_OLD", "The signal is older than allowed; the market it was made for has moved on."
    SIGNAL_IN_FUTURE = "SIGNAL_IN_FUTURE", "The signal's time lies in the future; the sender's clock is wrong."
    CLOCK_SUSPECT = "CLOCK_SUSPECT", "The broker's clock cannot be trusted now, so ages and day limits cannot either."
    QUOTE_INVALID = "QUOTE_INVALID", "The quote is not usable: bid and ask must be positive and bid not above ask."
    ACCOUNT_WITHOUT_EQUITY = "ACCOUNT_WITHOUT_EQUITY", "The account has no equity to risk."

    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED", "The account's policy does not allow this symbol."
    SYMBOL_DISABLED = "SYMBOL_DISABLED", "The broker has disabled trading in this symbol."
    SYMBOL_CLOSE_ONLY = "SYMBOL_CLOSE_ONLY", "The broker only allows closing positions in this symbol."
    SYMBOL_LONG_ONLY = "SYMBOL_LONG_ONLY", "The broker only allows buying this symbol."
    SYMBOL_SHORT_ONLY = "SYMBOL_SHORT_ONLY", "The broker only allows selling this symbol."
    ORDER_TYPE_NOT_ALLOWED = "ORDER_TYPE_NOT_ALLOWED", "The broker does not allow this type of order for the symbol."
    MARKET_CLOSED = "MARKET_CLOSED", "The symbol's trading session is closed."
    OUTSIDE_TRADING_SESSION = "OUTSIDE_TRADING_SESSION", "The account's policy does not trade at this hour."

    COOLDOWN_ACTIVE = "COOLDOWN_ACTIVE", "A position in this symbol was closed a moment ago; the pause is not over."
    STOP_LOSS_GUARD = "STOP_LOSS_GUARD", "Too many stops were hit in a short time; trading pauses."
    LOW_PROFIT_SYMBOL = "LOW_PROFIT_SYMBOL", "The symbol's recent trades earned less than required; it pauses."
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED", "A protection has locked the account for a while."
    SYMBOL_LOCKED = "SYMBOL_LOCKED", "A protection has locked this symbol for a while."
    SIDE_LOCKED = "SIDE_LOCKED", "A protection has locked this side of the symbol for a while."
    OPPOSITE_POSITION_OPEN = "OPPOSITE_POSITION_OPEN", "The policy forbids holding both sides of a symbol."

    ENTRY_REQUIRED = "ENTRY_REQUIRED", "A pending order needs a price."
    ENTRY_WRONG_SIDE = "ENTRY_WRONG_SIDE", "The pending price lies on the wrong side of the market for its type."
    ENTRY_TOO_CLOSE = "ENTRY_TOO_CLOSE", "The pending price is closer to the market than the broker allows."
    ENTRY_PRICE_MOVED = "ENTRY_PRICE_MOVED", "The market has moved too far from the price of the signal."
    STOP_WRONG_SIDE = "STOP_WRONG_SIDE", "The stop lies on the winning side of the entry."
    TARGET_WRONG_SIDE = "TARGET_WRONG_SIDE", "The target lies on the losing side of the entry."
    STOP_TOO_CLOSE = "STOP_TOO_CLOSE", "The stop is closer to the price than the broker allows."
    TARGET_TOO_CLOSE = "TARGET_TOO_CLOSE", "The target is closer to the price than the broker allows."
    SPREAD_TOO_WIDE = "SPREAD_TOO_WIDE", "The spread is wider than the policy allows."

    STOP_REQUIRED = "STOP_REQUIRED", "The order has no stop, so its risk has no bound."
    LOSS_NOT_POSITIVE = "LOSS_NOT_POSITIVE", "The computed loss per lot is not positive, so no size can be derived."
    TICK_VALUE_INCONSISTENT = (
        "TICK_VALUE_INCONSISTENT",
        "The terminal's own computation of the loss differs from the broker's tick value by more than allowed.",
    )
    TERMINAL_QUOTE_REQUIRED = (
        "TERMINAL_QUOTE_REQUIRED",
        "The policy wants the terminal's own computation of the loss, and it has sent none for this symbol and side.",
    )
    VOLUME_BELOW_MINIMUM = "VOLUME_BELOW_MINIMUM", "The budget buys less than the smallest volume the broker trades."
    VOLUME_LIMIT_REACHED = "VOLUME_LIMIT_REACHED", "The broker's limit for this direction of the symbol is used up."
    VOLUME_REQUIRED = "VOLUME_REQUIRED", "The policy takes the signal's own volume and the signal has none."

    REWARD_RISK_TOO_LOW = "REWARD_RISK_TOO_LOW", "The target pays too little for the risk, after commission."
    TARGET_REQUIRED = "TARGET_REQUIRED", "The policy requires a target and the signal has none."
    MAX_POSITIONS_REACHED = "MAX_POSITIONS_REACHED", "The account already holds as many positions as allowed."
    MAX_SYMBOL_POSITIONS_REACHED = (
        "MAX_SYMBOL_POSITIONS_REACHED",
        "The account already holds as many positions in this symbol as allowed.",
    )
    RISK_PER_ORDER_EXCEEDED = "RISK_PER_ORDER_EXCEEDED", "The order would lose more at its stop than one order may."
    OPEN_RISK_EXCEEDED = "OPEN_RISK_EXCEEDED", "All open stops together would lose more than allowed."
    LEVERAGE_EXCEEDED = "LEVERAGE_EXCEEDED", "The positions would be worth too many times the equity."
    CURRENCY_EXPOSURE_EXCEEDED = "CURRENCY_EXPOSURE_EXCEEDED", "Too much would depend on one currency."
    CORRELATED_RISK_EXCEEDED = "CORRELATED_RISK_EXCEEDED", "Too much would be at risk in positions that move together."
    PORTFOLIO_RISK_EXCEEDED = "PORTFOLIO_RISK_EXCEEDED", "The correlated risk of the whole portfolio would be too high."
    MARGIN_UNKNOWN = "MARGIN_UNKNOWN", "Neither the terminal's margin nor the account's leverage is known."
    MARGIN_INSUFFICIENT = "MARGIN_INSUFFICIENT", "The free margin does not carry the order and the reserve."
    MARGIN_LEVEL_TOO_LOW = "MARGIN_LEVEL_TOO_LOW", "The margin level would fall below the policy's minimum."
    DAY_STATE_STALE = "DAY_STATE_STALE", "The day's anchor belongs to another day; the reset has not been made."
    DAILY_LOSS_REACHED = "DAILY_LOSS_REACHED", "The day's loss limit is reached."
    DAILY_LOSS_BUDGET_EXCEEDED = (
        "DAILY_LOSS_BUDGET_EXCEEDED",
        "If every stop were hit, the day's loss limit would be passed.",
    )
    DRAWDOWN_REACHED = "DRAWDOWN_REACHED", "The drawdown limit is reached."
    DRAWDOWN_BUDGET_EXCEEDED = "DRAWDOWN_BUDGET_EXCEEDED", "If every stop were hit, the drawdown limit would be passed."

    POSITION_NOT_OWNED = "POSITION_NOT_OWNED", "The position does not belong to this account."
    POSITION_UNKNOWN = "POSITION_UNKNOWN", "No such position is open."
    CLOSE_VOLUME_INVALID = "CLOSE_VOLUME_INVALID", "The volume to close is not a tradable part of the position."
