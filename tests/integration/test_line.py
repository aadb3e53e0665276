import asyncio

import pytest
import redis.asyncio

from rubi.embedded.loopback import free_port
from rubi.live.line import Line


@pytest.fixture
async def client(redis_url):
    async with redis.asyncio.from_url(redis_url) as client:
        yield client
        await client.delete("line")


@pytest.fixture
async def line(client):
    line = Line(client)
    yield line
    await line.close()


async def test_what_is_said_at_once_arrives_in_its_order(line, client):
    said = [line.say(("RPUSH", "line", str(n)), ("RPUSH", "line", f"{n}b")) for n in range(200)]
    await asyncio.gather(*said)
    expected = [word.encode() for n in range(200) for word in (str(n), f"{n}b")]
    assert await client.lrange("line", 0, -1) == expected


async def test_a_refused_command_fails_alone(line, client):
    await client.set("line", "no list")
    first, refused, last = line.say(("PING",)), line.say(("RPUSH", "line", "1"), ("PING",)), line.say(("PING",))
    await first
    with pytest.raises(redis.asyncio.ResponseError):
        await refused
    await last


async def test_after_a_cut_what_is_said_next_arrives(line, client):
    await line.say(("RPUSH", "line", "before"))
    for each in await client.client_list():
        if each["id"] != str(await client.client_id()):
            await client.client_kill_filter(_id=each["id"])
    await line.say(("RPUSH", "line", "after"))
    assert await client.lrange("line", 0, -1) == [b"before", b"after"]


async def test_nobody_waits_for_a_redis_that_is_away():
    away = redis.asyncio.from_url(f"redis://127.0.0.1:{free_port()}/0")
    line = Line(away, longest=2)
    said = [line.say(("PING",)) for _ in range(3)]
    failed = await asyncio.gather(*said, return_exceptions=True)
    assert all(isinstance(each, redis.asyncio.RedisError | OSError) for each in failed)
    await line.close()


async def test_closing_sends_what_waits_and_takes_back_nobody_s_patience(client):
    line = Line(client)
    said = line.say(("RPUSH", "line", "last"))
    await line.close()
    await said
    assert await client.lrange("line", 0, -1) == [b"last"]


async def test_a_caller_who_gives_up_holds_up_nobody(line, client):
    given_up, other = line.say(("RPUSH", "line", "1")), line.say(("RPUSH", "line", "2"))
    given_up.cancel()
    await other
    assert await client.lrange("line", 0, -1) == [b"1", b"2"]
