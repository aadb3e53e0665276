import asyncio
import contextlib
from uuid import uuid4

import asyncpg
import httpx
from tests.acceptance.signalling import SIGNALS, connect, decided, wish


async def post(client, body):
    """Send until it is accepted: a server that is too busy says 503 and when to come again, and has kept nothing."""
    async with asyncio.timeout(60):
        while (answer := await client.post(SIGNALS, json=body)).status_code == 503:
            await asyncio.sleep(float(answer.headers["retry-after"]))
    return answer


async def test_a_thousand_at_once_under_one_key_are_one_row_and_one_order(new_user, base_url, stack):
    person = await new_user()
    await connect(person.client)
    headers = {"Authorization": f"Bearer {await person.token('trade')}", "Idempotency-Key": str(uuid4())}
    body = wish()
    async with contextlib.AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60, trust_env=False)
            )
            for _ in range(20)  # one client with a thousand requests spends its time in its own queue
        ]
        answers = await asyncio.gather(*(post(clients[n % 20], body) for n in range(1000)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    signal = await decided(person.client, answers[0].json()["id"])
    assert len(signal["orders"]) == 1
    assert (await person.client.get(SIGNALS)).json()["total"] == 1
    conn = await asyncpg.connect(stack.database_url)
    try:
        counted = await conn.fetchrow(
            """SELECT (SELECT count(*) FROM trading_signals WHERE user_id = $1) AS signals,
                      (SELECT count(*) FROM trading_orders WHERE user_id = $1) AS orders,
                      (SELECT count(*) FROM decisions WHERE user_id = $1) AS decisions""",
            signal["user_id"],
        )
    finally:
        await conn.close()
    assert tuple(counted) == (1, 1, 1)


async def test_the_key_outlives_the_decision(new_user):
    person = await new_user()
    await connect(person.client)
    key, body = {"Idempotency-Key": str(uuid4())}, wish()
    first = await person.client.post(SIGNALS, json=body, headers=key)
    await decided(person.client, first.json()["id"])
    again = await person.client.post(SIGNALS, json=body, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    other = await person.client.post(SIGNALS, json=body | {"volume": 0.2}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
