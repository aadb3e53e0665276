"""What people see of their accounts: the state that counts and why, the money, the terminal, the broker's clock."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rubi.domain.account import TradingState, strictest
from rubi.domain.errors import NotFoundError
from rubi.flows.ports import Ports
from rubi.flows.show_signal import shown
from rubi.store import account_views
from rubi.store.order_views import Owner
from rubi.store.pool import Row

SILENT_AFTER = timedelta(seconds=15)
_PLAIN = (
    "id", "login", "server", "broker", "currency", "leverage", "margin_mode", "trade_mode", "fifo_close",
    "hedge_allowed", "epoch", "trading_state", "trading_reason", "not_tradable_code", "reconciled_at", "created_at",
    "risk_state", "risk_reason", "positions_open", "orders_working", "orders_queued", "orders_unknown",
)  # fmt: skip
_MONEY = ("balance", "equity", "margin", "margin_free", "margin_level", "profit", "credit")
_SESSION = (
    "session_id", "session_state", "terminal_instance_id", "protocol", "ea_version", "connected_at", "last_seen_at",
)  # fmt: skip


async def read_accounts(ports: Ports, owner: Owner, *, now: datetime) -> list[dict[str, Any]]:
    """The owner's accounts, oldest first."""
    async with ports.pool.acquire() as conn:
        return [_show(row, now) for row in await account_views.accounts(conn, owner)]


async def read_account(ports: Ports, owner: Owner, account_id: UUID, *, now: datetime) -> dict[str, Any]:
    """One account.

    Raises:
        NotFoundError: no such account of this owner.

    """
    async with ports.pool.acquire() as conn:
        rows = await account_views.accounts(conn, owner, account_id)
    if not rows:
        raise NotFoundError("ACCOUNT_NOT_FOUND", f"you have no account {account_id}")
    return _show(rows[0], now)


def _show(row: Row, now: datetime) -> dict[str, Any]:
    switches = [
        {"level": _level(everywhere, symbol), "symbol": symbol, "state": state, "reason": reason, "set_at": set_at}
        for everywhere, symbol, state, reason, set_at in row["switches"] or ()
    ]
    whole = [TradingState(each["state"]) for each in switches if each["symbol"] is None]
    offsets = [
        {"from": since, "minutes": minutes, "suspect": suspect} for since, minutes, suspect in row["offsets"] or ()
    ]
    live = (
        row["session_state"] == "ACTIVE"
        and row["last_seen_at"] is not None
        and now - row["last_seen_at"] <= SILENT_AFTER
    )
    money = {name: shown(name, row[name]) for name in _MONEY}
    return {
        **{name: shown(name, row[name]) for name in _PLAIN},
        "effective_state": strictest([TradingState(row["trading_state"]), TradingState(row["risk_state"]), *whole]),
        "switches": switches,
        "live": live,
        "reconciled": row["reconciled_at"] is not None,
        "money": None if row["balance"] is None else {**money, "taken_at": shown("taken_at", row["money_at"])},
        "session": None if row["session_id"] is None else {name: shown(name, row[name]) for name in _SESSION},
        "offset_minutes": offsets[-1]["minutes"] if offsets else None,
        "clock_suspect": bool(offsets and offsets[-1]["suspect"]),
        "offsets": offsets,
    }


def _level(everywhere: bool, symbol: str | None) -> str:
    if symbol is not None:
        return "SYMBOL"
    return "EVERYWHERE" if everywhere else "ACCOUNT"
