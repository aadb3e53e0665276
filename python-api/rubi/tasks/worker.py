"""The Celery application: `celery -A rubi.tasks.worker:app worker --pool threads`, and `… beat`."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_ready, worker_shutdown

import rubi
from rubi.flows.decide_signal import decide_signal
from rubi.flows.sweep import sweep
from rubi.observability import configure_logging
from rubi.queue import DECIDE_SIGNAL, SWEEP, celery_app
from rubi.settings import settings
from rubi.tasks.home import Home

SWEEP_PERIOD = 5.0

app: Celery = celery_app(settings().redis_url.get_secret_value())
app.conf.update(
    worker_pool="threads",
    worker_concurrency=8,
    worker_send_task_events=False,
    # One entry, always due: nothing is worth a file that a crash could tear.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        # A sweep that waited longer than its period is dropped: the next one does its work.
        "sweep": {"task": SWEEP, "schedule": SWEEP_PERIOD, "options": {"expires": SWEEP_PERIOD}},
    },
)


@lru_cache(maxsize=1)
def home() -> Home:
    """The loop and the pool of this process, started by whoever comes first."""
    made = Home(settings())
    made.start()
    return made


@app.task(name=DECIDE_SIGNAL)
def decide(signal_id: int) -> None:
    """Decide on one signal; rung twice, the second finds nothing to do."""
    home().run(lambda ports: decide_signal(ports, signal_id, now=datetime.now(UTC)))


@app.task(name=SWEEP)
def sweep_everything() -> None:
    """Do what a lost bell, a silent terminal or the passing of time left over."""
    home().run(lambda ports: sweep(ports, now=datetime.now(UTC)))


@setup_logging.connect
def _configure(**_: Any) -> None:
    configure_logging(settings(), process="worker", version=rubi.__version__)


@beat_init.connect
def _name_beat(**_: Any) -> None:
    configure_logging(settings(), process="beat", version=rubi.__version__)


@worker_ready.connect
def _start(**_: Any) -> None:
    home()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    home().close()
