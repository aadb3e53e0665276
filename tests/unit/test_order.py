"""The life of an order: what may follow what."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubi.domain.order import (
    FINAL,
    OrderEvent,
    OrderEventType,
    OrderKind,
    OrderLife,
    OrderState,
    comment_of,
    fold,
    order_id_of,
    signal_outcome,
    transition,
)
from rubi.domain.retcodes import Retcode, event_of
from rubi.domain.signal import SignalStatus
from rubi.domain.units import Lots

E, S = OrderEventType, OrderState
NOW = datetime(2025, 10, 23, 10, tzinfo=UTC)
VOLUME = Lots(Decimal("0.3"))


def event(kind: OrderEventType, volume: str | None = None) -> OrderEvent:
    return OrderEvent(kind, NOW, volume=None if volume is None else Lots(Decimal(volume)))


def after(*kinds: OrderEventType | tuple[OrderEventType, str], kind: OrderKind = OrderKind.OPEN) -> OrderLife:
    events = [event(*each) if isinstance(each, tuple) else event(each) for each in kinds]
    return fold(kind, VOLUME, events)


TAKEN = (E.APPROVED, E.HANDED_OUT, E.INTENT)

TABLE = [
    ((E.DENIED,), S.DENIED),
    ((E.APPROVED,), S.QUEUED),
    ((E.APPROVED, E.HANDED_OUT), S.LEASED),
    ((E.APPROVED, E.OVERDUE), S.EXPIRED),
    ((E.APPROVED, E.CANCEL_ASKED), S.CANCELED),
    (TAKEN, S.ACKED),
    ((E.APPROVED, E.HANDED_OUT, E.REFUSED), S.REJECTED),
    ((E.APPROVED, E.HANDED_OUT, E.LEASE_RETURNED), S.QUEUED),
    ((E.APPROVED, E.HANDED_OUT, E.LEASE_LOST), S.UNKNOWN),
    ((E.APPROVED, E.HANDED_OUT, E.CANCEL_ASKED), S.LEASED),
    ((*TAKEN, E.PLACED), S.SUBMITTED),
    ((*TAKEN, E.BROKER_REJECTED), S.REJECTED),
    ((*TAKEN, E.PLACED, E.BROKER_REJECTED), S.REJECTED),
    ((*TAKEN, E.SILENCE), S.UNKNOWN),
    ((*TAKEN, E.PLACED, E.SILENCE), S.UNKNOWN),
    ((*TAKEN, E.AMBIGUOUS), S.UNKNOWN),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING), S.ACCEPTED),
    ((*TAKEN, E.SILENCE, E.SEEN_WORKING), S.ACCEPTED),
    ((*TAKEN, (E.DEAL, "0.1")), S.PARTIALLY_FILLED),
    ((*TAKEN, (E.DEAL, "0.1"), (E.DEAL, "0.2")), S.FILLED),
    ((*TAKEN, E.SILENCE, (E.DEAL, "0.3")), S.FILLED),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.MODIFY_ASKED), S.PENDING_MODIFY),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.MODIFY_ASKED, E.ASK_DONE), S.ACCEPTED),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.CANCEL_ASKED), S.PENDING_CANCEL),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.CANCEL_ASKED, E.ASK_FAILED), S.ACCEPTED),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, (E.DEAL, "0.1"), E.CANCEL_ASKED, E.HISTORY_CANCELED), S.CANCELED),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.HISTORY_EXPIRED), S.EXPIRED),
    ((*TAKEN, E.PLACED, E.SEEN_WORKING, E.HISTORY_REJECTED), S.REJECTED),
    ((*TAKEN, E.SILENCE, E.NEVER_SENT), S.REJECTED),
    ((*TAKEN, E.SILENCE, E.NEVER_RECEIVED), S.EXPIRED),
    ((*TAKEN, E.SILENCE, E.NOT_FOUND), S.EXPIRED),
]


@pytest.mark.parametrize(("events", "state"), TABLE, ids=lambda part: str(part) if isinstance(part, str) else None)
def test_the_table_of_the_life_cycle(events, state):
    assert after(*events).state is state


def test_a_close_never_goes_overdue():
    life = after(E.APPROVED, kind=OrderKind.CLOSE_POSITION)
    assert not transition(life, event(E.OVERDUE)).legal


def test_an_instruction_that_trades_nothing_is_done_when_the_broker_took_it():
    assert after(*TAKEN, E.PLACED, kind=OrderKind.MODIFY_POSITION).state is S.DONE


def test_a_close_of_all_is_done_when_the_broker_took_it_and_its_deals_count():
    life = fold(OrderKind.CLOSE_ALL, None, [event(each) for each in (*TAKEN, E.PLACED)])
    assert life.state is S.DONE
    for _ in range(2):
        change = transition(life, event(E.DEAL, "0.1"))
        assert change.legal
        life = change.after
    assert (life.state, life.filled, life.late_fill) == (S.DONE, Lots(Decimal("0.2")), False)
    denied = fold(OrderKind.CLOSE_ALL, None, [event(E.APPROVED), event(E.HANDED_OUT), event(E.REFUSED)])
    late = transition(denied, event(E.DEAL, "0.1")).after
    assert (late.state, late.late_fill) == (S.DONE, True)


def test_a_fill_after_a_cancel_counts_and_is_marked_late():
    life = after(*TAKEN, E.PLACED, E.SEEN_WORKING, E.CANCEL_ASKED, E.HISTORY_CANCELED, (E.DEAL, "0.3"))
    assert (life.state, life.late_fill, life.filled) == (S.FILLED, True, VOLUME)


ENDS = {
    "nobody found it": (*TAKEN, E.SILENCE, E.NOT_FOUND),
    "a person said so": (*TAKEN, E.SILENCE, E.PERSON_SAID_NOT_SENT),
    "a person said filled": (*TAKEN, E.SILENCE, E.PERSON_SAID_FILLED),
    "its cancel was carried out": (*TAKEN, E.PLACED, E.SEEN_WORKING, E.CANCEL_ASKED, E.HISTORY_CANCELED),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_order_that_ended_for_us_and_works_at_the_broker_works(end):
    assert after(*ENDS[end]).state.final
    assert after(*ENDS[end], E.SEEN_WORKING).state is S.ACCEPTED


def test_a_part_that_was_filled_stays_filled_when_the_rest_turns_out_to_work():
    life = after(*TAKEN, E.PLACED, (E.DEAL, "0.1"), E.HISTORY_CANCELED, E.SEEN_WORKING)
    assert (life.state, life.filled) == (S.PARTIALLY_FILLED, Lots(Decimal("0.1")))


def test_what_is_filled_wholly_or_was_denied_never_works_again():
    assert after(*TAKEN, (E.DEAL, "0.3"), E.SEEN_WORKING).state is S.FILLED
    assert after(E.DENIED, E.SEEN_WORKING).state is S.DENIED


def test_an_order_of_unknown_fate_is_never_given_back_to_the_queue():
    life = after(*TAKEN, E.SILENCE)
    assert not transition(life, event(E.LEASE_RETURNED)).legal


def test_a_cancel_of_a_full_fill_finds_it_filled():
    life = after(*TAKEN, E.PLACED, E.SEEN_WORKING, E.CANCEL_ASKED, (E.DEAL, "0.1"))
    assert (life.state, life.resume_state) == (S.PENDING_CANCEL, S.PARTIALLY_FILLED)
    assert transition(life, event(E.DEAL, "0.2")).after.state is S.FILLED


def test_a_revoked_command_is_not_handed_out_again():
    life = after(E.APPROVED, E.HANDED_OUT, E.CANCEL_ASKED)
    assert not transition(life, event(E.LEASE_RETURNED)).legal
    assert transition(life, event(E.LEASE_LOST)).after.state is S.UNKNOWN


def test_an_illegal_event_changes_nothing():
    life = after(*TAKEN, (E.DEAL, "0.3"))
    change = transition(life, event(E.HANDED_OUT))
    assert (change.legal, change.after) == (False, life)


def test_a_denied_order_takes_no_deal():
    assert not transition(after(E.DENIED), event(E.DEAL, "0.1")).legal


facts = st.builds(
    OrderEvent,
    st.sampled_from(OrderEventType),
    st.just(NOW),
    volume=st.sampled_from([None, Lots(Decimal("0.1")), Lots(Decimal("0.3"))]),
)


@given(st.sampled_from(OrderKind), st.lists(facts, max_size=25))
def test_fills_only_grow_and_a_final_order_moves_by_the_brokers_word_alone(kind, events):
    life = OrderLife(kind, VOLUME)
    for each in events:
        change = transition(life, each)
        assert change.after.filled >= life.filled
        assert change.after.deliveries >= life.deliveries
        if not change.legal:
            assert change.after == life
        if life.state in FINAL and change.after.state is not life.state:
            assert each.type in (E.DEAL, E.SEEN_WORKING)
            assert life.state is not S.DENIED
        if change.after.state in (S.PENDING_CANCEL, S.PENDING_MODIFY):
            assert change.after.resume_state in (S.ACCEPTED, S.PARTIALLY_FILLED)
        life = change.after


@given(st.sampled_from(OrderKind), st.lists(facts, max_size=25))
def test_an_order_is_handed_out_only_from_the_queue(kind, events):
    life = OrderLife(kind, VOLUME)
    for each in events:
        change = transition(life, each)
        if change.after.state is S.LEASED and life.state is not S.LEASED:
            assert life.state is S.QUEUED
        life = change.after


@given(st.integers(1, 2**53 - 1), st.text(max_size=5))
def test_an_order_is_found_by_its_comment_again(order_id, around):
    assert len(comment_of(order_id)) <= 31
    assert order_id_of(comment_of(order_id)) == order_id
    assert order_id_of(f"[{comment_of(order_id)}]") == order_id


@pytest.mark.parametrize("comment", [None, "", "sl 1.09", "RS-", "RS-!", "RS-AAAAAAAAAAAAAAAA"])
def test_a_strange_comment_names_no_order(comment):
    assert order_id_of(comment) is None


@pytest.mark.parametrize("retcode", list(Retcode))
def test_every_return_code_says_something_of_every_kind(retcode):
    for kind in OrderKind:
        assert event_of(retcode, kind) in {E.PLACED, E.AMBIGUOUS, E.CARRIED_OUT, E.BROKER_REJECTED}


def test_no_answer_is_never_a_rejection():
    for retcode in (0, Retcode.ERROR, Retcode.TIMEOUT, Retcode.CONNECTION, 4756):
        assert event_of(retcode, OrderKind.OPEN) is E.AMBIGUOUS


@pytest.mark.parametrize(
    ("legs", "status"),
    [
        ([(S.QUEUED, False)], SignalStatus.PENDING),
        ([(S.FILLED, True), (S.LEASED, False)], SignalStatus.PENDING),
        ([(S.FILLED, True), (S.REJECTED, False)], SignalStatus.EXECUTED),
        ([(S.CANCELED, True)], SignalStatus.EXECUTED),
        ([(S.CANCELED, False)], SignalStatus.CANCELLED),
        ([(S.EXPIRED, False)], SignalStatus.EXPIRED),
        ([(S.REJECTED, False), (S.EXPIRED, False)], SignalStatus.REJECTED),
        ([(S.DONE, False)], SignalStatus.EXECUTED),
    ],
)
def test_a_signal_ends_as_its_orders_end(legs, status):
    assert signal_outcome(legs)[0] is status
