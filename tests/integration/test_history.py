"""History, prices, candles and symbols over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.wire import new_terminal

from rubi.api.history import HistoryOut
from rubi.api.market import CandlesOut
from rubi.flows.roll_up_metrics import roll_up_metrics

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def account_id(terminal, ports):
    return await ports.pool.fetchval("SELECT account_id FROM mt5_sessions WHERE id = $1", terminal.session_id)


@pytest.fixture
async def filled(account_id, ports):
    await ports.pool.execute("DELETE FROM account_snapshots")
    await ports.pool.execute(
        """INSERT INTO account_snapshots
           SELECT $2::timestamptz - n * interval '1 hour', $1, 1000, CASE n WHEN 30 THEN 500 ELSE 1000 END,
                  0, 0, 0, 0, $2
           FROM generate_series(1, 24 * 40) n""",
        account_id,
        NOW,
    )
    while await roll_up_metrics(ports):
        pass


def path(terminal, **query):
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/api/v1/mt5/account/{terminal.session_id}/history?{pairs}"


def z(moment):
    return moment.isoformat().replace("+00:00", "Z")


async def test_the_history_of_an_account_is_shown_in_so_many_points(terminal, filled):
    month = path(terminal, **{"from": z(NOW - timedelta(days=30)), "to": z(NOW), "points": 60})
    said = (await terminal.client.get(month, headers=terminal.headers)).json()
    HistoryOut.model_validate(said)
    assert said["resolution"] == "6h"
    assert 55 <= len(said["points"]) <= 62
    assert said["max_drawdown"] == 0.5
    assert min(point["equity_low"] for point in said["points"]) == 500
    assert said["points"][-1]["equity"] == 1000


async def test_a_closed_range_is_sent_once(terminal, filled, ports, account_id):
    closed = path(terminal, **{"from": z(NOW - timedelta(days=9)), "to": z(NOW - timedelta(days=2)), "points": 60})
    first = await terminal.client.get(closed, headers=terminal.headers)
    tag = first.headers["etag"]
    again = await terminal.client.get(closed, headers=terminal.headers | {"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    late = "INSERT INTO account_snapshots VALUES ($2, $1, 1000, 1, 0, 0, 0, 0, $2)"
    await ports.pool.execute(late, account_id, NOW - timedelta(days=5))
    await roll_up_metrics(ports)
    corrected = await terminal.client.get(closed, headers=terminal.headers | {"If-None-Match": tag})
    assert corrected.status_code == 200
    assert corrected.json()["max_drawdown"] == 0.999


async def test_another_users_history_is_not_there(terminal, client, filled):
    stranger, _ = await new_terminal(client)
    answer = await client.get(path(terminal), headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": z(NOW), "to": z(NOW)}, "RANGE_INVALID"),
        ({"from": "1970-01-01"}, "TIME_INVALID"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "TIME_INVALID"),
        ({"points": 0}, "FIELD_INVALID"),
        ({"from": "yesterday"}, "FIELD_INVALID"),
    ],
)
async def test_a_range_that_makes_no_sense_is_refused_by_name(terminal, query, code):
    answer = await terminal.client.get(path(terminal, **query), headers=terminal.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_candles_are_paged_and_made_where_they_are_missing(terminal, account_id, ports):
    start = NOW - timedelta(hours=50)
    await ports.pool.execute(
        """INSERT INTO market_data (time, account_id, symbol, timeframe, open, high, low, close, tick_volume,
             received_at)
           SELECT $2::timestamptz + n * interval '1 minute', $1, 'EURUSD', 'M1', 1, 2, 0.5, 1.5, 1, $2
           FROM generate_series(0, 2999) n""",
        account_id,
        start.replace(minute=0, second=0),
    )
    url = "/api/v1/market/candles?symbol=EURUSD&timeframe=M30&limit=40"
    first = (await terminal.client.get(url, headers=terminal.headers)).json()
    CandlesOut.model_validate(first)
    assert first["resampled_from"] == "M1"
    assert len(first["candles"]) == 40
    cursor = first["next"].replace("+", "%2B")
    second = (await terminal.client.get(f"{url}&cursor={cursor}", headers=terminal.headers)).json()
    assert second["candles"][-1]["time"] < first["candles"][0]["time"]
    wrong = await terminal.client.get(f"{url}&cursor=abc", headers=terminal.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "CURSOR_INVALID")
    wrong = await terminal.client.get("/api/v1/market/candles?symbol=EURUSD&timeframe=M2", headers=terminal.headers)
    assert wrong.status_code == 422


async def test_prices_and_symbols_are_those_the_terminal_told(terminal, account_id, ports):
    for name in ("AUDUSD", "EURUSD", "USDJPY"):
        await ports.pool.execute(
            """INSERT INTO symbols VALUES ($1, $2, '{"digits": 5}', 'x', $3)
               ON CONFLICT (account_id, name) DO NOTHING""",
            account_id,
            name,
            NOW,
        )
    await terminal.market(1.0999, 1.1)
    prices = (await terminal.client.get("/api/v1/market/prices?symbols=EURUSD,USDJPY", headers=terminal.headers)).json()
    assert [(each["symbol"], each["bid"], each["ask"]) for each in prices["prices"]] == [("EURUSD", 1.0999, 1.1)]
    names, cursor = [], ""
    while cursor is not None:
        answer = await terminal.client.get(f"/api/v1/market/symbols?limit=2{cursor}", headers=terminal.headers)
        said = answer.json()
        names += [each["name"] for each in said["symbols"]]
        cursor = None if said["next"] is None else f"&cursor={said['next']}"
    assert names == sorted(set(names))
    assert {"AUDUSD", "EURUSD", "USDJPY"} <= set(names)
