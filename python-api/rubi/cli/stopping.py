"""Ctrl-C and SIGTERM while a stack runs."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rubi.embedded.stack import Stack


class Stopped(BaseException):
    """The person, or the system, wants the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


@contextmanager
def stopping_everything(stack: Stack) -> Iterator[None]:
    """Stop every child at the end, however the end comes; a second signal kills them at once."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _raise) for number in numbers}
    try:
        yield
    finally:

        def at_once(_number: int, _frame: FrameType | None) -> None:
            stack.kill()

        for number in numbers:
            signal.signal(number, at_once)
        stack.stop()
        stack.instance.release()
        for number, handler in before.items():
            signal.signal(number, handler)
