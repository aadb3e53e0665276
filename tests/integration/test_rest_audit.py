"""What was done is kept in a chain that shows every change."""

import json

import pytest
from tests.integration.rest import new_trader
from tests.integration.wire import position
from tests.serving import client_of, make_token, serving, settings_for
from typer.testing import CliRunner

from rubi.cli import audit as command
from rubi.cli.app import app as commands
from rubi.flows.audit import verify_chain


@pytest.fixture(scope="module")
async def database(cluster, template):
    dsn = await cluster.create("rubi_test_rest_audit", template)
    yield dsn
    await cluster.drop("rubi_test_rest_audit")


@pytest.fixture(scope="module")
async def app(database, redis_url_of_module):
    async with serving(settings_for(database, redis_url_of_module)) as app:
        yield app


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    return await new_trader(guest, app.state.doors.ports())


async def entries(trader, **query):
    return (await trader.get("/audit", **query)).json()["entries"]


async def test_every_change_is_in_the_log_with_who_asked_and_in_which_request(trader):
    await trader.market(positions=[position()])
    answer = await trader.post("/trading/orders", {"symbol": "EURUSD", "side": "BUY", "volume": 0.01, "sl": 1.095})
    order = answer.json()
    await trader.post(f"/trading/orders/{order['id']}/cancel")
    await trader.post("/trading/positions/901/modify", {"sl": 1.096})
    await trader.post("/trading/positions/901/close")
    await trader.post("/trading/positions/close", {"all": True})
    await trader.post(f"/accounts/{trader.account_id}/halt", {"reason": "enough"})
    await trader.post(f"/accounts/{trader.account_id}/take-over", {"reason": "other machine"}, token=trader.access)
    kept = await entries(trader)
    assert [entry["action"] for entry in kept[:7]] == [
        "account.take_over",
        "trading.halt",
        "positions.close",
        "position.close",
        "position.modify",
        "order.cancel",
        "order.place",
    ]
    assert kept[6]["object_id"] == str(order["id"])
    assert kept[6]["request_id"] == answer.headers["x-request-id"]
    assert kept[6]["actor"].startswith("token:")
    assert kept[0]["actor"] == f"user:{trader.username}"
    assert kept[1]["payload"]["reason"] == "enough"


async def test_the_log_is_read_in_pages_and_by_its_owner_only(trader, app, guest):
    await trader.post("/accounts/halt", {"reason": "mine"})
    page = (await trader.get("/audit", limit=1)).json()
    rest = (await trader.get("/audit", before=page["next_before"])).json()
    assert page["entries"][0]["id"] > rest["entries"][0]["id"]
    stranger = await new_trader(guest, app.state.doors.ports())
    assert all(entry["action"] != "trading.halt" for entry in await entries(stranger))
    bound = (await make_token(guest, trader.access, "read", account=trader.account_id))["token"]
    answer = await guest.get("/api/v1/audit", headers={"Authorization": f"Bearer {bound}"})
    assert answer.status_code == 403


async def test_what_was_refused_leaves_no_entry(trader):
    before = await entries(trader)
    assert (await trader.post("/trading/positions/901/close")).status_code == 404
    assert await entries(trader) == before


TAMPERINGS = {
    "a changed payload": 'UPDATE audit_log SET payload = payload || \'{"reason": "other"}\' WHERE id = $1',
    "another actor": "UPDATE audit_log SET actor = 'user:nobody' WHERE id = $1",
    "another time": "UPDATE audit_log SET at = at - interval '1 second' WHERE id = $1",
    "a changed hash": "UPDATE audit_log SET hash = sha256(hash) WHERE id = $1",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_a_changed_entry_is_found(trader, tampering):
    for switch in ("halt", "resume", "halt"):
        await trader.post("/accounts/" + switch, {"reason": "x"})
    async with trader.ports.pool.acquire() as conn:
        assert await verify_chain(conn, trader.user_id) is None
        victim = (await entries(trader))[1]["id"]
        await conn.execute(TAMPERINGS[tampering], victim)
        assert await verify_chain(conn, trader.user_id) == victim


async def test_a_missing_entry_is_found_at_the_one_after_it(trader):
    for switch in ("halt", "resume", "halt"):
        await trader.post("/accounts/" + switch, {"reason": "x"})
    last, middle = (entry["id"] for entry in (await entries(trader))[:2])
    async with trader.ports.pool.acquire() as conn:
        await conn.execute("DELETE FROM audit_log WHERE id = $1", middle)
        assert await verify_chain(conn, trader.user_id) == last


async def test_the_command_verifies_and_names_the_broken_entry(trader, database, redis_server, monkeypatch):
    import asyncio

    await trader.post("/accounts/halt", {"reason": "x"})
    for name, value in (
        ("DATABASE_URL", database),
        ("REDIS_URL", redis_server.url()),
        ("JWT_SECRET", "w7Q-kZ2m9.XbV4tLr8Ys6Ha1Pj3Nd5Gf0Ce"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("rubi.cli.target._addresses", lambda _: {})

    async def verify():
        arguments = ["audit", "verify", "--json", "--user", trader.username]
        return await asyncio.to_thread(CliRunner().invoke, commands, arguments)

    whole = await verify()
    assert whole.exit_code == 0, whole.output
    (chain,) = json.loads(whole.stdout)["chains"]
    assert (chain["user"], chain["broken_at"]) == (trader.username, None)
    assert chain["entries"] == len(await entries(trader))
    victim = (await entries(trader))[0]["id"]
    await trader.ports.pool.execute(TAMPERINGS["another actor"], victim)
    broken = await verify()
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["chains"][0]["broken_at"] == victim
    assert command.audit.info.help
