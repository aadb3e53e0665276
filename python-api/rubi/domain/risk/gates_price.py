"""The gates on prices: sides, the broker's distances, the spread."""

from decimal import Decimal

from rubi.domain.risk.codes import DenialCode
from rubi.domain.risk.decision import GateResult, failed, not_evaluated, passed
from rubi.domain.risk.workings import Workings
from rubi.domain.signal import OrderType
from rubi.domain.symbol import SymbolSpec, Tick


def prices(work: Workings) -> GateResult:
    """Do entry, stop and target stand on their sides, and as far from the market as the broker wants.

    BUY needs S < E < T, SELL T < E < S. Distances are measured from the closing price for a market order, from the
    order's own price for a pending one, and include the freeze level, so that what is placed can still be changed.
    """
    spec, tick = work.spec, work.tick
    if spec is None or tick is None:
        return not_evaluated("prices", "no quote or no specification")
    if work.entry is None or (not work.market and work.proposal.entry is None):
        return failed("prices", DenialCode.ENTRY_REQUIRED)
    inputs = {
        "bid": tick.bid,
        "ask": tick.ask,
        "entry": work.entry,
        "stop": work.stop,
        "target": work.target,
        "stops_level": spec.stops_level,
        "freeze_level": spec.freeze_level,
    }
    fault = _entry_fault(work, spec, tick) or _sides_fault(work) or _distance_fault(work, spec, tick)
    if fault is not None:
        code, detail = fault
        return failed("prices", code, detail, inputs)
    return passed("prices", inputs)


Fault = tuple[DenialCode, str] | None


def _entry_fault(work: Workings, spec: SymbolSpec, tick: Tick) -> Fault:
    proposal, market = work.proposal, tick.entry(work.proposal.side)
    if work.market:
        limit = work.policy.max_entry_deviation_points
        if limit is None or proposal.entry is None:
            return None
        moved = spec.points(abs(market - proposal.entry))
        if moved > limit:
            return (
                DenialCode.ENTRY_PRICE_MOVED,
                f"{proposal.entry} became {market}: {moved:f} points, allowed are {limit}.",
            )
        return None
    price = spec.price(proposal.entry or Decimal(0))
    beyond = (price - market) * proposal.side.sign  # above the market for a buy, below it for a sell
    waits_beyond = proposal.order_type is not OrderType.LIMIT
    distance = beyond if waits_beyond else -beyond
    if distance <= 0:
        where = "above" if (proposal.side.sign > 0) == waits_beyond else "below"
        return (
            DenialCode.ENTRY_WRONG_SIDE,
            f"A {proposal.side} {proposal.order_type} must lie {where} {market}; it is {price}.",
        )
    if distance < _level(spec):
        return DenialCode.ENTRY_TOO_CLOSE, f"{price} is {distance:f} from {market}; the broker wants {_level(spec):f}."
    if proposal.limit_price is not None and (proposal.limit_price - price) * proposal.side.sign > 0:
        return DenialCode.ENTRY_WRONG_SIDE, f"The limit {proposal.limit_price} lies beyond its trigger {price}."
    return None


def _sides_fault(work: Workings) -> Fault:
    sign, entry = work.proposal.side.sign, work.entry or Decimal(0)
    if work.stop is not None and (entry - work.stop) * sign <= 0:
        where = "below" if sign > 0 else "above"
        return (
            DenialCode.STOP_WRONG_SIDE,
            f"A {work.proposal.side} at {entry} needs a stop {where} it, not {work.stop}.",
        )
    if work.target is not None and (work.target - entry) * sign <= 0:
        where = "above" if sign > 0 else "below"
        return (
            DenialCode.TARGET_WRONG_SIDE,
            f"A {work.proposal.side} at {entry} needs a target {where} it, not {work.target}.",
        )
    return None


def _distance_fault(work: Workings, spec: SymbolSpec, tick: Tick) -> Fault:
    sign = work.proposal.side.sign
    reference: Decimal = tick.closing(work.proposal.side) if work.market else (work.entry or Decimal(0))
    for price, code, direction in (
        (work.stop, DenialCode.STOP_TOO_CLOSE, -sign),
        (work.target, DenialCode.TARGET_TOO_CLOSE, sign),
    ):
        if price is None:
            continue
        distance = (price - reference) * direction
        if distance <= 0 or distance < _level(spec):
            return code, f"{price} is {distance:f} from {reference}; the broker wants {_level(spec):f}."
    return None


def _level(spec: SymbolSpec) -> Decimal:
    return max(spec.stops_level, spec.freeze_level) * spec.point


def spread(work: Workings) -> GateResult:
    """Is the spread within the policy."""
    if work.spec is None or work.tick is None:
        return not_evaluated("spread", "no quote or no specification")
    limit, points = work.policy.max_spread_points, work.spec.points(work.tick.spread)
    inputs = {"bid": work.tick.bid, "ask": work.tick.ask}
    if limit is not None and points > limit:
        detail = f"The spread is {points:f} points; allowed are {limit}."
        return failed("spread", DenialCode.SPREAD_TOO_WIDE, detail, inputs, limit, points)
    return passed("spread", inputs, limit if limit is not None else "no limit", points)
