"""Deals and round trips by range, in UTC and in the broker's time."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.rest import HOURS_AHEAD, new_trader, wall_msc
from tests.integration.wire import position
from tests.serving import client_of, serving, settings_for

HOUR = 3_600_000


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    dsn = await cluster.create("rubi_test_rest_deals", template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop("rubi_test_rest_deals")


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def trader(app, guest):
    """Two closed trades (one in two parts), one open, one deposit."""
    trader = await new_trader(guest, app.state.doors.ports())
    now = wall_msc()

    def deal(volume, hours, position_id, **more):
        return trader.deal(0, volume, position_id=str(position_id), time_msc=now - hours * HOUR, **more)

    deals = [
        deal(0.1, 9, 11, price=1.1),
        deal(0.1, 8, 11, price=1.102, type="SELL", entry="OUT", profit=20.0, reason="TP"),
        deal(0.2, 7, 12, price=1.2, symbol="GBPUSD", type="SELL"),
        deal(0.05, 6, 12, price=1.19, symbol="GBPUSD", entry="OUT", profit=50.0, reason="EXPERT"),
        deal(0.15, 5, 12, price=1.21, symbol="GBPUSD", entry="OUT", profit=-150.0, swap=-1.5, reason="SL"),
        deal(0.1, 4, 13),
        trader.deal(0, 0.0, symbol=None, type="BALANCE", entry=None, profit=1000.0, time_msc=now - 3 * HOUR),
    ]
    await trader.market(deals=deals, positions=[position(13)])
    return trader


async def test_deals_are_told_newest_first_in_both_times(trader):
    said = (await trader.get("/trading/deals")).json()
    deals = said["deals"]
    assert ([deal["ticket"] for deal in deals], said["next_cursor"]) == ([str(7007 - n) for n in range(7)], None)
    assert (deals[0]["type"], deals[0]["profit"], deals[0]["symbol"]) == ("BALANCE", 1000, None)
    closed = deals[2]
    utc = datetime.fromisoformat(closed["executed_at"])
    wall = datetime.fromisoformat(closed["executed_at_broker"])
    assert wall - utc.replace(tzinfo=None) == timedelta(hours=HOURS_AHEAD)
    assert closed["net"] == pytest.approx(-150 - 1.5 - 0.35)


async def test_a_range_and_a_symbol_narrow_the_deals(trader):
    now = datetime.now(UTC)
    since, to = (now - timedelta(hours=7.5)).isoformat(), (now - timedelta(hours=5.5)).isoformat()
    ranged = (await trader.get("/trading/deals", **{"from": since, "to": to})).json()["deals"]
    assert [deal["ticket"] for deal in ranged] == ["7004", "7003"]
    named = (await trader.get("/trading/deals", symbol="EURUSD", account=trader.account_id)).json()["deals"]
    assert [deal["ticket"] for deal in named] == ["7006", "7002", "7001"]
    assert (await trader.get("/trading/deals", **{"from": str(int(now.timestamp()) - 60)})).json()["deals"] == []


async def test_pages_follow_each_other_without_gap_or_double(trader):
    seen, cursor = [], None
    while True:
        page = (await trader.get("/trading/deals", limit=3, **({"cursor": cursor} if cursor else {}))).json()
        seen += [deal["ticket"] for deal in page["deals"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [str(7007 - n) for n in range(7)]


async def test_round_trips_add_their_deals_up(trader):
    trips = (await trader.get("/trading/history")).json()["history"]
    assert [trip["position_id"] for trip in trips] == ["12", "11"]
    short, long = trips
    assert (short["symbol"], short["side"], short["volume"], short["deals"]) == ("GBPUSD", "SELL", 0.2, 3)
    assert short["open_price"] == pytest.approx(1.2)
    assert short["close_price"] == pytest.approx((0.05 * 1.19 + 0.15 * 1.21) / 0.2)
    assert (short["profit"], short["swap"]) == (-100, -1.5)
    assert short["net"] == pytest.approx(-100 - 1.5 - 3 * 0.35)
    assert short["close_reason"] == "SL"
    assert (long["side"], long["close_reason"]) == ("BUY", "TP")
    gap = datetime.fromisoformat(long["closed_at_broker"]) - datetime.fromisoformat(long["closed_at"]).replace(
        tzinfo=None
    )
    assert gap == timedelta(hours=HOURS_AHEAD)
    first = (await trader.get("/trading/history", limit=1)).json()
    second = (await trader.get("/trading/history", limit=1, cursor=first["next_cursor"])).json()
    assert [second["history"][0]["position_id"]] == ["11"]


async def test_a_position_that_is_gone_without_a_deal_is_in_the_history_as_last_seen(trader):
    await trader.market(positions=[position(13), position(14)])
    await trader.market(positions=[position(13)])
    (gone,) = [trip for trip in (await trader.get("/trading/history")).json()["history"] if trip["position_id"] == "14"]
    assert (gone["deals"], gone["close_price"], gone["volume"]) == (0, None, 0.1)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"to": "31.12.2025"},
        {"from": "2025-02-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"},
        {"cursor": "nonsense"},
        {"cursor": "bm90fmF+Y3Vyc29y"},
        {"limit": 0},
        {"limit": 1001},
    ],
)
@pytest.mark.parametrize("path", ["deals", "history"])
async def test_a_range_that_is_none_is_422(trader, path, query):
    answer = await trader.get(f"/trading/{path}", **query)
    assert answer.status_code == 422, answer.text


async def test_another_users_deals_are_not_there(trader, app, guest):
    stranger = await new_trader(guest, app.state.doors.ports())
    assert (await stranger.get("/trading/deals")).json()["deals"] == []
    assert (await stranger.get("/trading/history")).json()["history"] == []
    assert (await stranger.get("/trading/deals", account=trader.account_id)).status_code == 404
