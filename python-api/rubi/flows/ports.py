"""What a flow may reach: the database, the workers' doorbell, the live bus."""

from collections.abc import Callable
from dataclasses import dataclass

from rubi.live.bus import Bus
from rubi.queue import DECIDE_SIGNAL
from rubi.store.pool import Connection, Pool

__all__ = ["Connection", "Pool", "Ports"]


@dataclass(frozen=True, slots=True)
class Ports:
    """The doors of one process: one event loop, one pool."""

    pool: Pool
    bus: Bus
    ring: Callable[..., None]

    def ring_decide(self, signal_id: int) -> None:
        """Wake a worker for a signal; after the commit."""
        self.ring(DECIDE_SIGNAL, signal_id)
