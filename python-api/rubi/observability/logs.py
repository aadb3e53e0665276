"""Logs: one JSON object a line with the names of the Elastic Common Schema, to stdout and to a file."""

import fcntl
import logging
import logging.handlers
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Protocol

import structlog

from rubi.observability.crash_reports import start_crash_reports
from rubi.observability.scrub import scrub

_FILE_BYTES = 20 * 1024 * 1024
_FILES = 5
_NEARLY = 0.5
"""A file that is smaller than this part of the most was made a moment ago, by another process that rotated."""
_ECS = {
    "event": "message",
    "timestamp": "@timestamp",
    "level": "log.level",
    "logger": "log.logger",
    "request_id": "http.request.id",
    "user_id": "user.id",
    "error": "error.message",
    "error_type": "error.type",
    "exception": "error.stack_trace",
}
_QUIET = (
    "httpx", "httpcore", "asyncio", "urllib3", "websockets", "celery.redirected", "kombu", "amqp",
    # A line before each task and one after it; what fails is told as an error, and every task is counted.
    "celery.worker.strategy", "celery.app.trace",
)  # fmt: skip

Line = MutableMapping[str, Any]


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


class LogSettings(Protocol):
    """What logging needs of the settings."""

    @property
    def log_level(self) -> str: ...  # noqa: D102 - the name says it
    @property
    def log_file(self) -> Path | None: ...  # noqa: D102 - the name says it
    @property
    def sentry_dsn(self) -> _Secret | None: ...  # noqa: D102 - the name says it


def configure_logging(settings: LogSettings, *, process: str, version: str = "") -> None:
    """Send every log line of this process, also those of libraries, through one scrubbed JSON form.

    `process` is api, worker, beat or the like; it stands in every line. May be called again.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = _Once(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            _ecs(process, version),
            _without_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in _handlers(settings.log_file):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "gunicorn.error", "celery", "celery.task"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    # Requests have a line of their own, with the request's id.
    for name in ("uvicorn.access", "gunicorn.access"):
        access = logging.getLogger(name)
        access.handlers.clear()
        access.propagate = False
    if settings.sentry_dsn is not None:
        start_crash_reports(settings.sentry_dsn.get_secret_value(), process=process, version=version)


def _handlers(path: Path | None) -> list[logging.Handler]:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if path is None:
        return handlers
    if path.exists() and not path.is_file():  # /dev/null and the like cannot be rotated
        return [*handlers, logging.FileHandler(path, encoding="utf-8")]
    path.parent.mkdir(parents=True, exist_ok=True)
    return [
        *handlers,
        _SharedFile(path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=True),
    ]


class _Once(structlog.stdlib.ProcessorFormatter):
    """Renders a line once, however many handlers write it."""

    def format(self, record: logging.LogRecord) -> str:
        rendered: str | None = getattr(record, "_rendered", None)
        if rendered is None:
            rendered = super().format(record)
            record._rendered = rendered  # noqa: SLF001 - the record carries it to the next handler
        return rendered


class _SharedFile(logging.handlers.RotatingFileHandler):
    """A file that several processes append to: one of them rotates it, the others notice."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the library's name
        self._follow()
        return bool(super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802 - the library's name
        """Rotate, unless another process has done it since this one looked."""
        with Path(f"{self.baseFilename}.lock").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            self._follow()
            if self.stream is None or os.fstat(self.stream.fileno()).st_size >= self.maxBytes * _NEARLY:
                super().doRollover()

    def _follow(self) -> None:
        """Go on in the new file when another process has rotated the one that is open."""
        if self.stream is None:
            return
        try:
            same = Path(self.baseFilename).stat().st_ino == os.fstat(self.stream.fileno()).st_ino
        except FileNotFoundError:
            same = False
        if not same:
            self.stream.close()
            self.stream = self._open()


def _ecs(process: str, version: str) -> structlog.typing.Processor:
    fixed = {
        "ecs.version": "8.11.0",
        "service.name": "rubi-studio",
        "service.version": version,
        "process.name": process,
    }

    def named(_: Any, __: str, line: Line) -> Line:
        said: Line = {
            "@timestamp": line.pop("timestamp", None),
            "log.level": str(line.pop("level", "info")).upper(),
            "message": line.pop("event", ""),
            **fixed,
        }
        for name, value in line.items():
            said[_ECS.get(name, name)] = value
        return said

    return named


def _without_secrets(_: Any, __: str, line: Line) -> Line:
    scrubbed: Line = scrub(line)
    return scrubbed
