"""What the terminals of a benchmark say: bodies as a terminal sends them, at prices that move."""

import json
import time
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.integration.wire import HELLO, SPEC, position

STEPS = 32
"""How many prices there are before they come again."""
PRICES = {"EURUSD": 1.1, "GBPUSD": 1.27, "AUDUSD": 0.66, "NZDUSD": 0.6, "EURGBP": 0.86}
AHEAD = 10_800
"""Seconds that the broker's clock is ahead of UTC."""


def hello(number: int) -> dict[str, Any]:
    """Connect of the terminal with this number."""
    instance = str(uuid5(NAMESPACE_URL, f"terminal {number}"))
    now = int(time.time())
    clock = {"gmt": now, "server": now + AHEAD, "tick_msc": (now + AHEAD) * 1000 - 130}
    return {**HELLO, "account_number": str(700_000 + number), "terminal_instance_id": instance, "time": clock}


def price(symbol: str, step: int) -> float:
    """The bid of a step."""
    return round(PRICES[symbol] + (step % STEPS - STEPS // 2) * 0.00003, 5)


@cache
def positions(step: int, number: int) -> bytes:
    """The list of open positions at the prices of a step."""
    names = list(PRICES)
    told = []
    for n in range(number):
        symbol = names[n % len(names)]
        opened, now = PRICES[symbol], price(symbol, step)
        told.append(
            position(
                900_000_001 + n, symbol=symbol, volume=0.1, open_price=opened, current_price=now,
                sl=round(opened - 0.005, 5), tp=round(opened + 0.01, 5), profit=round((now - opened) * 10_000, 2),
                swap=-0.31, commission=-0.35, magic="20251", comment="",
            )
        )  # fmt: skip
    return json.dumps(told).encode()


@cache
def account(step: int) -> bytes:
    """The account's money at the prices of a step, in the specification's words."""
    profit = round((step - STEPS // 2) * 1.7, 2)
    equity = round(10_000 + profit, 2)
    money = {"balance": 10_000.0, "equity": equity, "margin": 220.5, "margin_free": round(equity - 220.5, 2)}
    return json.dumps({**money, "margin_level": round(equity / 2.205, 2), "profit": profit}).encode()


def account_update(session: str, step: int) -> bytes:
    """POST /mt5/account/update."""
    return b'{"session_id": "%s", ' % session.encode() + account(step % STEPS)[1:]


def positions_update(session: str, step: int, number: int) -> bytes:
    """POST /trading/positions/update."""
    return b'{"session_id": "%s", "positions": %s}' % (session.encode(), positions(step % STEPS, number))


def sync(
    session: str, epoch: int, seq: int, step: int, number: int, *, symbols: bool = False, wait_ms: int = 0
) -> bytes:
    """One cycle with clocks, permissions, money, positions, an empty book of orders, and a quote."""
    step %= STEPS
    now = time.time()
    server_msc = int(now * 1000) + AHEAD * 1000
    bid = price("EURUSD", step)
    more = b', "symbols": %s' % _symbols() if symbols else b""
    return (
        b'{"session_id": "%s", "epoch": %d, "seq": %d, "time": {"gmt": %d, "server": %d, "tick_msc": %d}, '
        b'"flags": {"connected": true, "terminal_trade_allowed": true, "mql_trade_allowed": true, '
        b'"account_trade_allowed": true, "account_trade_expert": true, "ping_ms": 12}, "account": %s, '
        b'"positions": %s, "orders": [], "ticks": [{"symbol": "EURUSD", "bid": %.5f, "ask": %.5f, "time_msc": %d}], '
        b'"wait_ms": %d%s}'
        % (
            session.encode(), epoch, seq, now, now + AHEAD, server_msc - 130, account(step), positions(step, number),
            bid, bid + 0.00008, server_msc - 130, wait_ms, more,
        )
    )  # fmt: skip


@cache
def _symbols() -> bytes:
    told = []
    for name in PRICES:
        base, profit = name[:3], name[3:]
        told.append({**SPEC, "name": name, "currency_base": base, "currency_profit": profit, "currency_margin": base})
    return json.dumps(told).encode()
