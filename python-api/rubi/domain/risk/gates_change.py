"""The gates on changing what stands already: only a change that adds risk is asked about.

A stop that moves toward profit passes everything but ownership, like a close. One that moves away, or is taken off,
is judged as if the position were opened again with it: what it would lose from now on counts against every limit.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rubi.domain.account import AccountSnapshot
from rubi.domain.risk import gates_entry, gates_limit
from rubi.domain.risk.case import RiskCase
from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.decision import Decision, GateResult, failed, passed
from rubi.domain.risk.exposure import of_position
from rubi.domain.risk.gates import Gate
from rubi.domain.risk.holdings import OpenPosition
from rubi.domain.risk.sizing import Sized
from rubi.domain.risk.workings import Workings
from rubi.domain.units import NO_MONEY, Money, Price, Side, ceil_money, exact


def adds_risk(side: Side, before: Price | None, after: Price | None) -> bool:
    """Whether more would be lost at the stop `after` than at the one there is; None is no stop."""
    if before is None:
        return False
    return after is None or (after - before) * side.sign < 0


def allow(policy_version: int, before: Price | None, after: Price | None, *, now: datetime) -> Decision:
    """The decision on a change that adds no risk: it passes."""
    results = (passed("adds_risk", {"from": before, "to": after}),)
    return _conclude(policy_version, None, results, NO_MONEY, after, now)


@dataclass(frozen=True, slots=True)
class StopCase:
    """Everything that a decision on a position's new stop is made from. `case` only where the stop adds risk."""

    position: OpenPosition
    stop: Price | None
    policy_version: int = 0
    case: RiskCase | None = None

    @classmethod
    def of(cls, case: RiskCase, position: OpenPosition, stop: Price | None) -> "StopCase":
        """What has to be kept of a case to decide on the stop again."""
        kept = case if adds_risk(position.side, position.stop, stop) else None
        return cls(position, stop, case.policy.version, kept)

    def decide(self, now: datetime) -> Decision:
        """Decide; equal cases at an equal `now` give equal decisions."""
        if self.case is None:
            return allow(self.policy_version, self.position.stop, self.stop, now=now)
        return decide_stop(self.case, self.position, self.stop, now=now)


def decide_stop(case: RiskCase, position: OpenPosition, stop: Price | None, *, now: datetime) -> Decision:
    """Decide on a position's new stop (None: taken off). `case` holds the position and asks for nothing new.

    An approved change carries the risk that it adds, account currency, in `risk`.
    """
    version = case.policy.version
    if not adds_risk(position.side, position.stop, stop):
        return allow(version, position.stop, stop, now=now)
    with exact():
        others = tuple(one for one in case.positions if one.position_id != position.position_id)
        work = Workings(replace(case, positions=others), now)
        added = NO_MONEY
        if work.spec is not None:
            leverage = None if work.account is None else work.account.leverage
            digits = 2 if work.account is None else work.account.digits
            before, after = (
                ceil_money(of_position(one, work.spec, work.policy, leverage).risk, digits)
                for one in (position, replace(position, stop=stop))
            )
            added = Money(max(NO_MONEY, after - before))
            per_lot = Money(after / position.volume)
            work.sized = Sized(position.volume, after, per_lot, budget=None, raw=position.volume)
        results = (_stop_kept(work, stop), *(gate(work) for gate in _GATES))
        return _conclude(version, case.account, results, added, stop, now)


def _stop_kept(work: Workings, stop: Price | None) -> GateResult:
    if stop is None and work.policy.require_stop:
        detail = "The policy wants a stop on every position; move it instead of taking it off."
        return failed("stop", DenialCode.STOP_REQUIRED, detail)
    return passed("stop", {"to": stop})


_GATES: tuple[Gate, ...] = (
    gates_entry.trading_state,
    gates_entry.account_fresh,
    gates_entry.symbol_fresh,
    gates_limit.order_risk,
    gates_limit.open_risk,
    gates_limit.correlation,
    gates_limit.daily_budget,
    gates_limit.drawdown_budget,
)


def _conclude(
    policy_version: int,
    account: AccountSnapshot | None,
    results: tuple[GateResult, ...],
    added: Money,
    stop: Price | None,
    now: datetime,
) -> Decision:
    first = next((result for result in results if result.passed is False), None)
    code = None if first is None else first.code
    approved = all(result.passed for result in results)
    return Decision(
        approved=approved,
        code=code,
        detail="" if first is None or code is None else f"{code.explanation} {first.detail}".strip(),
        gates=results,
        decided_at=now,
        policy_version=policy_version,
        account_taken_at=None if account is None else account.taken_at,
        risk=added if approved else None,
        stop=stop,
    )
