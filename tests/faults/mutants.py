"""Seeded mistakes: for each promise of the bridge, the smallest change that breaks it, and the tests that must notice.

A patch names a file below `python-api/rubi`, a text that stands in it exactly once, and what replaces it. When the
source changes so that a text is not found, the mutant is to be written anew: it is never skipped.
"""

from dataclasses import dataclass

WIRE = "tests/integration/test_terminal_wire.py::"
BOOKS = "tests/integration/test_reconciliation.py::"
DECIDE = "tests/integration/test_decide_signal.py::"
DELIVERED = "tests/integration/test_delivered_orders.py::"
LIFE = "tests/unit/test_order.py::"
TERMINAL = "tests/unit/terminal/test_executor.py::"
ORDERS = "tests/integration/test_rest_orders.py::"
BATCH = "tests/integration/test_batch.py::"
COMPARED = "tests/integration/test_quiet_reconciliation.py::"
WAKE = "tests/integration/test_wake.py::"
RACES = "tests/faults/test_races.py::"
MACHINE = "tests/faults/test_state_machine.py::test_no_order_is_lost_none_carried_out_twice"


@dataclass(frozen=True)
class Patch:
    """One replaced text."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A mistake and who must notice it. `daily`: also hunted without RUBI_FAULTS_FULL=1."""

    name: str
    patches: tuple[Patch, ...]
    killers: tuple[str, ...]
    daily: bool = True


def mutant(name: str, file: str, old: str, new: str, *killers: str, daily: bool = True) -> Mutant:
    return Mutant(name, (Patch(file, old, new),), killers, daily)


MUTANTS = (
    mutant(
        "a call is answered before its commit",
        "store/batch.py",
        "            written = await self._settle(conn, items)\n",
        "            [w.done.set_result(True) for w in batch]\n            written = await self._settle(conn, items)\n",
        BATCH + "test_nobody_is_answered_before_the_commit",
    ),
    mutant(
        "a quiet cycle leaves no number",
        "store/telemetry.sql",
        "last_seq = coalesce(h.seq, s.last_seq)",
        "last_seq = s.last_seq",
        BATCH + "test_a_quiet_cycle_that_is_repeated_is_taken_in_once",
    ),
    mutant(
        "a quiet cycle of another epoch is taken",
        "store/telemetry.sql",
        "AND t.epoch = s.epoch AND t.epoch = a.epoch AND",
        "AND",
        BATCH + "test_another_epoch_is_fenced_whatever_the_process_remembers",
    ),
    mutant(
        "what guards cycles is left out of their batch",
        "store/telemetry.py",
        '"cycles": told[_SEQ] is not None or',
        '"cycles": told[_SEQ] is None and',
        BATCH + "test_another_epoch_is_fenced_whatever_the_process_remembers",
    ),
    mutant(
        "limits that were changed elsewhere are not read anew",
        "store/telemetry.sql",
        " AND st.facts_version = t.facts_version",
        "",
        BATCH + "test_a_breach_is_seen_by_the_cycle_that_brings_it",
    ),
    mutant(
        "a comparison that is due is passed over",
        "store/telemetry.sql",
        " OR g.n IS NOT NULL)",
        " OR true)",
        COMPARED + "test_a_comparison_that_finds_something_is_left_to_its_route",
    ),
    mutant(
        "a comparison in a batch overlooks a close that no deal explains",
        "store/telemetry.sql",
        "p.status = 'CLOSED' AND p.close_reason IS NULL)",
        "false)",
        COMPARED + "test_a_comparison_that_finds_something_is_left_to_its_route",
    ),
    mutant(
        "signals have no key",
        "flows/receive_signal.py",
        "    key, other_keys = _keys(wish, now)\n",
        '    key, other_keys = f"{time.perf_counter_ns()}", ()\n',
        "tests/integration/test_signals.py::test_a_repeated_signal_is_one_signal",
    ),
    mutant(
        "facts are not told apart",
        "flows/settle_order.py",
        "dedupe=dedupe, actor=actor, facts=facts or {}",
        "dedupe=None, actor=actor, facts=facts or {}",
        WIRE + "test_repeated_facts_are_stored_once",
    ),
    mutant(
        "an order that was handed out stays in the queue",
        "store/orders.sql",
        "UPDATE trading_orders o SET state = 'LEASED', event_n",
        "UPDATE trading_orders o SET state = 'QUEUED', event_n",
        MACHINE,
    ),
    mutant(
        "the epoch is not looked at",
        "flows/sync_terminal.py",
        'if session["state"] == "FENCED" or session["holder"] != session["id"]'
        ' or cycle.epoch != session["account_epoch"]:',
        "if cycle.epoch < 0:",
        WIRE + "test_an_older_epoch_is_fenced",
    ),
    mutant(
        "the account is not held while orders leave",
        "store/terminals.sql",
        "FOR NO KEY UPDATE OF a FOR UPDATE OF s",
        "FOR UPDATE OF s",
        RACES + "test_a_halt_that_was_answered_holds_for_cycles_under_way",
    ),
    mutant(
        "two copies of a cycle hold the account at once",
        "store/terminals.sql",
        "FOR NO KEY UPDATE OF a FOR UPDATE OF s",
        "FOR SHARE OF a FOR UPDATE OF s",
        RACES + "test_a_cycle_that_comes_twice_at_once_does_not_lock_itself_out",
    ),
    mutant(
        "the answer is not kept with the leases",
        "flows/sync_terminal.py",
        "kept=(terminal.session_id, answer), now=now)",
        "now=now)",
        WIRE + "test_a_repeated_cycle_gets_the_stored_answer_and_no_second_lease",
    ),
    mutant(
        "a cycle that was answered is handed orders again",
        "store/orders.sql",
        " AND s.last_answer IS NULL",
        "",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a parked cycle of another epoch is handed orders",
        "store/orders.sql",
        " AND a.epoch = $4",
        "",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a cycle that is not the last one is handed orders",
        "store/orders.sql",
        "s.last_seq = $5 AND ",
        "",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a parked cycle that cannot trade is handed orders",
        "store/orders.sql",
        " AND a.not_tradable_code IS NULL",
        "",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a halted account opens when its cycle wakes",
        "store/orders.sql",
        "OR a.trading_state <> 'ACTIVE' OR coalesce",
        "OR coalesce",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a woken cycle is told what an order said before",
        "store/orders.sql",
        " AND r.event_n = k.event_n",
        "",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "a woken cycle is told a part of what waits",
        "store/orders.sql",
        "WHERE k.id IS NULL OR r.id IS NULL)",
        "WHERE k.id IS NULL)",
        WAKE + "test_a_change_between_the_look_and_the_hand_out_is_left_to_the_locks",
    ),
    mutant(
        "what a bell tells of an order is believed",
        "store/orders.sql",
        "WHERE r.told::jsonb <> {told})",
        "WHERE false)",
        WAKE + "test_what_a_bell_tells_and_the_queue_does_not_is_never_handed_out",
    ),
    mutant(
        "a woken cycle holds neither account nor session",
        "store/orders.sql",
        "    FOR NO KEY UPDATE OF a SKIP LOCKED FOR UPDATE OF s SKIP LOCKED\n",
        "",
        WAKE + "test_a_change_after_the_snapshot_of_the_hand_out_is_seen_under_its_locks",
    ),
    mutant(
        "a woken cycle takes orders without a lock",
        "store/orders.sql",
        "{waiting}\n    FOR UPDATE OF o SKIP LOCKED\n",
        "{waiting}\n",
        WAKE + "test_a_change_after_the_snapshot_of_the_hand_out_is_seen_under_its_locks",
    ),
    mutant(
        "a woken cycle waits for who holds its account",
        "store/orders.sql",
        "FOR NO KEY UPDATE OF a SKIP LOCKED FOR UPDATE OF s SKIP LOCKED",
        "FOR NO KEY UPDATE OF a FOR UPDATE OF s SKIP LOCKED",
        WAKE + "test_nobody_is_waited_for",
    ),
    mutant(
        "the answer of a woken cycle is not kept",
        "store/orders.sql",
        "WHERE id = $2 AND EXISTS (SELECT FROM leased)",
        "WHERE id = $2 AND false",
        WAKE + "test_a_cycle_that_is_repeated_after_a_wake_up_gets_the_kept_answer",
    ),
    mutant(
        "a bell that rings while a cycle looks is not heard",
        "flows/sync_terminal.py",
        "            seen = await see_waiting(conn, parked, clock=clock)\n",
        "            seen = await see_waiting(conn, parked, clock=clock)\n            waiting._bell.clear()\n",
        WAKE + "test_an_order_that_comes_right_after_the_look_wakes_its_cycle_again",
    ),
    mutant(
        "the answer leaves before the commit",
        "flows/receive_signal.py",
        "        async with _enough(conn, wish):\n            received = await keep(conn, wish, now)\n",
        "        early = conn.transaction()\n        await early.start()\n"
        "        received = await keep(conn, wish, now)\n        await early.rollback()\n",
        RACES + "test_an_accepted_signal_is_there_when_its_answer_is",
    ),
    mutant(
        "the queue is read without a lock",
        "store/orders.sql",
        "{waiting}\nFOR UPDATE OF o SKIP LOCKED",
        "{waiting}",
        RACES + "test_an_order_that_is_being_cancelled_is_not_handed_out",
    ),
    mutant(
        "a busy order is waited for",
        "store/orders.sql",
        "{waiting}\nFOR UPDATE OF o SKIP LOCKED",
        "{waiting}\nFOR UPDATE OF o",
        RACES + "test_an_order_that_is_being_cancelled_is_not_handed_out",
    ),
    mutant(
        "a signal is taken without a lock",
        "store/signals.sql",
        "AND status = 'PENDING' AND decided_at IS NULL FOR UPDATE SKIP LOCKED",
        "AND status = 'PENDING' AND decided_at IS NULL",
        DECIDE + "test_ten_bells_at_once_make_one_order",
    ),
    mutant(
        "a decided signal is decided again",
        "store/signals.sql",
        "WHERE id = $1 AND status = 'PENDING' AND decided_at IS NULL FOR UPDATE SKIP LOCKED",
        "WHERE id = $1 FOR UPDATE SKIP LOCKED",
        DECIDE + "test_a_second_bell_changes_nothing",
    ),
    mutant(
        "decisions of an account run side by side",
        "store/signals.sql",
        "pg_advisory_xact_lock(hashtextextended(meant.id::text, 0)) AS turn",
        "NULL AS turn",
        DECIDE + "test_fifty_at_once_with_room_for_three_are_three",
    ),
    mutant(
        "an order of unknown fate is sent again",
        "domain/order.py",
        "E.SILENCE: {S.ACKED: S.UNKNOWN, S.SUBMITTED: S.UNKNOWN}",
        "E.SILENCE: {S.ACKED: S.QUEUED, S.SUBMITTED: S.QUEUED}",
        LIFE + "test_the_table_of_the_life_cycle",
        RACES + "test_an_order_of_which_nothing_was_heard_is_not_sent_again",
    ),
    mutant(
        "no answer counts as rejected",
        "domain/retcodes.py",
        "        return OrderEventType.AMBIGUOUS\n",
        "        return OrderEventType.BROKER_REJECTED\n",
        WIRE + "test_a_return_code_decides_the_state",
    ),
    mutant(
        "a lease goes back for any terminal",
        "flows/connect_terminal.py",
        'same = row["lease_instance"] == hello.instance and not row["legacy"]',
        "same = True",
        WIRE + "test_a_lease_of_a_terminal_that_was_replaced_is_unknown",
    ),
    mutant(
        "what one terminal had waits for another",
        "flows/connect_terminal.py",
        "return None if same else OrderEventType.LEASE_LOST\n    if row",
        "return None\n    if row",
        DELIVERED + "test_an_order_that_one_terminal_had_is_never_given_to_another",
    ),
    mutant(
        "what was delivered expires unheard",
        "domain/order.py",
        "S.UNKNOWN if life.was_delivered else S.EXPIRED",
        "S.EXPIRED",
        DELIVERED + "test_an_order_that_was_delivered_does_not_expire_unheard",
    ),
    mutant(
        "a second live terminal is let in",
        "flows/connect_terminal.py",
        "    if silent_for < patience:\n",
        "    if silent_for < timedelta(0):\n",
        WIRE + "test_a_second_live_terminal_is_refused_until_the_first_has_gone",
    ),
    mutant(
        "the journal is written after the order is sent",
        "terminal/executor.py",
        '        self.journal.sending(command.order_id)\n        self._at("before_send")\n',
        '        self._at("before_send")\n',
        TERMINAL + "test_death_at_each_point_sends_at_most_once_and_tells_the_truth",
    ),
    mutant(
        "the journal is not asked",
        "terminal/executor.py",
        "elif self.journal.knows(command.order_id):",
        "elif command.order_id < 0:",
        TERMINAL + "test_a_command_seen_before_is_a_duplicate_and_its_result_is_told_again",
    ),
    mutant(
        "a repeated cycle is a new one",
        "flows/sync_terminal.py",
        '    if cycle.seq > session["last_seq"]:\n',
        "    if cycle.seq > 0:\n",
        WIRE + "test_a_repeated_cycle_gets_the_stored_answer_and_no_second_lease",
    ),
    mutant(
        "another terminal's empty journal is believed",
        "flows/record_reports.py",
        'if what is OrderEventType.NO_RECORD and row["lease_instance"] != instance:',
        "if report.n < 0:",
        BOOKS + "test_another_terminals_missing_record_proves_nothing",
    ),
    mutant(
        "no record ends an order before its time",
        "flows/reconcile_account.py",
        'overdue = row["not_after"] is not None and row["not_after"] <= now\n',
        "overdue = True\n",
        BOOKS + "test_no_record_ends_an_open_only_past_its_time",
    ),
    Mutant(
        "a close expires",
        (
            Patch("domain/order.py", "if state is not S.QUEUED or life.kind.closes:", "if state is not S.QUEUED:"),
            Patch(
                "domain/order.py",
                "    **dict.fromkeys(_CLOSES, None),\n",
                "    **dict.fromkeys(_CLOSES, timedelta(seconds=30)),\n",
            ),
            Patch(
                "store/orders.sql", "AND not_after <= $1 AND kind NOT LIKE 'CLOSE%' ORDER", "AND not_after <= $1 ORDER"
            ),
        ),
        (WIRE + "test_an_order_that_nobody_fetched_expires_but_a_close_does_not",),
    ),
    mutant(
        "a reservation ends while the order's fate is unknown",
        "store/orders.sql",
        "released_at = CASE WHEN $23 AND $12::numeric = 0 THEN",
        "released_at = CASE WHEN ($23 OR $4 = 'UNKNOWN') AND $12::numeric = 0 THEN",
        WIRE + "test_an_unknown_order_keeps_its_reservation_and_bars_the_symbol_but_not_closes",
    ),
    mutant(
        "an order of unknown fate does not bar its symbol",
        "store/orders.sql",
        "u.symbol = o.symbol AND u.state = 'UNKNOWN'",
        "u.symbol = o.symbol AND u.state = 'NONE'",
        WIRE + "test_an_unknown_order_keeps_its_reservation_and_bars_the_symbol_but_not_closes",
    ),
    Mutant(
        "a deal counts twice",
        (
            Patch("flows/record_deals.py", '        dedupe=f"deal:{ticket}",\n', "        dedupe=None,\n"),
            Patch(
                "store/books.sql",
                "ON CONFLICT (account_id, ticket) DO NOTHING\nRETURNING ticket",
                "ON CONFLICT (account_id, ticket) DO UPDATE SET received_at = excluded.received_at\nRETURNING ticket",
            ),
        ),
        (WIRE + "test_repeated_facts_are_stored_once",),
    ),
    mutant(
        "a comment names the order whatever the deal does",
        "flows/record_deals.py",
        "        if deal.entry in fitting:\n",
        "        if fitting:\n",
        WIRE + "test_a_closing_deal_that_copies_our_comment_does_not_fill_the_opening_order",
    ),
    mutant(
        "deals that come before their report are forgotten",
        "flows/record_reports.py",
        "if report.order_ticket is not None and (kind.fills or kind.closes):",
        "if report.n < 0:",
        WIRE + "test_a_deal_that_comes_before_its_report_still_counts",
    ),
    mutant(
        "an older list of positions replaces a newer one",
        "store/books.sql",
        " AND (positions_taken_at IS NULL OR positions_taken_at <= $2)",
        "",
        WIRE + "test_an_older_list_of_positions_is_ignored",
    ),
    mutant(
        "a cut off terminal's empty list is believed",
        "flows/sync_terminal.py",
        "    if cycle.not_tradable == NOT_CONNECTED:\n",
        "    if cycle.seq < 0:\n",
        WIRE + "test_positions_replace_and_an_empty_list_of_a_cut_off_terminal_says_nothing",
    ),
    mutant(
        "orders go to a terminal that cannot trade",
        "flows/lease_orders.py",
        "    if not holder.tradable:\n",
        "    if most < 0:\n",
        WIRE + "test_nothing_is_handed_out_while_the_terminal_cannot_trade",
    ),
    mutant(
        "a halted account opens",
        "flows/lease_orders.py",
        'only_closes = holder.trading_state != "ACTIVE" or',
        "only_closes =",
        RACES + "test_a_halted_account_is_given_only_what_reduces",
    ),
    mutant(
        "an account opens before its books were compared",
        "flows/lease_orders.py",
        'only_closes = holder.trading_state != "ACTIVE" or not holder.reconciled',
        'only_closes = holder.trading_state != "ACTIVE"',
        BOOKS + "test_what_was_queued_before_a_connect_waits_for_the_books_and_closes_do_not",
    ),
    mutant(
        "an order that was given up is not looked for in the book",
        "store/books.sql",
        "OR o.state IN ('FILLED', 'REJECTED', 'CANCELED', 'EXPIRED') AND o.filled_volume",
        "OR o.state IN ('NONE') AND o.filled_volume",
        ORDERS + "test_an_order_that_was_given_up_and_turns_up_works_again_and_can_be_cancelled",
    ),
    mutant(
        "a fill counts for what modified its order",
        "store/orders.sql",
        "  AND (o.kind IN ('OPEN', 'PLACE_PENDING') OR o.kind LIKE 'CLOSE%')\nORDER BY o.id\n",
        "",
        ORDERS + "test_a_fill_counts_for_the_order_and_not_for_what_modified_it",
    ),
    mutant(
        "a flatten forgets what was out of reach",
        "flows/sweep.py",
        "    await attempt(flatten_asked)\n",
        "",
        "tests/integration/test_rest_accounts.py::test_flatten_closes_what_fills_after_it",
    ),
    mutant(
        "a copied data folder is believed",
        "flows/connect_terminal.py",
        'return f"{hello.instance}/{epoch}"',
        "return hello.instance",
        WIRE + "test_a_copied_data_folder_is_another_terminal",
    ),
    mutant(
        "a revoked order is handed out again",
        "domain/order.py",
        "case E.LEASE_RETURNED if life.revoke_asked:",
        "case E.LEASE_RETURNED if life.deliveries < 0:",
        LIFE + "test_a_revoked_command_is_not_handed_out_again",
    ),
    mutant(
        "a lost bell stays lost",
        "flows/sweep.py",
        "rung=await attempt(_ring_again)",
        "rung=0",
        "tests/integration/test_sweep_signals.py::test_a_lost_doorbell_is_rung_again",
    ),
    mutant(
        "a request's answer is not kept with its effect",
        "flows/keep_answer.py",
        "            await idempotency.insert(conn, user_id, key.text, new, caller.now)\n",
        "            del new\n",
        "tests/integration/test_rest_idempotency.py::test_fifty_at_once_under_one_key_are_one_order",
    ),
    mutant(
        "an old epoch's lease survives a connect",
        "store/orders.sql",
        "state IN ('LEASED', 'ACKED', 'SUBMITTED', 'UNKNOWN') OR state",
        "state IN ('ACKED', 'SUBMITTED', 'UNKNOWN') OR state",
        MACHINE,
        daily=False,
    ),
    mutant(
        "what one terminal had waits for another, as the machine sees it",
        "flows/connect_terminal.py",
        "return None if same else OrderEventType.LEASE_LOST\n    if row",
        "return None\n    if row",
        MACHINE,
        daily=False,
    ),
    mutant(
        "facts are not told apart, as the machine sees it",
        "flows/record_deals.py",
        '        dedupe=f"deal:{ticket}",\n',
        "        dedupe=None,\n",
        MACHINE,
        daily=False,
    ),
)
