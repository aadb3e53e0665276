"""Ctrl-C and SIGTERM while a stack runs."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rubi.embedded.stack import Stack


class Stopped(KeyboardInterrupt):
    """The person, or the system, wants the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass(slots=True)
class StopRequest:
    """Whether the command is to end."""

    number: int | None = None

    def heed(self) -> None:
        """Raise Stopped if a signal came: the first time it may have been raised where everything is caught."""
        if self.number is not None:
            raise Stopped(self.number)

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        self.number = number
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise Stopped(number) from None
        # Between two callbacks: what is written in C does not survive an exception in the middle of one.
        loop.call_soon_threadsafe(self.heed)


@contextmanager
def stopping_everything(stack: Stack) -> Iterator[StopRequest]:
    """Stop every child at the end, however the end comes; a second signal kills them at once.

    Heed the request that is yielded, in whatever runs on and on.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    request = StopRequest()
    before = {number: signal.signal(number, request.hear) for number in numbers}
    try:
        yield request
    finally:

        def at_once(_number: int, _frame: FrameType | None) -> None:
            stack.kill()

        for number in numbers:
            signal.signal(number, at_once)
        stack.stop()
        stack.instance.release()
        for number, handler in before.items():
            signal.signal(number, handler)
