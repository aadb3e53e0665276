"""The demo's user, enrolled over the public API as any user would be."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from rubi.cli.errors import CommandError


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user made for one run, so that its figures are those of this run alone."""

    user_id: int
    username: str
    password: str
    ea_token: str


def enrol(url: str) -> Visitor:
    """Register a user, log in, make an EA token; raises CommandError with the service's answer."""
    username = f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    password = secrets.token_urlsafe(12)
    with httpx.Client(base_url=f"{url}/api/v1/auth", timeout=20, trust_env=False) as client:
        _post(client, "/register", {"email": f"{username}@example.com", "username": username, "password": password})
        login = _post(client, "/login", {"username": username, "password": password})
        client.headers["Authorization"] = f"Bearer {login['access_token']}"
        me = client.get("/me").raise_for_status().json()
        token = _post(client, "/tokens", {"name": "demo terminal", "scope": "ea"})
    return Visitor(int(me["id"]), username, password, token["token"])


def _post(client: httpx.Client, path: str, body: dict[str, str]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    if answer.is_error:
        raise CommandError(f"the service refused {answer.url.path}: {answer.status_code} {answer.text[:300]}")
    parsed: dict[str, Any] = answer.json()
    return parsed
