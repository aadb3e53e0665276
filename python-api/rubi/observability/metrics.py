"""What Prometheus counts: prefix `rubi_`, base units, bounded labels only (never ids, tickets or logins)."""

import asyncio
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias
from weakref import WeakSet

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

Reading: TypeAlias = tuple[str, str, Sequence[tuple[dict[str, str], float]]]
"""A gauge read just now: its name, what it is, and (labels, value) pairs."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STAGES = ("intake", "decide", "queue", "terminal", "broker", "total")
SOURCES = ("api", "terminal", "hook", "copy")
ORDER_STATES = (
    *("CREATED", "DENIED", "QUEUED", "LEASED", "ACKED", "SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED", "FILLED", "DONE"),
    *("PENDING_MODIFY", "PENDING_CANCEL", "UNKNOWN", "REJECTED", "CANCELED", "EXPIRED"),
)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ORDER_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

HTTP_REQUESTS = Counter(
    "rubi_http_requests_total",
    "Requests answered, by route template, method and status class",
    ("route", "method", "status"),
)
HTTP_SECONDS = Histogram(
    "rubi_http_request_seconds", "Time to answer a request, long polls included", ("route", "method"), buckets=_SECONDS
)
HTTP_CRASHES = Counter("rubi_http_crashes_total", "Requests that ended in a fault of the service")
SIGNALS_RECEIVED = Counter("rubi_signals_received_total", "Signals kept, by source", ("source",))
SIGNALS_DENIED = Counter("rubi_signals_denied_total", "Signals denied by risk or form, by code", ("code",))
RISK_BLOCKS = Counter(
    "rubi_risk_blocks_total", "Gates of risk that stood in an order's way; one denial may have several", ("gate",)
)
AUTH_REFUSED = Counter(
    "rubi_auth_refused_total", "Requests refused for who asked, or for asking too often, by code", ("code",)
)
DOORBELLS_LOST = Counter("rubi_doorbells_lost_total", "Bells for workers that could not be rung; the sweep rings again")
SWEEPS = Counter("rubi_sweeps_total", "Sweeps done")
SWEPT = Counter("rubi_swept_total", "What sweeps found: bells rung again, signals expired, terminals silent", ("what",))
TASK_SECONDS = Histogram(
    "rubi_task_seconds", "Time a worker spent on a task", ("task", "outcome"), buckets=(*_SECONDS, 30, 60)
)
ORDER_TRANSITIONS = Counter("rubi_order_transitions_total", "Orders that entered a state", ("state",))
ORDER_SECONDS = Histogram(
    "rubi_order_seconds",
    "Time an order spent in a stage: intake (request to commit), decide (to the order), queue (to the hand-out), "
    "terminal (to its intent), broker (to the fill), total (request to fill)",
    ("stage",),
    buckets=_ORDER_SECONDS,
)
REPLAYS = Counter("rubi_replays_total", "Repeated requests answered from what was stored", ("what",))
WS_CLIENTS = Gauge("rubi_ws_clients", "Open WebSockets", multiprocess_mode="livesum")
WS_DROPS = Counter("rubi_ws_drops_total", "WebSockets closed by the service, by reason", ("reason",))
WS_FRAMES = Counter("rubi_ws_frames_total", "Frames put into the queues of WebSockets")
BATCH_ROWS = Histogram(
    "rubi_batch_rows", "Requests that shared one commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
BATCH_WAIT = Histogram(
    "rubi_batch_wait_seconds",
    "Time a request waited for its commit to begin",
    buckets=(0.0005, 0.001, 0.0025, *_SECONDS),
)
BATCH_QUEUE = Gauge("rubi_batch_queue", "Requests that wait to be stored", multiprocess_mode="livesum")
BATCH_REFUSED = Counter("rubi_batch_refused_total", "Requests that no commit took, by reason", ("reason",))
HOT = Counter(
    "rubi_hot_total",
    "Calls of terminals: committed in a batch, or declined and handled one by one",
    ("route", "outcome"),
)
POOL_IN_USE = Gauge("rubi_pool_connections_in_use", "Database connections in use", multiprocess_mode="livesum")
POOL_OPEN = Gauge("rubi_pool_connections_open", "Database connections open", multiprocess_mode="livesum")
BUILD = Gauge("rubi_build_info", "1, with the version that runs", ("version",), multiprocess_mode="livemax")

for _stage in STAGES:
    ORDER_SECONDS.labels(_stage)
for _source in SOURCES:
    SIGNALS_RECEIVED.labels(_source)
for _state in ORDER_STATES:
    ORDER_TRANSITIONS.labels(_state)
for _reason in ("slow", "strangers", "auth", "forbidden", "too_many", "revoked", "too_big"):
    WS_DROPS.labels(_reason)
for _reason in ("full", "away", "closed", "poisoned"):
    BATCH_REFUSED.labels(_reason)
for _what in ("idempotency_key", "signal", "sync"):
    REPLAYS.labels(_what)
for _found in ("rung", "expired", "silent"):
    SWEPT.labels(_found)
for _code in ("TOKEN_INVALID", "TOKEN_REVOKED", "LOGIN_FAILED", "REFRESH_REUSED", "TOO_MANY_ATTEMPTS"):
    AUTH_REFUSED.labels(_code)


class Gathered:
    """A histogram and counters of one kind of call, gathered in this process and written together a moment later.

    Writing a value to the file that processes share costs as much as reading a small body; here it is done once for
    all calls of a moment. A process that is killed loses what it counted in the last `AFTER` seconds.
    Belongs to the running loop.
    """

    AFTER = 0.1

    def __init__(self, seconds: Histogram, *counters: Counter) -> None:
        """`counters` count the same calls that `seconds` times. All are children: their labels are given."""
        self._seconds = seconds
        self._counters = counters
        self._bounds = seconds._upper_bounds  # noqa: SLF001 - the library has no call for many values at once
        self._buckets = [0] * len(self._bounds)
        self._sum = 0.0
        self._due = False
        _GATHERED.add(self)

    def observe(self, seconds: float) -> None:
        """Count one call."""
        self._buckets[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(self.AFTER, self.write)

    def write(self) -> None:
        """Write what was gathered."""
        buckets, total = self._buckets, self._sum
        self._buckets, self._sum, self._due = [0] * len(self._bounds), 0.0, False
        for place, count in enumerate(buckets):
            if count:
                self._seconds._buckets[place].inc(count)  # noqa: SLF001 - as above
        self._seconds._sum.inc(total)  # noqa: SLF001 - as above
        for counter in self._counters:
            counter.inc(sum(buckets))


_GATHERED: WeakSet[Gathered] = WeakSet()


def write_gathered() -> None:
    """Write what this process has gathered; only for the thread of its loop."""
    for each in _GATHERED:
        each.write()


def observe_order(stage: str, seconds: float) -> None:
    """Count that an order took `seconds` in a stage of `STAGES`; a clock that stepped back counts as 0."""
    ORDER_SECONDS.labels(stage).observe(max(seconds, 0.0))


def count_blocks(gates: Iterable[str]) -> None:
    """Count the gates that stood in the way of one order."""
    for gate in gates:
        RISK_BLOCKS.labels(gate).inc()


def render_metrics(readings: Iterable[Reading] = ()) -> bytes:
    """All metrics in Prometheus' text form: of every process where PROMETHEUS_MULTIPROC_DIR is set, else of this one.

    `readings` are gauges read just now, from the database.
    """
    now = CollectorRegistry()
    now.register(_Readings(lambda: readings))
    return generate_latest(_registry()) + generate_latest(now)


def serve_metrics(port: int, *, host: str, read: Callable[[], Iterable[Reading]]) -> Callable[[], None]:
    """Serve the same on a port of its own, from a thread; returns what stops it.

    Raises:
        OSError: the port is taken.

    """
    registry = CollectorRegistry()
    registry.register(_Readings(read))
    registry.register(_Registered())
    server, thread = start_http_server(port, addr=host, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


class _Readings(Collector):
    """Gauges that are read when they are asked for."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, words, values in self._read():
            family = GaugeMetricFamily(name, words, labels=tuple(values[0][0]) if values else ())
            for labels, value in values:
                family.add_metric(tuple(labels.values()), value)
            yield family

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not read."""
        return ()


class _Registered(Collector):
    """What this process, or all of them, have counted."""

    def collect(self) -> Iterable[Metric]:
        return _registry().collect()

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance."""
        return ()


def process_ended(pid: int, folder: Path) -> None:
    """Take the gauges of a process that ended out of what is told; what it counted stays counted."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
