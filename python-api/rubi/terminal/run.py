"""A whole simulated terminal in one call: broker, journal, outbox, strategy and client over one data folder."""

import asyncio
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from rubi.terminal.broker import Broker
from rubi.terminal.client import BeforeSync, Client, nothing_to_do
from rubi.terminal.clock import ServiceClock
from rubi.terminal.executor import Executor, Told, nobody_listens
from rubi.terminal.journal import Journal
from rubi.terminal.limits import Limits
from rubi.terminal.outbox import Outbox
from rubi.terminal.points import VARIABLE, At, dies_at
from rubi.terminal.remote import RemoteBroker
from rubi.terminal.session import Backoff, Wire
from rubi.terminal.simulated import AccountTerms, SimulatedBroker
from rubi.terminal.strategy import Strategy

DEMO_SPEED = 8.0
"""Volatility of the demonstration: stops and targets of ordinary width are reached within a minute or so."""


async def run_client(
    url: str,
    token: str,
    broker: Broker,
    *,
    data_dir: Path,
    stop: asyncio.Event,
    limits: Limits | None = None,
    strategy_seed: int | None = None,
    backoff: Backoff | None = None,
    at: At | None = None,
    tell: Told = nobody_listens,
) -> None:
    """Run a terminal over any broker until `stop` is set; with `strategy_seed` the demonstration's strategy trades too.

    Raises:
        TerminalStoppedError: the token is refused.
        RecordFileBusyError, RecordFileDamagedError: the data folder cannot be used.

    """
    at = at or dies_at(os.environ.get(VARIABLE))
    clock = ServiceClock()
    journal = Journal(data_dir / "journal.log")
    outbox = Outbox(data_dir / "outbox.log")
    executor = Executor(broker, journal, now=clock.now, limits=limits, at=at, tell=tell)
    before_sync: BeforeSync = nothing_to_do
    if strategy_seed is not None:
        before_sync = Strategy(broker, outbox, seed=strategy_seed, now=clock.now, tell=tell).step
    try:
        async with httpx.AsyncClient(
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as http:
            client = Client(
                Wire(http, clock, backoff=backoff, at=at),
                broker,
                journal,
                outbox,
                executor,
                clock,
                before_sync=before_sync,
                tell=tell,
            )
            await client.run(stop)
    finally:
        journal.close()
        outbox.close()


async def run_terminal(
    url: str,
    token: str,
    *,
    seed: int = 1,
    data_dir: Path,
    stop: asyncio.Event,
    login: int = AccountTerms.login,
    server: str = AccountTerms.server,
    deposit: Decimal = AccountTerms.deposit,
    hedging: bool = True,
    speed: float = DEMO_SPEED,
    with_strategy: bool = True,
    limits: Limits | None = None,
    broker_address: str | None = None,
    on_event: Told | None = None,
) -> None:
    """Run the simulated terminal until `stop` is set, then say goodbye within 2.5 s.

    The account lives on in `data_dir` (or, with `broker_address`, in a `broker_server`). `on_event(name, facts)` hears
    `connected`, `signal_made`, `signal` (its acknowledgement), `command`, `executed`, `refused`, `recovered`,
    `session_lost`, `leased_elsewhere`, `sync_refused`, `rejected` and `disconnected`.

    Raises:
        TerminalStoppedError: the token is refused; the message says what to do.
        RecordFileBusyError: another terminal uses the folder.
        RecordFileDamagedError: the journal was changed by something else than a crash.

    """
    common: dict[str, Any] = {
        "data_dir": data_dir,
        "stop": stop,
        "limits": limits,
        "strategy_seed": seed if with_strategy else None,
        "tell": on_event or nobody_listens,
    }
    if broker_address is not None:
        remote = RemoteBroker(broker_address)
        try:
            await run_client(url, token, remote, **common)
        finally:
            await remote.close()
        return
    terms = AccountTerms(login=login, server=server, deposit=deposit, hedging=hedging)
    broker = SimulatedBroker(terms, seed=seed, speed=speed, ledger_path=data_dir / "broker.sqlite")
    try:
        await run_client(url, token, broker, **common)
    finally:
        broker.close()
