"""The history of a position over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.wire import new_terminal, position

from rubi.api.position_history import PositionHistoryOut

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def held(terminal, ports):
    """A terminal with position 901, opened ten hours ago and sampled each ten seconds since; minus 500 once."""
    await terminal.sync(positions=[position(901)], orders=[])
    account_id = await ports.pool.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)
    await ports.pool.execute("DELETE FROM position_snapshots")
    opened = NOW - timedelta(hours=10)
    await ports.pool.execute("UPDATE trading_positions SET opened_at = $1", opened)
    await ports.pool.execute(
        """INSERT INTO position_snapshots (time, account_id, position_id, symbol, side, volume, current_price, sl, tp,
             profit, swap)
           SELECT $2::timestamptz + n * interval '10 seconds', $1, 901, 'EURUSD', 'BUY', 0.1, 1.1 + n * 0.000001, 1.095,
                  NULL, CASE n WHEN 1234 THEN -500 ELSE n END, 0
           FROM generate_series(0, 3599) n""",
        account_id,
        opened,
    )
    return terminal


def path(number=901, **query):
    return f"/api/v1/trading/positions/{number}/history?" + "&".join(f"{key}={value}" for key, value in query.items())


def z(moment):
    return moment.isoformat().replace("+00:00", "Z")


async def test_a_position_is_shown_over_its_life_in_so_many_points(held):
    said = (await held.client.get(path(points=100), headers=held.headers)).json()
    PositionHistoryOut.model_validate(said)
    assert (said["position_id"], said["status"], said["symbol"]) == ("901", "OPEN", "EURUSD")
    assert 95 <= len(said["points"]) <= 101
    assert min(point["profit_low"] for point in said["points"]) == -500
    assert said["points"][-1]["profit"] == 3599
    assert sum(point["samples"] for point in said["points"]) == 3600


async def test_a_range_of_a_positions_life_can_be_asked_for(held):
    begin = NOW - timedelta(hours=5)
    ask = path(**{"from": z(begin), "to": z(begin + timedelta(minutes=1)), "points": 60})
    said = (await held.client.get(ask, headers=held.headers)).json()
    assert [point["profit"] for point in said["points"]] == [1800, 1801, 1802, 1803, 1804, 1805]
    assert said["step_seconds"] == 1


async def test_a_closed_positions_history_ends_with_it_and_is_sent_once(held):
    await held.sync(positions=[], orders=[])
    first = await held.client.get(path(), headers=held.headers)
    said = first.json()
    assert said["status"] == "CLOSED"
    assert said["close_time"] is not None
    again = await held.client.get(path(), headers=held.headers | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_another_users_position_is_not_there(held, client):
    stranger, _ = await new_terminal(client)
    answer = await client.get(path(), headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "POSITION_NOT_FOUND")


async def test_a_position_id_of_two_accounts_needs_the_account(held, client):
    token = held.headers["Authorization"].removeprefix("Bearer ")
    other = type(held)(client, token, account_number="87654321")
    await other.connect()
    await other.sync(positions=[position(901)], orders=[])
    both = await client.get(path(), headers=held.headers)
    assert (both.status_code, both.json()["code"]) == (422, "ACCOUNT_REQUIRED")
    one = await client.get(path(account="12345678"), headers=held.headers)
    assert sum(point["samples"] for point in one.json()["points"]) == 3600
    unknown = await client.get(path(account="999"), headers=held.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": z(NOW), "to": z(NOW)}, 422, "RANGE_INVALID"),
        ({"from": "1970-01-01"}, 422, "TIME_INVALID"),
        ({"points": 0}, 422, "FIELD_INVALID"),
        ({"points": 5001}, 422, "FIELD_INVALID"),
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(held, query, status, code):
    answer = await held.client.get(path(**query), headers=held.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_position_that_was_never_there_is_not_found(held):
    for number in (902, 2**63 - 1):
        answer = await held.client.get(path(number), headers=held.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "POSITION_NOT_FOUND")
