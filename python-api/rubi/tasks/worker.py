"""The Celery application: `celery -A rubi.tasks.worker:app worker --pool threads`, and `… beat`."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from time import perf_counter
from typing import Any

from celery import Celery
from celery.exceptions import InvalidTaskError
from celery.signals import beat_init, setup_logging, task_postrun, task_prerun, worker_ready, worker_shutdown
from celery.worker.request import Request

import rubi
from rubi.flows.decide_signal import decide_signal
from rubi.flows.drop_old_series import Kept, drop_old_series
from rubi.flows.ports import Ports
from rubi.flows.roll_up_metrics import roll_up_metrics
from rubi.flows.sweep import sweep
from rubi.observability import configure_logging
from rubi.observability.metrics import TASK_SECONDS, serve_metrics
from rubi.queue import DECIDE_SIGNAL, DROP_OLD, ROLL_UP, SWEEP, celery_app
from rubi.settings import settings
from rubi.tasks.home import AT_ONCE, Home

SWEEP_PERIOD = 5.0
ROLL_UP_PERIOD = 10.0
DROP_OLD_PERIOD = 3600.0

for _task in (DECIDE_SIGNAL, SWEEP, ROLL_UP, DROP_OLD):
    for _outcome in ("done", "failed"):
        TASK_SECONDS.labels(_task.removeprefix("rubi."), _outcome)


class Bell(Request):
    """A message of a queue that is read without acknowledgement. Celery would tell Redis all the same, for each one."""

    def acknowledge(self) -> None:
        """Have it done with."""
        self.acknowledged = True


_began: dict[str, float] = {}
_closers: list[Callable[[], None]] = []

app: Celery = celery_app(settings().redis_url.get_secret_value())
app.conf.update(
    worker_pool="threads",
    worker_concurrency=AT_ONCE,
    worker_send_task_events=False,
    # One entry, always due: nothing is worth a file that a crash could tear.
    beat_scheduler="rubi.tasks.beat:Scheduler",
    beat_schedule={
        # A sweep that waited longer than its period is dropped: the next one does its work.
        "sweep": {"task": SWEEP, "schedule": SWEEP_PERIOD, "options": {"expires": SWEEP_PERIOD}},
        "roll-up": {"task": ROLL_UP, "schedule": ROLL_UP_PERIOD, "options": {"expires": ROLL_UP_PERIOD}},
        "drop-old": {"task": DROP_OLD, "schedule": DROP_OLD_PERIOD, "options": {"expires": DROP_OLD_PERIOD}},
    },
)


@lru_cache(maxsize=1)
def home() -> Home:
    """The loop and the pool of this process, started by whoever comes first."""
    made = Home(settings())
    made.start()
    return made


def straight(task: Any, _app: Celery, _consumer: Any) -> Callable[..., None]:
    """A strategy of Celery, for a task that is a flow: each of its bells goes to the loop as it comes.

    By Celery's own one a request, a thread and a trace stand between the bell and the loop, and each waits for the
    interpreter's lock.
    """

    def begin(message: Any, *_: Any) -> None:
        try:
            expires = message.headers.get("expires")
            late = expires is not None and datetime.fromisoformat(expires) <= datetime.now(UTC)
            args, *_ = message.payload
            flow = partial(task.run, *args)
        except (TypeError, ValueError) as error:  # any other error would end the worker
            raise InvalidTaskError(f"a bell of {task.name} cannot be read: {error}") from error
        if not late:
            home().begin(task.name, flow)

    return begin


@app.task(name=DECIDE_SIGNAL, Strategy=f"{__name__}:{straight.__name__}")
async def decide(signal_id: int, ports: Ports) -> None:
    """Decide on one signal; rung twice, the second finds nothing to do."""
    await decide_signal(ports, signal_id, now=datetime.now(UTC))


@app.task(name=SWEEP, Request=Bell)
def sweep_everything() -> None:
    """Do what a lost bell, a silent terminal or the passing of time left over."""
    home().run(lambda ports: sweep(ports, now=datetime.now(UTC)))


@app.task(name=ROLL_UP, Request=Bell)
def roll_up() -> None:
    """Make the minutes, hours and days anew whose snapshots have changed."""
    home().run(roll_up_metrics)


@app.task(name=DROP_OLD, Request=Bell)
def drop_old() -> None:
    """Drop the snapshots and ticks that are older than they have to be kept."""
    kept = Kept(snapshots=settings().retention_snapshots_days, ticks=settings().retention_ticks_days)
    home().run(lambda ports: drop_old_series(ports, kept, now=datetime.now(UTC)))


@setup_logging.connect
def _configure(**_: Any) -> None:
    configure_logging(settings(), process="worker", version=rubi.__version__)


@beat_init.connect
def _name_beat(**_: Any) -> None:
    configure_logging(settings(), process="beat", version=rubi.__version__)


@task_prerun.connect
def _task_begins(task_id: str, **_: Any) -> None:
    _began[task_id] = perf_counter()


@task_postrun.connect
def _task_ended(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    began = _began.pop(task_id, None)
    if began is not None:
        outcome = "done" if state == "SUCCESS" else "failed"
        TASK_SECONDS.labels(task.name.removeprefix("rubi."), outcome).observe(perf_counter() - began)


@worker_ready.connect
def _start(**_: Any) -> None:
    home()
    # As in the API: what was imported lives as long as the process, and a decision makes hundreds of objects.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    port = settings().worker_metrics_port
    if port is not None:
        _closers.append(serve_metrics(port, host=settings().api_host, read=tuple))


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    home().close()
    for close in _closers:
        close()
