import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import redis.asyncio
from tests.desk import open_ports, seat
from tests.serving import SECRET, settings_for

from rubi.live.line import Line
from rubi.queue import BELL_LIFE, DECIDE_SIGNAL, QUEUE, SWEEP, Doorbell, celery_app, message
from rubi.settings import SOURCE_ROOT
from rubi.tasks.home import AT_ONCE, HEARTBEATS, Home

PATIENCE = 40.0


@contextmanager
def worker(dsn, redis_url, log):
    """A real Celery worker, as the launcher starts it."""
    env = os.environ | {
        "PYTHONPATH": str(SOURCE_ROOT), "DATABASE_URL": dsn, "REDIS_URL": redis_url, "JWT_SECRET": SECRET,
        "LOG_FILE": "",
    }  # fmt: skip
    command = [sys.executable, "-m", "celery", "-A", "rubi.tasks.worker:app", "worker", "--loglevel", "INFO"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=log.parent)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


async def until(condition, log):
    deadline = time.monotonic() + PATIENCE
    while not (found := await condition()):
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        await asyncio.sleep(0.05)
    return found


@pytest.fixture
async def desk(dsn, redis_url):
    ports, _, client = await open_ports(dsn, redis_url)
    yield await seat(ports, now=datetime.now(UTC))
    await ports.pool.close()
    await ports.bus.close()
    await client.aclose()


@pytest.fixture
async def broker(redis_url):
    async with redis.asyncio.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def bell(broker):
    line = Line(broker)
    yield Doorbell(line.say)
    await line.close()


async def acknowledgements(broker):
    """How often Redis was told that a message is done with, which takes it out of two indexes."""
    return (await broker.info("commandstats")).get("cmdstat_zrem", {}).get("calls", 0)


async def test_a_bell_is_the_message_that_celery_itself_would_send(redis_url, broker, bell):
    app = celery_app(redis_url)
    await asyncio.to_thread(app.send_task, DECIDE_SIGNAL, args=[7], expires=60)
    app.close()
    bell.ring(DECIDE_SIGNAL, 7)
    await asyncio.sleep(0.2)
    ours, theirs = [json.loads(each) for each in await broker.lrange(QUEUE, 0, -1)]
    await broker.delete(QUEUE)
    said = []
    for stored in (ours, theirs):
        headers, properties = stored["headers"], stored["properties"]
        assert headers["id"] == headers["root_id"] == properties["correlation_id"]
        assert len(properties.pop("delivery_tag")) == len(headers["id"])
        left = datetime.fromisoformat(headers.pop("expires")) - datetime.now(UTC)
        assert timedelta(seconds=50) < left < timedelta(seconds=60)
        headers["origin"] = headers["origin"].partition("@")[2]
        # Nobody answers a bell, so its `reply_to` is empty; Celery's names a queue that is never made.
        for part, name in (
            (headers, "id"), (headers, "root_id"), (properties, "correlation_id"), (properties, "reply_to"),
        ):  # fmt: skip
            del part[name]
        said.append(stored | {"body": json.loads(b64decode(stored["body"]))})
    assert said[0] == said[1]


async def test_a_worker_decides_what_the_bell_names_and_leaves_in_order(desk, dsn, redis_url, broker, bell, tmp_path):
    log = tmp_path / "worker.log"
    now = datetime.now(UTC)
    signal_id = await desk.signal(received_at=now, signal_time=now)
    acknowledged = await acknowledgements(broker)
    with worker(dsn, redis_url, log) as process:
        bell.ring(DECIDE_SIGNAL, signal_id)
        bell.ring(DECIDE_SIGNAL, signal_id)
        bell.ring(SWEEP)
        await until(lambda: desk.value("SELECT decided_at FROM trading_signals WHERE id = $1", signal_id), log)
        assert await desk.value("SELECT count(*) FROM decisions WHERE signal_id = $1", signal_id) == 1
        (heartbeat,) = await until(lambda: broker.keys(f"{HEARTBEATS}*"), log)
        assert 0 < await broker.ttl(heartbeat) <= 15
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0
    assert await acknowledgements(broker) == acknowledged
    assert await broker.keys(f"{HEARTBEATS}*") == []
    assert "Traceback" not in log.read_text()


async def test_a_bell_that_ran_out_says_nothing(desk, dsn, redis_url, broker, bell, tmp_path):
    log = tmp_path / "worker.log"
    now = datetime.now(UTC)
    late, early = [await desk.signal(received_at=now, signal_time=now, comment=word) for word in ("late", "early")]
    await broker.lpush(QUEUE, message(DECIDE_SIGNAL, (late,), now=now - BELL_LIFE))
    with worker(dsn, redis_url, log):
        bell.ring(DECIDE_SIGNAL, early)
        decided = "SELECT decided_at FROM trading_signals WHERE id = $1"
        await until(lambda: desk.value(decided, early), log)
        assert await desk.value(decided, late) is None


async def test_a_bell_that_cannot_be_read_ends_no_worker(desk, dsn, redis_url, broker, bell, tmp_path):
    log = tmp_path / "worker.log"
    now = datetime.now(UTC)
    signal = await desk.signal(received_at=now, signal_time=now)
    for wrong in ({"expires": "soon"}, {"expires": "2030-01-01T00:00:00"}):
        said = json.loads(message(DECIDE_SIGNAL, (signal,), now=now))
        await broker.lpush(QUEUE, json.dumps(said | {"headers": said["headers"] | wrong}))
    with worker(dsn, redis_url, log) as process:
        bell.ring(DECIDE_SIGNAL, signal)
        await until(lambda: desk.value("SELECT decided_at FROM trading_signals WHERE id = $1", signal), log)
        assert process.poll() is None


async def test_so_many_bells_are_followed_at_once_the_others_in_order_and_none_after_the_end(dsn, redis_url):
    home, begun, ended = Home(settings_for(dsn, redis_url)), [], []
    may_end = [threading.Event(), threading.Event(), threading.Event()]

    async def flow(number, _ports):
        begun.append(number)
        while not may_end[number // AT_ONCE].is_set():
            await asyncio.sleep(0.01)
        ended.append(number)
        if number == 0:
            raise ValueError("a flow that fails gives its turn back")

    home.start()
    for number in range(3 * AT_ONCE):
        home.begin("rubi.test", partial(flow, number))
    await asyncio.sleep(0.5)
    assert begun == list(range(AT_ONCE))
    may_end[0].set()
    while len(begun) < 2 * AT_ONCE:
        await asyncio.sleep(0.01)
    closing = asyncio.create_task(asyncio.to_thread(home.close))
    await asyncio.sleep(0.5)
    may_end[1].set()
    await closing
    assert sorted(ended) == begun == list(range(2 * AT_ONCE))


async def test_a_worker_outlives_a_broken_task_and_a_lost_database_connection(desk, dsn, redis_url, bell, tmp_path):
    log = tmp_path / "worker.log"
    now = datetime.now(UTC)
    first, second = [await desk.signal(received_at=now, signal_time=now, comment=word) for word in ("one", "two")]
    decided = "SELECT decided_at FROM trading_signals WHERE id = $1"
    with worker(dsn, redis_url, log):
        bell.ring(DECIDE_SIGNAL, "not a number")
        bell.ring(DECIDE_SIGNAL, first)
        await until(lambda: desk.value(decided, first), log)
        await desk.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rubi-worker'"
        )
        bell.ring(DECIDE_SIGNAL, second)
        await until(lambda: desk.value(decided, second), log)
