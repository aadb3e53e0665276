import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from rubi.live.bus import Event
from rubi.live.hub import (
    AUTH,
    GOING_AWAY,
    LONGEST_QUEUE,
    MOST_PER_USER,
    MOST_STRANGERS,
    MOST_SYMBOLS,
    SLOW,
    Hub,
    Reader,
    TooManyReadersError,
    TooManyStrangersError,
)

ACCOUNT, OTHER = UUID(int=1), UUID(int=2)


class Line:
    """A bus that says what a test lets it say."""

    def __init__(self):
        self.subscriptions = 1
        self.listeners = []

    def listen(self, listener):
        import contextlib

        self.listeners.append(listener)
        return contextlib.nullcontext()


def reader(user_id=7, **more):
    return Reader(user_id, more.pop("jti", uuid4()), more.pop("family", uuid4()), **more)


async def told(joined):
    joined.end(GOING_AWAY, "the test ends")
    return [json.loads(frame) async for frame in joined.frames()]


async def test_a_reader_hears_its_own_user_and_account_only():
    hub = Hub()
    mine, all_of_mine, theirs = reader(account_id=ACCOUNT), reader(), reader(8)
    with hub.joined(mine), hub.joined(all_of_mine), hub.joined(theirs):
        hub.hear(Event("ORDER_UPDATE", 7, ACCOUNT, {"id": 1}))
        hub.hear(Event("ORDER_UPDATE", 7, OTHER, {"id": 2}))
        hub.hear(Event("SIGNAL_UPDATE", 7, None, {"id": 3}))
        hub.hear(Event("COMMAND_WAITS", 7, ACCOUNT))
        assert [frame["data"]["id"] for frame in await told(mine)] == [1, 3]
        assert [frame["data"]["id"] for frame in await told(all_of_mine)] == [1, 2, 3]
        assert await told(theirs) == []


async def test_frames_are_numbered_without_a_gap_and_say_their_account():
    hub = Hub()
    with hub.joined(reader()) as joined:
        for number in range(5):
            hub.hear(Event("ACCOUNT_UPDATE", 7, ACCOUNT, {"equity": number}))
        frames = await told(joined)
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4, 5]
    assert frames[0] == {"type": "ACCOUNT_UPDATE", "seq": 1, "data": {"account_id": str(ACCOUNT), "equity": 0}}


async def test_prices_come_for_the_symbols_that_were_asked_for():
    hub = Hub()
    with hub.joined(reader()) as joined:
        hub.hear(Event("PRICE_UPDATE", 7, ACCOUNT, {"symbol": "EURUSD", "bid": 1}))
        joined.symbols.add("EURUSD")
        hub.hear(Event("PRICE_UPDATE", 7, ACCOUNT, {"symbol": "EURUSD", "bid": 2}))
        hub.hear(Event("PRICE_UPDATE", 7, ACCOUNT, {"symbol": "USDJPY", "bid": 3}))
        assert [frame["data"]["bid"] for frame in await told(joined)] == [2]


async def test_a_slow_reader_is_told_to_read_afresh_and_let_go_while_others_hear_on():
    hub = Hub()
    slow, quick = reader(), reader()
    with hub.joined(slow), hub.joined(quick):
        heard = []

        async def read():
            heard.extend([json.loads(frame) async for frame in quick.frames()])

        reading = asyncio.create_task(read())
        for number in range(LONGEST_QUEUE + 50):
            hub.hear(Event("ALERT", 7, None, {"id": number}))
            await asyncio.sleep(0)
        left = [json.loads(frame) async for frame in slow.frames()]
        assert [frame["type"] for frame in left] == ["RESYNC"]
        assert slow.ended == SLOW
        quick.end(GOING_AWAY, "")
        await reading
        assert [frame["data"]["id"] for frame in heard] == list(range(LONGEST_QUEUE + 50))


async def test_a_user_has_ten_readers_and_a_place_is_free_again_after_one_left():
    import contextlib

    hub = Hub()
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_PER_USER - 1):
            stack.enter_context(hub.joined(reader()))
        with hub.joined(reader()), pytest.raises(TooManyReadersError), hub.joined(reader()):
            pass
        stack.enter_context(hub.joined(reader()))
        stack.enter_context(hub.joined(reader(8)))
    assert list(hub) == []


async def test_a_reader_names_a_thousand_symbols_and_keeps_them_when_it_asks_for_more():
    one = reader()
    assert one.watch([f"S{number}" for number in range(MOST_SYMBOLS)])
    assert one.watch(["S0"]), "a symbol that is watched already is no new one"
    assert not one.watch(["ONE_MORE"])
    assert len(one.symbols) == MOST_SYMBOLS
    assert one.hears(Event("PRICE_UPDATE", 7, None, {"symbol": "S5"}))
    assert not one.hears(Event("PRICE_UPDATE", 7, None, {"symbol": "ONE_MORE"}))


def test_sockets_of_nobody_known_are_counted_and_a_place_is_free_again_after_one_left():
    import contextlib

    hub = Hub()
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_STRANGERS - 1):
            stack.enter_context(hub.stranger())
        with hub.stranger(), pytest.raises(TooManyStrangersError), hub.stranger():
            pass
        stack.enter_context(hub.stranger())


async def test_what_happens_during_a_snapshot_comes_after_it():
    hub = Hub()
    with hub.joined(reader()) as joined:
        async with joined.snapshot() as frames:
            frames.append(("POSITION_UPDATE", '{"old":true}'))
            hub.hear(Event("POSITION_UPDATE", 7, None, {"old": False}))
        assert [(frame["seq"], frame["data"]["old"]) for frame in await told(joined)] == [(1, True), (2, False)]


async def test_a_long_snapshot_does_not_count_as_slow():
    hub = Hub()
    with hub.joined(reader()) as joined:
        async with joined.snapshot() as frames:
            frames.extend([("POSITION_UPDATE", "{}")] * (LONGEST_QUEUE * 3))
        hub.hear(Event("ALERT", 7, None, {}))
        assert joined.ended is None
        assert len(await told(joined)) == LONGEST_QUEUE * 3 + 1


async def test_a_failed_snapshot_loses_no_event():
    hub = Hub()
    with hub.joined(reader()) as joined:

        async def fail():
            async with joined.snapshot():
                hub.hear(Event("ALERT", 7, None, {"id": 1}))
                raise OSError("away")

        with pytest.raises(OSError, match="away"):
            await fail()
        assert [frame["data"]["id"] for frame in await told(joined)] == [1]


async def test_revoked_tokens_end_their_readers_alone():
    hub = Hub()
    family = uuid4()
    one, same_login, other = reader(family=family), reader(family=family), reader()
    api = uuid4()
    program = reader(jti=api, family=api)
    with hub.joined(one), hub.joined(same_login), hub.joined(other), hub.joined(program):
        hub.hear(Event("TOKEN_REVOKED", 7, None, {"jti": str(one.jti), "family": str(family)}))
        assert [each.ended for each in (one, same_login, other, program)] == [AUTH, AUTH, None, None]
        hub.hear(Event("TOKEN_REVOKED", 7, None, {"but_family": str(uuid4())}))
        assert [other.ended, program.ended] == [AUTH, None]
        hub.revoke({api})
        assert program.ended == AUTH


async def test_missed_events_and_ended_tokens_are_told():
    hub, line = Hub(), Line()
    with (
        hub.joined(reader()) as joined,
        hub.joined(reader(expires_at=datetime.now(UTC) + timedelta(seconds=0.3))) as brief,
    ):
        async with hub.running(line):
            await asyncio.sleep(0)
            line.subscriptions += 1
            await asyncio.sleep(0.9)
            assert brief.ended == AUTH
        assert joined.ended == GOING_AWAY
        assert [json.loads(frame)["type"] async for frame in joined.frames()] == ["RESYNC"]
