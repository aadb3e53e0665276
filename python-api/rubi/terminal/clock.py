"""The service's clock, learnt from its answers: a terminal's own clock may be minutes off."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rubi.terminal.wire import parse_iso


def utc_now() -> datetime:
    """UTC of this machine."""
    return datetime.now(UTC)


class ServiceClock:
    """UTC of this machine plus the offset that the service's answers show."""

    def __init__(self, own: Callable[[], datetime] = utc_now) -> None:
        self.offset = timedelta(0)
        self._own = own

    def now(self) -> datetime:
        """The service's UTC."""
        return self._own() + self.offset

    def learn(self, server_time: str | None) -> None:
        """Take the `server_time` of an answer that has just arrived; it is late by the way back at most."""
        if server_time:
            self.offset = parse_iso(server_time) - self._own()
