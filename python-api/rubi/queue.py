"""The doorbell: Celery is told an id and nothing else. Postgres is the queue of record; the sweep rings again."""

import queue
import threading
import time
from typing import Any

import structlog
from celery import Celery

from rubi.observability.metrics import DOORBELLS_LOST

log = structlog.get_logger(__name__)

DECIDE_SIGNAL = "rubi.decide_signal"
SWEEP = "rubi.sweep"
ROLL_UP = "rubi.roll_up_metrics"
DROP_OLD = "rubi.drop_old_series"
QUEUE = "rubi"
"""The Redis list in which bells wait."""
HEARTBEATS = "rubi:worker:"
"""Redis keys that say which workers live: `rubi:worker:<host>:<pid>`."""


def celery_app(redis_url: str) -> Celery:
    """The Celery application, for the worker, the beat and the publisher.

    Prefetch 1, no results: tasks carry an id and the database says what is to be done. A worker that dies returns its
    bells within a minute; the sweep is quicker.
    """
    app = Celery("rubi", broker=redis_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        task_time_limit=60,
        task_default_queue=QUEUE,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": 60,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
        },
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


class Doorbell:
    """Rings workers from a thread of its own: publishing costs the event loop 1 ms, and 0.6 s while Redis is down."""

    def __init__(self, redis_url: str, *, longest: int = 10_000) -> None:
        """`longest`: bells that may wait while Redis is away; more are left to the sweep."""
        self._app = celery_app(redis_url)
        self._waiting: queue.Queue[tuple[str, list[Any]] | None] = queue.Queue(maxsize=longest)
        self._thread = threading.Thread(target=self._publish, name="doorbell", daemon=True)
        self._started = False

    def ring(self, task: str, *args: Any) -> None:
        """Ask a worker to run `task`; never blocks, never raises. A lost bell is rung again by the sweep."""
        if not self._started:
            self._started = True
            self._thread.start()
        try:
            self._waiting.put_nowait((task, list(args)))
        except queue.Full:
            DOORBELLS_LOST.inc()
            log.warning("doorbell.full", task=task)

    def close(self, *, within: float = 2.0) -> None:
        """Publish what waits, at most `within` seconds."""
        if self._started:
            try:
                self._waiting.put(None, timeout=within)
            except queue.Full:
                return
            self._thread.join(within)
        self._app.close()

    def _publish(self) -> None:
        with self._app.producer_pool.acquire(block=True) as producer:
            while (bell := self._waiting.get()) is not None:
                task, args = bell
                try:
                    self._app.send_task(task, args=args, producer=producer, retry=False, expires=60)
                except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, the sweep covers it
                    DOORBELLS_LOST.inc()
                    log.warning("doorbell.lost", task=task, error=type(error).__name__)
                    time.sleep(0.1)
