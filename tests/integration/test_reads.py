import pytest
from tests.integration.wire import WireTerminal, new_terminal, position
from tests.serving import bearer, make_token, register

UNKNOWN = "6f1f5a54-0f0e-4c5e-9a0a-1d1d1d1d1d1d"


@pytest.fixture
async def told(client):
    """A terminal that told its account and two positions, and its user's headers."""
    terminal, person = await new_terminal(client)
    await terminal.connect()
    await terminal.market(
        account={
            "balance": 10050.0,
            "equity": 10070.0,
            "margin": 100.0,
            "margin_free": 9970.0,
            "margin_level": 10070.0,
            "profit": 20.0,
        },
        positions=[position(901, commission=-0.7), position(2**53 + 1, type="SELL", sl=0, tp=0)],
    )
    return terminal, person


async def test_sessions_are_listed_newest_first(client, told):
    terminal, person = told
    first = terminal.session_id
    await terminal.connect()
    said = (await client.get("/api/v1/mt5/sessions?active=false", headers=person)).json()
    assert said["total"] == 2
    assert [session["session_id"] for session in said["sessions"]] == [terminal.session_id, first]
    newest, old = said["sessions"]
    assert newest["account_number"] == "12345678"
    assert newest["broker"] == "IC Markets"
    assert newest["balance"] == 10000.0
    assert newest["currency"] == "USD"
    assert (newest["is_active"], newest["epoch"], old["is_active"]) == (True, 2, False)
    active = (await client.get("/api/v1/mt5/sessions", headers=person)).json()
    assert [session["session_id"] for session in active["sessions"]] == [terminal.session_id]


async def test_the_account_of_a_session_is_what_its_terminal_said_last(client, told):
    terminal, person = told
    said = (await client.get(f"/api/v1/mt5/account/{terminal.session_id}", headers=person)).json()
    assert {name: said[name] for name in ("balance", "equity", "margin", "margin_free", "margin_level", "profit")} == {
        "balance": 10050.0,
        "equity": 10070.0,
        "margin": 100.0,
        "margin_free": 9970.0,
        "margin_level": 10070.0,
        "profit": 20.0,
    }
    assert said["session_id"] == terminal.session_id
    assert said["updated_at"].endswith("Z")


async def test_positions_of_a_session_or_of_all_accounts(client, told):
    terminal, person = told
    said = (await client.get(f"/api/v1/trading/positions?session_id={terminal.session_id}", headers=person)).json()
    assert (said["session_id"], said["total"]) == (terminal.session_id, 2)
    first = next(each for each in said["positions"] if each["ticket"] == "901")
    assert first["type"] == "BUY"
    assert (first["volume"], first["open_price"], first["current_price"]) == (0.1, 1.1, 1.102)
    assert (first["sl"], first["tp"], first["profit"], first["swap"], first["commission"]) == (1.095, 1.11, 20, 0, -0.7)
    big = next(each for each in said["positions"] if each["ticket"] == str(2**53 + 1))
    assert (big["sl"], big["tp"]) == (None, None)
    everything = (await client.get("/api/v1/trading/positions", headers=person)).json()
    assert (everything["session_id"], everything["total"]) == (None, 2)


async def test_statistics_have_the_shape_of_the_specification(client, told):
    _, person = told
    said = (await client.get("/api/v1/stats", headers=person)).json()
    assert said == {
        "signals": {"total": 0, "executed": 0, "pending": 0, "rejected": 0},
        "sessions": {"active": 1, "total": 1},
        "positions": {"open": 2},
    }


async def test_what_is_anothers_is_not_there(client, told):
    terminal, _ = told
    stranger = bearer((await register(client))["access_token"])
    for path in (
        f"/api/v1/mt5/account/{terminal.session_id}",
        f"/api/v1/trading/positions?session_id={terminal.session_id}",
        f"/api/v1/mt5/account/{UNKNOWN}",
        f"/api/v1/trading/positions?session_id={UNKNOWN}",
    ):
        answer = await client.get(path, headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")
    assert (await client.get("/api/v1/mt5/sessions", headers=stranger)).json() == {"total": 0, "sessions": []}
    assert (await client.get("/api/v1/trading/positions", headers=stranger)).json()["total"] == 0
    assert (await client.get("/api/v1/stats", headers=stranger)).json()["positions"] == {"open": 0}


async def test_an_id_that_is_none_is_named(client, told):
    _, person = told
    for path in ("/api/v1/mt5/account/uuid", "/api/v1/trading/positions?session_id=uuid"):
        answer = await client.get(path, headers=person)
        assert (answer.status_code, answer.json()["context"]["field"]) == (422, "session_id")


async def test_a_token_of_one_account_sees_that_account_alone(client, told):
    terminal, person = told
    sessions = (await client.get("/api/v1/mt5/sessions", headers=person)).json()["sessions"]
    second = WireTerminal(client, terminal.headers["Authorization"].removeprefix("Bearer "), account_number="777")
    await second.connect()
    await second.market(positions=[position(5)])
    access = person["Authorization"].removeprefix("Bearer ")
    bound = await make_token(client, access, "read", account=sessions[0]["account_id"])
    headers = bearer(bound["token"])
    assert (await client.get("/api/v1/trading/positions", headers=person)).json()["total"] == 3
    assert (await client.get("/api/v1/trading/positions", headers=headers)).json()["total"] == 2
    assert (await client.get("/api/v1/stats", headers=headers)).json()["positions"] == {"open": 2}
    assert (await client.get(f"/api/v1/mt5/account/{second.session_id}", headers=headers)).status_code == 404


async def test_scopes_open_what_they_say(client, told):
    terminal, person = told
    access = person["Authorization"].removeprefix("Bearer ")
    signal = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.0}
    opened = {}
    for scope in ("ea", "read", "trade"):
        headers = bearer((await make_token(client, access, scope))["token"])
        opened[scope] = (
            (await client.get("/api/v1/stats", headers=headers)).status_code,
            (await client.post("/api/v1/trading/signals", headers=headers, json=signal)).status_code,
            (await client.post("/api/v1/mt5/connect", headers=headers, json=terminal.hello)).status_code,
        )
    assert opened == {"ea": (200, 201, 200), "read": (200, 403, 403), "trade": (200, 201, 403)}


class Theirs(dict):
    """What paths name, as another user's; what is not known here is the first of its kind."""

    def __missing__(self, name):
        return 1


async def test_every_operation_refuses_nobody_and_shows_a_stranger_nothing(client, told, conn):
    """The matrix is made from the OpenAPI document: a new operation is in it by itself."""
    terminal, person = told
    body = {"symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.0}
    made = await client.post("/api/v1/trading/signals", headers=person, json=body)
    wish = {"symbol": "EURUSD", "side": "BUY", "order_type": "MARKET", "volume": 0.01, "sl": 1.0}
    order = await client.post("/api/v1/trading/orders", headers=person, json=wish)
    access = person["Authorization"].removeprefix("Bearer ")
    token = await make_token(client, access)
    account_id = await conn.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)
    theirs = Theirs(
        session_id=terminal.session_id,
        signal_id=made.json()["id"],
        order_id=order.json()["id"],
        token_id=token["id"],
        account_id=str(account_id),
        ticket=901,
    )
    stranger = bearer((await register(client))["access_token"])
    paths = (await client.get("/openapi.json")).json()["paths"]
    tried = 0
    for path, operations in paths.items():
        for method, operation in operations.items():
            if path in OPEN_TO_ALL:
                continue
            address = path.format_map(theirs)
            nobody = await client.request(method, address, json={})
            assert nobody.status_code == 401, (method, path, nobody.text)
            if "{" not in path:
                continue
            said = {
                **theirs,
                "status": "EXECUTED",
                "timestamp": "2025-10-23T10:00:00Z",
                "reason": "a stranger's",
                "sl": 1.0,
            }
            sent = {} if method in ("get", "delete") else {"json": said}
            foreign = await client.request(method, address, headers=stranger, **sent)
            # A body that its form refuses is refused before anybody looks whose it is.
            refused = {404} if "requestBody" not in operation else {404, 422}
            if path.endswith("{symbol}"):
                assert foreign.json() in ([], {"total": 0, "signals": []}) or foreign.status_code == 404, (
                    path,
                    foreign.text,
                )
            else:
                assert foreign.status_code in refused, (method, path, foreign.text)
            tried += 1
    assert tried >= 15


OPEN_TO_ALL = {"/health", "/health/live", "/health/ready", "/metrics", "/api/v1/setup"} | {
    f"/api/v1/auth/{name}" for name in ("register", "login", "token", "refresh")
}
