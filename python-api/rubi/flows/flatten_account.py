"""A breached limit whose policy says so, or a person's FLATTEN, closes everything until it is flat.

By close orders like anybody else's: a market that sleeps is asked again, what fills late is closed when it shows.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog

from rubi.domain.auth import Principal, Scope, TokenKind
from rubi.flows.close_positions import Closing
from rubi.flows.keep_answer import Caller
from rubi.flows.ports import Ports
from rubi.flows.switch_trading import Taken, flatten
from rubi.live.bus import Event
from rubi.store import risk_facts, risk_state, switches

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(seconds=60)
"""A close that the broker refused (its market sleeps) is tried again this much later."""
BATCH = 100


class KillSwitch(Principal):
    """A person's FLATTEN, going on with what it could not reach when it was asked for."""

    @property
    def actor(self) -> str:
        """The name under which orders keep what was done."""
        return "flatten"


class RiskOfficer(Principal):
    """The risk limits, acting on their owner's account."""

    @property
    def actor(self) -> str:
        """The name under which orders and audit keep what was done."""
        return "risk"


def risk_officer(user_id: int, now: datetime) -> Caller:
    """The caller in whose name limits and plans give orders."""
    who = RiskOfficer(user_id, "risk", Scope.TRADE, TokenKind.API, uuid4(), uuid4())
    return Caller(who, None, now)


async def flatten_account(ports: Ports, account_id: UUID, *, now: datetime) -> int:
    """Queue a close for everything that is open and take back what waits; how many orders were made."""
    closing, taken = Closing(), Taken()
    async with ports.pool.acquire() as conn, conn.transaction():
        await risk_facts.take_turn(conn, account_id)
        row = await conn.fetchrow(risk_state.SQL["flattening"], account_id)
        if row is None or await conn.fetchval(risk_state.SQL["flattened"], account_id):
            return 0
        await flatten(conn, risk_officer(row["user_id"], now), account_id, None, closing, taken)
    made = len(closing.order_ids) + len(closing.bells) + len(taken.instructions)
    events = [*closing.events, *taken.events]
    if not events:
        return 0
    log.warning("risk.flatten", account_id=str(account_id), orders=made, reason=row["trading_reason"])
    for signal_id in closing.bells:
        ports.ring_decide(signal_id)
    woken = Event("COMMAND_WAITS", row["user_id"], account_id)
    await ports.bus.publish([woken, *events])
    return made


async def flatten_asked(ports: Ports, *, now: datetime) -> int:
    """Go on with every FLATTEN of a person that is not done; how many there are."""
    async with ports.pool.acquire() as conn:
        rows = await conn.fetch(switches.SQL["to_flatten"], BATCH, now - AGAIN_AFTER)
    for row in rows:
        await _go_on(ports, row["account_id"], row["symbol"], now)
    return len(rows)


async def _go_on(ports: Ports, account_id: UUID, symbol: str | None, now: datetime) -> None:
    closing, taken = Closing(), Taken()
    async with ports.pool.acquire() as conn, conn.transaction():
        await risk_facts.take_turn(conn, account_id)
        row = await conn.fetchrow(switches.SQL["take_flatten"], account_id, symbol)
        if row is None or await conn.fetchval(switches.SQL["flattened"], account_id, symbol):
            return
        who = KillSwitch(row["user_id"], "flatten", Scope.TRADE, TokenKind.API, uuid4(), uuid4())
        await flatten(conn, Caller(who, None, now), account_id, symbol, closing, taken)
        await conn.execute(switches.SQL["note_flatten"], account_id, symbol, now)
    events = [*closing.events, *taken.events]
    if not events:
        return
    log.warning(
        "flatten.goes_on",
        account_id=str(account_id),
        symbol=symbol,
        closes=len(closing.order_ids) + len(closing.bells),
        reason=row["reason"],
    )
    for signal_id in closing.bells:
        ports.ring_decide(signal_id)
    await ports.bus.publish([Event("COMMAND_WAITS", row["user_id"], account_id), *events])


async def flatten_breached(ports: Ports, *, now: datetime) -> int:
    """Flatten what a breach asked for and what is not flat yet; how many accounts."""
    async with ports.pool.acquire() as conn:
        rows = await conn.fetch(risk_state.SQL["to_flatten"], BATCH, now - AGAIN_AFTER)
    for row in rows:
        await flatten_account(ports, row["account_id"], now=now)
    return len(rows)
