import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.desk import NOW, add_account, add_user
from tests.serving import bearer, client_of, make_token, register, serving, settings_for

from rubi.api.wire_signals import SignalIn
from rubi.flows.decide_signal import decide_signal
from rubi.flows.receive_signal import Wish, keep, receive_signal

SIGNALS = "/api/v1/trading/signals"
SPEC_BODY = {
    "symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1000, "stop_loss": 1.0950, "take_profit": 1.1100,
    "volume": 0.1, "timeframe": "H1", "confidence": 0.8, "signal_time": "2025-10-23T10:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
async def app(cluster, template, redis_url_of_module):
    name = f"rubi_test_signals_{os.getpid()}"
    dsn = await cluster.create(name, template)
    async with serving(settings_for(dsn, redis_url_of_module)) as app:
        yield app
    await cluster.drop(name)


@pytest.fixture(scope="module")
async def ports(app):
    return app.state.doors.ports()


@pytest.fixture(scope="module")
async def guest(app):
    async with client_of(app) as client:
        yield client


class Trader:
    """A user with a token for signals, who has no account yet."""

    def __init__(self, client, person, token):
        self.client, self.token = client, token
        self.user_id, self.access = person["id"], person["access_token"]

    async def send(self, body=None, *, key=None, **changes):
        headers = bearer(self.token) | ({"Idempotency-Key": key} if key else {})
        content = body if isinstance(body, bytes) else json.dumps((body or SPEC_BODY) | changes).encode()
        return await self.client.post(SIGNALS, content=content, headers=headers | {"Content-Type": "application/json"})

    async def get(self, path="", **query):
        return await self.client.get(SIGNALS + path, params=query, headers=bearer(self.token))


@pytest.fixture
async def trader(guest):
    person = await register(guest)
    token = await make_token(guest, person["access_token"], "trade")
    return Trader(guest, person, token["token"])


async def test_the_specifications_signal_is_received(trader):
    answer = await trader.send()
    said = answer.json()
    assert answer.status_code == 201
    assert said["status"] == "received"
    assert said["id"] == said["signal_id"]
    assert said["duplicate"] is False
    signal = said["signal"]
    asked = {name: signal[name] for name in SPEC_BODY}
    assert asked == SPEC_BODY
    assert (signal["status"], signal["user_id"], signal["detail_status"]) == ("PENDING", trader.user_id, "RECEIVED")
    assert answer.headers["location"] == f"{SIGNALS}/{said['id']}"


async def test_a_repeated_signal_is_one_signal(trader):
    first = await trader.send()
    again = await trader.send(dict(reversed(SPEC_BODY.items())), volume="0.10", unknown="field")
    assert again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["duplicate"] is True
    assert again.headers["idempotent-replayed"] == "true"
    assert (await trader.get()).json()["total"] == 1


async def test_another_time_or_price_is_another_signal(trader):
    changes = ({}, {"signal_time": "2025-10-23T10:00:01Z"}, {"stop_loss": 1.0951})
    ids = {(await trader.send(**change)).json()["id"] for change in changes}
    assert len(ids) == 3


async def test_a_key_repeats_the_first_answer_to_the_letter(trader, ports):
    first = await trader.send(key="a-key-of-mine")
    await decide_signal(ports, first.json()["id"], now=datetime.now(UTC))
    again = await trader.send(key="a-key-of-mine")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_a_key_under_another_body_is_refused(trader):
    first = await trader.send(key="one-key")
    answer = await trader.send(key="one-key", volume=0.2)
    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert answer.json()["context"]["signal_id"] == first.json()["id"]


async def test_two_keys_are_two_wishes(trader):
    one, other = await trader.send(key="key-1"), await trader.send(key="key-2")
    assert one.json()["id"] != other.json()["id"]


@pytest.mark.parametrize("with_account", [False, True])
async def test_an_untimed_wish_that_comes_at_once_on_both_sides_of_a_minute_is_one_signal(ports, with_account):
    user_id = await add_user(ports)
    if with_account:
        await add_account(ports, user_id)
    turn_of_the_minute = datetime(2026, 11, 28, 15, 1, tzinfo=UTC)
    for number in range(10):
        body = SignalIn.model_validate({"symbol": "EURUSD", "signal_type": "BUY", "comment": f"wish {number}"})

        async def send(after, body=body):
            now = turn_of_the_minute + timedelta(milliseconds=after)
            wish = Wish(
                user_id=user_id,
                source="api",
                body_sha256=body.body_sha256(),
                to_signal=partial(body.to_domain, user_id=user_id, now=now),
                timed=False,
            )
            return await receive_signal(ports, wish, now=now)

        received = await asyncio.gather(*(send(after) for after in (-1, 1, -2, 2)))
        assert len({each.id for each in received}) == 1
        assert [each.new for each in received].count(True) == 1


async def test_a_hundred_at_once_under_one_key_are_one_signal(trader):
    answers = await asyncio.gather(*(trader.send(key="burst") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await trader.get()).json()["total"] == 1


async def test_without_a_time_an_equal_body_soon_after_is_the_same_wish(trader, ports):
    body = {name: value for name, value in SPEC_BODY.items() if name != "signal_time"}
    answers = await asyncio.gather(*(trader.send(body) for _ in range(10)))
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 1
    await ports.pool.execute(
        """UPDATE trading_signals SET received_at = received_at - interval '61 s', dedupe_key = dedupe_key || '-older'
           WHERE id = $1""",
        ids.pop(),
    )
    assert (await trader.send(body)).json()["duplicate"] is False
    assert (await trader.get()).json()["total"] == 2


async def test_a_terminating_nul_and_a_mark_of_byte_order_are_not_content(trader):
    answer = await trader.send(b"\xef\xbb\xbf" + json.dumps(SPEC_BODY).encode() + b"\0")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": None}, "symbol"),
        ({"symbol": "  "}, "symbol"),
        ({"symbol": "E" * 65}, "symbol"),
        ({"signal_type": "HOLD"}, "signal_type"),
        ({"signal_type": None}, "signal_type"),
        ({"entry_price": "abc"}, "entry_price"),
        ({"entry_price": True}, "entry_price"),
        ({"stop_loss": -1}, "stop_loss"),
        ({"take_profit": 1e300}, "take_profit"),
        ({"volume": 0}, "volume"),
        ({"volume": -0.1}, "volume"),
        ({"volume": "1e-400"}, "volume"),
        ({"volume": [1]}, "volume"),
        ({"confidence": 101}, "confidence"),
        ({"confidence": -0.1}, "confidence"),
        ({"signal_time": "yesterday"}, "signal_time"),
        ({"signal_time": {}}, "signal_time"),
        ({"signal_time": 10**30}, "signal_time"),
        ({"timeframe": "H" * 17}, "timeframe"),
        ({"order_type": "LIMIT", "entry_price": None}, "entry_price"),
        ({"order_type": "OCO"}, "order_type"),
        ({"signal_type": "CLOSE_BUY", "order_type": "LIMIT"}, "order_type"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 1e300}, "expires_in"),
        ({"magic": 2**63}, "magic"),
        ({"magic": -1}, "magic"),
        ({"risk": {"mode": "ALL_IN", "value": 1}}, "risk.mode"),
        ({"risk": {"mode": "RISK_PERCENT", "value": 101}}, "risk"),
        ({"risk": {"mode": "MONEY"}}, "risk.value"),
        ({"take_profits": [{"price": -1}]}, "take_profits.0.price"),
        ({"indicators": {"long": "x" * 20_000}}, "indicators"),
        ({"comment": "x" * 257}, "comment"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named_and_nothing_is_kept(trader, change, field):
    answer = await trader.send(**change)
    said = answer.json()
    assert answer.status_code == 422, said
    assert answer.headers["content-type"] == "application/problem+json"
    assert said["code"]
    named = [said["context"].get("field", "")] + [each["field"] for each in said["context"].get("errors", [])]
    assert any(each.startswith(field) for each in named), said
    assert (await trader.get()).json()["total"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"symbol": NaN}', b'{"symbol": "\\ud800"}', b"\xff"])
async def test_what_is_no_signal_is_refused_politely(trader, body):
    answer = await trader.send(body)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"]


async def test_zero_means_no_stop_as_the_terminal_writes_it(trader):
    signal = (await trader.send(stop_loss=0, take_profit=0.0, entry_price="0")).json()["signal"]
    assert (signal["stop_loss"], signal["take_profit"], signal["entry_price"]) == (None, None, None)


async def test_confidence_is_read_in_percent_too(trader):
    assert (await trader.send(confidence=80)).json()["signal"]["confidence"] == 0.8


async def test_everything_beyond_the_specification_is_kept(trader):
    more = {
        "order_type": "stop_limit", "stop_limit": 1.099, "risk": {"mode": "money", "value": 25}, "expires_in": 30,
        "comment": "by hand", "magic": "77", "take_profits": [1.11, {"price": 1.12, "share": 40}],
        "trailing": {"distance": 100}, "break_even": {"trigger": 50}, "indicators": {"rsi": 28.5}, "strategy_id": 7,
    }  # fmt: skip
    signal = (await trader.send(**more)).json()["signal"]
    assert (signal["order_type"], signal["risk_mode"], signal["risk_value"]) == ("STOP_LIMIT", "MONEY", 25)
    assert (signal["magic"], signal["comment"]) == ("77", "by hand")
    assert signal["details"]["take_profits"] == [{"price": "1.11"}, {"price": "1.12", "share": "40"}]
    assert signal["details"]["indicators"] == {"rsi": 28.5}
    life = datetime.fromisoformat(signal["expires_at"]) - datetime.fromisoformat(signal["received_at"])
    assert life == timedelta(seconds=30)


async def test_the_only_account_is_meant(trader, ports):
    account_id = await add_account(ports, trader.user_id)
    assert (await trader.send()).json()["signal"]["account_id"] == str(account_id)


@pytest.mark.parametrize(
    ("logins", "said", "statements"),
    [
        (["111"], {"signal_time": "2025-10-23T10:00:00.5Z"}, 1),
        (["111", "222"], {"signal_time": 1761213600, "account": " 222 "}, 1),
        (["111"], {"signal_time": "2025.10.23 10:00:00"}, 2),  # by the clock of the account
        ([], {"signal_time": 1761213600}, 3),
    ],
)
async def test_a_new_wish_that_knows_its_time_is_kept_by_one_statement(ports, logins, said, statements):
    user_id = await add_user(ports)
    accounts = [await add_account(ports, user_id, login=login) for login in logins]
    body = SignalIn.model_validate({"symbol": "EURUSD", "signal_type": "BUY"} | said)
    wish = Wish(
        user_id=user_id,
        source="api",
        body_sha256=body.body_sha256(),
        to_signal=partial(body.to_domain, user_id=user_id, now=NOW),
        timed=True,
        account=body.account,
        knows_its_time=body.knows_its_time,
    )
    asked = []
    async with ports.pool.acquire() as conn:
        with conn.query_logger(lambda query: asked.append(query.query)):
            kept = await keep(conn, wish, NOW)
    assert len(asked) == statements, asked
    assert kept.new
    assert kept.row["account_id"] == (accounts[-1] if accounts else None)
    assert (await receive_signal(ports, wish, now=NOW)).id == kept.id


async def test_with_several_accounts_one_must_be_named(trader, ports):
    one = await add_account(ports, trader.user_id, login="111")
    other = await add_account(ports, trader.user_id, login="222")
    answer = await trader.send()
    assert (answer.status_code, answer.json()["code"]) == (422, "ACCOUNT_REQUIRED")
    assert {each["id"] for each in answer.json()["context"]["accounts"]} == {str(one), str(other)}
    by_id = await trader.send(account=str(other).upper())
    by_login = await trader.send(account=111)
    assert by_id.json()["signal"]["account_id"] == str(other)
    assert by_login.json()["signal"]["account_id"] == str(one)


async def test_a_retry_has_its_answer_though_accounts_were_added_since(trader, ports):
    await add_account(ports, trader.user_id, login="111")
    first = await trader.send(key="before")
    await add_account(ports, trader.user_id, login="222")
    assert (await trader.send(key="before")).content == first.content


async def test_anothers_account_is_not_found(trader, ports, guest):
    stranger = await register(guest)
    theirs = await add_account(ports, stranger["id"], login="999")
    for named in (str(theirs), "999"):
        answer = await trader.send(account=named)
        assert (answer.status_code, answer.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")


async def test_broker_time_is_read_by_the_accounts_clock(trader, ports):
    account_id = await add_account(ports, trader.user_id, now=NOW)
    await ports.pool.execute("UPDATE broker_offsets SET minutes = 180 WHERE account_id = $1", account_id)
    signal = (await trader.send(signal_time="2025.10.23 13:00:00")).json()["signal"]
    assert signal["signal_time"] == "2025-10-23T10:00:00Z"
    assert "clock" not in signal["details"]


async def test_broker_time_of_an_unknown_clock_is_marked(trader):
    signal = (await trader.send(signal_time="2025.10.23 13:00")).json()["signal"]
    assert signal["details"]["clock"] == "unknown"


async def test_signals_are_listed_newest_first_with_filters(trader, ports):
    symbols = ("EURUSD", "EURUSD", "GBPUSD")
    ids = [(await trader.send(symbol=symbol, comment=str(n))).json()["id"] for n, symbol in enumerate(symbols)]
    await decide_signal(ports, ids[0], now=datetime.now(UTC))
    every = (await trader.get()).json()
    assert (every["total"], [each["id"] for each in every["signals"]]) == (3, ids[::-1])
    assert (await trader.get(symbol="GBPUSD")).json()["total"] == 1
    assert [each["id"] for each in (await trader.get(status="pending")).json()["signals"]] == [ids[2], ids[1]]
    page = (await trader.get(limit=1)).json()
    assert (page["total"], len(page["signals"])) == (3, 1)
    older = (await trader.get(limit=1, before=ids[1])).json()
    assert [each["id"] for each in older["signals"]] == [ids[0]]
    for query in ({"status": "GONE"}, {"limit": 0}, {"before": "x"}):
        assert (await trader.get(**query)).status_code == 422


async def test_a_signal_shows_its_decision_and_its_denial(trader, ports):
    sent = (await trader.send()).json()["id"]
    assert (await trader.get(f"/{sent}")).json()["decision"] is None
    assert (await trader.get(f"/{sent}/decision")).json()["code"] == "SIGNAL_UNDECIDED"
    await add_account(ports, trader.user_id)
    await decide_signal(ports, sent, now=datetime.now(UTC))
    signal = (await trader.get(f"/{sent}")).json()
    assert (signal["status"], signal["code"]) == ("REJECTED", "STALE_ACCOUNT")
    assert signal["decision"]["code"] == "STALE_ACCOUNT"
    assert any(gate["code"] == "STALE_ACCOUNT" for gate in signal["decision"]["gates"])
    assert signal["orders"] == []
    decision = (await trader.get(f"/{sent}/decision")).json()
    assert decision["record"]["case"]["proposal"]["symbol"] == "EURUSD"


async def test_an_approved_signal_shows_its_order_and_every_event(trader, ports):
    await add_account(ports, trader.user_id, protocol=1)
    await ports.pool.execute(
        """INSERT INTO account_states (account_id, balance, equity, margin_free, taken_at, received_at)
           SELECT id, 10000, 10000, 10000, now(), now() FROM accounts WHERE user_id = $1""",
        trader.user_id,
    )
    sent = (await trader.send(signal_time=datetime.now(UTC).isoformat())).json()["id"]
    await decide_signal(ports, sent, now=datetime.now(UTC))
    signal = (await trader.get(f"/{sent}")).json()
    (order,) = signal["orders"]
    assert (signal["detail_status"], order["state"], order["volume"]) == ("QUEUED", "QUEUED", 0.1)
    assert [event["event"] for event in order["events"]] == ["APPROVED"]


async def test_anothers_signal_is_not_there(trader, guest):
    sent = (await trader.send()).json()["id"]
    stranger = await register(guest)
    headers = bearer(stranger["access_token"])
    for path in (f"/{sent}", f"/{sent}/decision"):
        answer = await guest.get(SIGNALS + path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "SIGNAL_NOT_FOUND")
    assert (await guest.get(SIGNALS, headers=headers)).json() == {"total": 0, "signals": []}


async def test_without_a_token_or_with_one_that_only_reads_nothing_is_kept(trader, guest):
    assert (await guest.post(SIGNALS, json=SPEC_BODY)).status_code == 401
    reader = await make_token(guest, trader.access, "read")
    answer = await guest.post(SIGNALS, json=SPEC_BODY, headers=bearer(reader["token"]))
    assert answer.status_code == 403
    assert (await guest.get(SIGNALS, headers=bearer(reader["token"]))).json()["total"] == 0


async def test_a_token_of_one_account_sends_for_it_and_for_no_other(trader, ports, guest):
    one = await add_account(ports, trader.user_id, login="111")
    other = await add_account(ports, trader.user_id, login="222")
    bound = await make_token(guest, trader.access, "ea", account=str(one))
    mine = await guest.post(SIGNALS, json=SPEC_BODY, headers=bearer(bound["token"]))
    assert mine.json()["signal"]["account_id"] == str(one)
    wrong = await guest.post(SIGNALS, json=SPEC_BODY | {"account": str(other)}, headers=bearer(bound["token"]))
    assert (wrong.status_code, wrong.json()["code"]) == (403, "TOKEN_ACCOUNT_MISMATCH")
    theirs = (await trader.send(account=str(other))).json()["id"]
    assert (await guest.get(f"{SIGNALS}/{theirs}", headers=bearer(bound["token"]))).status_code == 404


@pytest.mark.parametrize("key", [None, "a-key-of-the-program"])
@pytest.mark.parametrize("timed", [True, False])
async def test_one_body_under_the_tokens_of_two_accounts_is_a_signal_for_each(trader, ports, guest, key, timed):
    body = SPEC_BODY if timed else {name: value for name, value in SPEC_BODY.items() if name != "signal_time"}
    accounts = [await add_account(ports, trader.user_id, login=login) for login in ("111", "222")]
    bound = [(await make_token(guest, trader.access, "trade", account=str(one)))["token"] for one in accounts]
    more = {} if key is None else {"Idempotency-Key": key}
    for _ in range(2):  # and each of them is repeated as one
        answers = [await guest.post(SIGNALS, json=body, headers=bearer(token) | more) for token in bound]
        assert [answer.json()["signal"]["account_id"] for answer in answers] == [str(one) for one in accounts]
    assert (await trader.get()).json()["total"] == 2


async def test_the_fate_of_a_signal_is_told_by_its_own_accounts_terminal_alone(trader, ports, guest):
    one = await add_account(ports, trader.user_id, login="111")
    other = await add_account(ports, trader.user_id, login="222")
    sent = (await trader.send(account=str(one))).json()["id"]
    report = {"signal_id": sent, "status": "REJECTED", "message": "Error: 10019"}

    async def tell(token):
        return await guest.post(f"{SIGNALS}/{sent}/status", json=report, headers=bearer(token))

    foreign = await tell((await make_token(guest, trader.access, "ea", account=str(other)))["token"])
    assert (foreign.status_code, foreign.json()["code"]) == (404, "SIGNAL_NOT_FOUND")
    assert (await tell(trader.token)).status_code == 403  # a program that trades is no terminal
    reports = "SELECT count(*) FROM signal_reports WHERE signal_id = $1"
    assert await ports.pool.fetchval(reports, sent) == 0
    assert (await tell((await make_token(guest, trader.access, "ea", account=str(one)))["token"])).status_code == 200
    assert (await tell(trader.access)).status_code == 200  # the specification reports with a login's token
    assert await ports.pool.fetchval(reports, sent) == 2
