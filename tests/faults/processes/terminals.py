"""Faults of terminals: killed at every point of an order's life, two on one account, a machine with a wrong clock."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle

from tests.faults.processes import ledgers
from tests.faults.processes.invariants import examine
from tests.faults.processes.report import Result
from tests.faults.processes.senders import SYMBOLS, Load, Sender, send_many, wish
from tests.faults.processes.stage import Desk, Stage

from rubi.embedded import process
from rubi.terminal.execution import Behaviour
from rubi.terminal.points import POINTS

MOODS = (Behaviour(late_ms=15_000), Behaviour(silent=True), Behaviour())
"""How the broker treats an order after whose sending the terminal dies. With a deal so late that the terminal is back
before it, its journal is the only one who knows that the order was sent."""

KILLED_WITHIN_S = 60.0
SIGNAL_EVERY_S = 1.0
WISHES = tuple(
    (kind, symbol)
    for n, symbol in enumerate(SYMBOLS)
    for kind in (("BUY", "CLOSE_BUY") if n % 2 else ("SELL", "CLOSE_SELL"))
)
"""Open, close, next symbol: there is mostly something to do."""


async def terminal_kills(stage: Stage, result: Result, *, each: int, accounts: int, unknown_for: float) -> None:
    """SIGKILL at each of the six points, so many times; the same journal is started again each time."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, accounts, max_positions=60)
    for desk in desks:
        desk.end_terminal()
    load, killed, begun = Load("kills"), Counter(), time.monotonic()
    shares = [[point for n in range(each) for point in POINTS][number::accounts] for number in range(accounts)]
    moods = cycle(MOODS)
    await asyncio.gather(
        *(_killed_again(desk, points, load, killed, moods) for desk, points in zip(desks, shares, strict=True))
    )
    killing_s = time.monotonic() - begun
    for desk in desks:
        desk.start_terminal()
    for desk in desks:
        await desk.ready()
    await examine(stage, desks, load, result, unknown_for=unknown_for, service_stayed=True)
    result.runs = killed.total()
    result.figures |= {"kills_per_min": round(60 * result.runs / killing_s), "killed_at": dict(killed)}
    if result.runs != each * len(POINTS):
        result.violations.append(f"{result.runs} of {each * len(POINTS)} kills happened: {dict(killed)}")


async def _killed_again(
    desk: Desk, points: Sequence[str], load: Load, killed: Counter[str], moods: Iterator[Behaviour]
) -> None:
    sender = Sender(desk.url, desk.trader.sending, load)
    wishes = cycle(WISHES)
    for n, point in enumerate(points):
        if point == "after_send":
            await desk.script(next(moods))
        terminal = desk.start_terminal(dies_at=point)
        deadline = time.monotonic() + KILLED_WITHIN_S
        sent_at, tries = 0.0, 0
        while terminal.poll() is None and time.monotonic() < deadline:
            if time.monotonic() > sent_at + SIGNAL_EVERY_S and await desk.trades():
                key = f"kills-{desk.number}-{n}-{tries}"
                await sender.send(key, wish(desk, key, *next(wishes)))
                sent_at, tries = time.monotonic(), tries + 1
            await asyncio.sleep(0.02)
        if terminal.poll() == -signal.SIGKILL:
            killed[point] += 1
        else:
            load.violations.append(f"account {desk.login}: the terminal did not die at {point} ({terminal.poll()})")
            process.stop(terminal)
    sender.close()


async def two_terminals(stage: Stage, result: Result, *, seconds: float) -> None:
    """A second live terminal on the account is refused with 423 and never gets a command."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 1)
    desk, load = desks[0], Load("two")
    second = desk.start_terminal(data="second")
    sender = asyncio.create_task(send_many(stage.url, load, desks, count=10**9, senders=1, seed=6, pause_s=0.2))
    await asyncio.sleep(seconds)
    load.stop = True
    await sender
    said = Counter(event["event"] for event in desk.events("second"))
    if not said["leased_elsewhere"]:
        result.violations.append(f"the second terminal was not refused: {dict(said)}")
    if said["command"] or said["connected"]:
        result.violations.append(f"the second terminal was let in: {dict(said)}")
    process.stop(second)
    await examine(stage, desks, load, result)
    result.runs = 1
    result.figures |= {"refused": said["leased_elsewhere"], "commands_of_second": said["command"]}


async def wrong_clock(stage: Stage, result: Result, *, minutes: int, seconds: float) -> None:
    """The terminal's machine is minutes ahead, then behind: orders flow, none is executed after its time."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 2)
    for desk in desks:
        desk.end_terminal()
    load = Load("clock")
    for desk, sign in zip(desks, (1, -1), strict=True):
        desk.start_terminal(clock_off_by_s=sign * minutes * 60)
    for desk in desks:
        await desk.ready()
    before = ledgers.executed_since(desk.ledger for desk in desks)
    sender = asyncio.create_task(send_many(stage.url, load, desks, count=10**9, senders=2, seed=7, pause_s=0.2))
    await asyncio.sleep(seconds)
    load.stop = True
    await sender
    await examine(stage, desks, load, result)
    result.runs = len(desks)
    executed = ledgers.executed_since(desk.ledger for desk in desks) - before
    if not executed:
        result.violations.append(f"nothing was executed with a clock off by {minutes} min: {result.figures['denied']}")
    result.figures |= {"minutes": minutes, "executed_while_wrong": executed}
