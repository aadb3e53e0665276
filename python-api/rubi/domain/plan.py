"""What is done for an open position: parts are taken at targets, the stop moves to the entry or behind the price.

The plan lives here and not at the terminal, so it survives either of them. A stop only ever moves toward profit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from rubi.domain.risk.record import build, plain
from rubi.domain.symbol import SymbolSpec, Tick
from rubi.domain.units import HUNDRED, ZERO, Lots, Percent, Price, Side, exact

STEP_OF_DISTANCE = Decimal("0.1")
"""Without a step of its own a trailing stop moves in tenths of its distance: brokers dislike a change every second."""

EVERYTHING = Decimal("99.9")
"""Shares that add up to this many percent leave nothing: three thirds are 99.99."""


@dataclass(frozen=True, slots=True)
class Target:
    """At `price` this share (percent) of the opened volume is closed."""

    price: Price
    share: Percent


@dataclass(frozen=True, slots=True)
class Trailing:
    """A stop `distance` points behind the price, once the position is `start` points in profit."""

    distance: Decimal
    step: Decimal
    start: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class BreakEven:
    """`trigger` points in profit, the stop moves to `offset` points beyond the entry."""

    trigger: Decimal
    offset: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PlanRules:
    """Everything that is done for one position. `targets` without the last one where the broker holds that."""

    targets: tuple[Target, ...] = ()
    trailing: Trailing | None = None
    break_even: BreakEven | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dict(plain(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PlanRules":
        """Build the rules from their JSON values."""
        return build(cls, data)


@dataclass(frozen=True, slots=True)
class Held:
    """A position that a plan follows; `opened` lots were opened, `volume` are left."""

    side: Side
    open_price: Price
    opened: Lots
    volume: Lots
    stop: Price | None


@dataclass(frozen=True, slots=True)
class TakePart:
    """Close `volume` lots at target number `n`; all that is left, when `whole`."""

    n: int
    volume: Lots
    whole: bool


@dataclass(frozen=True, slots=True)
class MoveStop:
    """Move the stop to `price`, for the rule `why`."""

    price: Price
    why: str


Step = TakePart | MoveStop


@dataclass(frozen=True, slots=True)
class StepCase:
    """Everything that a plan's next step is made from."""

    rules: PlanRules
    held: Held
    tick: Tick
    spec: SymbolSpec
    done: tuple[int, ...] = ()

    def next_step(self) -> Step | None:
        """Return the step; equal cases give equal ones."""
        with exact():
            return next_step(self.rules, self.held, self.tick, self.spec, frozenset(self.done))


def shown_step(step: Step | None) -> dict[str, Any] | None:
    """A step as JSON: what is done, why, and how far."""
    if step is None:
        return None
    if isinstance(step, MoveStop):
        return {"kind": "MODIFY_POSITION", "why": step.why, "stop": str(step.price)}
    kind = "CLOSE_POSITION" if step.whole else "CLOSE_PARTIAL"
    return {"kind": kind, "why": f"target {step.n + 1}", "volume": str(step.volume)}


def plan_of(details: Mapping[str, Any], side: Side, take_profit: Price | None) -> tuple[PlanRules | None, Price | None]:
    """Return what a signal's details ask for, and the target that the broker itself shall hold.

    Targets go from the nearest to the farthest; those without a share divide what the others leave. The broker holds
    the signal's own target when it lies beyond them all, else the last one when the shares are everything. With less
    than everything the rest runs on without a target.
    """
    wanted = sorted(
        ((Decimal(str(each["price"])), each.get("share")) for each in details.get("take_profits") or ()),
        key=lambda each: each[0] * side.sign,
    )
    targets = _shared(wanted)
    if targets:
        beyond = take_profit is not None and (take_profit - targets[-1].price) * side.sign > 0
        if not beyond:
            everything = sum((each.share for each in targets), ZERO) >= EVERYTHING
            take_profit = targets[-1].price if everything else None
            targets = targets[:-1] if everything else targets
    trailing, even = details.get("trailing"), details.get("break_even")
    rules = PlanRules(
        targets,
        None if trailing is None else _trailing(trailing),
        None if even is None else BreakEven(Decimal(even["trigger"]), Decimal(even.get("offset", 0))),
    )
    return (None if rules == PlanRules() else rules), take_profit


def next_step(rules: PlanRules, held: Held, tick: Tick, spec: SymbolSpec, done: frozenset[int]) -> Step | None:
    """Return the one thing to do now; None when there is none. `done` are the targets that were taken."""
    closing = tick.closing(held.side)
    for n, target in enumerate(rules.targets):
        if n not in done and (closing - target.price) * held.side.sign >= 0:
            part = spec.volume(held.opened * target.share / HUNDRED)
            if part > 0:
                rest = held.volume - part
                whole = rest < spec.volume_min
                return TakePart(n, held.volume if whole else part, whole)
    return _stop(rules, held, closing, spec)


def _stop(rules: PlanRules, held: Held, closing: Price, spec: SymbolSpec) -> MoveStop | None:
    """The best stop that the rules give, if it is better than the one there is and the broker will take it."""
    sign = held.side.sign
    profit = (closing - held.open_price) * sign / spec.point
    wanted: list[tuple[Decimal, str, Decimal]] = []
    if rules.break_even is not None and profit >= rules.break_even.trigger:
        wanted.append((held.open_price + sign * rules.break_even.offset * spec.point, "break_even", ZERO))
    if rules.trailing is not None and profit >= rules.trailing.start:
        behind = closing - sign * rules.trailing.distance * spec.point
        wanted.append((behind, "trailing", rules.trailing.step * spec.point))
    freeze = spec.freeze_level * spec.point
    if not wanted or (held.stop is not None and (closing - held.stop) * sign <= freeze and freeze > 0):
        return None
    nearest = closing - sign * max(spec.stops_level * spec.point, freeze, spec.tick_size)
    away = ROUND_FLOOR if held.side is Side.BUY else ROUND_CEILING
    best: MoveStop | None = None
    for price, why, step in wanted:
        allowed = min(price * sign, nearest * sign) * sign
        stop = spec.price(allowed, away)
        gain = None if held.stop is None else (stop - held.stop) * sign
        if (
            stop > 0
            and (gain is None or (gain > 0 and gain >= step))
            and (best is None or (stop - best.price) * sign > 0)
        ):
            best = MoveStop(stop, why)
    return best


def _shared(wanted: list[tuple[Decimal, Any]]) -> tuple[Target, ...]:
    given = [None if share is None else Decimal(str(share)) for _, share in wanted]
    left = max(ZERO, HUNDRED - sum((share for share in given if share is not None), ZERO))
    missing = given.count(None)
    each = left / missing if missing else ZERO
    shares = [each if share is None else share for share in given]
    return tuple(
        Target(Price(price), Percent(share)) for (price, _), share in zip(wanted, shares, strict=True) if share > 0
    )


def _trailing(said: Mapping[str, Any]) -> Trailing:
    distance = Decimal(said["distance"])
    return Trailing(distance, Decimal(said.get("step") or distance * STEP_OF_DISTANCE), Decimal(said.get("start") or 0))
