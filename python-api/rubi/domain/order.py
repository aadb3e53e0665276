"""The life of an order: one row is one instruction to a terminal, its state is the fold of its events.

`transition` is the only place where a state changes. What cannot happen is stored as an illegal event and changes
nothing; what surprises but did happen (a deal after a cancel, an ended order in the broker's book) is legal: the broker
is the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from rubi.domain.signal import OrderType, SignalStatus
from rubi.domain.units import NO_LOTS, NO_MONEY, Lots, Money, Price, Side

MOST_DELIVERIES = 5
REPORT_PATIENCE = timedelta(seconds=10)
"""An order that the terminal took and of which nothing was heard for this long is UNKNOWN."""


class OrderKind(StrEnum):
    """What the terminal is told to do."""

    OPEN = "OPEN"
    PLACE_PENDING = "PLACE_PENDING"
    MODIFY_PENDING = "MODIFY_PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    MODIFY_POSITION = "MODIFY_POSITION"
    CLOSE_POSITION = "CLOSE_POSITION"
    CLOSE_PARTIAL = "CLOSE_PARTIAL"
    CLOSE_BY = "CLOSE_BY"
    CLOSE_ALL = "CLOSE_ALL"
    QUERY = "QUERY"

    @property
    def closes(self) -> bool:
        """Whether it reduces what is open: such an order never expires and passes every risk gate."""
        return self in _CLOSES

    @property
    def fills(self) -> bool:
        """Whether success shows itself by deals of the asked volume; the others are done when the broker says so."""
        return self in _FILLS


_CLOSES = frozenset({OrderKind.CLOSE_POSITION, OrderKind.CLOSE_PARTIAL, OrderKind.CLOSE_BY, OrderKind.CLOSE_ALL})
_FILLS = frozenset({OrderKind.OPEN, OrderKind.PLACE_PENDING, *_CLOSES}) - {OrderKind.CLOSE_ALL}
LIFETIMES: dict[OrderKind, timedelta | None] = {
    OrderKind.OPEN: timedelta(seconds=30),
    OrderKind.PLACE_PENDING: timedelta(minutes=5),
    OrderKind.MODIFY_PENDING: timedelta(seconds=30),
    OrderKind.MODIFY_POSITION: timedelta(seconds=30),
    OrderKind.CANCEL_PENDING: None,
    OrderKind.QUERY: timedelta(seconds=30),
    **dict.fromkeys(_CLOSES, None),
}
"""How long an instruction of each kind may be handed out; None is for ever."""


class OrderState(StrEnum):
    """Where an order stands."""

    CREATED = "CREATED"
    DENIED = "DENIED"
    QUEUED = "QUEUED"
    LEASED = "LEASED"
    ACKED = "ACKED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_MODIFY = "PENDING_MODIFY"
    PENDING_CANCEL = "PENDING_CANCEL"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Whether nothing more is expected (but a deal may still arrive, or the broker's book show it at work)."""
        return self in FINAL


S = OrderState
FINAL = frozenset({S.DENIED, S.FILLED, S.DONE, S.REJECTED, S.CANCELED, S.EXPIRED})
IN_FLIGHT = frozenset({S.QUEUED, S.LEASED, S.ACKED, S.SUBMITTED, S.UNKNOWN})
"""Not yet seen at the broker: a fact may find the order in any of these, whatever was lost before it."""
WORKING = frozenset({S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_MODIFY, S.PENDING_CANCEL})
_ENDED_EARLY = frozenset({S.FILLED, S.REJECTED, S.CANCELED, S.EXPIRED})
"""Ends that the broker's book can prove wrong: what it shows at work, and is not filled, has not ended."""


class OrderEventType(StrEnum):
    """What happened to an order."""

    DENIED = "DENIED"
    APPROVED = "APPROVED"
    HANDED_OUT = "HANDED_OUT"
    LEASE_RETURNED = "LEASE_RETURNED"
    LEASE_LOST = "LEASE_LOST"
    OVERDUE = "OVERDUE"
    CANCEL_ASKED = "CANCEL_ASKED"
    MODIFY_ASKED = "MODIFY_ASKED"
    ASK_DONE = "ASK_DONE"
    ASK_FAILED = "ASK_FAILED"
    INTENT = "INTENT"
    REFUSED = "REFUSED"
    PLACED = "PLACED"
    CARRIED_OUT = "CARRIED_OUT"
    BROKER_REJECTED = "BROKER_REJECTED"
    AMBIGUOUS = "AMBIGUOUS"
    SILENCE = "SILENCE"
    SEEN_WORKING = "SEEN_WORKING"
    DEAL = "DEAL"
    REPORTED_EXECUTED = "REPORTED_EXECUTED"
    HISTORY_CANCELED = "HISTORY_CANCELED"
    HISTORY_EXPIRED = "HISTORY_EXPIRED"
    HISTORY_REJECTED = "HISTORY_REJECTED"
    NEVER_SENT = "NEVER_SENT"
    NO_RECORD = "NO_RECORD"
    NEVER_RECEIVED = "NEVER_RECEIVED"
    NOT_FOUND = "NOT_FOUND"
    PERSON_SAID_FILLED = "PERSON_SAID_FILLED"
    PERSON_SAID_NOT_SENT = "PERSON_SAID_NOT_SENT"


E = OrderEventType


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One fact about an order. `volume` (lots) belongs to a DEAL, `code` to what was denied, refused or rejected."""

    type: OrderEventType
    at: datetime
    volume: Lots | None = None
    code: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderLife:
    """What the events of an order add up to. `volume` None: the instruction trades nothing itself."""

    kind: OrderKind
    volume: Lots | None
    state: OrderState = S.CREATED
    resume_state: OrderState | None = None
    filled: Lots = NO_LOTS
    deliveries: int = 0
    revoke_asked: bool = False
    late_fill: bool = False
    code: str | None = None

    @property
    def was_delivered(self) -> bool:
        """Whether a terminal has had it: then it may have been carried out, also while it waits in the queue again."""
        return self.deliveries > 0


@dataclass(frozen=True, slots=True)
class Transition:
    """An event applied: `after` equals the life before when the event was illegal or said nothing new."""

    before: OrderLife
    event: OrderEvent
    after: OrderLife
    legal: bool


_SIMPLE: dict[OrderEventType, dict[OrderState, OrderState]] = {
    E.DENIED: {S.CREATED: S.DENIED},
    E.APPROVED: {S.CREATED: S.QUEUED},
    E.LEASE_RETURNED: {S.LEASED: S.QUEUED},
    E.LEASE_LOST: {S.LEASED: S.UNKNOWN, S.ACKED: S.UNKNOWN, S.SUBMITTED: S.UNKNOWN},
    E.SILENCE: {S.ACKED: S.UNKNOWN, S.SUBMITTED: S.UNKNOWN},
    E.AMBIGUOUS: dict.fromkeys(IN_FLIGHT, S.UNKNOWN),
    # An acknowledgement that arrives after its lease ran out still says that the terminal is sending.
    E.INTENT: {
        S.LEASED: S.ACKED,
        S.QUEUED: S.ACKED,
        S.UNKNOWN: S.UNKNOWN,
        **{s: s for s in (S.ACKED, S.SUBMITTED, *WORKING, *FINAL)},
    },
    E.REFUSED: dict.fromkeys((S.LEASED, S.QUEUED, S.ACKED, S.UNKNOWN, S.REJECTED), S.REJECTED),
    E.BROKER_REJECTED: {**dict.fromkeys(IN_FLIGHT, S.REJECTED), S.REJECTED: S.REJECTED},
    E.SEEN_WORKING: {**dict.fromkeys(IN_FLIGHT, S.ACCEPTED), **{s: s for s in (*WORKING, *FINAL)}},
    E.NEVER_SENT: {**dict.fromkeys(IN_FLIGHT, S.REJECTED), S.REJECTED: S.REJECTED},
    E.NO_RECORD: {s: s for s in S},
    E.NEVER_RECEIVED: {S.UNKNOWN: S.EXPIRED},
    E.NOT_FOUND: {S.UNKNOWN: S.EXPIRED},
    E.PERSON_SAID_FILLED: {S.UNKNOWN: S.FILLED},
    E.PERSON_SAID_NOT_SENT: {S.UNKNOWN: S.REJECTED},
    E.HISTORY_CANCELED: dict.fromkeys((*IN_FLIGHT, *WORKING), S.CANCELED) | {s: s for s in FINAL},
    E.HISTORY_EXPIRED: dict.fromkeys((*IN_FLIGHT, *WORKING), S.EXPIRED) | {s: s for s in FINAL},
    E.HISTORY_REJECTED: dict.fromkeys((*IN_FLIGHT, *WORKING), S.REJECTED) | {s: s for s in FINAL},
}


def transition(life: OrderLife, event: OrderEvent) -> Transition:
    """Apply one event. Rules that need more than a lookup stand in `_after`."""
    after = _after(life, event)
    return Transition(life, event, life if after is None else after, after is not None)


def fold(kind: OrderKind, volume: Lots | None, events: Iterable[OrderEvent]) -> OrderLife:
    """What an order's events add up to, from CREATED."""
    life = OrderLife(kind, volume)
    for event in events:
        life = transition(life, event).after
    return life


def _after(life: OrderLife, event: OrderEvent) -> OrderLife | None:
    """The life after the event, or None when the event is illegal."""
    state = life.state
    match event.type:
        case E.HANDED_OUT:
            return replace(life, state=S.LEASED, deliveries=life.deliveries + 1) if state is S.QUEUED else None
        case E.OVERDUE:
            if state is not S.QUEUED or life.kind.closes:
                return None
            return replace(life, state=S.UNKNOWN if life.was_delivered else S.EXPIRED, code=event.code)
        case E.LEASE_LOST if state is S.QUEUED:
            return replace(life, state=S.UNKNOWN) if life.was_delivered else None
        case E.LEASE_RETURNED if life.revoke_asked:
            return None  # handing it out again would undo the cancel; it is lost, and the terminal is asked
        case E.CANCEL_ASKED:
            return _after_cancel(life)
        case E.MODIFY_ASKED:
            working = state in (S.ACCEPTED, S.PARTIALLY_FILLED)
            return replace(life, state=S.PENDING_MODIFY, resume_state=state) if working else None
        case E.ASK_DONE | E.ASK_FAILED:
            if state in (S.PENDING_MODIFY, S.PENDING_CANCEL) and life.resume_state is not None:
                return replace(life, state=life.resume_state, resume_state=None)
            return life if state.final else None
        case E.PLACED:
            return _after_placed(life)
        case E.CARRIED_OUT:
            # Also "position already closed" for a close: nothing is left to do, and no deal of ours will come.
            if state in IN_FLIGHT:
                return replace(life, state=S.DONE, code=event.code)
            return life
        case E.REPORTED_EXECUTED:
            if state in IN_FLIGHT and life.volume is not None:
                return replace(life, state=S.FILLED, filled=life.volume, code=event.code)
            return replace(life, state=S.DONE) if state in IN_FLIGHT else life
        case E.DEAL:
            return _after_deal(life, event)
        case E.SEEN_WORKING if state in _ENDED_EARLY and (life.volume is None or life.filled < life.volume):
            return replace(life, state=S.PARTIALLY_FILLED if life.filled else S.ACCEPTED, resume_state=None)
        case _:
            to = _SIMPLE[event.type].get(state)
            if to is None:
                return None
            return life if to is state else replace(life, state=to, resume_state=None, code=event.code or life.code)


def _after_cancel(life: OrderLife) -> OrderLife | None:
    if life.state is S.QUEUED and life.was_delivered:
        return replace(life, state=S.UNKNOWN, revoke_asked=True)  # its terminal is asked what came of it
    if life.state is S.QUEUED:
        return replace(life, state=S.CANCELED, code="CANCELED_BY_USER")
    if life.state is S.LEASED:
        return replace(life, revoke_asked=True)  # the terminal has it: only its own refusal is final
    if life.state in (S.ACCEPTED, S.PARTIALLY_FILLED):
        return replace(life, state=S.PENDING_CANCEL, resume_state=life.state)
    return None


def _after_placed(life: OrderLife) -> OrderLife | None:
    if life.state not in IN_FLIGHT:
        return life if life.state is not S.CREATED else None
    if not life.kind.fills:
        return replace(life, state=S.DONE)
    return replace(life, state=S.SUBMITTED)


def _after_deal(life: OrderLife, event: OrderEvent) -> OrderLife | None:
    if life.state in (S.DENIED, S.CREATED) or event.volume is None or event.volume <= 0:
        return None
    filled = Lots(life.filled + event.volume)
    if life.kind is OrderKind.CLOSE_ALL:  # how much that would be was never known
        late = life.late_fill or life.state in (S.REJECTED, S.CANCELED, S.EXPIRED)
        return replace(life, filled=filled, late_fill=late, state=S.DONE if late else life.state)
    if life.volume is None:
        return None
    whole = filled >= life.volume
    late = life.late_fill or life.state in (S.FILLED, S.DONE, S.REJECTED, S.CANCELED, S.EXPIRED)
    if life.state in (S.PENDING_MODIFY, S.PENDING_CANCEL) and not whole:
        return replace(life, filled=filled, resume_state=S.PARTIALLY_FILLED)
    return replace(
        life, state=S.FILLED if whole else S.PARTIALLY_FILLED, filled=filled, late_fill=late, resume_state=None
    )


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An instruction that risk has approved, with what it reserves (account currency) until its end."""

    user_id: int
    account_id: UUID
    kind: OrderKind
    symbol: str
    side: Side | None = None
    order_type: OrderType | None = None
    volume: Lots | None = None
    price: Price | None = None
    stop_limit: Price | None = None
    sl: Price | None = None
    tp: Price | None = None
    signal_id: int | None = None
    leg: int = 0
    deviation_points: int = 20
    type_time: str = "GTC"
    expiration: datetime | None = None
    magic: int = 0
    position_ticket: int | None = None
    target_ticket: int | None = None
    target_order_id: int | None = None
    guards: dict[str, Any] = field(default_factory=dict)
    reserved_risk: Money = NO_MONEY
    reserved_margin: Money = NO_MONEY
    reserved_price: Price | None = None
    """Where an opening order fills by its decision: what it is worth until its position is seen."""
    not_after: datetime | None = None


def comment_of(order_id: int) -> str:
    """`RS-` and the id in base 32 (RFC 4648 alphabet, most significant digit first, no padding).

    It helps to find an order at the broker again; brokers rewrite comments, so it is never the key.
    """
    digits = ""
    rest = order_id
    while True:
        digits = _BASE32[rest % 32] + digits
        rest //= 32
        if rest == 0:
            return f"RS-{digits}"


def order_id_of(comment: str | None) -> int | None:
    """The order id in a comment of ours, also when the broker put something around it; None when there is none."""
    if not comment or (start := comment.find("RS-")) < 0:
        return None
    value = 0
    digits = 0
    for character in comment[start + 3 :]:
        digit = _BASE32.find(character)
        if digit < 0:
            break
        value = value * 32 + digit
        digits += 1
    return value if 0 < digits <= _LONGEST_ID and value else None


_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LONGEST_ID = 11


def signal_outcome(states: Iterable[tuple[OrderState, bool]]) -> tuple[SignalStatus, str]:
    """A signal's status and detail out of its orders' (state, has fills): it ends when all of them have ended."""
    orders = list(states)
    open_states = [state for state, _ in orders if not state.final]
    if open_states:
        return SignalStatus.PENDING, open_states[0]
    ends = [state for state, _ in orders]
    for state, filled in orders:
        if filled or state in (S.FILLED, S.DONE):
            return SignalStatus.EXECUTED, state
    if S.REJECTED in ends or S.DENIED in ends:
        return SignalStatus.REJECTED, S.REJECTED if S.REJECTED in ends else S.DENIED
    return (SignalStatus.EXPIRED, S.EXPIRED) if S.EXPIRED in ends else (SignalStatus.CANCELLED, S.CANCELED)
