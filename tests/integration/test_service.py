"""What every request meets, whatever its route."""

import asyncio
import json
import os
import subprocess
import sys
import time

import httpx
import pytest
from structlog.testing import capture_logs
from tests.serving import PASSWORD, SECRET, bearer, client_of, listening, register, serving, settings_for

from rubi import __version__
from rubi.settings import SOURCE_ROOT, SettingsError, load_settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
LOGIN = "/api/v1/auth/login"


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "context", "request_id"}
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return answer.json()


async def test_health_is_as_the_specification_asks(client):
    said = (await client.get("/health")).json()
    assert said["status"] == "healthy"
    assert said["version"] == __version__
    assert said["timestamp"].endswith("Z")
    assert said["checks"] == {"postgres": "ok", "redis": "ok"}


async def test_ready_tells_the_schema_the_edition_and_the_workers(client, conn):
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    version = await conn.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    checks = answer.json()["checks"]
    edition = checks.pop("timescaledb")
    assert checks == {"postgres": "ok", "migrations": "current", "redis": "ok", "workers": "0 alive"}
    licences = ["absent"] if version is None else [f"apache {version}", f"community {version}"]
    assert edition in licences
    await conn.execute("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "1 to apply: run ./rubi migrate")


async def test_without_postgres_the_service_lives_and_accepts_nothing(redis_url):
    async with serving(settings_for(NOWHERE, redis_url)) as app, client_of(app) as client:
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health")).json()["status"] == "unhealthy"
        answer = await client.post(LOGIN, json={"username": "somebody", "password": PASSWORD})
        problem(answer, 503, "STORE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
        metrics = await client.get("/metrics")
        assert metrics.status_code == 403


async def test_postgres_that_comes_later_is_found(dsn, redis_url, monkeypatch):
    from rubi.api import doors

    real, attempts = doors.open_pool, []

    async def late(*args, **kwargs):
        attempts.append(time.monotonic())
        if len(attempts) < 3:
            raise ConnectionRefusedError
        return await real(*args, **kwargs)

    monkeypatch.setattr(doors, "open_pool", late)
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app) as client:
        assert (await client.get("/health")).status_code == 503
        async with asyncio.timeout(10):
            while (await client.get("/health")).status_code != 200:
                await asyncio.sleep(0.1)
    assert len(attempts) == 3


async def test_without_redis_the_service_is_degraded_and_reads_go_on(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app) as client:
        token = (await register(client))["access_token"]
    async with serving(settings_for(dsn, "redis://127.0.0.1:1/0")) as app, client_of(app) as client:
        assert (await client.get("/health")).json()["status"] == "degraded"
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/api/v1/stats", headers=bearer(token))).status_code == 200


async def test_every_answer_has_an_id_and_careful_headers(client):
    answer = await client.get("/health", headers={"X-Request-ID": "from-the-client-17"})
    assert answer.headers["x-request-id"] == "from-the-client-17"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    for wrong in ("short", "a" * 200, "with space and \t tab"):
        assert (await client.get("/health", headers={"X-Request-ID": wrong})).headers["x-request-id"] != wrong


async def test_the_docs_page_may_load_what_it_needs_and_nothing_else(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("</", "")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    schemes = (await client.get("/openapi.json")).json()["components"]["securitySchemes"]
    assert schemes["OAuth2PasswordBearer"]["flows"]["password"]["tokenUrl"] == "/api/v1/auth/token"


async def test_every_reference_of_the_openapi_document_leads_somewhere(client):
    document = (await client.get("/openapi.json")).json()
    names = document["components"]["schemas"]
    text = json.dumps(document)
    found = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert found <= set(names)
    assert "x-terminal-schemas" not in text


async def test_unknown_paths_and_methods_are_problems(client):
    problem(await client.get("/api/v1/nothing"), 404, "NOT_FOUND")
    problem(await client.delete("/health"), 405, "METHOD_NOT_ALLOWED")
    problem(await client.request("BREW", "/health"), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer "}, "TOKEN_INVALID"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "TOKEN_INVALID"),
        ({"Authorization": "Bearer " + "x" * 5000}, "TOKEN_INVALID"),
        ({"Authorization": b"Bearer \xff\xfe"}, "TOKEN_INVALID"),
    ],
)
async def test_nobody_is_told_how_to_become_somebody(client, headers, code):
    answer = await client.get("/api/v1/stats", headers=headers)
    problem(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'{"username": "a", "username": "b", "password": "c"}', 400),
        (b'{"username": NaN, "password": "c"}', 422),
        (b'{"username": 1e999, "password": "c"}', 422),
        (b'{"username": "\\ud800", "password": "c"}', 400),
        (b'{"username": "a\\u0000b", "password": "c"}', 400),
        (b"[" * 5000 + b"]" * 5000, 400),
        (b"\xff\xff", 400),
        (b'{"username": ' + b"9" * 5000 + b', "password": "c"}', 422),
    ],
)
async def test_odd_bodies_are_refused_never_a_crash(client, body, status):
    answer = await client.post(LOGIN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/problem+json", None]
)
async def test_what_mql5_and_windows_add_to_a_body_is_taken_off(client, kind):
    login = await register(client)
    body = json.dumps({"username": login["user"]["username"], "password": PASSWORD}).encode()
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await client.post(LOGIN, content=b"\xef\xbb\xbf" + body + b"\0\0", headers=headers)
    assert answer.status_code == 200, answer.text


async def test_bodies_have_a_limit_whether_announced_or_not(client):
    problem(await client.post(LOGIN, content=b"x" * (256 * 1024 + 1)), 413, "BODY_TOO_LARGE")

    async def parts():
        for _ in range(300):
            yield b"x" * 1024

    problem(await client.post(LOGIN, content=parts()), 413, "BODY_TOO_LARGE")
    problem(await client.post("/api/v1/hooks/1/secret", content=b"x" * (16 * 1024 + 1)), 413, "BODY_TOO_LARGE")


async def test_encoded_bodies_are_refused(client):
    answer = await client.post(LOGIN, content=b"x", headers={"Content-Encoding": "gzip"})
    problem(answer, 415, "BODY_ENCODED")


async def test_a_body_that_never_arrives_is_given_up(dsn, redis_url, monkeypatch):
    monkeypatch.setattr("rubi.api.middleware.SLOWEST_BODY", 0.3)
    async with listening(settings_for(dsn, redis_url)) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        async with asyncio.timeout(5):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_nul_in_an_address_is_refused(client):
    token = (await register(client))["access_token"]
    answer = await client.get("/api/v1/trading/signals?symbol=%00", headers=bearer(token))
    problem(answer, 400, "TEXT_HAS_NUL")
    problem(await client.get("/api/v1/mt5/account/%00", headers=bearer(token)), 400, "TEXT_HAS_NUL")


async def test_a_fault_is_logged_with_its_id_and_told_without_insides(app):
    @app.get("/fault")
    async def fault():
        raise ZeroDivisionError("the canary 17")

    with capture_logs() as logs:
        async with client_of(app) as client:
            answer = await client.get("/fault")
    said = problem(answer, 500, "INTERNAL_ERROR")
    crashed = next(line for line in logs if line["event"] == "http.crashed")
    assert (crashed["log_level"], type(crashed["exc_info"])) == ("error", ZeroDivisionError)
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    assert said["request_id"]


async def test_origins_are_named_exactly(dsn, redis_url):
    settings = settings_for(dsn, redis_url, cors_origins=("https://app.example.com",))
    async with serving(settings) as app, client_of(app) as client:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        allowed = await client.options(LOGIN, headers={**asked, "Origin": "https://app.example.com"})
        assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
        for origin in (
            "https://evil.example",
            "https://app.example.com.evil.example",
            "http://app.example.com",
            "null",
        ):
            refused = await client.options(LOGIN, headers={**asked, "Origin": origin})
            assert "access-control-allow-origin" not in refused.headers


async def test_metrics_are_for_this_machine_until_a_token_is_set(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app:
        async with client_of(app, address="127.0.0.1") as local:
            answer = await local.get("/metrics")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/plain")
            forwarded = await local.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
            problem(forwarded, 403, "METRICS_LOCAL_ONLY")
        async with client_of(app, address="203.0.113.9") as remote:
            problem(await remote.get("/metrics"), 403, "METRICS_LOCAL_ONLY")
    settings = settings_for(dsn, redis_url, metrics_token="t0ken-of-the-scraper")
    async with serving(settings) as app, client_of(app, address="203.0.113.9") as remote:
        problem(await remote.get("/metrics", headers=bearer("wrong")), 401, "METRICS_TOKEN_WRONG")
        assert (await remote.get("/metrics", headers=bearer("t0ken-of-the-scraper"))).status_code == 200


async def test_requests_are_counted_by_template_and_business_comes_from_the_database(app):
    async with client_of(app, address="127.0.0.1") as client:
        token = (await register(client))["access_token"]
        await client.get("/api/v1/mt5/account/6f1f5a54-0f0e-4c5e-9a0a-1d1d1d1d1d1d", headers=bearer(token))
        await client.get("/nowhere/17")
        text = (await client.get("/metrics")).text
    assert 'rubi_http_requests_total{method="GET",route="/api/v1/mt5/account/{session_id}",status="4xx"}' in text
    assert 'route="unmatched"' in text
    assert "6f1f5a54" not in text
    assert 'rubi_orders{state="UNKNOWN"} 0.0' in text
    assert "rubi_database_up 1.0" in text
    assert f'rubi_build_info{{version="{__version__}"}} 1.0' in text
    assert 'rubi_order_seconds_count{stage="total"} ' in text


async def test_the_metrics_port_serves_the_same(dsn, redis_url):
    from rubi.embedded import loopback

    port = loopback.free_port()
    async with serving(settings_for(dsn, redis_url, prometheus_port=port)), httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    assert "rubi_http_requests_total" in text
    assert "rubi_database_up 1.0" in text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("JWT_SECRET", "", "JWT_SECRET is not set"),
        ("JWT_SECRET", "your-jwt-secret-change-in-production-please", "JWT_SECRET is a known default"),
        ("JWT_SECRET", "s h o r t", "JWT_SECRET has 9 characters"),
        (
            "JWT_SECRET_PREVIOUS",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "JWT_SECRET_PREVIOUS is a known default or too",
        ),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("CORS_ORIGINS", '["*"]', "CORS_ORIGINS"),
        ("JWT_ALGORITHM", "none", "JWT_ALGORITHM"),
    ],
)
def test_settings_that_cannot_be_used_are_named_and_never_shown(monkeypatch, name, value, words):
    for key, usable in {"DATABASE_URL": NOWHERE, "JWT_SECRET": SECRET, name: value}.items():
        monkeypatch.setenv(key, usable)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert words in str(refused.value)
    assert "SECRET" not in name or not value or value not in str(refused.value)


def test_the_start_is_refused_in_one_line(tmp_path):
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": NOWHERE, "LOG_FILE": str(tmp_path / "log")}
    done = subprocess.run(
        [sys.executable, "-c", "import main"],
        cwd=SOURCE_ROOT,
        env={**environment, "JWT_SECRET": "too short"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("rubi: JWT_SECRET has 9 characters")
    assert len(done.stderr.splitlines()) == 1
