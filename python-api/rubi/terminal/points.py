"""Places in the life of an order at which a fault run kills the terminal."""

import os
import signal
from collections.abc import Callable

POINTS = ("before_claim", "after_claim", "before_send", "after_send", "before_report", "mid_report")
VARIABLE = "RUBI_TERMINAL_DIES_AT"

At = Callable[[str], None]


def nothing_happens(point: str) -> None:
    """The ordinary `at`."""


def dies_at(wanted: str | None) -> At:
    """Return an `at` that kills this process with SIGKILL at one point; None: nothing happens.

    Raises:
        ValueError: no such point.

    """
    if not wanted:
        return nothing_happens
    if wanted not in POINTS:
        raise ValueError(f"{VARIABLE} is {wanted!r}; one of {', '.join(POINTS)}")

    def at(point: str) -> None:
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return at
