"""The specification's requests for health, metrics, accounts of people and the WebSocket, at the running service."""

import asyncio
import json
import re
from datetime import datetime
from uuid import uuid4

import pytest
import websockets

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def test_health_and_metrics(api):
    health = await api.get("/health")
    assert health.status_code == 200
    said = health.json()
    assert said["status"] == "healthy"
    assert ISO.fullmatch(said["timestamp"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["version"])
    assert (await api.get("/health/live")).status_code == 200
    ready = (await api.get("/health/ready")).json()
    assert ready["checks"]["migrations"] == "current"
    assert ready["checks"]["workers"] != "0 alive"
    metrics = await api.get("/metrics")
    assert metrics.status_code == 200
    assert "rubi_http_requests_total" in metrics.text
    assert "server" not in health.headers


async def test_register_and_log_in(api):
    name = f"trader-{uuid4().hex[:8]}"
    password = "SecurePassword123!"
    registered = await api.post(
        "/api/v1/auth/register", json={"email": f"{name}@example.com", "username": name, "password": password}
    )
    assert registered.status_code == 201
    login = await api.post("/api/v1/auth/login", json={"username": name, "password": password})
    assert login.status_code == 200
    said = login.json()
    assert said["token_type"] == "bearer"
    headers = {"Authorization": f"Bearer {said['access_token']}"}
    assert (await api.get("/api/v1/auth/me", headers=headers)).json()["username"] == name
    wrong = await api.post("/api/v1/auth/login", json={"username": name, "password": "wrong password"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "LOGIN_FAILED")


async def test_statistics_and_lists_of_somebody_new_are_empty_and_whole(new_user):
    person = await new_user()
    assert (await person.client.get("/api/v1/stats")).json() == {
        "signals": {"total": 0, "executed": 0, "pending": 0, "rejected": 0},
        "sessions": {"active": 0, "total": 0},
        "positions": {"open": 0},
    }
    assert (await person.client.get("/api/v1/mt5/sessions")).json() == {"total": 0, "sessions": []}
    positions = (await person.client.get("/api/v1/trading/positions")).json()
    assert positions == {"session_id": None, "total": 0, "positions": []}


async def test_the_websocket_answers_a_ping(base_url):
    address = base_url.replace("http", "ws") + "/ws/trading/live/session_id"
    async with websockets.connect(address) as ws:
        await ws.send(json.dumps({"type": "ping"}))
        async with asyncio.timeout(5):
            pong = json.loads(await ws.recv())
    assert pong["type"] == "pong"
    assert datetime.fromisoformat(pong["timestamp"]).tzinfo is not None


@pytest.mark.parametrize("path", ["/api/v1/stats", "/api/v1/mt5/sessions", "/api/v1/trading/signals"])
async def test_nobody_gets_a_problem_and_no_data(api, path):
    answer = await api.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "TOKEN_MISSING"
