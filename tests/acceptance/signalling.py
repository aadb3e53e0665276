"""What a sender of signals does: connect a terminal the specification's way, send, wait for the decision."""

import asyncio
from datetime import UTC, datetime

SIGNALS = "/api/v1/trading/signals"


async def connect(client, *, login="12345678", balance=10000.0):
    """The specification's own connect; the session's id."""
    body = {"account_number": login, "broker": "IC Markets", "balance": balance, "equity": balance, "currency": "USD"}
    answer = await client.post("/api/v1/mt5/connect", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["session_id"]


def wish(**changes):
    """The specification's signal, made just now."""
    return {
        "symbol": "EURUSD", "signal_type": "BUY", "entry_price": 1.1000, "stop_loss": 1.0950, "take_profit": 1.1100,
        "volume": 0.1, "timeframe": "H1", "confidence": 0.8, "signal_time": datetime.now(UTC).isoformat(),
    } | changes  # fmt: skip


async def decided(client, signal_id, *, within=15.0):
    """The signal, once a worker has decided on it."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        signal = (await client.get(f"{SIGNALS}/{signal_id}")).json()
        if signal["decided_at"] is not None:
            return signal
        assert asyncio.get_running_loop().time() < deadline, (
            f"signal {signal_id} was not decided in {within} s: {signal}"
        )
        await asyncio.sleep(0.05)


async def all_decided(client, count, *, within=60.0):
    """All the user's signals, once none is undecided."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        page = (await client.get(SIGNALS, params={"limit": 1000})).json()
        waiting = [signal["id"] for signal in page["signals"] if signal["decided_at"] is None]
        if page["total"] >= count and not waiting:
            return page
        assert asyncio.get_running_loop().time() < deadline, (
            f"{page['total']} of {count} kept, {len(waiting)} undecided"
        )
        await asyncio.sleep(0.2)
