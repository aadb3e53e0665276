"""The gates on size and limits: what it would lose, alone, with everything open, today and since the peak."""

from decimal import Decimal

from rubi.domain.risk import drawdown as drawdowns
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.correlation import cluster, portfolio_risk
from rubi.domain.risk.day import trading_day
from rubi.domain.risk.decision import GateResult, failed, not_evaluated, passed
from rubi.domain.risk.exposure import ExposureKind, currency_exposure
from rubi.domain.risk.holdings import Holding
from rubi.domain.risk.loss import DayState, day_loss, open_day
from rubi.domain.risk.margin import margin_after
from rubi.domain.risk.reward import net_reward_risk
from rubi.domain.risk.sizing import Denial, SizeRequest, size
from rubi.domain.risk.workings import Workings
from rubi.domain.units import HUNDRED, ZERO, Money, percent_of

NO_VOLUME = "no volume"


def sizing(work: Workings) -> GateResult:
    """Give the order its volume."""
    if work.spec is None or work.account is None or work.entry is None:
        return not_evaluated("size", "no account, specification or price")
    known = work.margin_per_lot()
    request = SizeRequest(
        entry=work.entry,
        stop=work.stop,
        mode=work.sizing.mode,
        value=work.sizing.value,
        own_volume=work.proposal.volume,
        already=work.already(),
        ea_loss_per_lot=work.case.ea_loss_per_lot,
        margin_per_lot=None if known is None else known[0],
        assumed_loss_per_lot=work.assumed_loss_per_lot(),
    )
    inputs = {
        "mode": request.mode,
        "value": request.value,
        "entry": request.entry,
        "stop": request.stop,
        "balance": work.account.balance,
        "equity": work.account.equity,
        "tick_size": work.spec.tick_size,
        "tick_value_loss": work.spec.tick_value_loss,
        "commission_per_lot": work.spec.commission_per_lot,
        "already": request.already,
        "tick_value_check": "none" if request.ea_loss_per_lot is None else "terminal",
    }
    answer = size(request, work.policy, work.account, work.spec)
    if isinstance(answer, Denial):
        return failed("size", answer.code, answer.detail, {**inputs, **answer.inputs})
    work.sized = answer
    inputs |= {"loss_per_lot": answer.loss_per_lot, "raw_volume": answer.raw, "capped_by": answer.capped_by}
    return passed("size", inputs, answer.budget if answer.budget is not None else "", answer.volume)


def reward(work: Workings) -> GateResult:
    """Does the target pay enough for the risk, net of commission."""
    minimum = work.policy.min_risk_reward
    if work.target is None:
        if work.policy.require_target:
            return failed("reward", DenialCode.TARGET_REQUIRED)
        return passed("reward", {}, minimum if minimum is not None else "no limit", "no target")
    if work.stop is None and work.sized is not None:
        return passed("reward", {}, minimum if minimum is not None else "no limit", "no stop")
    if work.spec is None or work.entry is None or work.stop is None or work.entry == work.stop:
        return not_evaluated("reward", "no entry or no stop")
    ratio = net_reward_risk(work.spec, work.entry, work.stop, work.target)
    inputs = {"entry": work.entry, "stop": work.stop, "target": work.target}
    if minimum is not None and ratio < minimum:
        detail = f"It pays {ratio:.4f} for each unit of risk, net of commission; required are {minimum}."
        return failed("reward", DenialCode.REWARD_RISK_TOO_LOW, detail, inputs, minimum, ratio)
    return passed("reward", inputs, minimum if minimum is not None else "no limit", ratio)


def counts(work: Workings) -> GateResult:
    """Are there fewer positions, pendings and reserved opens than allowed."""
    held, symbol = work.case, work.proposal.symbol
    every: tuple[Holding, ...] = (*held.positions, *held.pendings, *work.opening)
    total, limit = len(every), work.policy.max_positions
    same, symbol_limit = sum(one.symbol == symbol for one in every), work.policy.max_positions_per_symbol
    inputs = {
        "positions": len(held.positions),
        "pendings": len(held.pendings),
        "reservations": len(work.opening),
        "in_symbol": same,
    }
    if total >= limit:
        detail = f"{total} are open or on their way; allowed are {limit}."
        return failed("counts", DenialCode.MAX_POSITIONS_REACHED, detail, inputs, limit, total)
    if symbol_limit is not None and same >= symbol_limit:
        detail = f"{same} in {symbol} are open or on their way; allowed are {symbol_limit}."
        return failed("counts", DenialCode.MAX_SYMBOL_POSITIONS_REACHED, detail, inputs, symbol_limit, same)
    return passed("counts", inputs, limit, total)


def order_risk(work: Workings) -> GateResult:
    """Does the order risk no more than one order may, in percent of the lower of balance and equity."""
    if work.sized is None or work.account is None:
        return not_evaluated("order_risk", NO_VOLUME)
    account, percent = work.account, work.policy.max_position_size_percent
    limit = percent_of(max(ZERO, min(account.balance, account.equity)), percent, account.digits)
    inputs = {"balance": account.balance, "equity": account.equity, "percent": percent}
    if work.sized.risk > limit:
        detail = f"It would lose {work.sized.risk} at its stop; one order may lose {limit} ({percent} %)."
        return failed("order_risk", DenialCode.RISK_PER_ORDER_EXCEEDED, detail, inputs, limit, work.sized.risk)
    return passed("order_risk", inputs, limit, work.sized.risk)


def open_risk(work: Workings) -> GateResult:
    """Do all stops together lose no more than allowed, in percent of the equity."""
    if work.sized is None or work.account is None:
        return not_evaluated("open_risk", NO_VOLUME)
    percent = work.policy.max_total_exposure_percent
    limit = percent_of(max(ZERO, work.account.equity), percent, work.account.digits)
    total = work.total_risk + work.sized.risk
    inputs: dict[str, object] = {"equity": work.account.equity, "percent": percent, "new": work.sized.risk}
    for kind in (ExposureKind.POSITION, ExposureKind.PENDING, ExposureKind.RESERVATION, ExposureKind.CHANGE):
        inputs[kind.lower()] = sum((one.risk for one in work.exposures if one.kind is kind), ZERO)
    assumed = [f"{one.symbol} {one.assumed}" for one in work.exposures if one.assumed]
    if assumed:
        inputs["assumed"] = ", ".join(assumed)
    if total > limit:
        detail = f"{work.total_risk:.2f} are at risk, {work.sized.risk} would come; allowed are {limit} ({percent} %)."
        return failed("open_risk", DenialCode.OPEN_RISK_EXCEEDED, detail, inputs, limit, total)
    return passed("open_risk", inputs, limit, total)


def leverage(work: Workings) -> GateResult:
    """Are all positions together worth no more than the allowed multiple of the equity."""
    new = work.new_exposure()
    if new is None or work.account is None or work.account.equity <= 0:
        return not_evaluated("leverage", NO_VOLUME)
    limit = work.policy.max_leverage
    worth = sum((one.notional for one in work.exposures), new.notional)
    used = worth / work.account.equity
    inputs: dict[str, object] = {"worth": worth, "equity": work.account.equity}
    if limit is not None and work.unpriced:
        return failed("leverage", DenialCode.LEVERAGE_EXCEEDED, _no_worth(work), inputs, limit, "not known")
    if limit is not None and used > limit:
        detail = f"They would be worth {used:.2f} times the equity; allowed are {limit}."
        return failed("leverage", DenialCode.LEVERAGE_EXCEEDED, detail, inputs, limit, used)
    return passed("leverage", inputs, limit if limit is not None else "no limit", used)


def currency(work: Workings) -> GateResult:
    """Does no currency carry more than allowed, in percent of the equity."""
    new = work.new_exposure()
    if new is None or work.account is None:
        return not_evaluated("currency", NO_VOLUME)
    percent = work.policy.max_currency_exposure_percent
    before = currency_exposure(work.exposures, work.specs)
    after = currency_exposure((*work.exposures, new), work.specs)
    inputs: dict[str, object] = {name: f"{worth:.2f}" for name, worth in after.items()}
    if percent is None:
        return passed("currency", inputs, "no limit")
    limit = percent_of(max(ZERO, work.account.equity), percent, work.account.digits)
    if work.unpriced:
        return failed("currency", DenialCode.CURRENCY_EXPOSURE_EXCEEDED, _no_worth(work), inputs, limit, "not known")
    for name, worth in after.items():
        if abs(worth) > limit and abs(worth) > abs(before.get(name, ZERO)):
            detail = f"{name} would carry {worth:.2f}; allowed are {limit} ({percent} %)."
            return failed("currency", DenialCode.CURRENCY_EXPOSURE_EXCEEDED, detail, inputs, limit, worth)
    return passed("currency", inputs, limit, max((abs(worth) for worth in after.values()), default=ZERO))


def _no_worth(work: Workings) -> str:
    return f"An order of {', '.join(work.unpriced)} is on its way and no price is known of it, so its worth is not."


def correlation(work: Workings) -> GateResult:
    """Do the positions that move with the new one, and it, risk no more than allowed; and the portfolio as a whole."""
    new = work.new_exposure()
    if new is None or work.account is None or work.account.equity <= 0:
        return not_evaluated("correlation", NO_VOLUME)
    policy, equity = work.policy, work.account.equity
    joined, symbols = cluster(new, work.exposures, work.book, policy.correlation_threshold)
    inputs = {"symbols": ",".join(symbols), "threshold": policy.correlation_threshold} | {
        f"r_{one}": f"{estimate.r} {estimate.source}"
        for one in sorted({exposure.symbol for exposure in work.exposures})
        for estimate in [work.book.between(new.symbol, one)]
    }
    cap = policy.max_correlated_risk_percent
    share = joined / equity * HUNDRED
    if cap is not None and share > cap:
        detail = (
            f"With {', '.join(symbols) or new.symbol} it would risk {joined:.2f} ({share:.2f} %); allowed are {cap} %."
        )
        return failed("correlation", DenialCode.CORRELATED_RISK_EXCEEDED, detail, inputs, cap, share)
    if policy.max_portfolio_risk_percent is not None:
        whole = portfolio_risk((*work.exposures, new), work.book) / equity * HUNDRED
        inputs["portfolio_percent"] = whole
        if whole > policy.max_portfolio_risk_percent:
            limit = policy.max_portfolio_risk_percent
            detail = f"The portfolio would risk {whole:.2f} %; allowed are {limit} %."
            return failed("correlation", DenialCode.PORTFOLIO_RISK_EXCEEDED, detail, inputs, limit, whole)
    return passed("correlation", inputs, cap if cap is not None else "no limit", share)


def margin(work: Workings) -> GateResult:
    """Does the free margin carry the order and the reserve, and does the margin level stay above the minimum."""
    if work.sized is None or work.account is None:
        return not_evaluated("margin", NO_VOLUME)
    known = work.margin_per_lot()
    if known is None:
        return failed("margin", DenialCode.MARGIN_UNKNOWN)
    per_lot, source = known
    needed = per_lot * work.sized.volume
    reserved = sum((one.margin for one in work.case.reservations), ZERO)
    after = margin_after(work.account, needed, reserved, work.policy)
    inputs = {"needed": needed, "source": source, "reserved": reserved, "margin_free": work.account.margin_free}
    if not after.has_reserve:
        detail = f"{needed:.2f} is needed; {after.free:.2f} would stay free, the reserve is {after.reserve}."
        return failed("margin", DenialCode.MARGIN_INSUFFICIENT, detail, inputs, after.reserve, after.free)
    minimum = work.policy.min_margin_level_percent
    level = after.level if after.level is not None else ZERO
    if not after.keeps_level(minimum):
        detail = f"The margin level would be {level:.1f} %; the minimum is {minimum} %."
        return failed("margin", DenialCode.MARGIN_LEVEL_TOO_LOW, detail, inputs, minimum, level)
    return passed("margin", inputs, minimum, after.level if after.level is not None else "no margin used")


def day_state(work: Workings) -> DayState | None:
    """Return the day's anchor; without one, this snapshot opens the day and is flagged as estimated."""
    if work.case.day is not None or work.account is None:
        return work.case.day
    today = trading_day(work.now, work.policy, work.case.clock)
    return open_day(today, work.account, work.policy, late=True)


def daily_budget(work: Workings) -> GateResult:
    """Does the day's floor hold even if every stop is hit: `Q - open risk - new risk >= floor`."""
    state = day_state(work)
    if state is None or work.account is None:
        return not_evaluated("daily_budget", "no account figures")
    if not state.starts <= work.now < state.ends:
        span = {"day": state.day, "starts": state.starts, "ends": state.ends}
        return failed("daily_budget", DenialCode.DAY_STATE_STALE, "", span, state.ends, work.now)
    loss = day_loss(state, work.account.equity, work.policy, work.account.digits)
    if loss is None:
        return passed("daily_budget", {}, "no limit")
    inputs: dict[str, object] = {
        "anchor": state.anchor,
        "flows": state.flows,
        "estimated": str(state.estimated),
        "loss": loss.loss,
        "limit": loss.limit,
    }
    return _budget(
        work, "daily_budget", loss.floor, inputs, (DenialCode.DAILY_LOSS_REACHED, DenialCode.DAILY_LOSS_BUDGET_EXCEEDED)
    )


def drawdown_budget(work: Workings) -> GateResult:
    """Does the drawdown's floor hold even if every stop is hit."""
    if work.account is None:
        return not_evaluated("drawdown", "no account figures")
    account, today = work.account, trading_day(work.now, work.policy, work.case.clock).day
    state = work.case.nav or drawdowns.open_nav(
        account.equity, account.balance, today, initial_balance=work.policy.initial_balance
    )
    state = drawdowns.observe(state, account.equity, account.balance, today)
    down = drawdowns.drawdown(state, work.policy, account.digits)
    if down is None:
        return passed("drawdown", {}, "no limit")
    inputs = {
        "mode": work.policy.drawdown_mode,
        "units": state.units,
        "nav": down.nav,
        "peak": down.peak,
        "drawdown_percent": down.percent,
        "history": str(work.case.nav is not None),
    }
    return _budget(
        work, "drawdown", down.floor, inputs, (DenialCode.DRAWDOWN_REACHED, DenialCode.DRAWDOWN_BUDGET_EXCEEDED)
    )


def _budget(
    work: Workings, gate: str, floor: Money, inputs: dict[str, object], codes: tuple[DenialCode, DenialCode]
) -> GateResult:
    reached, exceeded = codes
    equity = work.account.equity if work.account is not None else Decimal(0)
    inputs |= {"equity": equity, "open_risk": work.total_risk}
    if equity <= floor:
        return failed(gate, reached, f"The equity is {equity}, the floor {floor:.2f}.", inputs, floor, equity)
    if work.sized is None:
        return not_evaluated(gate, NO_VOLUME)
    inputs["new_risk"] = work.sized.risk
    worst = equity - work.total_risk - work.sized.risk
    if worst < floor:
        detail = f"If every stop is hit the equity is {worst:.2f}, below the floor {floor:.2f}."
        return failed(gate, exceeded, detail, inputs, floor, worst)
    return passed(gate, inputs, floor, worst)
