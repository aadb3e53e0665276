"""A trader with an account whose terminal is on the wire: what the one asks for over REST, the other carries out."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from tests.integration.wire import SPEC, WireTerminal
from tests.serving import bearer, make_token, register

from rubi.flows.replay_decision import replay_stored

ORDER = {"symbol": "EURUSD", "side": "BUY", "volume": 0.1, "sl": 1.095, "tp": 1.12}
HOURS_AHEAD = 3


def gmt() -> int:
    return int(datetime.now(UTC).timestamp())


def wall_msc() -> int:
    """The broker's wall clock now, as MT5 counts it."""
    return int((datetime.now(UTC).timestamp() + HOURS_AHEAD * 3600) * 1000)


class Trader:
    """A user, a token for programs, and one terminal; EURUSD stands at 1.0999/1.1000, nothing is open."""

    def __init__(self, client: httpx.AsyncClient, ports, person: dict[str, Any], token: str, ea: str) -> None:
        self.client, self.ports, self.token = client, ports, token
        self.user_id, self.username, self.access = person["id"], person["username"], person["access_token"]
        self.ea = ea
        self.terminal = self.new_terminal()
        self.account_id = ""
        self.deals = 7000

    def new_terminal(self, **hello) -> WireTerminal:
        time = {"gmt": gmt(), "server": gmt() + HOURS_AHEAD * 3600}
        return WireTerminal(self.client, self.ea, **{"account_number": f"1000{self.user_id}", "time": time, **hello})

    async def connect(self, **hello) -> None:
        said = await self.terminal.connect(**hello)
        self.account_id = said["account_id"]

    async def market(self, positions=(), orders=(), **more) -> dict[str, Any]:
        """The terminal tells everything that a decision needs."""
        return await self.terminal.sync(
            **{
                "symbols": [SPEC, {**SPEC, "name": "GBPUSD", "currency_base": "GBP"}],
                "account": {
                    "balance": 10000.0,
                    "equity": 10000.0,
                    "margin": 0.0,
                    "margin_free": 10000.0,
                    "profit": 0.0,
                },
                "ticks": [
                    {"symbol": name, "bid": 1.0999, "ask": 1.1, "time_msc": wall_msc()} for name in ("EURUSD", "GBPUSD")
                ],
                "positions": list(positions),
                "orders": list(orders),
                **more,
            }
        )

    async def post(self, path: str, body: Any = None, *, key: str | None = None, token: str | None = None):
        headers = bearer(token or self.token) | ({"Idempotency-Key": key} if key else {})
        root = "" if path.startswith("/api/") else "/api/v1"
        return await self.client.post(f"{root}{path}", json=body, headers=headers)

    async def get(self, path: str, **query):
        root = "" if path.startswith("/api/") else "/api/v1"
        return await self.client.get(f"{root}{path}", params=query, headers=bearer(self.token))

    async def order(self, **changes) -> dict[str, Any]:
        """Place an order that must be taken (queued, or denied)."""
        answer = await self.post("/trading/orders", {**ORDER, **changes})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def commands(self) -> list[dict[str, Any]]:
        """What is handed out to the terminal now."""
        return (await self.terminal.sync())["commands"]

    async def carry_out(self, command, *, ticket: int, retcode: int = 10009, **more) -> dict[str, Any]:
        """The terminal acknowledges a command and reports that the broker took it."""
        order_id = command["order_id"]
        return await self.terminal.sync(
            acks=[{"order_id": order_id, "lease_id": command["lease_id"], "outcome": "INTENT"}],
            reports=[{"order_id": order_id, "n": 1, "outcome": "RESULT", "retcode": retcode, "order_ticket": ticket}],
            **more,
        )

    def deal(self, ticket: int, volume: float, **more) -> dict[str, Any]:
        """A fill of the broker's order `ticket`."""
        self.deals += 1
        return {
            "ticket": self.deals, "order": ticket, "position_id": "901", "symbol": "EURUSD", "type": "BUY",
            "entry": "IN", "volume": volume, "price": 1.1, "profit": 0.0, "commission": -0.35, "magic": 0,
            "time_msc": wall_msc(), **more,
        }  # fmt: skip

    async def warm_up(self) -> None:
        """Open the pool's connections, so that requests at once are at the database at once."""
        await asyncio.gather(*(self.ports.pool.execute("SELECT pg_sleep(0.1)") for _ in range(10)))

    async def value(self, sql: str, *args):
        return await self.ports.pool.fetchval(sql, *args)

    async def state(self, order_id: int) -> str:
        return await self.value("SELECT state FROM trading_orders WHERE id = $1", order_id)


def working(ticket: int, **more) -> dict[str, Any]:
    """An order in the broker's book."""
    return {
        "ticket": ticket, "symbol": "EURUSD", "type": "BUY_LIMIT", "volume_initial": 0.1, "volume_current": 0.1,
        "price_open": 1.09, "sl": 1.085, "tp": 1.11, "state": "PLACED", "type_time": "GTC", "expiration": 0, "magic": 0,
        "comment": "", "time_setup_msc": 1761224400000, **more,
    }  # fmt: skip


async def new_trader(client: httpx.AsyncClient, ports, **hello) -> Trader:
    """A registered user whose terminal has connected and told the market."""
    person = await register(client)
    token = await make_token(client, person["access_token"], "trade")
    ea = await make_token(client, person["access_token"], "ea")
    trader = Trader(client, ports, person, token["token"], ea["token"])
    await trader.connect(**hello)
    if hello.get("protocol", 2) == 2:
        await trader.market()
    return trader


async def replayed(pool, account_id) -> list[str]:
    """The rules of every decision on an account, oldest first; each gives the same again, bit by bit."""
    rows = await pool.fetch("SELECT * FROM decisions WHERE account_id = $1 ORDER BY id", UUID(str(account_id)))
    found = [replay_stored(dict(row)) for row in rows]
    assert all(each["equal"] for each in found), found
    assert [(each["approved"], each["code"]) for each in found] == [(row["approved"], row["code"]) for row in rows]
    return [each["rules"] for each in found]
