"""What the terminal remembers, and what a crash can do to it: nothing."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubi.domain.order import comment_of
from rubi.terminal.commands import parse_commands
from rubi.terminal.execution import Behaviour
from rubi.terminal.executor import Executor
from rubi.terminal.journal import KEPT_FOR, Journal
from rubi.terminal.outbox import Outbox, OutboxFullError
from rubi.terminal.records import RecordFile, RecordFileBusyError, RecordFileDamagedError

from .desk import still_market
from .service import command

NOW = datetime(2025, 10, 23, 10, tzinfo=UTC)
ORDER = {"kind": "OPEN", "symbol": "EURUSD", "volume": 1, "comment": "RS-A", "magic": 1}


def reopened(journal, path, **how):
    journal.close()
    return Journal(path, now=how.pop("now", NOW), **how)


def test_a_torn_last_line_is_cut_off_and_the_rest_is_kept(tmp_path):
    path = tmp_path / "r.log"
    file = RecordFile(path)
    file.append({"n": 1}, {"n": 2})
    file.close()
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        again = RecordFile(path)
        assert again.records == [{"n": n} for n in range(1, whole[:cut].count(b"\n") + 1)]
        again.append({"n": 9})
        again.close()
        last = RecordFile(path)
        assert last.records[-1] == {"n": 9}
        last.close()


def test_damage_before_good_records_stops_the_terminal(tmp_path):
    path = tmp_path / "r.log"
    file = RecordFile(path)
    file.append({"n": 1}, {"n": 2})
    file.close()
    path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":7'))
    with pytest.raises(RecordFileDamagedError, match="byte 0"):
        RecordFile(path)


def test_two_terminals_cannot_share_a_folder(tmp_path):
    first = RecordFile(tmp_path / "r.log")
    with pytest.raises(RecordFileBusyError, match="own data folder"):
        RecordFile(tmp_path / "r.log")
    first.close()
    RecordFile(tmp_path / "r.log").close()


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = RecordFile(tmp_path / "r.log")
    file.append({"n": 1})

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            file.append({"n": 2})
    file.append({"n": 3})
    file.close()
    again = RecordFile(tmp_path / "r.log")
    assert again.records == [{"n": 1}, {"n": 3}]
    again.close()


def test_what_is_not_confirmed_is_told_again_after_a_restart(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    journal.intend(17, "lease", ORDER, at=NOW)
    journal.sending(17)
    journal.report(17, "RESULT", at=NOW, retcode=10009)
    journal = reopened(journal, path)
    assert journal.acks() == [{"order_id": 17, "lease_id": "lease", "outcome": "INTENT", "code": None}]
    assert [(r["order_id"], r["n"], r["retcode"]) for r in journal.reports()] == [(17, 1, 10009)]
    assert [e["order_id"] for e in journal.open_entries()] == [17]
    journal.confirmed(["17:1", "99:1", "17:4"], ["17:INTENT", "17:REFUSED", "99:INTENT"])
    journal = reopened(journal, path)
    assert (journal.acks(), journal.reports(), journal.open_entries()) == ([], [], [])
    assert journal.knows(17)
    assert not journal.knows(18)


def test_a_repeated_command_is_answered_from_memory(tmp_path):
    journal = Journal(tmp_path / "j.log", now=NOW)
    journal.intend(17, "first", ORDER, at=NOW)
    journal.report(17, "RESULT", at=NOW, retcode=10009)
    journal.refuse(18, "first", "GUARD_SPREAD", at=NOW)
    journal.confirmed(["17:1"], ["17:INTENT", "18:REFUSED"])
    journal.repeat(17, "second")
    journal.repeat(18, "second")
    assert [(a["order_id"], a["lease_id"], a["outcome"], a["code"]) for a in journal.acks()] == [
        (18, "second", "REFUSED", "GUARD_SPREAD"), (17, "second", "DUPLICATE", None),
    ]  # fmt: skip
    assert [(r["order_id"], r["n"]) for r in journal.reports()] == [(17, 1)]
    journal.confirmed(["17:1"], ["17:DUPLICATE", "18:REFUSED"])
    assert (journal.acks(), journal.reports()) == ([], [])
    journal.close()


def test_reports_of_one_order_are_numbered_through_restarts(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    journal.report(17, "NO_RECORD", at=NOW)
    assert not journal.knows(17)
    journal = reopened(journal, path, compact_from=1)
    journal.intend(17, "lease", ORDER, at=NOW)
    journal = reopened(journal, path, compact_from=1)
    assert journal.knows(17)
    assert journal.report(17, "RESULT", at=NOW, retcode=10012)["n"] == 2
    assert journal.report(17, "RECOVERED", at=NOW, retcode=10009)["n"] == 3
    journal.close()


def test_what_the_service_calls_final_is_told_no_more(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    journal.intend(17, "lease", ORDER, at=NOW)
    journal.forget(17)
    journal.forget(99)
    journal = reopened(journal, path)
    assert (journal.acks(), journal.unresolved(), journal.knows(17)) == ([], [], True)
    journal.close()


def test_the_last_session_is_remembered_across_restarts_and_rewritings(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    assert journal.last_session is None
    for session in ("first", "second"):
        journal.note_session(session)
    for _ in range(2):
        journal = reopened(journal, path, compact_from=1)
        assert journal.last_session == "second"
    journal.close()


def test_a_grown_journal_is_written_anew_without_forgetting_what_matters(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    for order_id in range(1, 40):
        journal.intend(order_id, "lease", ORDER, at=NOW)
        journal.report(order_id, "RESULT", at=NOW, retcode=10009)
    journal.confirmed([f"{n}:1" for n in range(1, 39)], [f"{n}:INTENT" for n in range(1, 39)])
    size = path.stat().st_size
    journal = reopened(journal, path, now=NOW + timedelta(days=1), compact_from=1)
    assert path.stat().st_size < size
    assert all(journal.knows(n) for n in range(1, 40))
    journal = reopened(journal, path, now=NOW + KEPT_FOR + timedelta(days=1), compact_from=1)
    assert [n for n in range(1, 40) if journal.knows(n)] == [39], "unconfirmed: kept for ever"
    assert journal.reports()[0]["order_id"] == 39
    journal.close()


def test_a_terminal_without_its_journal_is_another_terminal(tmp_path):
    path = tmp_path / "j.log"
    journal = Journal(path, now=NOW)
    known = journal.instance_id
    journal = reopened(journal, path, compact_from=1)
    assert journal.instance_id == known
    journal = reopened(journal, path)
    assert journal.instance_id == known
    path.unlink()
    assert reopened(journal, path).instance_id != known


def test_the_outbox_keeps_order_through_restarts_and_takes_a_key_once(tmp_path):
    outbox = Outbox(tmp_path / "o.log", largest=3)
    for key in ("a", "b", "b", "c"):
        outbox.put({"key": key, "symbol": "EURUSD"}, at=NOW)
    with pytest.raises(OutboxFullError, match="3 signals wait"):
        outbox.put({"key": "d"}, at=NOW)
    outbox.answered(["b", "never"])
    outbox.close()
    outbox = Outbox(tmp_path / "o.log")
    assert [s["key"] for s in outbox.first(10)] == ["a", "c"]
    assert [s["key"] for s in outbox.first(1)] == ["a"]
    outbox.close()


def test_the_outbox_file_does_not_grow_for_ever(tmp_path):
    outbox = Outbox(tmp_path / "o.log", compact_from=1_000)
    for n in range(80):
        outbox.put({"key": str(n), "symbol": "EURUSD"}, at=NOW)
        outbox.answered([str(n - 1)])
    assert (tmp_path / "o.log").stat().st_size < 5_000
    outbox.close()
    outbox = Outbox(tmp_path / "o.log")
    assert [s["key"] for s in outbox.first(10)] == ["79"]
    outbox.close()


orders = st.lists(st.sampled_from(["good", "refused", "rejected", "requoted"]), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None)
@given(kinds=orders, data=st.data())
def test_no_crash_at_any_byte_of_the_journal_sends_an_order_twice(kinds, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    path = folder / "j.log"
    asyncio.run(crash_once(kinds, path, data))


async def crash_once(kinds, path, data):
    broker = still_market()
    sent_at = []  # (order id, size of the journal when the broker was called)

    def commands():
        for order_id, kind in enumerate(kinds, 1):
            fields = {"volume": 0.015} if kind == "rejected" else {}
            fields |= {"guards": {"max_spread_points": 1}} if kind == "refused" else {}
            answer = json.dumps({"commands": [command(order_id, **fields)]})
            yield kind, parse_commands(answer.encode())[0]

    async def work(journal):
        for kind, one in commands():
            if kind == "requoted" and not journal.knows(one.order_id):
                broker.script(Behaviour(retcode=10004))
            await Executor(broker, journal, now=lambda: NOW).carry_out(one)

    real_send = broker.order_send

    async def watched_send(request):
        sent_at.append((request.comment, path.stat().st_size))
        return await real_send(request)

    broker.order_send = watched_send
    journal = Journal(path, now=NOW)
    await work(journal)
    journal.close()
    content = path.read_bytes()
    survived = data.draw(st.integers(0, len(content)), label="bytes on the disk when the power went")
    before = {comment for comment, size in sent_at if size <= survived}
    path.write_bytes(content[:survived])

    sent_at.clear()
    journal = Journal(path, now=NOW)
    await Executor(broker, journal, now=lambda: NOW).recover()
    await work(journal)
    after = {comment for comment, _ in sent_at}
    assert not before & after
    for order_id, kind in enumerate(kinds, 1):
        if kind in {"good", "requoted"} and comment_of(order_id) not in before | after:
            assert journal.entries[order_id].last["outcome"] == "NEVER_SENT", "neither sent nor known not to be"
    assert journal.unresolved() == []
    journal.close()
