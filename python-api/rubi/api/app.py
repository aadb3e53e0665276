"""The application: its routes, what every request passes, and its doors."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from rubi import __version__
from rubi.api import (
    accounts,
    audit,
    auth,
    deals,
    docs,
    health,
    history,
    integration,
    market,
    metrics,
    orders,
    pages,
    position_history,
    positions,
    positions_actions,
    risk,
    sessions,
    setup,
    signals,
    sockets,
    stats,
    terminals,
    tokens,
)
from rubi.api.doors import Doors
from rubi.api.errors import Problem, add_handlers
from rubi.api.hot import Hot
from rubi.api.middleware import Bodies, Observe, StrictJson
from rubi.observability.metrics import BUILD, serve_metrics, write_gathered
from rubi.settings import Settings
from rubi.settings import settings as settings_of_process

log = structlog.get_logger(__name__)

_DESCRIPTION = """\
A MetaTrader 5 bridge: terminals push their state, signals become risk-sized orders, terminals fetch them.

Every error is `application/problem+json` with a `code`. `Authorization: Bearer <token>`; the Authorize button logs in.
"""


class Service(FastAPI):
    """The application, with the calls that terminals make every second in front of all of its layers."""

    def __init__(self, **settings: Any) -> None:
        """Take FastAPI's own settings."""
        super().__init__(**settings)
        self._hot = Hot(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer quiet calls; everything else, and whatever these decline, meets every layer."""
        scope["app"] = self
        await self._hot(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, not yet open: its doors open when it is served.

    Raises:
        SettingsError: the environment cannot be used.

    """
    settings = settings or settings_of_process()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Doors(settings).open() as doors:
            app.state.doors = doors
            with _metrics_port(settings, doors):
                yield
        write_gathered()

    app = Service(
        title="Rubi Studio MT5 bridge",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
        separate_input_output_schemas=False,
    )
    for module in (auth, tokens, terminals, sessions, signals, positions, stats, sockets, health, metrics, docs):
        app.include_router(module.router)
    for module in (orders, positions_actions, position_history, deals, accounts, risk, audit, history, market):
        app.include_router(module.router)
    for module in (integration, setup, pages):
        app.include_router(module.router)
    add_handlers(app)
    # The one added last is the outermost.
    app.add_middleware(StrictJson)
    app.add_middleware(Bodies)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Idempotent-Replayed", "Retry-After"],
            max_age=600,
        )
    app.add_middleware(Observe)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    BUILD.labels(__version__).set(1)
    return app


@contextmanager
def _metrics_port(settings: Settings, doors: Doors) -> Iterator[None]:
    """Serve the metrics on PROMETHEUS_PORT too; of several processes one gets it."""
    if settings.prometheus_port is None:
        yield
        return
    try:
        stop = serve_metrics(settings.prometheus_port, host=settings.api_host, read=metrics.read_from_thread(doors))
    except OSError as error:
        log.warning("metrics.port_taken", port=settings.prometheus_port, error_type=type(error).__name__)
        yield
        return
    try:
        yield
    finally:
        stop()


def _openapi(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for path in schema["paths"].values():
            for operation in path.values():
                schemas.update(operation.pop("x-terminal-schemas", {}))
        for path in schema["paths"].values():
            for operation in path.values():
                schemas.update(operation.pop("x-terminal-schemas", {}))
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema
