"""The application of one test, a terminal of it, and a way to put orders into its queue."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.integration.wire import WireTerminal, new_terminal
from tests.serving import client_of, serving, settings_for

from rubi.domain.order import NewOrder, OrderKind
from rubi.domain.signal import OrderType
from rubi.domain.units import Lots, Money, Price, Side
from rubi.flows.queue_order import not_after, queue_order


@pytest.fixture
async def app(dsn, redis_url):
    async with serving(settings_for(dsn, redis_url)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def terminal(client):
    """Connected, and reconciled: nothing is open and nothing waits at its broker."""
    terminal, _ = await new_terminal(client)
    await terminal.connect()
    await terminal.sync(positions=[], orders=[], taken_at="2025-10-23T09:00:00Z")
    return terminal


@pytest.fixture
def ports(app):
    return app.state.doors.ports()


@pytest.fixture
def queue(ports):
    async def put(terminal: WireTerminal, kind: OrderKind = OrderKind.OPEN, volume: str | None = "0.1", **more) -> int:
        now = datetime.now(UTC)
        async with ports.pool.acquire() as conn, conn.transaction():
            session = await conn.fetchrow(
                "SELECT user_id, account_id FROM mt5_sessions WHERE id = $1", terminal.session_id
            )
            order = NewOrder(
                **{
                    "user_id": session["user_id"],
                    "account_id": session["account_id"],
                    "kind": kind,
                    "symbol": "EURUSD",
                    "side": Side.BUY,
                    "order_type": OrderType.MARKET,
                    "volume": None if volume is None else Lots(Decimal(volume)),
                    "sl": Price(Decimal("1.095")),
                    "reserved_risk": Money(Decimal(50)),
                    "not_after": not_after(kind, now),
                    **more,
                }
            )
            queued = await queue_order(conn, order, actor="test", now=now)
            put.told[queued.id] = queued.told
            return queued.id

    put.told = {}
    return put
