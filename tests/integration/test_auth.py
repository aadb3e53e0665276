import asyncio
import time

import pytest
from tests.serving import PASSWORD, bearer, client_of, make_token, register, serving, settings_for

from rubi.api import doors
from rubi.flows import authenticate
from rubi.flows.audit import verify_chain
from rubi.store.pool import open_pool

LOGIN = "/api/v1/auth/login"


async def test_the_requests_of_the_specification_register_and_log_in(client):
    registered = await client.post(
        "/api/v1/auth/register",
        json={"email": "trader@example.com", "username": "trader1", "password": "SecurePassword123!"},
    )
    assert registered.status_code == 201
    assert registered.json()["username"] == "trader1"
    answer = await client.post(LOGIN, json={"username": "trader1", "password": "SecurePassword123!"})
    assert answer.status_code == 200
    said = answer.json()
    assert said["token_type"] == "bearer"
    assert said["expires_in"] == 3600
    assert said["user"]["email"] == "trader@example.com"
    me = await client.get("/api/v1/auth/me", headers=bearer(said["access_token"]))
    assert me.json()["username"] == "trader1"


async def test_the_form_of_the_docs_page_logs_in_too(client):
    await register(client, "former")
    answer = await client.post("/api/v1/auth/token", data={"username": "former", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"


async def test_a_name_or_an_address_is_taken_whatever_its_case(client):
    await register(client, "Alice")
    again = {"email": "other@example.com", "username": "aLICE", "password": PASSWORD}
    assert (await client.post("/api/v1/auth/register", json=again)).status_code == 409
    again = {"email": "ALICE@example.com", "username": "alice2", "password": PASSWORD}
    answer = await client.post("/api/v1/auth/register", json=again)
    assert (answer.status_code, answer.json()["code"]) == (409, "USER_EXISTS")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("password", "short1!", "PASSWORD_LENGTH"),
        ("password", "x1" * 65, "PASSWORD_LENGTH"),
        ("password", "Password123", "PASSWORD_COMMON"),
        ("password", "newcomer9", "PASSWORD_IS_NAME"),
        ("username", "a", "USERNAME_INVALID"),
        ("username", "a b c", "USERNAME_INVALID"),
        ("username", "<img onerror>", "USERNAME_INVALID"),
        ("email", "nobody", "EMAIL_INVALID"),
        ("role", "admin", "FIELD_INVALID"),
        ("password", None, "FIELD_INVALID"),
        ("username", {"$ne": 1}, "FIELD_INVALID"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_field_and_never_repeated(client, field, value, code):
    body = {"email": "newcomer@example.com", "username": "newcomer9", "password": PASSWORD, field: value}
    answer = await client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["context"]["field"] == field
    assert PASSWORD not in answer.text
    assert str(value) not in answer.text or value is None or field != "password"


async def test_a_password_of_128_characters_counts_to_its_last(client):
    password = "ab1" * 42 + "XY"
    body = {"email": "long@example.com", "username": "longword", "password": password}
    assert (await client.post("/api/v1/auth/register", json=body)).status_code == 201
    wrong = await client.post(LOGIN, json={"username": "longword", "password": password[:-1] + "Z"})
    assert wrong.status_code == 401
    longer = await client.post(LOGIN, json={"username": "longword", "password": password + "Z"})
    assert longer.status_code == 401
    assert (await client.post(LOGIN, json={"username": "longword", "password": password})).status_code == 200


async def test_passwords_are_kept_as_argon2id(client, conn):
    await register(client)
    assert (await conn.fetchval("SELECT password_hash FROM users")).startswith("$argon2id$v=19$")


async def test_registration_can_be_closed(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url, registration="closed")) as app, client_of(app) as client:
        body = {"email": "a@example.com", "username": "abc", "password": PASSWORD}
        answer = await client.post("/api/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "REGISTRATION_CLOSED")


async def test_an_unknown_person_is_answered_as_a_known_one_in_the_same_time(app, client):
    await register(client, "known")
    await client.post(LOGIN, json={"username": "warm-up", "password": "wrong password"})
    times = {"known": [], "unknown": []}
    answers = {}
    for turn in range(4):
        for name, seconds in times.items():
            async with client_of(app, address=f"198.51.100.{turn}") as other:
                began = time.perf_counter()
                answer = await other.post(LOGIN, json={"username": name, "password": "wrong password"})
                seconds.append(time.perf_counter() - began)
            assert answer.status_code == 401
            answers[name] = {key: value for key, value in answer.json().items() if key != "request_id"}
    assert answers["known"] == answers["unknown"]
    # The hash is most of the time; without it an unknown name would be answered ten times faster.
    assert min(times["unknown"]) > 0.5 * min(times["known"])


async def test_five_failures_lock_a_name_and_the_right_password_does_not_open_it(app, client):
    await register(client, "guessed")
    names = ("guessed", "guessed@example.com", "Guessed", "GUESSED@example.com", "guessed")
    for turn, name in enumerate(names):
        async with client_of(app, address=f"198.51.100.{turn}") as other:
            assert (await other.post(LOGIN, json={"username": name, "password": f"wrong {turn}"})).status_code == 401
    answer = await client.post(LOGIN, json={"username": "GUESSED", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 180
    await register(client, "unharmed")
    assert (await client.post(LOGIN, json={"username": "unharmed", "password": PASSWORD})).status_code == 200


async def test_an_address_fails_twenty_times_a_minute_and_forwarded_headers_do_not_help(app):
    async with client_of(app, address="192.0.2.66") as client:
        for turn in range(60):  # one more is allowed every 3 s: a slow machine gets a few beyond twenty
            answer = await client.post(
                LOGIN,
                json={"username": f"nobody{turn}", "password": "wrong password"},
                headers={"X-Forwarded-For": f"10.0.0.{turn}", "Forwarded": f"for=10.0.0.{turn}"},
            )
            if answer.status_code == 429:
                break
            assert answer.status_code == 401
    assert answer.status_code == 429
    assert turn >= 20


async def test_logins_that_succeed_do_not_count(client):
    await register(client, "busy")
    for _ in range(8):
        assert (await client.post(LOGIN, json={"username": "busy", "password": PASSWORD})).status_code == 200


async def test_logins_are_closed_while_redis_is_away(dsn):
    async with serving(settings_for(dsn, "redis://127.0.0.1:1/0")) as app, client_of(app) as client:
        answer = await client.post(LOGIN, json={"username": "anybody", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (503, "RATE_LIMIT_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_refresh_token_is_exchanged_once_and_its_return_ends_the_login(client):
    first = await register(client)
    second = (await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/api/v1/auth/me", headers=bearer(second["access_token"]))).status_code == 200
    again = await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "REFRESH_REUSED")
    ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert (ended.status_code, ended.json()["code"]) == (401, "TOKEN_REVOKED")
    await eventually_refused(client, second["access_token"])


async def test_of_parallel_refreshes_one_wins_and_its_login_lives(client):
    first = await register(client)
    answers = await asyncio.gather(
        *(client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": won["refresh_token"]})).status_code == 200


async def test_kinds_of_tokens_are_not_mixed_up(client):
    login = await register(client)
    answer = await client.get("/api/v1/auth/me", headers=bearer(login["refresh_token"]))
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": login["access_token"]})
    assert answer.status_code == 401


async def test_logging_out_ends_both_tokens(client):
    login = await register(client)
    assert (await client.post("/api/v1/auth/logout", headers=bearer(login["access_token"]))).status_code == 204
    await eventually_refused(client, login["access_token"])
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": login["refresh_token"]})
    assert refreshed.status_code == 401


async def test_another_password_ends_the_other_logins_and_keeps_this_one(client):
    login = await register(client, "mover")
    other = (await client.post(LOGIN, json={"username": "mover", "password": PASSWORD})).json()
    body = {"current_password": "not it at all", "new_password": "An0ther-password"}
    assert (
        await client.post("/api/v1/auth/password", headers=bearer(login["access_token"]), json=body)
    ).status_code == 401
    body["current_password"] = PASSWORD
    changed = await client.post("/api/v1/auth/password", headers=bearer(login["access_token"]), json=body)
    assert changed.status_code == 204
    await eventually_refused(client, other["access_token"])
    assert (await client.get("/api/v1/auth/me", headers=bearer(login["access_token"]))).status_code == 200
    assert (await client.post(LOGIN, json={"username": "mover", "password": PASSWORD})).status_code == 401
    assert (await client.post(LOGIN, json={"username": "mover", "password": "An0ther-password"})).status_code == 200


async def test_a_token_is_shown_once_listed_used_and_revoked(client, conn):
    login = await register(client)
    made = await make_token(client, login["access_token"], "read")
    assert (await client.get("/api/v1/auth/me", headers=bearer(made["token"]))).json()["scope"] == "read"
    listed = (await client.get("/api/v1/auth/tokens", headers=bearer(login["access_token"]))).json()
    assert [token["id"] for token in listed["tokens"]] == [made["id"]]
    assert listed["tokens"][0]["last_used_at"] is not None
    assert "token" not in listed["tokens"][0]
    assert made["token"] not in str(await conn.fetch("SELECT * FROM tokens"))
    gone = await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(login["access_token"]))
    assert gone.status_code == 204
    await eventually_refused(client, made["token"])
    again = await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(login["access_token"]))
    assert again.status_code == 404


async def test_a_revoked_token_ends_within_five_seconds_in_a_process_that_hears_nothing(dsn, redis_url):
    async with (
        serving(settings_for(dsn, redis_url)) as one,
        serving(settings_for(dsn, "redis://127.0.0.1:1/0")) as deaf,
        client_of(one) as client,
        client_of(deaf) as other,
    ):
        login = await register(client)
        made = await make_token(client, login["access_token"])
        assert (await other.get("/api/v1/auth/me", headers=bearer(made["token"]))).status_code == 200
        await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(login["access_token"]))
        began = time.monotonic()
        await eventually_refused(other, made["token"])
        assert time.monotonic() - began < 5


async def test_tokens_in_use_are_looked_at_in_parts_and_each_of_them(dsn, redis_url, conn, monkeypatch):
    monkeypatch.setattr(authenticate, "_MOST_AT_ONCE", 2)
    monkeypatch.setattr(doors, "_TOKENS", 3600.0)  # nobody else looks
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app) as client:
        doorkeeper = app.state.doors.doorkeeper
        login = await register(client)
        made = [await make_token(client, login["access_token"]) for _ in range(5)]
        for each in made:
            assert (await client.get("/api/v1/auth/me", headers=bearer(each["token"]))).status_code == 200
        headers = [f"Bearer {each['token']}".encode() for each in made]
        assert None not in [doorkeeper.remembered(header) for header in headers]
        await conn.execute("UPDATE tokens SET revoked_at = now() WHERE id = $1", made[3]["id"])
        await conn.execute("UPDATE tokens SET last_used_at = NULL WHERE kind = 'api'")
        began = time.monotonic()
        await doorkeeper.look_again(conn, spread=0.3)
        assert time.monotonic() - began > 0.19, "three parts, with a pause of a third before each but the first"
        assert [doorkeeper.remembered(header) is None for header in headers] == [n == 3 for n in range(5)]
        assert await conn.fetchval("SELECT count(*) FROM tokens WHERE kind = 'api' AND last_used_at IS NULL") == 0


async def test_programs_cannot_make_or_see_tokens_nor_change_the_password(client):
    login = await register(client)
    for scope in ("ea", "read", "trade"):
        made = (await make_token(client, login["access_token"], scope))["token"]
        body = {"name": "more", "scope": "trade"}
        assert (await client.post("/api/v1/auth/tokens", headers=bearer(made), json=body)).status_code == 403
        assert (await client.get("/api/v1/auth/tokens", headers=bearer(made))).status_code == 403
        assert (await client.post("/api/v1/auth/logout", headers=bearer(made))).status_code == 403


async def test_anothers_token_is_not_there(client):
    mine, theirs = await register(client), await register(client)
    made = await make_token(client, theirs["access_token"])
    answer = await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(mine["access_token"]))
    assert (answer.status_code, answer.json()["code"]) == (404, "TOKEN_NOT_FOUND")
    account = "6f1f5a54-0f0e-4c5e-9a0a-1d1d1d1d1d1d"
    body = {"name": "bound", "scope": "ea", "account": account}
    answer = await client.post("/api/v1/auth/tokens", headers=bearer(mine["access_token"]), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")


@pytest.mark.parametrize("lifetime", [0, -1, 59, 10**10, 1e30, "soon"])
async def test_a_token_cannot_live_for_ever(client, lifetime):
    login = await register(client)
    body = {"name": "eternal", "scope": "ea", "expires_in": lifetime}
    answer = await client.post("/api/v1/auth/tokens", headers=bearer(login["access_token"]), json=body)
    assert answer.status_code == 422


async def test_a_disabled_person_is_out_at_once(client, conn):
    login = await register(client, "leaver")
    made = await make_token(client, login["access_token"])
    await conn.execute("UPDATE users SET disabled_at = now()")
    await eventually_refused(client, login["access_token"])
    await eventually_refused(client, made["token"])
    answer = await client.post(LOGIN, json={"username": "leaver", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "LOGIN_FAILED")


async def test_what_was_done_is_kept_in_a_chain_that_shows_changes(client, conn, dsn):
    login = await register(client)
    made = await make_token(client, login["access_token"])
    await client.delete(f"/api/v1/auth/tokens/{made['id']}", headers=bearer(login["access_token"]))
    await asyncio.gather(*(make_token(client, login["access_token"]) for _ in range(5)))
    user_id = login["user"]["id"]
    pool = await open_pool(dsn, size=2, application="test")
    try:
        async with pool.acquire() as link:
            assert await verify_chain(link, user_id) is None
            rows = await link.fetch("SELECT id, action FROM audit_log ORDER BY id")
            assert [row["action"] for row in rows[:3]] == ["user.register", "token.issue", "token.revoke"]
            await conn.execute('UPDATE audit_log SET payload = \'{"name": "else"}\' WHERE id = $1', rows[2]["id"])
            assert await verify_chain(link, user_id) == rows[2]["id"]
            await conn.execute("DELETE FROM audit_log WHERE id = $1", rows[2]["id"])
            assert await verify_chain(link, user_id) == rows[3]["id"]
    finally:
        await pool.close()


async def eventually_refused(client, token):
    deadline = time.monotonic() + 5
    while (await client.get("/api/v1/auth/me", headers=bearer(token))).status_code != 401:
        assert time.monotonic() < deadline, "a token that was ended still works after 5 s"
        await asyncio.sleep(0.05)
