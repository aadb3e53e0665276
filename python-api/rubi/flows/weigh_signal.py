"""What an account's risk rules say to a signal: the orders that follow, or a code, and the record of both."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rubi.domain.legacy_risk import decide_legacy
from rubi.domain.order import NewOrder, OrderKind
from rubi.domain.plan import PlanRules, plan_of
from rubi.domain.price_guard import price_guard
from rubi.domain.risk import gates
from rubi.domain.risk.case import Proposal, RiskCase, SizingChoice
from rubi.domain.risk.decision import Decision
from rubi.domain.risk.lot_quote import stated
from rubi.domain.risk.policy import PolicyError, RiskPolicy, SizingMode
from rubi.domain.risk.record import digest, plain
from rubi.domain.risk.volatility import average_true_range
from rubi.domain.signal import OrderType, SignalType
from rubi.domain.symbol import SymbolSpec
from rubi.domain.units import NO_MONEY, Lots, Price
from rubi.flows.measure_correlations import measure_correlations
from rubi.flows.queue_order import not_after
from rubi.flows.report_unusable_policy import why_unusable
from rubi.store import closes, risk_facts
from rubi.store.pool import Connection, Row
from rubi.store.risk_facts import RiskFacts


@dataclass(frozen=True, slots=True)
class Verdict:
    """Orders to queue, or none and the code; `record` is everything it was made from, as JSON."""

    orders: tuple[NewOrder, ...]
    code: str | None
    detail: str
    record: dict[str, Any]
    sha256: str = field(default="")
    plan: PlanRules | None = None
    """What is done for the position that the first order opens."""

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", digest(self.record))

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The names of the gates that did not hold."""
        gates = self.record.get("decision", {}).get("gates", ())
        return tuple(gate["gate"] for gate in gates if gate["passed"] is False)


def refuse(code: str, detail: str, **inputs: str) -> Verdict:
    """A denial that needs no gate: the one rule that failed, in the form of the others."""
    gate = {"gate": "tradable", "passed": False, "code": code, "detail": detail, "inputs": inputs}
    return Verdict((), code, detail, {"decision": {"approved": False, "code": code, "detail": detail, "gates": [gate]}})


def refuse_unusable(version: int, fault: PolicyError) -> Verdict:
    """The denial of whatever adds risk while the limits of the account are not known."""
    return refuse("POLICY_UNUSABLE", why_unusable(version, fault), field=fault.field)


@dataclass(frozen=True, slots=True)
class Opening:
    """An order that somebody wishes for: a signal's, or a person's own (`signal_id` None)."""

    user_id: int
    proposal: Proposal
    signal_id: int | None = None
    magic: int = 0
    deviation_points: int | None = None
    """The most that the wisher allows; the price guard may allow less."""
    expiration: datetime | None = None
    """When a pending order leaves the broker's book; None: never."""


async def weigh_open(conn: Connection, signal: Row, account_id: UUID, facts: RiskFacts, *, now: datetime) -> Verdict:
    """Ask every gate about an opening signal, and size it."""
    opening = Opening(
        user_id=signal["user_id"],
        proposal=_proposal(signal, facts),
        signal_id=signal["id"],
        magic=signal["magic"] or 0,
    )
    verdict = await weigh_opening(conn, opening, account_id, facts, now=now)
    if facts.legacy or not verdict.orders:
        return verdict
    plan, target = plan_of(signal["details"], opening.proposal.side, verdict.orders[0].tp)
    return replace(verdict, plan=plan, orders=(_with_target(verdict.orders[0], target, facts),))


async def weigh_opening(
    conn: Connection, opening: Opening, account_id: UUID, facts: RiskFacts, *, now: datetime
) -> Verdict:
    """Ask every gate about an opening order, and size it."""
    if facts.not_tradable is not None:
        return refuse(
            str(facts.barred),
            f"The broker or the terminal refuses trading ({facts.not_tradable}); nothing opens until it allows it.",
            not_tradable_code=facts.not_tradable,
        )
    if facts.policy_fault is not None:
        return refuse_unusable(facts.policy.version, facts.policy_fault)
    if facts.barred is not None:
        return refuse(facts.barred, "The policy trades demo accounts only (demo_only), and this one is real.")
    case = await case_of(conn, opening.proposal, account_id, facts, now=now)
    decision = decide_legacy(case, now=now) if facts.legacy else gates.decide(case, now=now)
    record = {"rules": "legacy" if facts.legacy else "gates", **gates.decision_record(case, decision)}
    if not decision.approved or decision.volume is None:
        return Verdict((), str(decision.code), decision.detail, record, record["digest"])
    order = order_of(opening, account_id, decision, facts, now=now)
    return Verdict((order,), None, _approval(decision, facts), record, record["digest"])


async def case_of(
    conn: Connection, proposal: Proposal, account_id: UUID, facts: RiskFacts, *, now: datetime
) -> RiskCase:
    """Everything that a decision on the proposal is made from."""
    symbols = [spec.name for spec in facts.specs]
    spec = next((each for each in facts.specs if each.name == proposal.symbol), None)
    by_terminal = stated(facts.quotes, proposal, spec, facts.tick, now=now)
    atr = None
    if facts.policy.atr_stop_multiple is not None and proposal.stop is None:
        atr = average_true_range(await closes.hour_ranges(conn, account_id, proposal.symbol, now))
    return RiskCase(
        proposal=proposal,
        policy=facts.policy,
        account=facts.account,
        tick=facts.tick,
        specs=facts.specs,
        positions=facts.positions,
        pendings=facts.pendings,
        reservations=facts.reservations,
        states=facts.states,
        reconciled=facts.reconciled,
        unknown_order=facts.unknown_order,
        locks=facts.locks,
        closures=await risk_facts.closures(conn, account_id, facts.policy, now=now),
        clock=facts.clock,
        day=facts.day,
        nav=facts.nav,
        correlations=await measure_correlations(conn, account_id, symbols, now=now),
        ea_loss_per_lot=by_terminal.loss_per_lot,
        ea_margin_per_lot=by_terminal.margin_per_lot,
        atr=atr,
    )


def weigh_close(signal: Row, account_id: UUID, facts: RiskFacts, *, now: datetime) -> Verdict:
    """One close for each open position of the signal's symbol and side; closes pass everything but ownership.

    The older connector closes one position of the symbol at each word, and its list is up to a minute old: it gets a
    word for each known position, and one when none is known.
    """
    side, symbol = SignalType(signal["signal_type"]).side, signal["symbol"]
    common: dict[str, Any] = {
        "user_id": signal["user_id"],
        "account_id": account_id,
        "signal_id": signal["id"],
        "symbol": symbol,
        "side": side,
        "order_type": OrderType.MARKET,
        "magic": signal["magic"] or 0,
    }
    held = [each for each in facts.positions if each.symbol == symbol and each.side is side]
    if facts.legacy and not held:
        order = NewOrder(kind=OrderKind.CLOSE_ALL, guards={"reduce_only": True}, **common)
        blind = {"rules": "legacy", "closes": "all", "decision": {"approved": True, "code": None, "gates": []}}
        return Verdict((order,), None, f"All {side} positions of {symbol} are to be closed.", blind)
    open_ones = [each for each in held if facts.tickets[each.position_id] not in facts.closing]
    if not open_ones:
        why = "a close is already on its way to each" if held else "none is open"
        return refuse("NOTHING_TO_CLOSE", f"There is no {side} position of {symbol} to close: {why}.", symbol=symbol)
    cases = [gates.CloseCase(each, policy_version=facts.policy.version) for each in open_ones]
    closes = [each.decide(now).to_record() for each in cases]
    orders = tuple(
        NewOrder(
            kind=OrderKind.CLOSE_POSITION,
            leg=leg,
            volume=position.volume,
            position_ticket=facts.tickets[position.position_id],
            guards={"reduce_only": True, "expect_volume": float(position.volume)},
            **common,
        )
        for leg, position in enumerate(open_ones)
    )
    detail = f"{len(orders)} {side} position{'s' if len(orders) > 1 else ''} of {symbol} are to be closed."
    record: dict[str, Any] = {"rules": "closes", "cases": plain(cases), "decision": closes[0], "closes": closes}
    return Verdict(orders, None, detail, record)


def _proposal(signal: Row, facts: RiskFacts) -> Proposal:
    details = signal["details"]
    # The wall time of a broker whose offset is not learned tells no age: then the signal is as old as its arrival.
    made_at = signal["received_at"] if details.get("clock") == "unknown" else signal["signal_time"]
    limit = details.get("stop_limit")
    return Proposal(
        symbol=signal["symbol"],
        side=SignalType(signal["signal_type"]).side,
        signal_time=made_at,
        order_type=OrderType(signal["order_type"]),
        entry=signal["entry_price"],
        limit_price=None if limit is None else Price(Decimal(limit)),
        stop=signal["stop_loss"],
        target=signal["take_profit"],
        volume=signal["volume"],
        sizing=_sizing(signal, facts.policy),
        expires_at=signal["expires_at"],
        confidence=signal["confidence"],
    )


def _sizing(signal: Row, policy: RiskPolicy) -> SizingChoice | None:
    """The signal's own sizing, else its own volume capped by the policy's percent, else the policy's mode (None)."""
    if signal["risk_mode"] is not None:
        return SizingChoice(SizingMode(signal["risk_mode"]), signal["risk_value"])
    if signal["volume"] is None:
        return None
    by_percent = policy.sizing_mode in (SizingMode.RISK_PERCENT, SizingMode.SIGNAL_VOLUME)
    cap = policy.sizing_value if by_percent else policy.max_position_size_percent
    return SizingChoice(SizingMode.SIGNAL_VOLUME, min(cap, policy.max_position_size_percent))


def order_of(opening: Opening, account_id: UUID, decision: Decision, facts: RiskFacts, *, now: datetime) -> NewOrder:
    """The order that an approved decision makes, with everything that it reserves until its position is seen."""
    proposal = opening.proposal
    market = proposal.order_type is OrderType.MARKET
    kind = OrderKind.OPEN if market else OrderKind.PLACE_PENDING
    spec = next((each for each in facts.specs if each.name == proposal.symbol), None)
    guards: dict[str, Any] = {"reduce_only": False}
    deviation = 20
    if facts.policy.max_spread_points is not None:
        guards["max_spread_points"] = float(facts.policy.max_spread_points)
    if market and spec is not None and facts.tick is not None and decision.entry is not None:
        band = price_guard(
            spec,
            entry=decision.entry,
            stop=decision.stop,
            spread=facts.tick.spread,
            most_points=facts.policy.max_entry_deviation_points,
        )
        guards["price_band"] = [float(band.low), float(band.high)]
        deviation = band.deviation_points
    if opening.deviation_points is not None:
        deviation = min(deviation, opening.deviation_points)
    return NewOrder(
        user_id=opening.user_id,
        account_id=account_id,
        kind=kind,
        symbol=proposal.symbol,
        side=proposal.side,
        order_type=proposal.order_type,
        volume=Lots(decision.volume or Decimal(0)),
        price=None if market else _on_grid(proposal.entry, spec),
        stop_limit=None if market else _on_grid(proposal.limit_price, spec),
        sl=decision.stop,
        tp=decision.target,
        signal_id=opening.signal_id,
        deviation_points=deviation,
        type_time="GTC" if opening.expiration is None else "SPECIFIED",
        expiration=opening.expiration,
        magic=opening.magic,
        guards=guards,
        reserved_risk=decision.risk or NO_MONEY,
        reserved_margin=decision.margin or NO_MONEY,
        reserved_price=decision.entry,
        not_after=not_after(kind, now),
    )


def _with_target(order: NewOrder, target: Price | None, facts: RiskFacts) -> NewOrder:
    """The order with the target that the broker shall hold, rounded toward the market like every other."""
    spec = next(each for each in facts.specs if each.name == order.symbol)
    if target is None or facts.tick is None:
        return replace(order, tp=target)
    return replace(order, tp=spec.price_toward(target, facts.tick.bid))


def _on_grid(price: Price | None, spec: SymbolSpec | None) -> Price | None:
    """The price at which a pending order waits, on the symbol's tick grid."""
    return None if price is None or spec is None else spec.price(price)


def _approval(decision: Decision, facts: RiskFacts) -> str:
    if decision.risk is None or facts.account is None:
        return f"Approved: at most {decision.volume} lots; the connector takes the smaller of this and its own size."
    return f"Approved: {decision.volume} lots risk {decision.risk} {facts.account.currency} at the stop."
