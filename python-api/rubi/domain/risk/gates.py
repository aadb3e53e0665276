"""The decision: every gate in its order, all evaluated and recorded; the first that fails gives the code.

Closes and changes that reduce risk pass everything but ownership.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rubi.domain.risk import gates_entry, gates_limit, gates_price
from rubi.domain.risk.case import RiskCase
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.decision import Decision, GateResult, failed, passed
from rubi.domain.risk.holdings import OpenPosition
from rubi.domain.risk.record import RecordError, digest_of_plain
from rubi.domain.risk.workings import Workings
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import Lots, Money, exact, snap_volume

Gate = Callable[[Workings], GateResult]

GATES: tuple[Gate, ...] = (
    gates_entry.trading_state,
    gates_entry.reconciled,
    gates_entry.clock,
    gates_entry.account_fresh,
    gates_entry.tick_fresh,
    gates_entry.symbol_fresh,
    gates_entry.signal_fresh,
    gates_entry.symbol_tradable,
    gates_entry.session,
    gates_entry.opposite,
    gates_entry.lock,
    gates_price.prices,
    gates_price.spread,
    gates_limit.sizing,
    gates_limit.reward,
    gates_limit.counts,
    gates_limit.order_risk,
    gates_limit.open_risk,
    gates_limit.leverage,
    gates_limit.currency,
    gates_limit.correlation,
    gates_limit.margin,
    gates_limit.daily_budget,
    gates_limit.drawdown_budget,
)


def decide(case: RiskCase, *, now: datetime) -> Decision:
    """Decide on an opening order. Equal cases at an equal `now` give equal decisions, bit by bit."""
    with exact():
        work = Workings(case, now)
        results = tuple(gate(work) for gate in GATES)
        return _conclude(work, results)


def _conclude(work: Workings, results: tuple[GateResult, ...]) -> Decision:
    case, sized = work.case, work.sized
    first = next((result for result in results if result.passed is False), None)
    approved = first is None and sized is not None and all(result.passed for result in results)
    known = work.margin_per_lot()
    margin = None if known is None or sized is None else Money(known[0] * sized.volume)
    code = None if first is None else first.code
    if not approved and code is None:
        raise AssertionError("a gate was not evaluated although none failed")
    detail = "" if first is None or code is None else f"{code.explanation} {first.detail}".strip()
    return Decision(
        approved=approved,
        code=code,
        detail=detail,
        gates=results,
        decided_at=work.now,
        policy_version=case.policy.version,
        spec_version=None if work.spec is None else work.spec.version,
        account_taken_at=None if case.account is None else case.account.taken_at,
        tick_time=None if work.tick is None else work.tick.time,
        volume=None if sized is None else sized.volume,
        risk=None if sized is None else sized.risk,
        margin=margin,
        loss_per_lot=None if sized is None else sized.loss_per_lot,
        entry=work.entry,
        stop=work.stop,
        target=work.target,
    )


@dataclass(frozen=True, slots=True)
class CloseCase:
    """Everything that a decision on a close is made from."""

    position: OpenPosition
    volume: Lots | None = None
    """How much; None: all of it."""
    spec: SymbolSpec | None = None
    policy_version: int = 0

    def decide(self, now: datetime) -> Decision:
        """Decide; equal cases at an equal `now` give equal decisions."""
        return decide_close(
            self.position,
            owned=True,
            volume=self.volume,
            spec=self.spec,
            policy_version=self.policy_version,
            now=now,
        )


def decide_close(
    position: OpenPosition | None,
    *,
    owned: bool,
    volume: Lots | None = None,
    spec: SymbolSpec | None = None,
    policy_version: int = 0,
    now: datetime,
) -> Decision:
    """Decide on closing a position, wholly when `volume` is None.

    Only ownership can deny it. More than is open closes all; a part goes down to the volume grid, and a rest that the
    broker could not hold is closed with it. A part below the smallest volume is denied with `CLOSE_VOLUME_INVALID`.
    """
    with exact():
        results, closing = _close_gates(position, owned=owned, volume=volume, spec=spec)
    first = next((result for result in results if result.passed is False), None)
    code = None if first is None else first.code
    return Decision(
        approved=first is None,
        code=code,
        detail="" if first is None or code is None else f"{code.explanation} {first.detail}".strip(),
        gates=results,
        decided_at=now,
        policy_version=policy_version,
        spec_version=None if spec is None else spec.version,
        volume=closing if first is None else None,
    )


def _close_gates(
    position: OpenPosition | None, *, owned: bool, volume: Lots | None, spec: SymbolSpec | None
) -> tuple[tuple[GateResult, ...], Lots | None]:
    if position is None:
        return (failed("ownership", DenialCode.POSITION_UNKNOWN),), None
    inputs = {"position": position.position_id, "symbol": position.symbol, "volume": position.volume}
    if not owned:
        return (failed("ownership", DenialCode.POSITION_NOT_OWNED, "", inputs),), None
    ownership = passed("ownership", inputs)
    closing = _closing_volume(position, volume, spec)
    if closing <= 0:
        least = "" if spec is None else f" The smallest volume is {spec.volume_min}."
        detail = f"{volume} of {position.volume} lots was asked.{least}"
        return (ownership, failed("close_volume", DenialCode.CLOSE_VOLUME_INVALID, detail, inputs)), None
    return (ownership, passed("close_volume", inputs, position.volume, closing)), closing


def _closing_volume(position: OpenPosition, volume: Lots | None, spec: SymbolSpec | None) -> Lots:
    if volume is None or volume >= position.volume:
        return position.volume
    if spec is None:
        return volume
    part = snap_volume(volume, minimum=spec.volume_min, step=spec.volume_step)
    rest = position.volume - part
    return position.volume if part > 0 and 0 < rest < spec.volume_min else part


def decision_record(case: RiskCase, decision: Decision) -> dict[str, Any]:
    """Return what is stored: the case, the decision and its digest, as JSON values."""
    plain_decision = decision.to_record()
    return {"case": case.to_record(), "decision": plain_decision, "digest": digest_of_plain(plain_decision)}


def replay(record: dict[str, Any]) -> Decision:
    """Decide again from a stored record; the digest tells whether the answer is the same.

    Raises:
        RecordError: the record does not hold a case and the time of its decision.

    """
    try:
        case, moment = record["case"], record["decision"]["decided_at"]
    except (KeyError, TypeError) as error:
        raise RecordError("record", "needs case and decision.decided_at") from error
    return decide(RiskCase.from_record(case), now=datetime.fromisoformat(moment))
