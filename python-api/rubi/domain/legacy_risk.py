"""Deciding for the older connector, which tells neither symbol specifications nor quotes and sizes by itself.

It takes the smaller of the signal's volume and its own risk calculation, so what is approved here is an upper bound.
Every gate that can be evaluated is; the others are recorded as not evaluated, with the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rubi.domain.risk import gates_entry, gates_limit
from rubi.domain.risk.case import RiskCase
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.decision import Decision, GateResult, failed, not_evaluated, passed
from rubi.domain.risk.holdings import OpenPosition, PendingOrder, Reservation
from rubi.domain.risk.loss import LossLevel, day_loss
from rubi.domain.risk.reward import gross_reward_risk
from rubi.domain.risk.workings import Workings
from rubi.domain.signal import OrderType
from rubi.domain.units import Lots, Side, exact

MAX_ACCOUNT_AGE = 120
"""Seconds. The older connector sends its figures each 30 to 60 s."""
NO_SPEC = "the connector sends no symbol specification"
NO_QUOTE = "the connector sends no quotes"
NO_RISK = "without a specification the loss at the stop cannot be computed; the connector sizes by its own rule"


Holding = OpenPosition | PendingOrder | Reservation


@dataclass(frozen=True, slots=True)
class _Prices:
    sign: int
    entry: Decimal | None
    stop: Decimal | None
    target: Decimal | None


def decide_legacy(case: RiskCase, *, now: datetime) -> Decision:
    """Approve the signal's own volume when every gate that can be evaluated holds.

    The first failed gate gives the code. Nothing is reserved: the risk is not known.
    """
    with exact():
        work = Workings(case, now)
        results = tuple(gate(work) for gate in _GATES)
    first = next((result for result in results if result.passed is False), None)
    code = None if first is None else first.code
    return Decision(
        approved=first is None,
        code=code,
        detail="" if first is None or code is None else f"{code.explanation} {first.detail}".strip(),
        gates=results,
        decided_at=now,
        policy_version=case.policy.version,
        account_taken_at=None if case.account is None else case.account.taken_at,
        volume=_volume(case) if first is None else None,
        entry=case.proposal.entry,
        stop=case.proposal.stop,
        target=case.proposal.target,
    )


def _volume(case: RiskCase) -> Lots | None:
    own, most = case.proposal.volume, case.policy.max_lot
    return own if own is None or most is None else min(own, most)


def _known_order(work: Workings) -> GateResult:
    inputs = {"unknown_order": str(work.case.unknown_order)}
    if work.case.unknown_order:
        return failed("reconciled", DenialCode.SYMBOL_HAS_UNKNOWN_ORDER, "", inputs)
    return passed("reconciled", inputs, "", "the connector sends no history; only our own orders are compared")


def _account(work: Workings) -> GateResult:
    account = work.case.account
    if account is None:
        detail = "No account figures were received."
        return failed("account_fresh", DenialCode.STALE_ACCOUNT, detail, {}, MAX_ACCOUNT_AGE)
    age = (work.now - account.received_at).total_seconds()
    inputs = {"at": account.received_at, "equity": account.equity}
    if age > MAX_ACCOUNT_AGE:
        detail = f"It is {age:.1f} s old; allowed are {MAX_ACCOUNT_AGE} s."
        return failed("account_fresh", DenialCode.STALE_ACCOUNT, detail, inputs, MAX_ACCOUNT_AGE, f"{age:.3f}")
    if account.equity <= 0:
        return failed("account_fresh", DenialCode.ACCOUNT_WITHOUT_EQUITY, "", inputs, 0, account.equity)
    return passed("account_fresh", inputs, MAX_ACCOUNT_AGE, f"{age:.3f}")


def _tradable(work: Workings) -> GateResult:
    proposal = work.proposal
    if proposal.order_type is not OrderType.MARKET:
        detail = f"The older connector opens at market only; {proposal.order_type} was asked."
        return failed("symbol_tradable", DenialCode.ORDER_TYPE_NOT_ALLOWED, detail, {"order_type": proposal.order_type})
    answer = gates_entry.symbol_tradable(work)
    return answer if answer.passed is False else not_evaluated("symbol_tradable", NO_SPEC)


def _opposite(work: Workings) -> GateResult:
    proposal, held = work.proposal, work.case
    every: tuple[Holding, ...] = (*held.positions, *held.pendings, *work.opening)
    opposite = sum(one.symbol == proposal.symbol and one.side is proposal.side.opposite for one in every)
    inputs = {"opposite": str(opposite)}
    if opposite and not work.policy.allow_opposite:
        return failed("opposite", DenialCode.OPPOSITE_POSITION_OPEN, "", inputs, 0, opposite)
    return passed("opposite", inputs)


def _sides(work: Workings) -> GateResult:
    proposal = work.proposal
    prices = _Prices(1 if proposal.side is Side.BUY else -1, proposal.entry, proposal.stop, proposal.target)
    inputs = {"entry": prices.entry, "stop": prices.stop, "target": prices.target}
    if prices.stop is None and work.policy.require_stop:
        return failed("prices", DenialCode.STOP_REQUIRED, "", inputs)
    reference = prices.entry
    if prices.stop is not None and reference is not None and (reference - prices.stop) * prices.sign <= 0:
        detail = f"A {proposal.side} at {reference} cannot have its stop at {prices.stop}."
        return failed("prices", DenialCode.STOP_WRONG_SIDE, detail, inputs)
    beyond = prices.stop if reference is None else reference
    if prices.target is not None and beyond is not None and (prices.target - beyond) * prices.sign <= 0:
        detail = f"A {proposal.side} from {beyond} cannot have its target at {prices.target}."
        return failed("prices", DenialCode.TARGET_WRONG_SIDE, detail, inputs)
    return passed("prices", inputs, "", "relative to the signal's own entry")


def _size(work: Workings) -> GateResult:
    own = work.proposal.volume
    if own is None:
        return failed("size", DenialCode.VOLUME_REQUIRED, f"Send a volume: {NO_RISK}.")
    most = work.policy.max_lot
    inputs = {"own_volume": own, "max_lot": most}
    return passed("size", inputs, "" if most is None else most, _volume(work.case))


def _reward(work: Workings) -> GateResult:
    proposal, minimum = work.proposal, work.policy.min_risk_reward
    if proposal.target is None:
        if work.policy.require_target:
            return failed("reward", DenialCode.TARGET_REQUIRED)
        return passed("reward", {}, "" if minimum is None else minimum, "no target")
    if proposal.entry is None or proposal.stop is None or proposal.entry == proposal.stop:
        return not_evaluated("reward", "the signal has no entry price or no stop")
    ratio = gross_reward_risk(proposal.entry, proposal.stop, proposal.target)
    inputs: Mapping[str, object] = {"entry": proposal.entry, "stop": proposal.stop, "target": proposal.target}
    if minimum is not None and ratio < minimum:
        detail = f"It pays {ratio:.4f} for each unit of risk before commission; required are {minimum}."
        return failed("reward", DenialCode.REWARD_RISK_TOO_LOW, detail, inputs, minimum, ratio)
    return passed("reward", inputs, "" if minimum is None else minimum, ratio)


def _day(work: Workings) -> GateResult:
    if work.case.day is None or work.case.account is None:
        return not_evaluated("daily_budget", "the day's anchor is not known")
    loss = day_loss(work.case.day, work.case.account.equity, work.policy, work.case.account.digits)
    if loss is None:
        return passed("daily_budget", {}, "no limit")
    inputs = {"equity": work.case.account.equity, "floor": loss.floor, "loss": loss.loss}
    if loss.level in (LossLevel.REDUCING, LossLevel.HALTED):
        return failed("daily_budget", DenialCode.DAILY_LOSS_REACHED, "", inputs, loss.limit, loss.loss)
    return passed("daily_budget", inputs, loss.limit, loss.loss)


def _never(gate: str, why: str) -> Callable[[Workings], GateResult]:
    return lambda _: not_evaluated(gate, why)


_GATES: tuple[Callable[[Workings], GateResult], ...] = (
    gates_entry.trading_state,
    _known_order,
    gates_entry.clock,
    _account,
    _never("tick_fresh", NO_QUOTE),
    _never("symbol_fresh", NO_SPEC),
    gates_entry.signal_fresh,
    _tradable,
    gates_entry.session,
    _opposite,
    gates_entry.lock,
    _sides,
    _never("spread", NO_QUOTE),
    _size,
    _reward,
    gates_limit.counts,
    _never("order_risk", NO_RISK),
    _never("open_risk", NO_RISK),
    _never("leverage", NO_SPEC),
    _never("currency", NO_SPEC),
    _never("correlation", NO_SPEC),
    _never("margin", NO_SPEC),
    _day,
    _never("drawdown_budget", NO_RISK),
)
