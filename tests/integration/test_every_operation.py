"""What holds for every operation, whoever adds one: the list is the OpenAPI document itself."""

import os
import re
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tests.integration.rest import Trader, new_trader, working
from tests.integration.wire import position
from tests.serving import PASSWORD, SECRET, bearer, client_of, make_token, register, serving, settings_for

from rubi.api.app import create_app

PERSON, TRADE, EA, READ = "person", "trade", "ea", "read"
OPEN = {
    ("post", "/api/v1/auth/register"), ("post", "/api/v1/auth/login"), ("post", "/api/v1/auth/token"),
    ("post", "/api/v1/auth/refresh"), ("get", "/api/v1/setup"), ("post", "/api/v1/setup"),
    ("get", "/health"), ("get", "/health/live"), ("get", "/health/ready"), ("get", "/metrics"),
}  # fmt: skip
TERMINALS = {
    "/api/v1/mt5/connect", "/api/v1/mt5/sync", "/api/v1/mt5/ping", "/api/v1/mt5/account/update",
    "/api/v1/trading/positions/update", "/api/v1/mt5/disconnect", "/api/v1/trading/signals/pending",
    "/api/v1/trading/signals/{signal_id}/status",
}  # fmt: skip
SENDERS = {"/api/v1/trading/signals", "/api/signals/execute"}
PEOPLE = {
    "/api/v1/auth/logout", "/api/v1/auth/password", "/api/v1/auth/tokens", "/api/v1/auth/tokens/{token_id}",
}  # fmt: skip
DECISIONS = {
    "/api/v1/risk/policy", "/api/v1/risk/policy/profile", "/api/v1/risk/unlock",
    "/api/v1/trading/orders/{order_id}/resolve",
}  # fmt: skip
QUESTIONS = {"/api/v1/risk/preview"}


def allowed(method: str, path: str) -> set[str]:
    """Whose tokens an operation takes. What only looks is for all, what changes something for traders."""
    if path in PEOPLE or (path in DECISIONS and method != "get"):
        return {PERSON}
    if path in TERMINALS:
        return {PERSON, EA}
    if method == "get" or path in QUESTIONS:
        return {PERSON, TRADE, EA, READ}
    if path in SENDERS:
        return {PERSON, TRADE, EA}
    return {PERSON, TRADE}


def document() -> dict[str, Any]:
    return create_app(settings_for("postgresql://x", "redis://127.0.0.1:1")).openapi()


DOCUMENT = document()
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
CLOSED = [each for each in OPERATIONS if each not in OPEN]


def filled(path: str, **ids: object) -> str:
    """The path with something in the place of its parameters."""
    known = {"session_id": uuid4(), "account_id": uuid4(), "switch": "halt", "name": "x", "symbol": "EURUSD", **ids}
    return re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], 1)), path)


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    name = f"rubi_test_operations_{os.getpid()}"
    dsn = await cluster.create(name, template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop(name)


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture(scope="module")
async def tokens(guest):
    access = (await register(guest))["access_token"]
    made = {scope: (await make_token(guest, access, scope))["token"] for scope in (TRADE, EA, READ)}
    return {PERSON: access, **made}


@pytest.fixture(scope="module")
async def trader(app, guest) -> Trader:
    """Somebody with two accounts that hold something; the second one is what a bound token must not see."""
    trader = await new_trader(guest, app.state.doors.ports())
    await trader.market(positions=[position(901, comment="mine")], orders=[working(5001)])
    return trader


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=str)
async def test_an_operation_takes_the_tokens_it_is_for_and_no_others(guest, tokens, method, path):
    logged_out = await guest.request(method, filled(path), json={})
    assert (logged_out.status_code, logged_out.headers["www-authenticate"]) == (401, "Bearer")
    for scope in (READ, EA, TRADE, PERSON):
        if (method, path, scope) == ("post", "/api/v1/auth/logout", PERSON):
            continue  # it works, as another test shows, and would end the login of this one
        answer = await guest.request(method, filled(path), json={}, headers=bearer(tokens[scope]))
        refused = answer.status_code in (401, 403)
        assert refused is (scope not in allowed(method, path)), f"{scope}: {answer.status_code} {answer.text}"
        if refused:
            assert answer.json()["code"] in {"SCOPE_INSUFFICIENT", "LOGIN_NEEDED"}


def test_an_operation_that_asks_for_a_token_says_so():
    secured = {
        (m, p) for p, methods in DOCUMENT["paths"].items() for m, said in methods.items() if said.get("security")
    }
    assert secured == set(CLOSED)


async def test_a_token_of_one_account_sees_nothing_of_another(app, guest, trader):
    other = Trader(guest, trader.ports, {"id": trader.user_id, "username": trader.username,
                   "access_token": trader.access}, trader.token, trader.ea)  # fmt: skip
    await other.connect(account_number="424242", broker="Another Broker", server="Another-Server")
    await other.market(positions=[position(77901, comment="hidden")], orders=[working(77902)])
    await trader.post("/trading/signals", {"symbol": "GBPUSD", "signal_type": "BUY", "stop_loss": 1.0,
                      "volume": 0.1, "comment": "hidden", "account": other.account_id})  # fmt: skip
    order = (await trader.post("/trading/orders", {"symbol": "GBPUSD", "side": "BUY", "volume": 0.01, "sl": 1.0,
                               "account": other.account_id})).json()  # fmt: skip
    signal = await trader.value("SELECT max(id) FROM trading_signals")
    hidden = (other.account_id, other.terminal.session_id, "424242", "Another", "77901", "77902", "hidden")
    bound = (await make_token(guest, trader.access, "read", account=trader.account_id))["token"]
    ids = {"account_id": other.account_id, "session_id": other.terminal.session_id, "signal_id": signal,
           "order_id": order["id"], "ticket": 77901}  # fmt: skip
    seen = 0
    for method, path in CLOSED:
        if method != "get":
            continue
        query = {"session_id": other.terminal.session_id, "symbol": "GBPUSD"}
        for more in ({}, query):
            whole = await guest.get(filled(path, **ids), params=more, headers=bearer(trader.access))
            answer = await guest.get(filled(path, **ids), params=more, headers=bearer(bound))
            seen += any(word in whole.text for word in hidden) and whole.is_success
            asked = answer.text if answer.is_success else ""
            assert not [word for word in hidden if word in asked], f"{path} {more}: {answer.text}"
    assert seen >= 15, "what the person sees of it is what makes the silence above mean something"


@pytest.mark.parametrize("scope", ["ea", "trade"])
async def test_a_token_of_one_account_changes_nothing_of_another(guest, trader, scope):
    other = Trader(guest, trader.ports, {"id": trader.user_id, "username": trader.username,
                   "access_token": trader.access}, trader.token, trader.ea)  # fmt: skip
    await other.connect(account_number=f"5151{scope}", server="Another-Server")
    bound = (await make_token(guest, trader.access, scope, account=trader.account_id))["token"]
    ids = {"account_id": other.account_id, "session_id": other.terminal.session_id}
    money = {"session_id": other.terminal.session_id, "balance": 1, "equity": 1, "margin": 0, "margin_free": 1,
             "margin_level": 0, "profit": 0, "positions": [], "epoch": 1, "seq": 99, "reason": "x"}  # fmt: skip
    for method, path in CLOSED:
        if method == "get" or not ("session" in path or "account" in path or path in TERMINALS):
            continue
        if scope in allowed(method, path) and path != "/api/v1/accounts/{switch}":
            body = {**other.terminal.hello, "account": other.account_id, **money}
            answer = await guest.request(method, filled(path, **ids), json=body, headers=bearer(bound))
            assert not answer.is_success, f"{method} {path}: {answer.text}"
    assert (
        await trader.value("SELECT balance FROM account_states WHERE account_id = $1::text::uuid", other.account_id)
        != 1
    )
    state = await trader.value("SELECT trading_state FROM accounts WHERE id = $1::text::uuid", other.account_id)
    assert state == "ACTIVE"


STRANGE = {"id": 1, "user_id": 1, "role": "admin", "is_admin": True, "state": "FILLED", "created_at": "2020-01-01"}
LENIENT = {"SignalIn", "TerminalConnect", "TerminalSync", "TerminalPing", "TerminalAccountUpdate",
           "TerminalPositionsUpdate", "TerminalDisconnect", "TerminalSignalReport"}  # fmt: skip


def bodies(schema: dict[str, Any]) -> list[str]:
    return re.findall(r"#/components/schemas/(\w+)", str(schema))


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[0] != "get"])
async def test_what_a_body_does_not_know_is_refused_or_has_no_effect(guest, tokens, method, path):
    content = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {})
    if "application/json" not in content or set(bodies(content)) & LENIENT:
        return
    answer = await guest.request(method, filled(path), json=STRANGE, headers=bearer(tokens[PERSON]))
    assert answer.status_code == 422, answer.text
    errors = answer.json()["context"]["errors"]
    assert {"user_id", "role", "is_admin"} <= {each["field"].split(".")[-1] for each in errors}, errors


async def test_unknown_fields_of_signals_and_terminals_have_no_effect(guest, trader):
    body = {"symbol": "GBPUSD", "signal_type": "BUY", "stop_loss": 1.0, "volume": 0.1, **STRANGE, "status": "EXECUTED",
            "account": trader.account_id, "order_id": 1, "code": "X", "decided_at": "2020-01-01T00:00:00Z"}  # fmt: skip
    signal = (await trader.post("/trading/signals", body)).json()["signal"]
    assert (signal["user_id"], signal["status"], signal["code"]) == (trader.user_id, "PENDING", None)
    terminal = trader.new_terminal(account_number="616161", user_id=1, epoch=77, trading_state="HALTED", id=1)
    said = await terminal.connect()
    assert (said["epoch"], said["trading_state"]) == (1, "ACTIVE")
    owner = await trader.value("SELECT user_id FROM accounts WHERE id = $1::text::uuid", said["account_id"])
    assert owner == trader.user_id


SECRETS = re.compile(r"password|secret|hash|jti|family|private|credential", re.IGNORECASE)


def test_no_answer_has_a_field_for_a_secret():
    schemas = DOCUMENT["components"]["schemas"]

    def fields(schema: Any, seen: set[str]) -> set[str]:
        found: set[str] = set()
        if isinstance(schema, dict):
            found |= set(schema.get("properties", {}))
            name = str(schema.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                found |= fields(schemas[name], seen | {name})
            for part in schema.values():
                found |= fields(part, seen)
        elif isinstance(schema, list):
            for part in schema:
                found |= fields(part, seen)
        return found

    # What a terminal says of its symbols, and the links of the audit log's chain.
    public = {"symbols_hash", "hash"}
    for method, path in OPERATIONS:
        for status, said in DOCUMENT["paths"][path][method]["responses"].items():
            names = {name for name in fields(said.get("content", {}), set()) if SECRETS.search(name)}
            assert not names - public, f"{method} {path} {status}: {names}"


async def test_what_is_secret_stands_in_no_answer_no_metric_and_no_row(app, guest, trader):
    canary = "Canary-7b1f-Password"
    person = (await guest.post("/api/v1/auth/register", json={"email": "canary@example.com", "username": "canary",
                               "password": canary})).json()  # fmt: skip
    token = (await make_token(guest, person["access_token"], "trade"))["token"]
    await guest.post("/api/v1/auth/login", json={"username": "canary", "password": canary + "?"})
    await guest.post("/api/v1/auth/login", json={"username": canary, "password": canary, "more": canary})
    await guest.get("/api/v1/auth/me", headers=bearer(token))
    answers = [
        (await guest.request(method, filled(path), headers=bearer(who), json=body)).text
        for method, path in CLOSED
        if path not in PEOPLE
        for who, body in ((token, None), (person["access_token"], {"password": canary, "token": token}))
    ]
    async with client_of(app, address="127.0.0.1") as local:
        answers.append((await local.get("/metrics")).text)
    dsn = app.state.doors.settings.database_url.get_secret_value()
    conn = await asyncpg.connect(dsn)
    tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [str(row[0]) for each in tables for row in await conn.fetch(f'SELECT t::text FROM "{each["tablename"]}" t')]
    hashes = [row[0] for row in await conn.fetch("SELECT password_hash FROM users")]
    await conn.close()
    assert any("canary@example.com" in row for row in rows)
    secrets = {
        "password": canary, "another's password": PASSWORD, "key": SECRET, "refresh token": person["refresh_token"],
        "access token": person["access_token"], "token": token, "database": dsn,
    }  # fmt: skip
    for name, secret in secrets.items():
        assert not any(secret in text for text in answers), f"{name} in an answer"
        assert not any(secret in row for row in rows), f"{name} in a row"
    assert not any(each in text for each in hashes for text in answers)
