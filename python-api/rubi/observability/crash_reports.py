"""Crash reports to Sentry, only where an address is set, and never with bodies, local variables or secrets."""

import sys
from typing import Any, cast

from rubi.observability.scrub import scrub


def start_crash_reports(dsn: str, *, process: str, version: str) -> None:
    """Report uncaught errors of this process to `dsn`."""
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.types import Event, Hint

    def clean(event: Event, _: Hint) -> Event:
        return cast("Event", clean_event(cast("dict[str, Any]", event)))

    sentry_sdk.init(
        dsn,
        release=f"rubi-studio@{version}",
        include_local_variables=False,
        max_request_body_size="never",
        # What is logged stays in the log: a report is of an exception, and names the request to look for there.
        integrations=[LoggingIntegration(level=None, event_level=None)],
        before_send=clean,
        before_send_transaction=clean,
    )
    sentry_sdk.set_tag("process", process)


def report_crash(error: BaseException, *, request_id: str | None = None) -> None:
    """Report an exception that was caught and answered; nothing where no address is set."""
    if "sentry_sdk" not in sys.modules:  # importing it costs a start a quarter of a second
        return
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        if request_id is not None:
            scope.set_tag("request_id", request_id)
        scope.capture_exception(error)


def clean_event(event: dict[str, Any]) -> dict[str, Any]:
    """A report without the request's body, headers, cookies and query, and without secrets anywhere else."""
    request = event.get("request")
    if isinstance(request, dict):
        event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    cleaned: dict[str, Any] = scrub(event)
    return cleaned
