"""When a child that ended is started again, and when not any more."""

from dataclasses import dataclass, field

QUICK = 20.0  # seconds: a child that ends sooner has failed to start
MOST = 5
FIRST_PAUSE = 0.2  # after the second end in a row
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
        """The child ended by itself; return False when it failed quickly five times in a row.

        The first time it is due again at once: whoever kills a process that worked is not made to wait.
        """
        self.quick_failures = self.quick_failures + 1 if now - self.started < QUICK else 1
        again = self.quick_failures - 1
        self.due = now + (min(FIRST_PAUSE * 2 ** (again - 1), LONGEST_PAUSE) if again else 0.0)
        return self.quick_failures < MOST
