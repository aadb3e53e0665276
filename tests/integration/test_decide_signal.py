import asyncio
import os
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.desk import NOW, add_account, add_user, open_ports, seat

from rubi.domain.errors import RubiError
from rubi.domain.risk.gates import replay
from rubi.domain.signal import OrderType, SignalType
from rubi.flows.decide_signal import decide_signal
from rubi.flows.replay_decision import replay_stored
from rubi.store import order_views, risk_facts, risk_state, signals
from rubi.store.orders import read_told


@pytest.fixture(scope="module")
async def ports(cluster, template, redis_url_of_module):
    """One database for the module: cloning one for each test takes longer than the test. Each has a user of its own."""
    name = f"rubi_test_decide_signal_{os.getpid()}"
    dsn = await cluster.create(name, template)
    ports, _, client = await open_ports(dsn, redis_url_of_module)
    yield ports
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()
    await cluster.drop(name)


@pytest.fixture
async def desk(ports):
    return await seat(ports)


@pytest.fixture
async def older_desk(ports):
    """An account behind the older connector."""
    return await seat(ports, protocol=1)


async def decide(desk, *, now=NOW, **changes):
    signal_id = await desk.signal(**changes)
    decided = await decide_signal(desk.ports, signal_id, now=now)
    return decided, await desk.row("SELECT * FROM trading_signals WHERE id = $1", signal_id)


async def order_of(desk, signal):
    return await desk.row("SELECT * FROM trading_orders WHERE signal_id = $1", signal["id"])


async def decision_of(desk, signal):
    return await desk.row("SELECT * FROM decisions WHERE signal_id = $1", signal["id"])


async def test_an_approved_signal_is_a_sized_order_with_its_reservation(desk):
    decided, signal = await decide(desk)
    order = await order_of(desk, signal)
    assert decided.approved
    assert decided.order_ids == (order["id"],)
    assert (signal["status"], signal["detail_status"], signal["decided_at"]) == ("PENDING", "QUEUED", NOW)
    assert (order["kind"], order["state"], order["side"]) == ("OPEN", "QUEUED", "BUY")
    assert order["volume"] == Decimal("0.20")  # 1 % of 10 000 over 500 a lot
    assert order["reserved_risk"] == Decimal(100)
    assert order["reserved_margin"] == Decimal(44)
    assert order["not_after"] == NOW + timedelta(seconds=30)
    assert (order["sl"], order["tp"]) == (Decimal("1.095"), Decimal("1.11"))
    low, high = order["guards"]["price_band"]
    assert 1.095 < low < 1.1 < high < 1.105
    assert order["deviation_points"] == 50


async def test_a_decision_whose_connection_is_cut_is_made_again_at_once(desk, monkeypatch):
    take, cut = signals.take_undecided, []

    async def take_and_lose_the_connection(conn, signal_id):
        taken = await take(conn, signal_id)
        if not cut:
            cut.append(signal_id)
            await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        old.discard(conn.get_server_pid())
        return taken

    old = set()
    async with desk.ports.pool.acquire() as one, desk.ports.pool.acquire() as other:
        old |= {one.get_server_pid(), other.get_server_pid()}
    monkeypatch.setattr(signals, "take_undecided", take_and_lose_the_connection)
    decided, signal = await decide(desk)
    assert decided.approved
    assert len(cut) == 1
    assert len(old) == 2, "those that may have been cut with it are not used again"
    assert await desk.value("SELECT count(*) FROM trading_orders WHERE signal_id = $1", signal["id"]) == 1
    assert await desk.value("SELECT count(*) FROM decisions WHERE signal_id = $1", signal["id"]) == 1


async def test_the_decision_can_be_replayed_from_what_is_stored(desk):
    _, signal = await decide(desk)
    stored = await decision_of(desk, signal)
    again = replay(stored["record"])
    assert again.digest == stored["record_sha256"] == stored["record"]["digest"]
    assert again.approved


async def test_a_decision_with_everything_in_it_is_replayed_bit_by_bit(desk):
    """Positions, correlations out of bars, the terminal's own calculation, a day and its peaks, a pause."""
    await desk.policy(cooldown_seconds=5, max_portfolio_risk_percent="9", max_leverage="200")
    await desk.describe("GBPUSD", currency_base="GBP", currency_margin="GBP")
    await desk.position(1, symbol="GBPUSD")
    await bars(desk, "EURUSD", "D1", 80)
    await bars(desk, "GBPUSD", "D1", 80)
    await desk.execute(
        "INSERT INTO terminal_quotes VALUES ($1, 'EURUSD', 'BUY', 1.1, 1.095, 505, 220, $2)", desk.account_id, NOW
    )
    _, signal = await decide(desk)
    stored = await decision_of(desk, signal)
    case = stored["record"]["case"]
    assert (Decimal(case["ea_loss_per_lot"]), Decimal(case["ea_margin_per_lot"])) == (505, 220)
    (pair,) = case["correlations"]
    assert (pair["a"], pair["b"], pair["n"]) == ("EURUSD", "GBPUSD", 79)
    assert case["day"]["estimated"]
    result = replay_stored(dict(stored))
    assert result["equal"], result["differences"]
    tampered = dict(stored) | {"record": {**stored["record"], "case": {**case, "ea_loss_per_lot": "400"}}}
    result = replay_stored(tampered)
    assert not result["equal"]
    assert any("TICK_VALUE_INCONSISTENT" in each for each in result["differences"])


async def test_a_refusal_without_a_case_cannot_be_replayed_and_says_so(desk):
    await desk.execute("UPDATE accounts SET not_tradable_code = 'X' WHERE id = $1", desk.account_id)
    _, signal = await decide(desk)
    with pytest.raises(RubiError, match="made without a case"):
        replay_stored(dict(await decision_of(desk, signal)))


async def bars(desk, symbol, timeframe, count, *, step=timedelta(days=1)):
    """Closes that go up and down; the same shape for every symbol."""
    await desk.execute(
        """INSERT INTO market_data (time, account_id, symbol, timeframe, open, high, low, close, received_at)
           SELECT $4::timestamptz - n * $5::interval, $1, $2, $3, 1.1, 1.1 + 0.001 * (n % 3), 1.1 - 0.001,
                  1.1 + 0.0005 * (n % 7), $4
           FROM generate_series(1, $6) n""",
        desk.account_id, symbol, timeframe, NOW, step, count,
    )  # fmt: skip


async def test_symbols_that_move_together_share_one_cap(desk):
    await desk.policy(max_correlated_risk_percent="1.5")
    await desk.describe("AUDNZD", currency_base="AUD", currency_profit="NZD")
    await desk.position(1, symbol="AUDNZD", volume="0.20")  # its open risk is 100: 1 %
    decided, _ = await decide(desk)
    assert decided.approved  # without bars the two have nothing in common
    other = await seat(desk.ports)
    await other.policy(max_correlated_risk_percent="1.5")
    await other.describe("AUDNZD", currency_base="AUD", currency_profit="NZD")
    await other.position(1, symbol="AUDNZD", volume="0.20")
    await bars(other, "EURUSD", "M1", 60 * 80, step=timedelta(minutes=1))  # hours are made of minutes
    await bars(other, "AUDNZD", "M1", 60 * 80, step=timedelta(minutes=1))
    _, signal = await decide(other)
    assert signal["code"] == "CORRELATED_RISK_EXCEEDED"
    assert "AUDNZD" in signal["message"]


async def test_a_stop_is_made_of_the_range_of_the_last_hours_and_really_sent(desk):
    await desk.policy(atr_stop_multiple="2")
    await bars(desk, "EURUSD", "H1", 20, step=timedelta(hours=1))
    _, signal = await decide(desk, stop_loss=None, take_profit=Decimal("1.13"))
    order = await order_of(desk, signal)
    atr = Decimal((await decision_of(desk, signal))["record"]["case"]["atr"])
    assert Decimal("0.001") < atr < Decimal("0.006")
    assert order["sl"] == pytest.approx(Decimal("1.1") - 2 * atr, abs=Decimal("0.00001"))


async def test_the_terminal_is_woken_and_readers_are_told(desk):
    decided, _ = await decide(desk)
    command, order, signal = (event for event in desk.told if event.user_id == desk.user_id)
    assert [event.type for event in (command, order, signal)] == ["COMMAND_WAITS", "ORDER_UPDATE", "SIGNAL_UPDATE"]
    assert order.data["id"] == decided.order_ids[0]
    (told,) = map(read_told, command.data["orders"])
    row = await order_of(desk, signal.data)
    names = told.keys() - {"told", "guards"}
    assert {name: told[name] for name in names} == {name: row[name] for name in names}
    assert signal.data["detail_status"] == "QUEUED"


async def test_a_denial_is_stored_with_its_code_and_inputs(desk):
    decided, signal = await decide(desk, stop_loss=Decimal("1.105"))
    stored = await decision_of(desk, signal)
    assert (signal["status"], signal["detail_status"], signal["code"]) == ("REJECTED", "DENIED", "STOP_WRONG_SIDE")
    assert (stored["approved"], stored["code"]) == (False, "STOP_WRONG_SIDE")
    gate = next(each for each in stored["record"]["decision"]["gates"] if each["gate"] == "prices")
    assert gate["inputs"]["stop"] == "1.10500"
    assert "1.105" in signal["message"]
    assert await order_of(desk, signal) is None
    assert not decided.order_ids


async def test_a_second_bell_changes_nothing(desk):
    decided, signal = await decide(desk)
    assert await decide_signal(desk.ports, signal["id"], now=NOW) is None
    assert await desk.value("SELECT count(*) FROM trading_orders WHERE account_id = $1", desk.account_id) == 1
    assert await desk.value("SELECT count(*) FROM decisions WHERE account_id = $1", desk.account_id) == 1
    assert decided.approved


async def test_ten_bells_at_once_make_one_order(desk):
    signal_id = await desk.signal()
    answers = await asyncio.gather(*(decide_signal(desk.ports, signal_id, now=NOW) for _ in range(10)))
    assert sum(answer is not None for answer in answers) == 1
    assert await desk.value("SELECT count(*) FROM trading_orders WHERE account_id = $1", desk.account_id) == 1


@pytest.mark.timeout(900)
async def test_fifty_at_once_with_room_for_three_are_three(ports):
    for _ in range(200 if os.environ.get("RUBI_FAULTS_FULL") == "1" else 20):
        desk = await seat(ports)
        await desk.policy(max_total_exposure_percent="3", max_position_size_percent="1")
        waiting = [await desk.signal(comment=str(n)) for n in range(50)]
        answers = await asyncio.gather(*(decide_signal(desk.ports, each, now=NOW) for each in waiting))
        assert sum(answer.approved for answer in answers) == 3
        assert {answer.code for answer in answers if not answer.approved} == {"OPEN_RISK_EXCEEDED"}
        reserved = await desk.value(
            "SELECT sum(reserved_risk) FROM trading_orders WHERE account_id = $1", desk.account_id
        )
        assert reserved == Decimal(300)


async def test_what_grew_old_in_the_queue_for_the_account_is_judged_old(desk):
    await desk.policy(max_tick_age_seconds=1)
    signal_id = await desk.signal()
    async with desk.ports.pool.acquire() as conn, conn.transaction():
        await risk_facts.take_turn(conn, desk.account_id)
        waiting = asyncio.create_task(decide_signal(desk.ports, signal_id, now=NOW))
        await asyncio.sleep(1.3)
    decided = await waiting
    assert decided.code == "STALE_TICK"
    stored = await desk.row("SELECT * FROM decisions WHERE signal_id = $1", signal_id)
    assert stored["decided_at"] > NOW + timedelta(seconds=1)
    assert replay_stored(dict(stored))["equal"]


async def test_own_volume_is_kept_when_it_risks_less_than_the_policy(desk):
    _, signal = await decide(desk, volume=Decimal("0.1"))
    assert (await order_of(desk, signal))["volume"] == Decimal("0.10")


async def test_own_volume_is_cut_to_the_policys_percent(desk):
    _, signal = await decide(desk, volume=Decimal(5))
    assert (await order_of(desk, signal))["volume"] == Decimal("0.20")


async def test_the_signals_own_sizing_rules_within_the_limits(desk):
    _, signal = await decide(desk, risk_mode="MONEY", risk_value=Decimal(50), volume=Decimal(5))
    assert (await order_of(desk, signal))["volume"] == Decimal("0.10")
    _, greedy = await decide(desk, risk_mode="RISK_PERCENT", risk_value=Decimal(50))
    assert greedy["code"] == "RISK_PER_ORDER_EXCEEDED"


@pytest.mark.parametrize(
    ("order_type", "entry", "more"),
    [
        (OrderType.LIMIT, "1.098", {}),
        (OrderType.STOP, "1.102", {}),
        (OrderType.STOP_LIMIT, "1.103", {"stop_limit": "1.102"}),
    ],
)  # fmt: skip
async def test_a_pending_signal_is_placed_at_its_price_for_five_minutes(desk, order_type, entry, more):
    _, signal = await decide(
        desk, order_type=order_type, entry_price=Decimal(entry), take_profit=Decimal("1.13"), details=more
    )
    order = await order_of(desk, signal)
    assert (order["kind"], order["order_type"], order["price"]) == ("PLACE_PENDING", order_type, Decimal(entry))
    assert order["stop_limit"] == (Decimal("1.102") if more else None)
    assert order["not_after"] == NOW + timedelta(minutes=5)


async def test_a_close_is_one_order_for_each_open_position_of_its_side(desk):
    for position_id, side, symbol in (
        (1, "BUY", "EURUSD"),
        (2, "BUY", "EURUSD"),
        (3, "SELL", "EURUSD"),
        (4, "BUY", "GBPUSD"),
    ):
        await desk.position(position_id, side=side, symbol=symbol)
    _, signal = await decide(desk, signal_type=SignalType.CLOSE_BUY)
    rows = await desk.ports.pool.fetch("SELECT * FROM trading_orders WHERE signal_id = $1 ORDER BY leg", signal["id"])
    assert [(row["kind"], row["leg"], row["position_ticket"]) for row in rows] == [
        ("CLOSE_POSITION", 0, 1001),
        ("CLOSE_POSITION", 1, 1002),
    ]
    assert all(row["not_after"] is None and row["volume"] == Decimal("0.10") for row in rows)
    assert signal["detail_status"] == "QUEUED"


async def test_a_close_of_several_positions_is_decided_again_bit_by_bit(desk):
    for position_id in (1, 2):
        await desk.position(position_id)
    _, signal = await decide(desk, signal_type=SignalType.CLOSE_BUY)
    stored = dict(await decision_of(desk, signal))
    result = replay_stored(stored)
    assert (result["rules"], result["equal"], result["approved"]) == ("closes", True, True)
    stored["record"]["cases"][1]["position"]["volume"] = "7"
    result = replay_stored(stored)
    assert not result["equal"]
    assert any(each.startswith("closes[1].volume") for each in result["differences"])


async def test_a_close_passes_when_the_account_is_halted_and_stale(desk):
    await desk.position(1)
    await desk.execute(
        "UPDATE accounts SET trading_state = 'HALTED', reconciled_at = NULL, not_tradable_code = 'X' WHERE id = $1",
        desk.account_id,
    )
    await desk.report(at=NOW - timedelta(hours=1))
    decided, _ = await decide(desk, signal_type=SignalType.CLOSE_BUY)
    assert decided.approved


async def test_nothing_to_close_is_said(desk):
    _, signal = await decide(desk, signal_type=SignalType.CLOSE_SELL)
    assert (signal["status"], signal["code"]) == ("REJECTED", "NOTHING_TO_CLOSE")
    assert (await decision_of(desk, signal))["code"] == "NOTHING_TO_CLOSE"


async def test_a_position_that_is_being_closed_is_not_closed_twice(desk):
    await desk.position(1)
    await decide(desk, signal_type=SignalType.CLOSE_BUY)
    _, again = await decide(desk, signal_type=SignalType.CLOSE_BUY)
    assert again["code"] == "NOTHING_TO_CLOSE"
    assert "on its way" in again["message"]


async def test_a_signal_past_its_life_is_expired_not_decided(desk):
    decided, signal = await decide(desk, now=NOW + timedelta(seconds=61))
    assert (signal["status"], signal["code"], decided.code) == ("EXPIRED", "EXPIRED", "EXPIRED")
    assert (await decision_of(desk, signal))["approved"] is False


async def test_without_an_account_it_is_denied_and_the_only_account_is_found(ports):
    desk = await seat(ports)
    desk.user_id = user = await add_user(ports)
    _, denied = await decide(desk, account_id=None)
    assert (denied["status"], denied["code"], denied["account_id"]) == ("REJECTED", "NO_ACCOUNT", None)
    account_id = await add_account(ports, user)
    _, found = await decide(desk, account_id=None)
    assert (found["code"], found["account_id"]) == ("STALE_ACCOUNT", account_id)


def update(table, what):
    key = "id" if table == "accounts" else "account_id"
    return {"sql": f"UPDATE {table} SET {what} WHERE {key} = $1"}


def insert(table, columns, values):
    return {"sql": f"INSERT INTO {table} ({columns}) SELECT {values} FROM accounts WHERE id = $1"}


DENIALS = {
    "SIGNAL_TOO_OLD": {"signal": {"signal_time": NOW - timedelta(minutes=6)}},
    "SIGNAL_IN_FUTURE": {"signal": {"signal_time": NOW + timedelta(minutes=5)}},
    "STOP_REQUIRED": {"signal": {"stop_loss": None}},
    "TARGET_WRONG_SIDE": {"signal": {"take_profit": Decimal("1.099")}},
    "REWARD_RISK_TOO_LOW": {"signal": {"take_profit": Decimal("1.103")}},
    "STALE_SYMBOL": update("symbols", "received_at = received_at - interval '25 h'"),
    "ENTRY_WRONG_SIDE": {"signal": {"order_type": OrderType.LIMIT, "entry_price": Decimal("1.2")}},
    "STALE_ACCOUNT": update("account_states", "received_at = received_at - interval '16 s'"),
    "STALE_TICK": update("latest_ticks", "received_at = received_at - interval '11 s'"),
    "ACCOUNT_RECONCILING": update("accounts", "reconciled_at = NULL"),
    "ACCOUNT_HALTED": update("accounts", "trading_state = 'HALTED'"),
    "ACCOUNT_REDUCING": update("accounts", "trading_state = 'REDUCING'"),
    "ACCOUNT_NOT_TRADABLE": update("accounts", "not_tradable_code = 'TERMINAL_TRADE_DISABLED'"),
    "DEMO_ONLY": {**update("accounts", "trade_mode = 'REAL'"), "policy": {"demo_only": True}},
    "POLICY_UNUSABLE": {"policy": {"max_signal_age_seconds": 1_000_000_000}},
    "TRADING_HALTED": insert("trading_switches", "user_id, state, reason, set_at", "user_id, 'HALTED', 'x', now()"),
    "SYMBOL_REDUCING": insert(
        "trading_switches", "user_id, symbol, state, reason, set_at", "user_id, 'EURUSD', 'REDUCING', 'x', now()"
    ),
    "CLOCK_SUSPECT": update("broker_offsets", "suspect = true"),
    "SYMBOL_DISABLED": update("symbols", 'spec = spec || \'{"trade_mode": "DISABLED"}\''),
    "VOLUME_BELOW_MINIMUM": update("account_states", "balance = 100, equity = 100, margin_free = 100"),
    "MARGIN_INSUFFICIENT": update("account_states", "margin_free = 1"),
    "SYMBOL_LOCKED": insert(
        "risk_locks",
        "account_id, scope, symbol, code, reason, from_at",
        "id, 'SYMBOL', 'EURUSD', 'SYMBOL_LOCKED', 'x', now()",
    ),
    "MAX_POSITIONS_REACHED": {"policy": {"max_positions": 1}, "positions": 1},
    "SYMBOL_NOT_ALLOWED": {"policy": {"symbols_allowed": ["GBPUSD"]}},
    "SPREAD_TOO_WIDE": {"policy": {"max_spread_points": "0.5"}},
    "ENTRY_PRICE_MOVED": {"policy": {"max_entry_deviation_points": "5"}, "signal": {"entry_price": Decimal("1.101")}},
    "VOLUME_REQUIRED": {"policy": {"sizing_mode": "SIGNAL_VOLUME"}},
    "TARGET_REQUIRED": {"policy": {"require_target": True}, "signal": {"take_profit": None}},
}


@pytest.mark.parametrize("code", DENIALS)
async def test_every_rule_denies_with_its_code(desk, code):
    broken = DENIALS[code]
    if "sql" in broken:
        await desk.execute(broken["sql"], desk.account_id)
    if "policy" in broken:
        await desk.policy(**broken["policy"])
    for position_id in range(broken.get("positions", 0)):
        await desk.position(position_id + 1)
    decided, signal = await decide(desk, **broken.get("signal", {}))
    stored = await decision_of(desk, signal)
    assert (decided.code, signal["code"], stored["code"]) == (code, code, code)
    assert (signal["status"], signal["detail_status"]) == ("REJECTED", "DENIED")
    assert any(gate["code"] == code and gate["passed"] is False for gate in stored["record"]["decision"]["gates"])
    assert signal["message"]


@pytest.mark.parametrize("protocol", [1, 2])
async def test_a_policy_that_cannot_hold_opens_nothing_closes_pass_and_a_person_is_told_once(ports, protocol):
    desk = await seat(ports, protocol=protocol)
    await desk.policy(max_positions=1_000_000)
    await desk.position(1)
    for _ in range(2):
        decided, signal = await decide(desk)
        assert decided.code == "POLICY_UNUSABLE"
        assert "max_positions: is 1000000; it must be at most 10000" in signal["message"]
        assert "PUT /api/v1/risk/policy" in signal["message"]
    closed, _ = await decide(desk, signal_type=SignalType.CLOSE_BUY)
    assert closed.approved
    told = "SELECT code, severity, detail FROM alerts WHERE account_id = $1"
    (alert,) = await desk.ports.pool.fetch(told, desk.account_id)
    assert (alert["code"], alert["severity"]) == ("POLICY_UNUSABLE", "critical")
    assert "max_positions" in alert["detail"]


async def test_a_policy_is_read_as_it_stands_and_never_taken_for_another_under_its_number(desk):
    for policy, approved in (({}, True), ({"symbols_blocked": ["EURUSD"]}, False), ({}, True)):
        await desk.execute("DELETE FROM risk_policies WHERE account_id = $1", desk.account_id)
        await desk.execute(
            "INSERT INTO risk_policies VALUES ($1, 7, $2, 'test', NULL, $3)", desk.account_id, policy, NOW
        )
        decided, signal = await decide(desk)
        assert decided.approved is approved
        record = (await decision_of(desk, signal))["record"]
        assert record["case"]["policy"]["version"] == 7
        assert record["case"]["policy"]["symbols_blocked"] == policy.get("symbols_blocked", [])


async def test_an_order_of_unknown_fate_blocks_its_symbol(desk):
    _, first = await decide(desk)
    await desk.execute("UPDATE trading_orders SET state = 'UNKNOWN' WHERE signal_id = $1", first["id"])
    _, second = await decide(desk)
    assert second["code"] == "SYMBOL_HAS_UNKNOWN_ORDER"


async def test_a_symbol_rests_after_a_close_where_the_policy_says_so(desk):
    await desk.policy(cooldown_seconds=60)
    await desk.execute(
        """INSERT INTO deals (account_id, ticket, symbol, type, entry, profit, time_msc, executed_at, received_at)
           VALUES ($1, 1, 'EURUSD', 'SELL', 'OUT', -5, 0, $2, $2)""",
        desk.account_id,
        NOW - timedelta(seconds=30),
    )
    _, signal = await decide(desk)
    assert signal["code"] == "COOLDOWN_ACTIVE"
    await desk.execute(
        "UPDATE deals SET executed_at = $2 WHERE account_id = $1", desk.account_id, NOW - timedelta(minutes=2)
    )
    decided, _ = await decide(desk)
    assert decided.approved


async def test_a_pending_in_the_brokers_book_counts_once(desk):
    await desk.policy(max_positions=2)
    _, first = await decide(desk, order_type=OrderType.LIMIT, entry_price=Decimal("1.098"), take_profit=Decimal("1.13"))
    order = await order_of(desk, first)
    await desk.execute("UPDATE trading_orders SET state = 'ACCEPTED', order_ticket = 77 WHERE id = $1", order["id"])
    await desk.execute(
        """INSERT INTO working_orders (account_id, ticket, symbol, type, volume_initial, volume_current, price_open, sl,
             state, type_time, taken_at)
           VALUES ($1, 77, 'EURUSD', 'BUY_LIMIT', 0.2, 0.2, 1.098, 1.095, 'PLACED', 'GTC', $2)""",
        desk.account_id, NOW,
    )  # fmt: skip
    decided, _ = await decide(desk)
    assert decided.approved


async def test_the_older_connector_gets_the_signals_own_volume_when_what_can_be_checked_holds(older_desk):
    _, signal = await decide(older_desk, volume=Decimal("0.1"))
    order = await order_of(older_desk, signal)
    assert (order["volume"], order["reserved_risk"]) == (Decimal("0.1"), Decimal(0))
    stored = await decision_of(older_desk, signal)
    assert stored["record"]["rules"] == "legacy"
    blind = [gate for gate in stored["record"]["decision"]["gates"] if gate["passed"] is None]
    assert {"tick_fresh", "symbol_fresh", "open_risk"} <= {gate["gate"] for gate in blind}
    assert all(gate["result"] for gate in blind)


LEGACY_DENIALS = {
    "VOLUME_REQUIRED": {"volume": None},
    "STOP_WRONG_SIDE": {"stop_loss": Decimal("1.105")},
    "TARGET_WRONG_SIDE": {"take_profit": Decimal("1.05"), "entry_price": None},
    "STOP_REQUIRED": {"stop_loss": None},
    "REWARD_RISK_TOO_LOW": {"take_profit": Decimal("1.101")},
    "ORDER_TYPE_NOT_ALLOWED": {"order_type": OrderType.LIMIT},
    "SIGNAL_TOO_OLD": {"signal_time": NOW - timedelta(hours=1)},
}


@pytest.mark.parametrize("code", LEGACY_DENIALS)
async def test_the_older_connectors_signal_is_denied_for_what_can_be_checked(older_desk, code):
    _, signal = await decide(older_desk, **{"volume": Decimal("0.1")} | LEGACY_DENIALS[code])
    assert signal["code"] == code


@pytest.mark.parametrize("held", [True, False])
async def test_an_account_that_nobody_holds_is_as_it_was_connected_last(older_desk, held):
    await older_desk.execute(
        """INSERT INTO mt5_sessions (user_id, account_id, terminal_instance_id, epoch, protocol, connected_at,
                                     last_seen_at, state)
           SELECT user_id, account_id, 'another', 0, 2, connected_at + $2::interval, last_seen_at, 'FENCED'
           FROM mt5_sessions WHERE account_id = $1""",
        older_desk.account_id,
        timedelta(days=1 if held else -1),
    )
    if not held:  # as a restored backup leaves it
        await older_desk.execute("UPDATE accounts SET session_id = NULL WHERE id = $1", older_desk.account_id)
    async with older_desk.ports.pool.acquire() as conn:
        facts = await risk_facts.gather(conn, older_desk.account_id, "EURUSD", now=NOW)
        limits = await conn.fetchrow(risk_state.SQL["read"], older_desk.account_id)
        asked = await conn.fetchrow(order_views.SQL["desk"], older_desk.account_id)
    assert (facts.legacy, limits["protocol"], asked["older_connector"]) == (True, 1, True)


async def test_the_older_connectors_figures_may_be_two_minutes_old(older_desk):
    await older_desk.report(at=NOW - timedelta(seconds=119))
    decided, _ = await decide(older_desk, volume=Decimal("0.1"))
    assert decided.approved
    await older_desk.report(at=NOW - timedelta(seconds=121))
    _, signal = await decide(older_desk, volume=Decimal("0.1"))
    assert signal["code"] == "STALE_ACCOUNT"


async def test_the_wall_time_of_an_unknown_clock_makes_no_signal_old_or_early(older_desk):
    in_three_hours, details = NOW + timedelta(hours=3), {"clock": "unknown"}
    decided, _ = await decide(older_desk, volume=Decimal("0.1"), signal_time=in_three_hours, details=details)
    assert decided.approved
    _, signal = await decide(older_desk, volume=Decimal("0.1"), signal_time=in_three_hours)
    assert signal["code"] == "SIGNAL_IN_FUTURE"


async def test_the_older_connector_counts_its_orders_under_way(older_desk):
    await older_desk.policy(max_positions=2)
    for _ in range(2):
        decided, _ = await decide(older_desk, volume=Decimal("0.1"))
        assert decided.approved
    _, third = await decide(older_desk, volume=Decimal("0.1"))
    assert third["code"] == "MAX_POSITIONS_REACHED"


async def test_the_older_connector_is_told_to_close_whatever_its_list_says(older_desk):
    _, signal = await decide(older_desk, signal_type=SignalType.CLOSE_BUY)
    order = await order_of(older_desk, signal)
    assert (order["kind"], order["side"], order["not_after"]) == ("CLOSE_ALL", "BUY", None)


@pytest.mark.parametrize(
    ("cap", "code"),
    [
        ({"max_leverage": "3"}, "LEVERAGE_EXCEEDED"),
        ({"max_currency_exposure_percent": "300"}, "CURRENCY_EXPOSURE_EXCEEDED"),
    ],
)
async def test_market_orders_on_their_way_count_with_what_they_are_worth(ports, cap, code):
    """Each is 0.20 lots of EURUSD, worth 22 000 on 10 000 of equity: one fits under three times the equity."""
    desk = await seat(ports)
    await desk.policy(max_total_exposure_percent="100", max_correlated_risk_percent="100", **cap)
    waiting = [await desk.signal(comment=str(n)) for n in range(50)]
    answers = await asyncio.gather(*(decide_signal(desk.ports, each, now=NOW) for each in waiting))
    assert sum(answer.approved for answer in answers) == 1
    assert {answer.code for answer in answers if not answer.approved} == {code}


async def test_an_order_on_its_way_without_a_known_price_is_not_taken_for_nothing(desk):
    await decide(desk)
    await desk.execute("UPDATE trading_orders SET reserved_price = NULL WHERE account_id = $1", desk.account_id)
    decided, _ = await decide(desk)
    assert decided.approved  # no limit asks what it is worth
    await desk.execute("UPDATE trading_orders SET reserved_price = NULL WHERE account_id = $1", desk.account_id)
    await desk.policy(max_leverage="30")
    _, denied = await decide(desk)
    assert denied["code"] == "LEVERAGE_EXCEEDED"
    assert "no price is known" in denied["message"]


async def test_a_change_on_its_way_is_risk_but_no_position_of_its_own(desk):
    await desk.policy(max_positions=2, max_positions_per_symbol=2, allow_opposite=False)
    await desk.position(1)
    await desk.execute(
        """INSERT INTO trading_orders (user_id, account_id, kind, symbol, side, sl, position_ticket, reserved_risk,
             state, created_at, updated_at) VALUES ($1, $2, 'MODIFY_POSITION', 'EURUSD', 'SELL', 1.09, 1001, 50,
             'QUEUED', $3, $3)""",
        desk.user_id, desk.account_id, NOW,
    )  # fmt: skip
    decided, signal = await decide(desk)
    assert decided.approved, signal["message"]
    gates = {gate["gate"]: gate for gate in (await decision_of(desk, signal))["record"]["decision"]["gates"]}
    assert gates["counts"]["inputs"]["reservations"] == "0"
    assert gates["open_risk"]["inputs"]["change"] == "50"
