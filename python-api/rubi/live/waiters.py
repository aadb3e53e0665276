"""Cycles of terminals that wait for a command: what rings them, and when they have waited long enough.

Thousands of them wait at a time, each as long as every other. Those that once came together would come together for
ever, and each moment of load would add to the crowd: it ends with the loop busy for a tenth of a second, and idle for
the next. So waits end on a grid of moments, each at the least crowded one of the next after its time. All that end at
one moment are answered, asked again and committed together, which costs less than one after the other.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Self
from uuid import UUID

GRID = 0.01
"""Seconds from one end of waits to the next. A batch of calls gathers for as long."""
SPREAD = 10
"""From so many moments the least crowded is chosen: a wait ends up to a tenth of a second late, never early.

Terminals count their next call from the beginning of the last one: after an early answer nobody would be there.
"""
LONGER_THAN = 0.5
"""Seconds; a shorter wait is not made longer by more than what the grid brings."""


class Waiters:
    """All cycles of one process that wait."""

    def __init__(self) -> None:
        self._of_account: dict[UUID, set[Waiter]] = defaultdict(set)
        self._ends: dict[int, set[Waiter]] = {}

    def ring(self, account_id: UUID, orders: Sequence[str] = ()) -> None:
        """Wake those who wait for a command of this account; `orders`: what the bell tells of those that wait."""
        for waiter in self._of_account.get(account_id, ()):
            waiter.ring(orders)

    def ring_all(self) -> None:
        """Wake everybody."""
        for waiters in self._of_account.values():
            for waiter in waiters:
                waiter.ring()

    def enter(self, waiter: "Waiter") -> None:
        """From now on it is rung."""
        self._of_account[waiter.account_id].add(waiter)

    def leave(self, waiter: "Waiter") -> None:
        """It waits no more."""
        waiters = self._of_account[waiter.account_id]
        waiters.discard(waiter)
        if not waiters:
            del self._of_account[waiter.account_id]
        if waiter.moment is not None:
            self._ends[waiter.moment].discard(waiter)

    def end_after(self, waiter: "Waiter", seconds: float) -> None:
        """End its wait after so many seconds, or a little later."""
        loop = asyncio.get_running_loop()
        first = math.ceil((loop.time() + seconds) / GRID)
        moment = first if seconds < LONGER_THAN else min(range(first, first + SPREAD), key=self._crowd)
        if moment not in self._ends:
            self._ends[moment] = set()
            loop.call_at(moment * GRID, self._end, moment)
        self._ends[moment].add(waiter)
        waiter.moment = moment

    def _crowd(self, moment: int) -> int:
        return len(self._ends.get(moment, ()))

    def _end(self, moment: int) -> None:
        for waiter in self._ends.pop(moment):
            waiter.moment = None
            waiter.end()


class Waiter:
    """One cycle that waits, or is about to; rung from the moment it is entered. Look at the queue once after that."""

    __slots__ = ("_among", "_bell", "_orders", "_over", "account_id", "moment")

    def __init__(self, among: Waiters, account_id: UUID) -> None:
        self.account_id = account_id
        self.moment: int | None = None
        """When its wait ends, in steps of the grid; None before that is said, and after it."""
        self._among = among
        self._bell = asyncio.Event()
        self._orders: tuple[str, ...] = ()
        self._over = False

    def __enter__(self) -> Self:
        """Be rung."""
        self._among.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Be rung no more."""
        self._among.leave(self)

    def ring(self, orders: Sequence[str] = ()) -> None:
        """A command waits, perhaps; `orders`: what the bell tells of those that wait."""
        self._orders = (*self._orders, *orders)
        self._bell.set()

    def end(self) -> None:
        """It has waited long enough."""
        self._over = True
        self._bell.set()

    def end_after(self, seconds: float) -> None:
        """Wait for so long, if nothing rings; once."""
        if seconds > 0:
            self._among.end_after(self, seconds)
        else:
            self.end()

    async def rung(self) -> bool:
        """Wait for the bell, whose next ring is another one; False when time is up."""
        await self._bell.wait()
        self._bell.clear()
        return not self._over

    def told(self) -> tuple[str, ...]:
        """What the bells have told since this was asked last: a hint, there may be more or less by now."""
        told, self._orders = self._orders, ()
        return told
