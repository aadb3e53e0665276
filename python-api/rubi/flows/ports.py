"""What a flow may reach: the database, the workers' doorbell, the live bus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from rubi.live.bus import Bus

Pool = asyncpg.Pool[asyncpg.Record]
Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]


@dataclass(frozen=True, slots=True)
class Ports:
    """The doors of one process: one event loop, one pool."""

    pool: Pool
    bus: Bus
    ring: Callable[..., None]

    def ring_decide(self, signal_id: int) -> None:
        """Wake a worker for a signal; after the commit."""
        from rubi.queue import DECIDE_SIGNAL

        self.ring(DECIDE_SIGNAL, signal_id)


Json = dict[str, Any]
