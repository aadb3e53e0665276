"""The specification's own calls of a terminal: signs of life, the account's money, the positions, good-bye."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rubi.domain.errors import ConflictError
from rubi.domain.position import AccountMoney, BrokerPosition
from rubi.flows.audit import audit
from rubi.flows.connect_terminal import account_frame
from rubi.flows.flatten_account import flatten_account
from rubi.flows.ports import Connection, Ports
from rubi.flows.replace_books import replace_positions
from rubi.flows.watch_limits import watch_limits
from rubi.live.bus import Event
from rubi.store import books, terminals
from rubi.store.terminals import Terminal


async def record_account(ports: Ports, terminal: Terminal, money: AccountMoney, *, now: datetime) -> None:
    """Store the account's money as it is now.

    Raises:
        ConflictError: `EPOCH_FENCED`, another session holds the account.

    """
    async with ports.pool.acquire() as conn, conn.transaction():
        await _hold(conn, terminal, now)
        await books.save_money(conn, terminal.account_id, money, taken_at=now, now=now)
        watch = await watch_limits(conn, terminal.account_id, now=now)
    frame = account_frame(money, now)
    await ports.bus.publish([Event("ACCOUNT_UPDATE", terminal.user_id, terminal.account_id, frame), *watch.events])
    if watch.flatten:
        await flatten_account(ports, terminal.account_id, now=now)


async def record_positions(
    ports: Ports, terminal: Terminal, positions: Sequence[BrokerPosition], *, now: datetime
) -> None:
    """Replace the account's open positions by this list.

    Raises:
        ConflictError: `EPOCH_FENCED`, another session holds the account.

    """
    async with ports.pool.acquire() as conn, conn.transaction():
        await _hold(conn, terminal, now)
        # Ordered by arrival: a broker's clock in whole seconds cannot tell two lists apart.
        events = await replace_positions(
            conn,
            user_id=terminal.user_id,
            account_id=terminal.account_id,
            positions=positions,
            taken_at=now,
            now=now,
        )
    await ports.bus.publish(events)


async def disconnect_terminal(ports: Ports, terminal: Terminal, totals: dict[str, Any], *, now: datetime) -> None:
    """End a session; said twice, it changes nothing."""
    async with ports.pool.acquire() as conn, conn.transaction():
        closed = await conn.fetchval(terminals.SQL["close_session"], terminal.session_id, now, totals)
        if closed is None:
            return  # it has ended already, perhaps by a fence a moment ago
        await audit(
            conn,
            terminal.user_id,
            "terminal.disconnect",
            "session",
            terminal.session_id,
            totals,
            now=now,
        )


async def _hold(conn: Connection, terminal: Terminal, now: datetime) -> None:
    """Note the sign of life of the session that holds the account."""
    held = await conn.fetchval(terminals.SQL["touch_holder"], terminal.session_id, now)
    if held is None:
        raise ConflictError("EPOCH_FENCED", f"session {terminal.session_id} no longer holds the account; connect again")
