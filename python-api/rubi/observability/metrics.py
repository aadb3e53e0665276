"""What Prometheus counts: prefix `rubi_`, base units, bounded labels only (never ids, tickets or logins)."""

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

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
POOL_IN_USE = Gauge("rubi_pool_connections_in_use", "Database connections in use", multiprocess_mode="livesum")
BUILD = Gauge("rubi_build_info", "1, with the version that runs", ("version",), multiprocess_mode="livemax")

for _stage in STAGES:
    ORDER_SECONDS.labels(_stage)
for _source in SOURCES:
    SIGNALS_RECEIVED.labels(_source)
for _state in ORDER_STATES:
    ORDER_TRANSITIONS.labels(_state)
for _reason in ("slow", "auth", "forbidden", "too_many", "revoked", "too_big"):
    WS_DROPS.labels(_reason)
for _what in ("idempotency_key", "signal", "seq"):
    REPLAYS.labels(_what)


def observe_order(stage: str, seconds: float) -> None:
    """Count that an order took `seconds` in a stage of `STAGES`; a clock that stepped back counts as 0."""
    ORDER_SECONDS.labels(stage).observe(max(seconds, 0.0))


def render_metrics(gauges: Iterable[tuple[str, str, Iterable[tuple[dict[str, str], float]]]] = ()) -> bytes:
    """All metrics in Prometheus' text form: of every process where PROMETHEUS_MULTIPROC_DIR is set, else of this one.

    `gauges` are values read just now, from the database: name, help, and (labels, value) pairs.
    """
    now = CollectorRegistry()
    for name, words, values in gauges:
        pairs = list(values)
        names = tuple(pairs[0][0]) if pairs else ()
        gauge = Gauge(name, words, names, registry=now)
        for labels, value in pairs:
            (gauge.labels(**labels) if names else gauge).set(value)
    return _registered() + generate_latest(now)


def serve_metrics(port: int, *, host: str = "127.0.0.1") -> None:
    """Serve the metrics of this process, and of the others in multiprocess mode, on a port of their own."""
    start_http_server(port, addr=host, registry=_registry())


def process_ended(pid: int) -> None:
    """Forget the gauges of a process that ended, in multiprocess mode."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _registered() -> bytes:
    return generate_latest(_registry())


def _registry() -> CollectorRegistry:
    from prometheus_client import REGISTRY

    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
