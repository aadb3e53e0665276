import asyncio
import os
import signal

import httpx
import pytest
from tests.acceptance.signalling import SIGNALS, all_decided, connect, wish

SENDERS = 10
EACH = 50


async def send(client, body):
    """A sender that gives up on no signal: the same body until somebody answers."""
    while True:
        try:
            answer = await client.post(SIGNALS, json=body)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        if answer.status_code == 503:
            await asyncio.sleep(0.05)
            continue
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


@pytest.mark.faults
async def test_five_hundred_signals_survive_a_killed_api(new_stack, new_user):
    with new_stack() as running:
        person = await new_user(running.url)
        await connect(person.client)
        done = asyncio.Queue()

        async def sender(number):
            token = {"Authorization": person.client.headers["Authorization"]}
            async with httpx.AsyncClient(base_url=running.url, headers=token, timeout=20, trust_env=False) as client:
                for n in range(EACH):
                    done.put_nowait(await send(client, wish(comment=f"{number}-{n}")))

        senders = asyncio.gather(*(sender(number) for number in range(SENDERS)))
        while done.qsize() < 200:
            assert not senders.done()
            await asyncio.sleep(0.005)
        os.kill(running.pid("api"), signal.SIGKILL)
        await asyncio.wait_for(senders, 60)
        ids = [done.get_nowait() for _ in range(done.qsize())]
        assert len(set(ids)) == SENDERS * EACH
        page = await all_decided(person.client, SENDERS * EACH)
        assert page["total"] == SENDERS * EACH
        assert all(each["code"] is not None or each["detail_status"] == "QUEUED" for each in page["signals"])
