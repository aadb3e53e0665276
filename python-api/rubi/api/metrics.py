"""What Prometheus reads: the counts of the processes, and business figures from the database."""

import asyncio
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address

import asyncpg
import redis
import structlog
from fastapi import APIRouter, Request, Response

from rubi.api.deps import DoorsDep, Now
from rubi.api.doors import Doors
from rubi.api.errors import MEDIA_TYPE
from rubi.domain.errors import ForbiddenError, RubiError, UnauthenticatedError
from rubi.observability.metrics import CONTENT_TYPE, Reading, render_metrics, write_gathered
from rubi.queue import HEARTBEATS, QUEUE
from rubi.store import vitals

router = APIRouter(tags=["health"])
log = structlog.get_logger(__name__)

_PATIENCE = 3.0
_MONEY = {
    "balance": ("rubi_balance", "Balance of all accounts heard in the last week, by currency"),
    "equity": ("rubi_equity", "Equity of all accounts heard in the last week, by currency"),
    "profit": ("rubi_floating_profit", "Profit of the open positions of these accounts, by currency"),
    "accounts": ("rubi_accounts", "Accounts heard in the last week, by currency"),
}
_GAUGES = {
    "signals_undecided": ("rubi_signals_undecided", "Signals that wait for a decision"),
    "oldest_undecided_seconds": ("rubi_oldest_undecided_signal_seconds", "Age of the oldest signal without a decision"),
    "oldest_queued_seconds": ("rubi_oldest_queued_order_seconds", "Age of the oldest order no terminal has taken"),
    "oldest_unsettled_seconds": (
        "rubi_oldest_unsettled_order_seconds",
        "Seconds since the last word about the order with a terminal that has been silent longest",
    ),
    "open_positions": ("rubi_open_positions", "Open positions"),
    "critical_alerts": ("rubi_critical_alerts", "Critical alerts that nobody has seen"),
    "accounts_held_back": (
        "rubi_accounts_held_back",
        "Accounts that a switch or a loss limit lets only reduce, or halts",
    ),
    "worst_drawdown": ("rubi_worst_drawdown_ratio", "Largest drawdown from its peak of any account, 0 … 1"),
    "oldest_word_seconds": (
        "rubi_oldest_terminal_word_seconds",
        "Seconds since the longest silent terminal was heard; -1: none is connected",
    ),
    "newest_word_seconds": (
        "rubi_newest_terminal_word_seconds",
        "Seconds since any terminal was heard; -1: none is connected",
    ),
}


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}},
        401: {"content": {MEDIA_TYPE: {}}},
        403: {"content": {MEDIA_TYPE: {}}},
    },
)
async def metrics(request: Request, doors: DoorsDep, now: Now) -> Response:
    """What Prometheus reads. With METRICS_TOKEN set: by that bearer token; otherwise from this machine alone."""
    _may_scrape(request, doors)
    gauges = await _gauges(doors, now)
    write_gathered()
    return Response(render_metrics(gauges), media_type=CONTENT_TYPE)


def _may_scrape(request: Request, doors: Doors) -> None:
    token = doors.settings.metrics_token
    if token is not None:
        said = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(said, b"Bearer " + token.get_secret_value().encode()):
            raise UnauthenticatedError("METRICS_TOKEN_WRONG", "send METRICS_TOKEN as the bearer token")
        return
    # A proxy on this machine must not open the door to those behind it.
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip"} & set(request.headers)
    if forwarded or not _is_loopback(request.client.host if request.client else ""):
        raise ForbiddenError("METRICS_LOCAL_ONLY", "set METRICS_TOKEN to read the metrics from another machine")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_from_thread(doors: Doors) -> Callable[[], list[Reading]]:
    """Reads the gauges for a thread that is not the event loop's; call this inside the loop."""
    loop = asyncio.get_running_loop()

    def read() -> list[Reading]:
        return asyncio.run_coroutine_threadsafe(_gauges(doors, datetime.now(UTC)), loop).result(_PATIENCE + 1)

    return read


async def _gauges(doors: Doors, now: datetime) -> list[Reading]:
    """Figures from the database, so that a restart does not zero them, and of the queue; none of what is away."""
    database, queue = await asyncio.gather(_business(doors, now), _queue(doors))
    return [*database, *queue]


async def _business(doors: Doors, now: datetime) -> list[Reading]:
    try:
        async with asyncio.timeout(_PATIENCE), doors.ports().pool.acquire() as conn:
            figures = await vitals.gauges(conn, now)
            orders = await vitals.orders_alive(conn)
            sessions = await vitals.sessions_alive(conn, now)
            money = await vitals.money(conn, now)
            levels = await vitals.loss_levels(conn, now)
    except (OSError, RubiError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("metrics.database_away", error_type=type(error).__name__)
        return [("rubi_database_up", "1 while the database answers", [({}, 0.0)])]
    return [
        ("rubi_database_up", "1 while the database answers", [({}, 1.0)]),
        *((name, words, [({}, float(figures[column]))]) for column, (name, words) in _GAUGES.items()),
        ("rubi_orders", "Orders that have not ended, by state", [({"state": s}, float(n)) for s, n in orders.items()]),
        ("rubi_sessions", "Terminals' sessions, by state", [({"state": s}, float(n)) for s, n in sessions.items()]),
        *(
            (name, words, [({"currency": row["currency"]}, float(row[column])) for row in money])
            for column, (name, words) in _MONEY.items()
        ),
        (
            "rubi_loss_limit_accounts",
            "Accounts by the level of their loss limits",
            [({"limit": limit, "level": level}, float(n)) for (limit, level), n in levels.items()],
        ),
    ]


async def _queue(doors: Doors) -> list[Reading]:
    try:
        async with asyncio.timeout(_PATIENCE):
            waiting = await doors.redis.llen(QUEUE)
            workers = [key async for key in doors.redis.scan_iter(match=f"{HEARTBEATS}*", count=1000)]
    except (OSError, redis.RedisError) as error:
        log.warning("metrics.redis_away", error_type=type(error).__name__)
        return [("rubi_redis_up", "1 while Redis answers", [({}, 0.0)])]
    return [
        ("rubi_redis_up", "1 while Redis answers", [({}, 1.0)]),
        ("rubi_workers", "Workers that gave a sign of life in the last 15 s", [({}, float(len(workers)))]),
        ("rubi_doorbells_waiting", "Bells that no worker has heard yet", [({}, float(waiting))]),
    ]
