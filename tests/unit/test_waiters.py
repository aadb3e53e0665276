"""Cycles that wait for commands: who is rung, and when a wait ends."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from uuid import UUID, uuid4

from rubi.live.waiters import GRID, SPREAD, Waiter, Waiters


def crowd(among: Waiters, number: int, seconds: float) -> list[Waiter]:
    """So many that have just begun to wait, each for an account of its own."""
    waiters = [Waiter(among, uuid4()) for _ in range(number)]
    for waiter in waiters:
        among.enter(waiter)
        waiter.end_after(seconds)
    return waiters


def ends_in(waiter: Waiter) -> float:
    assert waiter.moment is not None
    return waiter.moment * GRID - asyncio.get_running_loop().time()


async def test_a_wait_never_ends_before_its_time():
    async with asyncio.timeout(5):
        for seconds in (0.05, 0.6):
            with Waiter(Waiters(), uuid4()) as waiter:
                begun = time.monotonic()
                waiter.end_after(seconds)
                assert not await waiter.rung()
                assert time.monotonic() - begun > seconds - 0.002, "the loop's clock has milliseconds"


async def test_no_time_to_wait_is_over_at_once():
    async with asyncio.timeout(1):
        for seconds in (0, -1):
            with Waiter(Waiters(), uuid4()) as waiter:
                waiter.end_after(seconds)
                assert not await waiter.rung()


async def test_what_bells_tell_is_kept_until_somebody_asks():
    among = Waiters()
    with Waiter(among, uuid4()) as waiter:
        for rings, told in (
            ([["a"], ["b", "c"]], ("a", "b", "c")),
            ([["d"], [], ["e"]], ("d", "e")),
            ([[]], ()),
        ):
            for orders in rings:
                among.ring(waiter.account_id, orders)
            assert await waiter.rung()
            assert waiter.told() == told
        among.ring_all()
        assert await waiter.rung()
        assert waiter.told() == ()


async def test_waits_that_begin_together_end_apart():
    waiters = crowd(Waiters(), 20 * SPREAD, 1.5)
    ends = Counter(waiter.moment for waiter in waiters)
    assert max(ends.values()) <= 20
    assert len(ends) >= SPREAD, "more, when moments pass while they begin"


async def test_a_wait_alone_is_made_longer_by_the_grid_only():
    (waiter,) = crowd(Waiters(), 1, 1.5)
    assert ends_in(waiter) < 1.5 + GRID


async def test_short_waits_are_not_spread():
    assert all(ends_in(waiter) < 0.3 + GRID for waiter in crowd(Waiters(), 50, 0.3))


async def test_who_waits_no_more_is_not_counted():
    among = Waiters()
    for waiter in crowd(among, 50, 1.5):
        among.leave(waiter)
    (waiter,) = crowd(among, 1, 1.5)
    assert ends_in(waiter) < 1.5 + GRID


async def test_all_that_end_at_one_moment_are_told():
    among = Waiters()
    waiters = crowd(among, 3 * SPREAD, 0.6)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(waiter.rung() for waiter in waiters)) == [False] * len(waiters)
    for waiter in waiters:
        among.leave(waiter)


async def test_a_bell_rings_the_waiters_of_its_account_alone():
    among, ours, other = Waiters(), uuid4(), uuid4()
    with ExitStack() as stack:
        first, second, stranger = (stack.enter_context(Waiter(among, account)) for account in (ours, ours, other))
        for waiter in (first, second, stranger):
            waiter.end_after(0.1)
        among.ring(ours)
        async with asyncio.timeout(5):
            assert await first.rung()
            assert await second.rung()
            assert not await stranger.rung()


async def test_a_bell_before_the_wait_is_heard_and_rings_once():
    among, account = Waiters(), uuid4()
    with Waiter(among, account) as waiter:
        among.ring(account)
        waiter.end_after(0.1)
        async with asyncio.timeout(5):
            assert await waiter.rung()
            assert not await waiter.rung()


async def test_everybody_can_be_rung_and_who_has_left_is_not():
    among, account = Waiters(), UUID(int=1)
    with Waiter(among, account) as gone:
        pass
    with Waiter(among, account) as waiter, Waiter(among, uuid4()) as another:
        among.ring_all()
        for each in (waiter, another, gone):
            each.end_after(0.05)
        async with asyncio.timeout(5):
            assert await waiter.rung()
            assert await another.rung()
            assert not await gone.rung()
