"""When a child that ended is started again, and when not any more."""

from dataclasses import dataclass, field

QUICK = 20.0  # seconds: a child that ends sooner has failed to start
MOST = 5
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class Restarts:
    """The history of one child, in seconds of a monotonic clock."""

    started: float = 0.0
    quick_failures: int = 0
    due: float | None = field(default=None)

    def start(self, now: float) -> None:
        """The child was started."""
        self.started, self.due = now, None

    def end(self, now: float) -> bool:
        """The child ended by itself; return False when it failed quickly five times in a row."""
        self.quick_failures = self.quick_failures + 1 if now - self.started < QUICK else 1
        self.due = now + min(FIRST_PAUSE * 2 ** (self.quick_failures - 1), LONGEST_PAUSE)
        return self.quick_failures < MOST
