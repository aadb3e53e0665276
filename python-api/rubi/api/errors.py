"""Every error as `application/problem+json`: what happened, a code for programs, words for people, no insides."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import redis
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from rubi.domain.errors import RubiError, UnavailableError
from rubi.observability.crash_reports import report_crash
from rubi.observability.metrics import AUTH_REFUSED

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2

_AWAY = (
    OSError,  # also TimeoutError: no connection, or none free, in time
    redis.RedisError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.TransactionRollbackError,  # lost a race; the caller's retry wins
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server of the connection was killed; its last word is still being read
)
_OUT_OF_RANGE = (asyncpg.DataError, asyncpg.exceptions._base.DataError)  # noqa: SLF001 - asyncpg exports only one of the two
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_LARGE", 415: "MEDIA_TYPE_UNSUPPORTED"}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    code: str = Field(description="For programs: CATEGORY_CONDITION", examples=["FIELD_INVALID"])
    detail: str = Field(description="For people: what happened, which value, what to do")
    context: dict[str, Any] = Field(description="The values that mattered; never secrets")
    request_id: str | None = Field(description="Names this request in the logs")


def problem(
    scope: Mapping[str, Any],
    status: int,
    code: str,
    detail: str,
    context: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that says what went wrong."""
    said = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "context": dict(context or {}),
        "request_id": scope.get("state", {}).get("request_id"),
    }
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        sent.setdefault("WWW-Authenticate", "Bearer")
    return Response(json.dumps(said, default=str), status, sent, MEDIA_TYPE)


def answer(scope: Mapping[str, Any], error: Exception) -> Response:
    """The problem that an exception is; a bug is logged with its trace and answered without."""
    match error:
        case RubiError():
            return _broken_rule(scope, error)
        case RequestValidationError():
            return _invalid(scope, error.errors())
        case HTTPException():
            code = _CODES.get(error.status_code, HTTPStatus(error.status_code).phrase.upper().replace(" ", "_"))
            return problem(scope, error.status_code, code, str(error.detail), headers=error.headers)
        case _ if isinstance(error, _OUT_OF_RANGE):
            log.warning("http.value_out_of_range", error_type=type(error).__name__)
            return problem(
                scope, 422, "VALUE_OUT_OF_RANGE", "a value is outside what can be kept; look at the numbers and dates"
            )
        case _ if isinstance(error, _AWAY):
            log.warning("http.unavailable", error_type=type(error).__name__)
            return _broken_rule(
                scope,
                UnavailableError("STORE_UNAVAILABLE", "the database does not answer; nothing was changed, try again"),
            )
        case _:
            log.error("http.crashed", exc_info=error)
            report_crash(error, request_id=scope.get("state", {}).get("request_id"))
            return problem(scope, 500, "INTERNAL_ERROR", "this is a fault of the service; its log has the request_id")


async def handle(request: Request, error: Exception) -> Response:
    """`answer`, as the framework calls it."""
    return answer(request.scope, error)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception of the routes as a problem."""
    for kind in (RubiError, RequestValidationError, HTTPException, *_AWAY, *_OUT_OF_RANGE):
        app.add_exception_handler(kind, handle)


def _broken_rule(scope: Mapping[str, Any], error: RubiError) -> Response:
    headers = {}
    if error.status in {401, 403, 429}:
        AUTH_REFUSED.labels(error.code).inc()
    if error.status in {429, 503}:
        headers["Retry-After"] = str(error.context.get("retry_after", RETRY_AFTER))
    return problem(scope, error.status, error.code, error.detail, error.context, headers)


def _invalid(scope: Mapping[str, Any], errors: Sequence[Any]) -> Response:
    # What was sent is not sent back: it may hold a password, or what JSON cannot say.
    found = [
        {
            "field": ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0]),
            "in": str(error["loc"][0]),
            "code": str(error["type"]).upper(),
            "message": str(error["msg"]).removeprefix("Value error, "),
        }
        for error in errors[:20]
    ]
    if any(error["code"] == "JSON_INVALID" for error in found):
        return problem(scope, 400, "BODY_NOT_JSON", "the body is not JSON")
    first = found[0]
    return problem(
        scope,
        422,
        "FIELD_INVALID",
        f"{first['field']}: {first['message']}",
        {"field": first["field"], "errors": found},
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's OpenAPI says of its problems; beside those that any route may answer."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*statuses, 400, 422, 503})
    }
