"""What Prometheus reads: the counts of every process together, and figures that no restart takes away."""

import asyncio
import os
import re
import signal

import httpx
import redis.asyncio
from tests.acceptance.signalling import connect, decided, wish
from tests.integration.wire import new_terminal, position
from tests.serving import client_of, serving, settings_for

from rubi.embedded.loopback import free_port


def value(text: str, series: str) -> float:
    """The value of one series, written as Prometheus writes it."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found, f"{series} is not among the metrics"
    return float(found[1])


async def test_what_a_worker_counts_is_read_from_the_api(new_user, stack):
    person = await new_user()
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as scraper:

        async def read(series):
            return value((await scraper.get("/metrics")).text, series)

        await connect(person.client)
        before = await read('rubi_order_seconds_count{stage="decide"}')
        sent = await person.client.post("/api/v1/trading/signals", json=wish())
        outcome = await decided(person.client, sent.json()["id"])
        assert outcome["status"] == "PENDING", outcome
        assert await read('rubi_order_seconds_count{stage="decide"}') == before + 1
        assert await read('rubi_task_seconds_count{outcome="done",task="decide_signal"}') >= 1
        for _ in range(150):
            if await read("rubi_sweeps_total") >= 1:
                break
            await asyncio.sleep(0.2)
        assert await read("rubi_sweeps_total") >= 1
        assert await read("rubi_workers") == 1
        assert await read("rubi_pool_connections_open") >= 2
        # Known from 0 on, whether or not it ever happens.
        assert await read('rubi_task_seconds_count{outcome="failed",task="drop_old_series"}') == 0
        assert await read('rubi_risk_blocks_total{gate="drawdown_budget"}') == 0
        assert await read('rubi_signals_denied_total{code="CURRENCY_EXPOSURE_EXCEEDED"}') == 0


async def test_a_killed_api_forgets_no_figure(new_user, stack):
    person = await new_user()
    await connect(person.client)
    address = f"{stack.url}/metrics"
    async with httpx.AsyncClient(trust_env=False) as scraper:
        before = (await scraper.get(address)).text
    killed = stack.pid("api")
    assert list((stack.instance / "metrics").glob(f"gauge_live*_{killed}.db"))
    os.kill(killed, signal.SIGKILL)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as scraper:
        after = (await scraper.get(address)).text  # the supervisor keeps the port: we wait in its queue
    assert not list((stack.instance / "metrics").glob(f"gauge_live*_{killed}.db"))
    assert list((stack.instance / "metrics").glob(f"counter_{killed}.db")), "what it counted stays"
    series = 'rubi_equity{currency="USD"}'
    assert value(after, series) == value(before, series) >= 10000
    for counted in ('rubi_order_seconds_count{stage="intake"}', "rubi_sweeps_total"):
        assert value(after, counted) >= value(before, counted)


async def test_a_denial_is_counted_by_its_code_and_by_the_gates_in_its_way(new_user, stack):
    person = await new_user()
    await connect(person.client)
    sent = await person.client.post("/api/v1/trading/signals", json=wish(stop_loss=1.2))
    outcome = await decided(person.client, sent.json()["id"])
    assert outcome["status"] == "REJECTED"
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as scraper:
        text = (await scraper.get("/metrics")).text
    assert value(text, f'rubi_signals_denied_total{{code="{outcome["code"]}"}}') >= 1
    assert re.search(r'^rubi_risk_blocks_total\{gate="[a-z_]+"\} [1-9]', text, re.MULTILINE)


async def test_refused_tokens_are_counted(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app, address="127.0.0.1") as client:
        before = value((await client.get("/metrics")).text, 'rubi_auth_refused_total{code="TOKEN_INVALID"}')
        await client.get("/api/v1/mt5/sessions", headers={"Authorization": "Bearer nonsense"})
        after = value((await client.get("/metrics")).text, 'rubi_auth_refused_total{code="TOKEN_INVALID"}')
    assert after == before + 1


async def test_money_is_told_by_currency_and_levels_by_limit(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app, address="127.0.0.1") as client:
        terminal, _ = await new_terminal(client)
        await terminal.connect()
        await terminal.market()
        text = (await client.get("/metrics")).text
    assert value(text, 'rubi_equity{currency="USD"}') == 10000
    assert value(text, 'rubi_accounts{currency="USD"}') == 1
    assert value(text, 'rubi_loss_limit_accounts{level="OK",limit="daily_loss"}') == 1
    assert value(text, 'rubi_loss_limit_accounts{level="HALTED",limit="drawdown"}') == 0
    assert value(text, "rubi_worst_drawdown_ratio") == 0
    assert value(text, "rubi_oldest_terminal_word_seconds") >= 0
    assert "12345678" not in text, "a login is no label"


async def test_a_terminal_that_is_gone_for_good_is_silent_no_longer(dsn, redis_url, conn):
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app, address="127.0.0.1") as client:
        terminal, _ = await new_terminal(client)
        await terminal.connect()
        await terminal.market(positions=[position()])

        async def silent_for(interval):
            await conn.execute(
                "UPDATE mt5_sessions SET state = 'SILENT', last_seen_at = now() - $1::text::interval", interval
            )
            return value((await client.get("/metrics")).text, 'rubi_sessions{state="SILENT"}')

        assert await silent_for("23 hours") == 1
        assert await silent_for("3 days") == 1, "its positions are watched by nobody"
        assert await silent_for("8 days") == 0
        await conn.execute("UPDATE trading_positions SET status = 'CLOSED'")
        assert await silent_for("3 days") == 0
        assert await silent_for("8 days") == 0
        assert value((await client.get("/metrics")).text, "rubi_oldest_terminal_word_seconds") == -1


async def test_the_drawdown_of_an_account_nobody_hears_of_is_no_alarm(dsn, redis_url, conn):
    halted = 'rubi_loss_limit_accounts{level="HALTED",limit="drawdown"}'
    async with serving(settings_for(dsn, redis_url)) as app, client_of(app, address="127.0.0.1") as client:
        terminal, _ = await new_terminal(client)
        await terminal.connect()
        await terminal.market()
        await conn.execute("UPDATE risk_accounts SET drawdown_level = 'HALTED'")
        assert value((await client.get("/metrics")).text, halted) == 1
        await conn.execute("UPDATE risk_accounts SET updated_at = now() - interval '8 days'")
        assert value((await client.get("/metrics")).text, halted) == 0


async def test_without_redis_the_metrics_say_so_and_the_business_figures_stay(dsn):
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    async with serving(settings_for(dsn, nobody)) as app, client_of(app, address="127.0.0.1") as client:
        text = (await client.get("/metrics")).text
    assert value(text, "rubi_redis_up") == 0
    assert value(text, "rubi_database_up") == 1
    assert value(text, 'rubi_orders{state="UNKNOWN"}') == 0


async def test_a_bell_that_cannot_be_rung_is_counted():
    from prometheus_client import REGISTRY

    from rubi.live.line import Line
    from rubi.queue import DECIDE_SIGNAL, Doorbell

    def lost():
        return REGISTRY.get_sample_value("rubi_doorbells_lost_total")

    before = lost()
    line = Line(redis.asyncio.from_url(f"redis://127.0.0.1:{free_port()}/0"))
    Doorbell(line.say).ring(DECIDE_SIGNAL, 1)
    for _ in range(200):
        if lost() > before:
            break
        await asyncio.sleep(0.05)
    await line.close()
    assert lost() == before + 1
