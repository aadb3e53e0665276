"""What Sentry is told of a crash: the exception with its trace, and no secret. A real client, a server of ours."""

import gzip
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sentry_sdk
import structlog
from pydantic import SecretStr
from tests.serving import client_of, serving, settings_for

import rubi
from rubi.observability import configure_logging

CANARIES = {
    "header": "canary-header-3f1c9d2a77",
    "cookie": "canary-cookie-5b0e88aa21",
    "query": "canary-query-90cc1d3e44",
    "body": "canary-body-7e41ab0932",
    "local": "canary-local-1d6f5cc8e0",
    "message": "canary-message-44f0b7a9de",
    "address": "canary-address-c20b6e9f13",
    "logged": "canary-logged-8a77b3d6f5",
}


class Collector:
    """Where the reports go: envelopes, as Sentry takes them."""

    def __init__(self):
        received = self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def dsn(self):
        return f"http://key@127.0.0.1:{self.server.server_port}/1"

    def events(self):
        sentry_sdk.flush(5)
        found = []
        for envelope in self.received:
            lines = envelope.split(b"\n")
            for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                if header and json.loads(header).get("type") == "event":
                    found.append(json.loads(payload))
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    collector = Collector()
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield collector
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    collector.close()


async def test_a_crash_is_reported_with_its_trace_and_without_a_secret(collector, dsn, redis_url):
    settings = settings_for(dsn, redis_url, sentry_dsn=SecretStr(collector.dsn))
    configure_logging(settings, process="api", version=rubi.__version__)
    async with serving(settings) as app:

        @app.post("/of-a-test")
        async def crash(body: dict):
            password = CANARIES["local"]
            structlog.get_logger("of.a.test").info("before", api_key=CANARIES["logged"])
            raise RuntimeError(
                f"token={CANARIES['message']} at postgresql://rubi:{CANARIES['address']}@db/rubi {len(password)}"
            )

        async with client_of(app) as client:
            answer = await client.post(
                f"/of-a-test?token={CANARIES['query']}",
                headers={"Authorization": f"Bearer {CANARIES['header']}", "Cookie": f"session={CANARIES['cookie']}"},
                json={"password": CANARIES["body"]},
            )
    assert answer.status_code == 500
    events = collector.events()
    assert len(events) == 1, [each.get("logentry") for each in events]
    failure = events[0]["exception"]["values"][-1]
    assert failure["type"] == "RuntimeError"
    assert failure["stacktrace"]["frames"][-1]["function"] == "crash"
    assert events[0]["tags"]["process"] == "api"
    assert events[0]["tags"]["request_id"] == answer.json()["request_id"]
    assert events[0]["release"] == f"rubi-studio@{rubi.__version__}"
    everything = b"\n".join(collector.received).decode()
    assert [name for name, canary in CANARIES.items() if canary in everything] == []


async def test_what_is_only_logged_or_refused_is_no_report(collector, dsn, redis_url):
    settings = settings_for(dsn, redis_url, sentry_dsn=SecretStr(collector.dsn))
    configure_logging(settings, process="api", version=rubi.__version__)
    structlog.get_logger("of.a.test").error("it went wrong, and somebody took care of it")
    logging.getLogger("of.a.test").error("so did this")
    async with serving(settings) as app, client_of(app) as client:
        assert (await client.get("/api/v1/accounts")).status_code == 401
        assert (await client.post("/api/v1/auth/login", json={})).status_code == 422
    assert collector.events() == []
