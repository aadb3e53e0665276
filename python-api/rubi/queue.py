"""The doorbell: Celery is told an id and nothing else. Postgres is the queue of record; the sweep rings again."""

import asyncio
import json
import os
import socket
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from rubi.observability.metrics import DOORBELLS_LOST

if TYPE_CHECKING:
    from celery import Celery

log = structlog.get_logger(__name__)

DECIDE_SIGNAL = "rubi.decide_signal"
SWEEP = "rubi.sweep"
ROLL_UP = "rubi.roll_up_metrics"
DROP_OLD = "rubi.drop_old_series"
QUEUE = "rubi"
"""The Redis list in which bells wait."""
HEARTBEATS = "rubi:worker:"
"""Redis keys that say which workers live: `rubi:worker:<host>:<pid>`."""
BELL_LIFE = timedelta(seconds=60)
"""A bell that no worker took by then says nothing: the sweep has rung again."""

_encode = json.JSONEncoder(separators=(",", ":")).encode
_NOTHING_ELSE = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))
_HEADERS: dict[str, Any] = {
    "lang": "py",
    "shadow": None,
    "eta": None,
    "group": None,
    "group_index": None,
    "retries": 0,
    "timelimit": [None, None],
    "parent_id": None,
    "kwargsrepr": "{}",
    "origin": f"{os.getpid()}@{socket.gethostname()}",
    "ignore_result": None,
    "replaced_task_nesting": 0,
    "stamped_headers": None,
    "stamps": {},
}
_PROPERTIES: dict[str, Any] = {
    "reply_to": "",
    "delivery_mode": 2,
    "expiration": str(BELL_LIFE // timedelta(milliseconds=1)),
    "delivery_info": {"exchange": "", "routing_key": QUEUE},
    "priority": 0,
    "body_encoding": "base64",
}


def celery_app(redis_url: str) -> "Celery":
    """The Celery application, for the worker and the beat.

    A bell is not acknowledged and has no result: it carries an id, and the database says what is to be done. Those
    that a worker takes with it when it dies are rung again by the sweep.
    """
    from celery import Celery  # the API rings and has no use for them: they would delay each of its starts
    from kombu import Queue

    app = Celery("rubi", broker=redis_url)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_time_limit=60,
        task_queues=(Queue(QUEUE, no_ack=True),),
        task_default_queue=QUEUE,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_timeout": 5},
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


class Doorbell:
    """Rings workers by the connection on which the process tells its news: a bell leaves with the news before it.

    It writes the message that `send_task` would write. Celery's own publishing is blocking: on the event loop it costs
    1 ms and more while Redis is away, and a thread of its own waits up to 5 ms for the interpreter's lock.
    """

    def __init__(self, say: Callable[[tuple[str | bytes, ...]], "asyncio.Future[None]"]) -> None:
        """`say` sends a command to Redis in its time; its future holds an exception when the command may be lost."""
        self._say = say

    def ring(self, task: str, *args: Any) -> None:
        """Ask a worker to run `task`; never blocks, never raises. A lost bell is rung again by the sweep."""
        said = self._say(("LPUSH", QUEUE, message(task, args, now=datetime.now(UTC))))
        said.add_done_callback(partial(_count_lost, task))


def message(task: str, args: Sequence[Any], *, now: datetime) -> str:
    """A task as Celery's Redis transport stores it: message protocol 2, body in base 64."""
    task_id = str(uuid4())
    body = _encode([args, {}, _NOTHING_ELSE])
    headers = _HEADERS | {
        "task": task,
        "id": task_id,
        "root_id": task_id,
        "expires": (now + BELL_LIFE).isoformat(),
        "argsrepr": repr(list(args)),
    }
    return _encode(
        {
            "body": b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": _PROPERTIES | {"correlation_id": task_id, "delivery_tag": str(uuid4())},
        }
    )


def _count_lost(task: str, said: "asyncio.Future[None]") -> None:
    if said.cancelled() or (error := said.exception()) is not None:
        DOORBELLS_LOST.inc()
        log.warning("doorbell.lost", task=task, error=None if said.cancelled() else type(error).__name__)
