"""The beat's scheduler: Celery's own, which also gives a sign of life."""

from typing import Any

import celery.beat

from rubi.settings import settings


class Scheduler(celery.beat.Scheduler):
    """Touches HEARTBEAT_FILE at every tick: a beat that hangs is found and started again."""

    max_interval = 5
    """Seconds between ticks, at most."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; return the seconds to sleep."""
        if (heartbeat := settings().heartbeat_file) is not None:
            heartbeat.touch()
        wait: float = super().tick(*args, **kwargs)
        return wait
