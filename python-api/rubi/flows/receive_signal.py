"""A signal comes in: keep it, wake a worker. The same wish twice is one signal."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from rubi.domain.clock import BrokerClock
from rubi.domain.errors import RubiError
from rubi.domain.signal import DEFAULT_LIFE, Signal
from rubi.flows.choose_account import choose_account
from rubi.flows.ports import Ports
from rubi.flows.show_signal import signal_update
from rubi.observability.metrics import REPLAYS, SIGNALS_RECEIVED, observe_order
from rubi.store import signals
from rubi.store.pool import Connection
from rubi.store.signals import OtherKeys, Received

SAME_WISH = DEFAULT_LIFE
"""Without a time and without a key, an equal body within this time is the same wish again."""


class ToSignal(Protocol):
    """Make the signal once its account and its key are known."""

    def __call__(self, *, account_id: UUID | None, dedupe_key: str, clock: BrokerClock | None) -> Signal:
        """Build it; raises RubiError (422) for a value that does not hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request to keep a signal. `account` is what the body names, `bound_account` what the token is for."""

    user_id: int
    source: str
    body_sha256: bytes
    to_signal: ToSignal
    timed: bool
    """The body says when the signal was made: then the body alone tells one wish from the next."""
    account: str | None = None
    bound_account: UUID | None = None
    idempotency_key: str | None = None
    knows_its_time: bool = False
    """No time in it is told by the clock of a broker: the signal is the same for whatever account."""

    @property
    def has_one_key(self) -> bool:
        """Whether one key tells it; without, the same wish may have been kept under the key of another minute."""
        return self.timed or self.idempotency_key is not None


async def receive_signal(ports: Ports, wish: Wish, *, now: datetime) -> Received:
    """Keep the signal, then wake a worker. A repeated key does nothing.

    Raises:
        RubiError: 422 for a wrong field or ACCOUNT_REQUIRED, 403 or 404 for a wrong account, 409 for a reused key.

    """
    began = time.perf_counter()
    async with ports.pool.acquire() as conn:
        async with _enough(conn, wish):
            received = await keep(conn, wish, now)
        if received.new:
            # After the commit, and nobody waits for either: the sweep covers a crash right here, and a lost bell. The
            # news comes first, or a reader could hear of the decision before it hears of the signal.
            ports.bus.tell([signal_update(received.row)])
            ports.ring_decide(received.id)
            await asyncio.sleep(0)  # both leave now, and not when the connection is given back and the answer made
    if received.new:
        SIGNALS_RECEIVED.labels(wish.source).inc()
        observe_order("intake", time.perf_counter() - began)
    else:
        REPLAYS.labels("signal" if wish.idempotency_key is None else "idempotency_key").inc()
    return received


def _enough(conn: Connection, wish: Wish) -> AbstractAsyncContextManager[object]:
    """A transaction where one is needed: a wish with one key is kept by one statement, which commits by itself."""
    return nullcontext() if wish.has_one_key else conn.transaction()


async def keep(conn: Connection, wish: Wish, now: datetime) -> Received:
    """Keep a signal inside the caller's transaction, who rings and publishes after the commit."""
    key, other_keys = _keys(wish, now)
    if wish.knows_its_time and not other_keys:
        received = await _keep_for_only_account(conn, wish, key, now)
        if received is not None:
            return received
    other = turn = None
    if other_keys:
        # Requests that bring the same untimed wish come one after another, or two could miss each other at the minute.
        other = OtherKeys(other_keys, now - SAME_WISH)
        turn = f"{wish.user_id}:{wish.bound_account or ''}:{wish.body_sha256.hex()}"
    try:
        account = await choose_account(conn, wish.user_id, named=wish.account, bound=wish.bound_account, turn=turn)
    except RubiError:
        # A repeated wish has its answer, whatever has become of the user's accounts since.
        known = await signals.find(conn, wish.user_id, wish.source, key, other=other)
        if known is None:
            raise
        return signals.repeated(known, wish.body_sha256)
    signal = wish.to_signal(
        account_id=None if account is None else account.id,
        dedupe_key=key,
        clock=None if account is None else account.clock,
    )
    return await signals.insert(conn, signal, received_at=now, body_sha256=wish.body_sha256, other=other)


async def _keep_for_only_account(conn: Connection, wish: Wish, key: str, now: datetime) -> Received | None:
    """Keep what most wishes are, a new one for the account that it means, by one statement; None when it is not."""
    try:
        signal = wish.to_signal(account_id=None, dedupe_key=key, clock=None)
    except RubiError:
        return None  # said after what is wrong with its account, which is looked at first
    return await signals.insert_for_only_account(
        conn, signal, named=wish.account, bound=wish.bound_account, received_at=now, body_sha256=wish.body_sha256
    )


def _keys(wish: Wish, now: datetime) -> tuple[str, tuple[str, ...]]:
    """The key of the wish, and those it has in the minutes around: who arrived first is not always kept first."""
    # Tokens of two accounts say two wishes with one body: only the token tells them apart.
    whose = "" if wish.bound_account is None else f"account:{wish.bound_account}:"
    if wish.idempotency_key is not None:
        return f"{whose}key:{wish.idempotency_key}", ()
    body = wish.body_sha256.hex()
    if wish.timed:
        return f"{whose}body:{body}", ()
    minute = int(now.timestamp() // SAME_WISH.total_seconds())
    return f"{whose}body:{body}:{minute}", tuple(f"{whose}body:{body}:{minute + side}" for side in (-1, 1))
