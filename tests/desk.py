"""A user with an account whose terminal has just reported, and the doors of one process around it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import redis.asyncio

from rubi.domain.signal import Signal, SignalType
from rubi.flows.ports import Ports
from rubi.live.bus import Bus
from rubi.store import signals
from rubi.store.pool import open_pool

NOW = datetime(2025, 10, 23, 10, 0, tzinfo=UTC)
SPEC = {
    "digits": 5, "point": "0.00001", "tick_size": "0.00001", "tick_value_loss": "1", "tick_value_profit": "1",
    "contract_size": "100000", "volume_min": "0.01", "volume_max": "100", "volume_step": "0.01",
    "currency_base": "EUR", "currency_profit": "USD", "currency_margin": "EUR", "trade_mode": "FULL",
    "trade_exemode": "MARKET", "commission_per_lot": "0",
}  # fmt: skip
WISH = {
    "symbol": "EURUSD", "signal_type": SignalType.BUY, "entry_price": Decimal("1.1"), "stop_loss": Decimal("1.095"),
    "take_profit": Decimal("1.11"), "signal_time": NOW,
}  # fmt: skip


class RecordingBus(Bus):
    """The real bus, which also remembers what it was told."""

    def __init__(self, client):
        super().__init__(client)
        self.told = []

    def tell(self, events):
        events = list(events)
        self.told += events
        return super().tell(events)


@dataclass
class Desk:
    """One user's account at noon of `NOW`: 10 000 USD, EURUSD at 1.0999/1.1000, nothing open."""

    ports: Ports
    user_id: int
    account_id: UUID
    count: int = 0

    @property
    def told(self):
        return self.ports.bus.told

    async def execute(self, sql, *args):
        return await self.ports.pool.execute(sql, *args)

    async def row(self, sql, *args):
        return await self.ports.pool.fetchrow(sql, *args)

    async def value(self, sql, *args):
        return await self.ports.pool.fetchval(sql, *args)

    async def signal(self, *, received_at=NOW, **changes):
        """Keep a signal as the API would; its id."""
        self.count += 1
        made = Signal(
            user_id=self.user_id, source="api", dedupe_key=str(self.count),
            **{"account_id": self.account_id} | WISH | changes,
        )  # fmt: skip
        async with self.ports.pool.acquire() as conn, conn.transaction():
            return (await signals.insert(conn, made, received_at=received_at)).id

    async def position(self, position_id, *, side="BUY", symbol="EURUSD", volume="0.10", sl="1.095"):
        await self.execute(
            """INSERT INTO trading_positions (account_id, position_id, ticket, symbol, side, volume, open_price,
                 current_price, sl, opened_at, taken_at) VALUES ($1, $2, $3, $4, $5, $6, 1.1, 1.1, $7, $8, $8)""",
            self.account_id, position_id, position_id + 1000, symbol, side, Decimal(volume), Decimal(sl), NOW,
        )  # fmt: skip

    async def report(self, *, at=NOW, **money):
        """What the terminal says of the account."""
        said = {"balance": 10000, "equity": 10000, "margin": 0, "margin_free": 10000} | money
        await self.execute(
            """INSERT INTO account_states (account_id, balance, equity, margin, margin_free, taken_at, received_at)
               VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (account_id) DO UPDATE SET
                 balance = excluded.balance, equity = excluded.equity, margin = excluded.margin,
                 margin_free = excluded.margin_free, taken_at = excluded.taken_at,
                 received_at = excluded.received_at""",
            self.account_id, *(Decimal(said[name]) for name in ("balance", "equity", "margin", "margin_free")), at,
        )  # fmt: skip

    async def quote(self, bid="1.09999", ask="1.10000", *, symbol="EURUSD", at=NOW):
        await self.execute(
            """INSERT INTO latest_ticks VALUES ($1, $2, $3, $4, $5, $6, $6)
               ON CONFLICT (account_id, symbol) DO UPDATE SET (bid, ask, time_msc, quoted_at, received_at)
                 = (excluded.bid, excluded.ask, excluded.time_msc, excluded.quoted_at, excluded.received_at)""",
            self.account_id, symbol, Decimal(bid), Decimal(ask), int((at + timedelta(hours=3)).timestamp() * 1000), at,
        )  # fmt: skip

    async def describe(self, symbol="EURUSD", *, at=NOW, **changes):
        await self.execute(
            """INSERT INTO symbols VALUES ($1, $2, $3, 'x', $4)
               ON CONFLICT (account_id, name) DO UPDATE SET spec = excluded.spec, received_at = excluded.received_at""",
            self.account_id, symbol, SPEC | changes, at,
        )  # fmt: skip

    async def policy(self, **changes):
        await self.execute(
            "INSERT INTO risk_policies VALUES ($1, (SELECT count(*) + 1 FROM risk_policies), $2, 'test', NULL, $3)",
            self.account_id, json.loads(json.dumps(changes)), NOW,
        )  # fmt: skip


async def open_ports(dsn, redis_url, *, size=10):
    rung = []
    pool = await open_pool(dsn, size=size, application="test")
    client = redis.asyncio.from_url(redis_url)
    return (
        Ports(pool=pool, bus=RecordingBus(client), ring=lambda _task, signal_id: rung.append(signal_id)),
        rung,
        client,
    )


async def add_user(ports):
    return await ports.pool.fetchval(
        "INSERT INTO users (username, email, password_hash) VALUES ($1, $1 || '@example.com', 'x') RETURNING id",
        f"trader-{uuid4()}",
    )


async def seat(ports, *, protocol=2, now=NOW):
    """Make a user, an account and its live terminal; protocol 1 is the older connector, which tells little."""
    user_id = await add_user(ports)
    desk = Desk(ports, user_id, await add_account(ports, user_id, protocol=protocol, now=now))
    await desk.report(at=now)
    if protocol == 2:
        await desk.describe(at=now)
        await desk.quote(at=now)
    return desk


async def add_account(ports, user_id, *, login="12345678", protocol=2, now=NOW):
    account_id = await ports.pool.fetchval(
        """INSERT INTO accounts (user_id, server, login, broker, currency, leverage, epoch, reconciled_at)
           VALUES ($1, 'Broker-Demo', $2, 'Broker', 'USD', 500, 1, $3) RETURNING id""",
        user_id, login, now if protocol == 2 else None,
    )  # fmt: skip
    session_id = await ports.pool.fetchval(
        """INSERT INTO mt5_sessions (user_id, account_id, terminal_instance_id, epoch, protocol, connected_at,
             last_seen_at)
           VALUES ($1, $2, 'terminal', 1, $3, $4, $4) RETURNING id""",
        user_id, account_id, protocol, now,
    )  # fmt: skip
    await ports.pool.execute("UPDATE accounts SET session_id = $2 WHERE id = $1", account_id, session_id)
    if protocol == 2:
        await ports.pool.execute(
            "INSERT INTO broker_offsets VALUES ($1, $2, 180, false)", account_id, now - timedelta(days=9)
        )
    return account_id
