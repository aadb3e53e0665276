"""The service's clock, learnt from its answers: a terminal's own clock may be minutes off."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rubi.terminal.wire import parse_iso


def utc_now() -> datetime:
    """UTC of this machine."""
    return datetime.now(UTC)


SAMPLES = 20


class ServiceClock:
    """UTC of this machine plus the offset that the service's answers show."""

    def __init__(self, own: Callable[[], datetime] = utc_now) -> None:
        self.offset = timedelta(0)
        self._own = own
        self._seen: deque[timedelta] = deque(maxlen=SAMPLES)

    def now(self) -> datetime:
        """The service's UTC."""
        return self._own() + self.offset

    def learn(self, server_time: str | None) -> None:
        """Take the `server_time` of an answer that has just come to its first question.

        The way back makes the service's clock look slow, and a slow clock would let an order live too long: of the last
        answers the one that travelled fastest counts.
        """
        if server_time:
            self._seen.append(parse_iso(server_time) - self._own())
            self.offset = max(self._seen)
