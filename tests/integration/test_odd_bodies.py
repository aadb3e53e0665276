"""Odd values in a terminal's bodies: refused and named, the rest is kept, and never a crash of the service."""

import json
import string
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.wire import MSC, SPEC, deal, new_terminal, position
from tests.serving import client_of, serving, settings_for

from rubi.api.wire_terminal import Connect, Sync

ORDER = {
    "ticket": 55, "symbol": "EURUSD", "type": "BUY_LIMIT", "state": "PLACED", "volume_initial": 0.1, "price_open": 1.09,
}  # fmt: skip
TICK = {"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time_msc": MSC}
BAR = {
    "symbol": "EURUSD", "timeframe": "M1", "time": MSC // 1000, "open": 1.1, "high": 1.2, "low": 1.0, "close": 1.1,
}  # fmt: skip
QUOTE = {"symbol": "EURUSD", "side": "BUY", "entry": 1.1, "loss_per_lot": 500, "margin_per_lot": 220}
REPORT = {"order_id": 1, "n": 1, "outcome": "RESULT", "retcode": 10009}
MONEY = {"balance": 10000, "equity": 10000, "margin": 0, "margin_free": 10000, "profit": 0}
SIGNAL = {"key": "k1", "symbol": "EURUSD", "signal_type": "BUY", "stop_loss": 1.09, "take_profit": 1.2, "volume": 0.1}

HUGE, TINY = "1e9999999999", "1e-999999"


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    name = "rubi_test_odd_bodies"
    await cluster.drop(name)
    dsn = await cluster.create(name, template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop(name)


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def terminal(guest):
    terminal, _ = await new_terminal(guest)
    await terminal.connect()
    return terminal


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *(("positions", [position(ticket=odd)]) for odd in ("--5", "٣", "1_0", "9" * 20, 2**63, -1)),
        *(("positions", [position(magic=odd)]) for odd in ("--5", "٣", 2**64, 10**30)),
        *(("positions", [position(**{name: HUGE})]) for name in ("volume", "open_price", "profit", "sl")),
        ("positions", [position(), position()]),
        *(("orders", [{**ORDER, "expiration": odd}]) for odd in (10**12, 10**30, -1)),
        ("orders", [{**ORDER, "volume_initial": HUGE}]),
        ("orders", [ORDER, ORDER]),
        *(("deals", [deal(7001, 55, 0.1, time_msc=odd)]) for odd in (0, -1, 10**18, 10**400)),
        *(("deals", [deal(7001, 55, 0.1, profit=odd)]) for odd in (HUGE, "nan", "-inf")),
        *(("account", {**MONEY, "balance": odd}) for odd in (HUGE, "-" + HUGE, "inf", "sNaN")),
        ("account", {**MONEY, "margin_level": "inf"}),
        *(("time", {"gmt": odd, "server": MSC // 1000}) for odd in (10**30, 10**400, -(10**30))),
        ("time", {"gmt": MSC // 1000, "server": 10**30}),
        *(("reports", [{**REPORT, "n": odd}]) for odd in (-1, 2**31, 10**30)),
        *(("reports", [{**REPORT, "retcode": odd}]) for odd in (-1, 2**31, 10**30)),
        *(("bars", [{**BAR, name: odd}]) for name in ("tick_volume", "real_volume") for odd in (-1, 2**63, 10**30)),
        *(("bars", [{**BAR, "spread": odd}]) for odd in (-1, 2**31)),
        ("bars", [{**BAR, "time": 10**30}]),
        ("ticks", [{**TICK, "bid": HUGE}]),
        ("ticks", [{**TICK, "time_msc": 10**30}]),
        *(("symbols", [{**SPEC, "filling_flags": odd}]) for odd in (-1, 2**31, 10**30)),
        ("symbols", [{**SPEC, "point": HUGE}]),
        ("quotes", [{**QUOTE, "loss_per_lot": HUGE}]),
    ],
)  # fmt: skip
async def test_an_odd_value_is_refused_alone_and_the_cycle_goes_on(terminal, part, value):
    said = await terminal.sync(**{part: value}, signals=[SIGNAL])
    assert [item["part"] for item in said["rejected"]] == [part], said["rejected"]
    assert said["rejected"][0]["code"] != "VALUE_INVALID", "the reader foresees it and says which value it is"
    assert said["signal_acks"][0]["status"] == "PENDING"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("account", {**MONEY, "margin": TINY}),
        ("account", {**MONEY, "margin": "1e-18", "equity": "1e15"}),
        ("positions", [position(profit=TINY, swap="0." + "3" * 50_000)]),
        ("deals", [deal(7001, 55, 0.1, profit="-" + TINY)]),
        ("symbols", [SPEC, SPEC]),
        ("bars", [BAR, {**BAR, "symbol": "EURUSD "}]),
        ("orders", [{**ORDER, "price_open": TINY}]),
    ],
)
async def test_what_is_merely_unusual_is_taken(terminal, part, value):
    assert (await terminal.sync(**{part: value}))["rejected"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"expires_in": -1e308},
        {"expires_in": 1e308},
        {"confidence": TINY},
        {"confidence": "1e-999999999"},
        {"volume": HUGE},
        {"signal_time": 10**400},
        {"signal_time": -1e308},
        {"break_even": {"trigger": 1, "offset": "1e-99999999"}},
        {"magic": 10**400},
    ],
)
async def test_a_signal_with_an_odd_value_is_not_to_be_repeated_and_stops_nothing(terminal, change):
    said = await terminal.sync(signals=[{**SIGNAL, **change}, {**SIGNAL, "key": "k2"}], deals=[deal(7001, 55, 0.1)])
    assert [ack["status"] for ack in said["signal_acks"]] == ["INVALID", "PENDING"]
    answer = await terminal.post("/trading/signals", {**SIGNAL, **change})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("name", ["build", "leverage", "limit_orders"])
@pytest.mark.parametrize("odd", [-1, 2**31, 10**400])
async def test_a_greeting_with_an_odd_value_is_told_the_field(terminal, name, odd):
    answer = await terminal.post("/mt5/connect", {**terminal.hello, name: odd})
    assert (answer.status_code, answer.json()["context"]["field"]) == (422, name)


@pytest.mark.parametrize(
    "more",
    [
        {"time": {"gmt": 10**400, "server": 1}},
        {"time": {"gmt": -5, "server": 10**30}},
        {"journal": {"open": [{"order_id": 10**400, "phase": "INTENT"}, {"order_id": -1, "phase": "INTENT"}]}},
    ],
)
async def test_clocks_and_journals_that_make_no_sense_keep_no_terminal_out(terminal, more):
    assert (await terminal.connect(**more))["journal_actions"] == []


async def test_nul_is_refused_whatever_the_content_is_called(terminal):
    body = json.dumps(terminal.body(positions=[position(comment="a\0b")]))
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        headers = terminal.headers | {"Content-Type": kind}
        answer = await terminal.client.post("/api/v1/mt5/sync", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "TEXT_HAS_NUL"), kind


def odd_numbers() -> st.SearchStrategy[Any]:
    edges = [0, -1, 1, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**15, 10**30, 10**400]
    words = ["", " ", "0", "--5", "-", "+1", "٣", "1_0", "0x1", "nan", "-inf", "sNaN", HUGE, "-" + HUGE, TINY, "1e308"]
    return st.one_of(
        st.sampled_from(edges),
        st.sampled_from(edges).map(lambda number: -number),
        st.sampled_from(words),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(),
        st.decimals(allow_nan=False, allow_infinity=False).map(str),
    )


def texts() -> st.SearchStrategy[str]:
    known = [
        "BUY",
        "SELL",
        "IN",
        "OUT",
        "PLACED",
        "RESULT",
        "INTENT",
        "REFUSED",
        "M1",
        "H1",
        "FULL",
        "MARKET",
        "EURUSD",
    ]
    times = ["2025-10-23T10:00:00Z", "2025.10.23 10:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00"]
    letters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=70)
    return st.one_of(st.sampled_from([*known, *times, "", " "]), letters, st.text(string.digits, max_size=22))


def anything_for(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Values that a field of this kind might be sent, most of them of the right type and at its edges."""
    match kind:
        case msgspec.inspect.UnionType():
            return st.one_of(*(anything_for(each) for each in kind.types))
        case msgspec.inspect.StructType():
            needed = {f.encode_name: anything_for(f.type) for f in kind.fields if f.required}
            other = {f.encode_name: anything_for(f.type) for f in kind.fields if not f.required}
            return st.fixed_dictionaries(needed, optional=other)
        case msgspec.inspect.ListType():
            return st.lists(anything_for(kind.item_type), max_size=3)
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.StrType():
            return texts()
        case msgspec.inspect.IntType():
            return odd_numbers().filter(lambda value: isinstance(value, int))
        case msgspec.inspect.DictType():
            names = ["key", "symbol", "signal_type", "volume", "stop_loss", "expires_in", "signal_time", "order_type"]
            values = st.one_of(odd_numbers(), texts(), st.none(), st.booleans(), st.lists(odd_numbers(), max_size=2))
            return st.dictionaries(st.sampled_from(names), values)
        case _:
            return odd_numbers()


VALID: dict[str, Any] = {
    "account": MONEY, "positions": [position()], "orders": [ORDER], "order_history": [ORDER | {"state": "FILLED"}],
    "deals": [deal(7001, 55, 0.1)], "symbols": [SPEC], "ticks": [TICK], "bars": [BAR], "quotes": [QUOTE],
    "signals": [SIGNAL], "reports": [REPORT], "acks": [{"order_id": 1, "lease_id": "x", "outcome": "INTENT"}],
    "time": {"gmt": MSC // 1000, "server": MSC // 1000, "tick_msc": MSC}, "flags": {"connected": True, "ping_ms": 30},
}  # fmt: skip


def nearly_valid() -> st.SearchStrategy[dict[str, Any]]:
    """A good cycle in which a field or two are odd: these come farther than bodies that are odd everywhere."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> dict[str, Any]:
        body = json.loads(json.dumps(VALID))
        for _ in range(draw(st.integers(1, 3))):
            part = draw(st.sampled_from(sorted(body)))
            item = body[part][0] if isinstance(body[part], list) else body[part]
            item[draw(st.sampled_from(sorted(item)))] = draw(st.one_of(odd_numbers(), texts(), st.none()))
        return body

    return draw_one()


FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_FRAME = {"session_id", "epoch", "seq", "wait_ms", "taken_at"}
_SYNC = {f.encode_name: f.type for f in msgspec.inspect.type_info(Sync).fields if f.encode_name not in _FRAME}


@FUZZ
@given(st.one_of(nearly_valid(), st.fixed_dictionaries({}, optional={n: anything_for(t) for n, t in _SYNC.items()})))
async def test_no_cycle_crashes_the_service(terminal, parts):
    answer = await terminal.post("/mt5/sync", terminal.body(**parts))
    assert answer.status_code in {200, 400, 422, 423}, answer.text  # 423: it names another last session
    if answer.status_code == 422:
        assert answer.json()["code"] in {"BODY_INVALID", "NUMBER_INVALID"}, answer.text  # its types, not its values
    json.loads(answer.content, parse_constant=lambda name: pytest.fail(f"{name} in an answer"))


@settings(FUZZ, max_examples=60)
@given(anything_for(msgspec.inspect.type_info(Connect)))
async def test_no_greeting_crashes_the_service(terminal, hello):
    answer = await terminal.post("/mt5/connect", {**terminal.hello, **hello})
    assert answer.status_code in {200, 400, 422, 423}, answer.text  # 423: it names another last session
