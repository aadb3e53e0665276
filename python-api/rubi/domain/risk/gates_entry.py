"""The gates before the size: may this be traded at all, now, at these prices."""

from datetime import datetime, timedelta

from rubi.domain.account import TradingState
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.decision import GateResult, failed, not_evaluated, passed
from rubi.domain.risk.policy import LockScope
from rubi.domain.risk.protections import Lock, locks_from
from rubi.domain.risk.sessions import market_open, policy_trades
from rubi.domain.risk.workings import Workings
from rubi.domain.signal import OrderType
from rubi.domain.symbol import OrderModes, SymbolTradeMode
from rubi.domain.units import Side

FUTURE = timedelta(seconds=5)
"""How far a time may lie ahead of our clock before it is wrong."""

ORDER_MODES = {
    OrderType.MARKET: OrderModes.MARKET,
    OrderType.LIMIT: OrderModes.LIMIT,
    OrderType.STOP: OrderModes.STOP,
    OrderType.STOP_LIMIT: OrderModes.STOP_LIMIT,
}
CLOSED_MODES = {
    (SymbolTradeMode.DISABLED, Side.BUY): DenialCode.SYMBOL_DISABLED,
    (SymbolTradeMode.DISABLED, Side.SELL): DenialCode.SYMBOL_DISABLED,
    (SymbolTradeMode.CLOSEONLY, Side.BUY): DenialCode.SYMBOL_CLOSE_ONLY,
    (SymbolTradeMode.CLOSEONLY, Side.SELL): DenialCode.SYMBOL_CLOSE_ONLY,
    (SymbolTradeMode.LONGONLY, Side.SELL): DenialCode.SYMBOL_LONG_ONLY,
    (SymbolTradeMode.SHORTONLY, Side.BUY): DenialCode.SYMBOL_SHORT_ONLY,
}
LOCKED = {
    LockScope.ACCOUNT: DenialCode.ACCOUNT_LOCKED,
    LockScope.SYMBOL: DenialCode.SYMBOL_LOCKED,
    LockScope.SIDE: DenialCode.SIDE_LOCKED,
}


def trading_state(work: Workings) -> GateResult:
    """Is trading active everywhere, on the account and for the symbol."""
    states = work.case.states
    levels = {"TRADING": states.everywhere, "ACCOUNT": states.account, "SYMBOL": states.symbol}
    for level, state in levels.items():
        if state is not TradingState.ACTIVE:
            detail = states.reason if level == "ACCOUNT" else ""
            return failed("trading_state", DenialCode(f"{level}_{state}"), detail, levels, TradingState.ACTIVE, state)
    return passed("trading_state", levels, TradingState.ACTIVE, TradingState.ACTIVE)


def reconciled(work: Workings) -> GateResult:
    """Do we know what is open."""
    inputs = {"reconciled": str(work.case.reconciled), "unknown_order": str(work.case.unknown_order)}
    if not work.case.reconciled:
        return failed("reconciled", DenialCode.ACCOUNT_RECONCILING, "", inputs)
    if work.case.unknown_order:
        return failed("reconciled", DenialCode.SYMBOL_HAS_UNKNOWN_ORDER, "", inputs)
    return passed("reconciled", inputs)


def clock(work: Workings) -> GateResult:
    """Can the broker's clock be trusted."""
    inputs = {"suspect": str(work.case.clock.suspect)}
    if work.case.clock.suspect:
        return failed("clock", DenialCode.CLOCK_SUSPECT, "", inputs)
    return passed("clock", inputs)


def account_fresh(work: Workings) -> GateResult:
    """Are the account's figures recent, and is there equity."""
    account, limit = work.account, work.policy.max_account_age_seconds
    if account is None:
        return failed("account_fresh", DenialCode.STALE_ACCOUNT, "No account figures were received.", {}, limit)
    oldest = min(account.taken_at, account.received_at)
    result = _age("account_fresh", DenialCode.STALE_ACCOUNT, oldest, limit, work.now)
    if result.passed and account.equity <= 0:
        inputs = {"equity": account.equity}
        return failed("account_fresh", DenialCode.ACCOUNT_WITHOUT_EQUITY, "", inputs, 0, account.equity)
    return result


def tick_fresh(work: Workings) -> GateResult:
    """Is the quote recent and usable."""
    tick, limit = work.tick, work.policy.max_tick_age_seconds
    if tick is None:
        return failed("tick_fresh", DenialCode.STALE_TICK, f"No quote of {work.proposal.symbol} is known.", {}, limit)
    if tick.bid <= 0 or tick.ask < tick.bid:
        return failed("tick_fresh", DenialCode.QUOTE_INVALID, "", {"bid": tick.bid, "ask": tick.ask})
    return _age("tick_fresh", DenialCode.STALE_TICK, min(tick.time, tick.received_at), limit, work.now)


def symbol_fresh(work: Workings) -> GateResult:
    """Are the specifications known and recent: of the symbol, and of every symbol held."""
    limit = work.policy.max_symbol_age_seconds
    missing = [symbol for symbol in work.needed_symbols if symbol not in work.specs]
    if missing:
        detail = f"No specification is known of {', '.join(missing)}."
        return failed("symbol_fresh", DenialCode.STALE_SYMBOL, detail, {"missing": ",".join(missing)}, limit)
    oldest = min((work.specs[symbol] for symbol in work.needed_symbols), key=lambda spec: spec.as_of)
    result = _age("symbol_fresh", DenialCode.STALE_SYMBOL, oldest.as_of, limit, work.now)
    result.inputs["oldest"] = oldest.name
    return result


def signal_fresh(work: Workings) -> GateResult:
    """Is the signal recent."""
    proposal, limit = work.proposal, work.policy.max_signal_age_seconds
    if proposal.signal_time > work.now + FUTURE:
        inputs = {"at": proposal.signal_time}
        return failed("signal_fresh", DenialCode.SIGNAL_IN_FUTURE, "", inputs, work.now, proposal.signal_time)
    if proposal.expires_at is not None and work.now >= proposal.expires_at:
        inputs = {"at": proposal.signal_time, "expires_at": proposal.expires_at}
        detail = "It expired by its own life time."
        return failed("signal_fresh", DenialCode.SIGNAL_TOO_OLD, detail, inputs, proposal.expires_at, work.now)
    return _age("signal_fresh", DenialCode.SIGNAL_TOO_OLD, proposal.signal_time, limit, work.now)


def _age(gate: str, code: DenialCode, moment: datetime, limit: int, now: datetime) -> GateResult:
    age = (now - moment).total_seconds()
    inputs = {"at": moment}
    if age > limit:
        return failed(gate, code, f"It is {age:.1f} s old; allowed are {limit} s.", inputs, limit, f"{age:.3f}")
    return passed(gate, inputs, limit, f"{age:.3f}")


def symbol_tradable(work: Workings) -> GateResult:
    """Do policy and broker allow this symbol, side and type of order."""
    proposal, policy, spec = work.proposal, work.policy, work.spec
    inputs = {"symbol": proposal.symbol, "side": proposal.side, "order_type": proposal.order_type}
    allowed = policy.symbols_allowed is None or proposal.symbol in policy.symbols_allowed
    if not allowed or proposal.symbol in policy.symbols_blocked:
        return failed("symbol_tradable", DenialCode.SYMBOL_NOT_ALLOWED, "", inputs)
    if spec is None:
        return not_evaluated("symbol_tradable", "no specification")
    code = CLOSED_MODES.get((spec.trade_mode, proposal.side))
    if code is not None:
        return failed("symbol_tradable", code, "", inputs, SymbolTradeMode.FULL, spec.trade_mode)
    if not spec.order_modes & ORDER_MODES[proposal.order_type]:
        inputs["order_modes"] = str(spec.order_modes)
        return failed("symbol_tradable", DenialCode.ORDER_TYPE_NOT_ALLOWED, "", inputs)
    return passed("symbol_tradable", inputs, SymbolTradeMode.FULL, spec.trade_mode)


def session(work: Workings) -> GateResult:
    """Is the symbol's session open, and does the policy trade now."""
    clock_, inputs = work.case.clock, {"broker_time": work.case.clock.wall(work.now).isoformat()}
    if work.spec is not None and not market_open(work.spec, work.now, clock_):
        return failed("session", DenialCode.MARKET_CLOSED, "", inputs)
    if not policy_trades(work.policy, work.now, clock_):
        inputs["session_zone"] = work.policy.session_zone
        return failed("session", DenialCode.OUTSIDE_TRADING_SESSION, "", inputs)
    return passed("session", inputs)


def opposite(work: Workings) -> GateResult:
    """May both sides of the symbol be held."""
    held = work.held(work.proposal.side.opposite)
    inputs = {"opposite": str(len(held))}
    if held and not work.policy.allow_opposite:
        return failed("opposite", DenialCode.OPPOSITE_POSITION_OPEN, "", inputs, 0, len(held))
    return passed("opposite", inputs)


def lock(work: Workings) -> GateResult:
    """Does a protection pause this account, symbol or side: the stored locks, and those the recent closes cause."""
    proposal, now = work.proposal, work.now
    stored = [one for one in work.case.locks if one.covers(proposal.symbol, proposal.side, now)]
    caused = locks_from(work.case.closures, proposal.symbol, proposal.side, work.policy, now)
    inputs = {"locks": len(work.case.locks), "closures": len(work.case.closures)}
    active: list[Lock] = stored + caused
    if not active:
        return passed("lock", inputs)
    longest = max(active, key=lambda one: (one.until, one.code))
    detail = f"{longest.reason}; until {longest.until.isoformat()}."
    return failed("lock", longest.code, detail, inputs, longest.until, now)
