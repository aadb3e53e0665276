"""A terminal by hand: each call says exactly what a test wants the service to hear."""

from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from tests.serving import bearer, make_token, register

SPEC = {
    "name": "EURUSD",
    "digits": 5,
    "point": 0.00001,
    "tick_size": 0.00001,
    "tick_value_profit": 1.0,
    "tick_value_loss": 1.0,
    "contract_size": 100000.0,
    "volume_min": 0.01,
    "volume_max": 100.0,
    "volume_step": 0.01,
    "trade_mode": "FULL",
    "currency_base": "EUR",
    "currency_profit": "USD",
    "currency_margin": "EUR",
}
HELLO = {
    "account_number": "12345678",
    "broker": "IC Markets",
    "balance": 10000.0,
    "equity": 10000.0,
    "currency": "USD",
    "protocol": 2,
    "server": "ICMarkets-Demo",
    "leverage": 500,
    "margin_mode": "HEDGING",
    "trade_mode": "DEMO",
    "time": {"gmt": 1761213600, "server": 1761224400, "tick_msc": 1761224399870},
}
MSC = 1761224400000  # 2025-10-23 13:00 on the broker's wall, 10:00 UTC


class WireTerminal:
    """One account's terminal on the wire."""

    def __init__(self, client: httpx.AsyncClient, token: str, **hello: Any) -> None:
        self.client = client
        self.headers = bearer(token)
        self.hello = {**HELLO, "terminal_instance_id": str(uuid4()), **hello}
        self.session_id = ""
        self.epoch = 0
        self.seq = 0

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1{path}", headers=self.headers, json=body)

    async def connect(self, **more: Any) -> dict[str, Any]:
        answer = await self.post("/mt5/connect", {**self.hello, **more})
        assert answer.status_code == 200, answer.text
        said = answer.json()
        self.session_id, self.epoch, self.seq = said["session_id"], said["epoch"], 0
        return said

    def body(self, **parts: Any) -> dict[str, Any]:
        self.seq += 1
        return {"session_id": self.session_id, "epoch": self.epoch, "seq": self.seq, **parts}

    async def sync(self, **parts: Any) -> dict[str, Any]:
        answer = await self.post("/mt5/sync", self.body(**parts))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def market(self, bid: float = 1.09990, ask: float = 1.10000, **more: Any) -> dict[str, Any]:
        """Everything that risk needs to decide on EURUSD."""
        parts = {
            "symbols": [SPEC],
            "account": {"balance": 10000.0, "equity": 10000.0, "margin": 0.0, "margin_free": 10000.0, "profit": 0.0},
            "ticks": [{"symbol": "EURUSD", "bid": bid, "ask": ask, "time_msc": MSC}],
            "positions": [],
            "orders": [],
        }
        return await self.sync(**{**parts, **more})


async def new_terminal(client: httpx.AsyncClient, **hello: Any) -> tuple[WireTerminal, dict[str, str]]:
    """A registered user's terminal, not yet connected, and the headers of the user."""
    access = (await register(client))["access_token"]
    token = (await make_token(client, access))["token"]
    return WireTerminal(client, token, **hello), bearer(access)


def position(ticket: int = 901, **more: Any) -> dict[str, Any]:
    return {
        "ticket": str(ticket),
        "position_id": str(ticket),
        "symbol": "EURUSD",
        "type": "BUY",
        "volume": 0.1,
        "open_price": 1.1,
        "current_price": 1.102,
        "sl": 1.095,
        "tp": 1.11,
        "profit": 20.0,
        "swap": 0.0,
        "commission": 0.0,
        "magic": "0",
        "comment": "",
        "open_time_msc": MSC,
        **more,
    }


def deal(ticket: int, order: int, volume: float, **more: Any) -> dict[str, Any]:
    return {
        "ticket": str(ticket),
        "order": str(order),
        "position_id": "901",
        "symbol": "EURUSD",
        "type": "BUY",
        "entry": "IN",
        "volume": volume,
        "price": 1.1,
        "profit": 0.0,
        "commission": -0.35,
        "time_msc": MSC + ticket,
        "magic": "0",
        **more,
    }


async def state_of(conn: asyncpg.Connection, order_id: int) -> str:
    return await conn.fetchval("SELECT state FROM trading_orders WHERE id = $1", order_id)
