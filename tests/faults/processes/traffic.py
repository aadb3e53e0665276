"""Faults between programs: senders and terminals talk to the service through proxies that break things."""

import asyncio
import random
import time
from collections.abc import Sequence

from tests.faults.processes.crowd import Crowd
from tests.faults.processes.invariants import examine
from tests.faults.processes.proxy import CLEAR, Fault, FaultProxy, Plan, evenly, injected
from tests.faults.processes.report import Result
from tests.faults.processes.senders import SYMBOLS, Load, Sender, send_many, wish
from tests.faults.processes.stage import Desk, Stage

from rubi.domain.retcodes import Retcode
from rubi.terminal.execution import Behaviour

ODDS = 0.08
MOODS = (
    Behaviour(late_ms=1000),
    Behaviour(silent=True),
    Behaviour(delay_ms=400),
    Behaviour(retcode=Retcode.REQUOTE),
    Behaviour(retcode=Retcode.TIMEOUT),
    Behaviour(lost=True),
)
"""What a broker does when it is not well: a late deal, no answer to an order that it has carried out, and so on."""

STORMS: tuple[tuple[str, Plan], ...] = (
    ("requests_and_answers_lost", evenly(ODDS, Fault.DROP_REQUEST, Fault.DROP_RESPONSE)),
    ("cut_in_the_middle", evenly(ODDS, Fault.CUT_REQUEST, Fault.CUT_RESPONSE, Fault.RESET)),
    ("repeated", evenly(ODDS, Fault.DUPLICATE, Fault.DROP_RESPONSE)),
    ("delayed", Plan(evenly(ODDS, Fault.DELAY, Fault.DUPLICATE).odds, delay_s=(0.1, 1.5))),
    ("everything", evenly(ODDS)),
)
"""The last one is the short run's."""


async def signals(stage: Stage, result: Result, *, runs: int, count: int, accounts: int) -> None:
    """Signals by the thousand, with every request and answer at risk on both sides."""
    for number, (name, plan) in enumerate(STORMS[-runs:]):
        part = Result(name)
        wire = FaultProxy(stage.url, seed=100 + number)
        sending = FaultProxy(stage.url, seed=200 + number)
        try:
            trader = await stage.trader()
            await wire.start()
            desks = await stage.open_desks(trader, accounts, url=wire.url)
            load = Load(name)
            wire.plan = sending.plan = plan
            moods = asyncio.create_task(moody(desks, seed=number))
            sending_since = time.monotonic()
            await send_many(await sending.start(), load, desks, count=count, senders=24, seed=number)
            sent_in = time.monotonic() - sending_since
            moods.cancel()
            wire.plan = CLEAR
            await examine(stage, desks, load, part)
        finally:
            stage.close_desks()
            await sending.stop()
            await wire.stop()
        part.violations += [f"not the same answer: {each}" for each in (*wire.different, *sending.different)]
        if len(load.accepted) != count:
            part.violations.append(f"{len(load.accepted)} of {count} signals were accepted")
        part.figures |= {
            "per_s": round(count / sent_in),
            "most_retries": load.most_retries,
            "replays": wire.replays + sending.replays,
            "faults": injected(wire, sending),
        }
        merge(result, part)


async def moody(desks: Sequence[Desk], *, seed: int, every_s: float = 1.0) -> None:
    """Until cancelled: now and then a broker treats its next order in a way of its own."""
    drawn = random.Random(seed)
    while True:
        await drawn.choice(desks).script(drawn.choice(MOODS))
        await asyncio.sleep(every_s)


def merge(result: Result, part: Result) -> None:
    """Add one run to its scenario."""
    result.runs += 1
    result.lost += part.lost
    result.duplicated += part.duplicated
    result.violations += [f"{part.name}: {each}" for each in part.violations]
    for name in ("signals", "orders", "executed", "retries", "replays"):
        result.figures[name] = result.figures.get(name, 0) + part.figures.get(name, 0)
    result.figures[part.name] = part.figures


async def same_key(stage: Stage, result: Result, *, keys: int, copies: int) -> None:
    """One signal sent many times in the same moment is one signal, and everybody gets the same answer."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 1)
    load = Load("same-key")
    senders = [Sender(stage.url, trader.sending, load) for _ in range(copies)]
    for n in range(keys):
        said = wish(desks[0], f"same-key-{n}", "BUY" if n % 2 else "CLOSE_BUY", SYMBOLS[n % len(SYMBOLS)])
        await asyncio.gather(*(sender.send(f"same-key-{n}", said) for sender in senders))
        result.runs += 1
    for sender in senders:
        sender.close()
    await examine(stage, desks, load, result)
    result.figures |= {"keys": keys, "copies": copies, "answers": load.statuses[201]}


async def partition(stage: Stage, result: Result, *, runs: int, seconds: float) -> None:
    """Nothing passes between terminals and service, nor between senders and service, for a while."""
    wire, sending = FaultProxy(stage.url, seed=1), FaultProxy(stage.url, seed=2)
    await wire.start()
    trader = await stage.trader()
    try:
        desks = await stage.open_desks(trader, 2, url=wire.url)
        load = Load("partition")
        sender = asyncio.create_task(
            send_many(await sending.start(), load, desks, count=10**9, senders=2, seed=3, pause_s=0.2)
        )
        for _ in range(runs):
            for proxies in ((wire,), (sending,), (wire, sending)):
                await asyncio.sleep(1)
                for proxy in proxies:
                    proxy.part()
                await asyncio.sleep(seconds)
                for proxy in proxies:
                    proxy.heal()
                result.runs += 1
        await asyncio.sleep(1)
        load.stop = True
        await sender
        await examine(stage, desks, load, result)
    finally:
        stage.close_desks()
        await wire.stop()
        await sending.stop()
    result.figures |= {"each_s": seconds}


async def slow_answers(stage: Stage, result: Result, *, seconds: float) -> None:
    """Every answer to a terminal takes longer than it waits, for a while: leases run out, nothing is sent twice."""
    wire = FaultProxy(stage.url, seed=4)
    await wire.start()
    trader = await stage.trader()
    try:
        desks = await stage.open_desks(trader, 2, url=wire.url)
        load = Load("slow")
        sender = asyncio.create_task(send_many(stage.url, load, desks, count=10**9, senders=1, seed=5, pause_s=0.3))
        await asyncio.sleep(1)
        wire.plan = Plan({Fault.DELAY: 0.8}, delay_s=(7.0, 16.0))
        await asyncio.sleep(seconds)
        wire.plan = CLEAR
        await asyncio.sleep(1)
        load.stop = True
        await sender
        await examine(stage, desks, load, result)
    finally:
        stage.close_desks()
        await wire.stop()
    result.runs = 1
    result.figures |= {"slow_answers": wire.injected[Fault.DELAY]}


async def rolling_restart(stage: Stage, result: Result, *, runs: int, terminals: int) -> None:
    """The API is replaced under load, gently: no sender and no terminal needs more than one retry."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 1)
    load = Load("rolling")
    crowd = Crowd(stage.url, (await stage.trader()).trading, terminals)
    await crowd.start()
    running = asyncio.create_task(_patient_senders(stage, desks, load))
    for _ in range(runs):
        await asyncio.sleep(1)
        before = stage.running.pid("api")
        stage.terminate("api")
        await stage.restarted("api", before)
        await stage.healthy()
        result.runs += 1
    await asyncio.sleep(0.5)
    load.stop = True
    await running
    called = await crowd.stop()
    if load.failures:
        result.violations.append(f"{load.failures} signals were not accepted after one retry")
    if called.failed:
        result.violations.append(f"{called.failed} calls of terminals were not answered after one retry")
    await examine(stage, desks, load, result)
    result.figures |= {
        "most_retries": load.most_retries,
        "failed_after_one_retry": load.failures + called.failed,
        "terminals": terminals,
        "calls": called.calls,
        "calls_retried": called.retried,
        "slowest_call_s": round(called.slowest_s, 2),
    }


async def _patient_senders(stage: Stage, desks: list[Desk], load: Load) -> None:
    async def work(worker: int) -> None:
        sender = Sender(stage.url, desks[0].trader.sending, load, answer_timeout_s=30)
        n = 0
        while not load.stop:
            key = f"rolling-{worker}-{n}"
            await sender.send(key, wish(desks[0], key, "CLOSE_BUY", SYMBOLS[n % len(SYMBOLS)]), patience=1)
            n += 1
            await asyncio.sleep(0.05)
        sender.close()

    await asyncio.gather(*(work(worker) for worker in range(4)))
