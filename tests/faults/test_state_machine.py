"""Everything that can happen to orders, in any order: hypothesis against the flows on a real database.

The default run is bounded for every day; `RUBI_FAULTS_FULL=1` looks longer and makes what it finds small.
`RUBI_FAULTS_HUNT=1` takes the same way every time: that is how mutants are hunted.
"""

import asyncio
import os
from datetime import timedelta

import pytest
import redis.asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.faults.life_bench import LifeBench
from tests.faults.paper_terminal import ENDS, SYMBOLS

from rubi.domain.order import OrderKind
from rubi.domain.signal import SignalType
from rubi.domain.units import Side
from rubi.flows.ports import Ports
from rubi.live.bus import Bus
from rubi.store.pool import open_pool

FULL, HUNT = (bool(os.environ.get(name)) for name in ("RUBI_FAULTS_FULL", "RUBI_FAULTS_HUNT"))
KINDS = [
    OrderKind.OPEN,
    OrderKind.PLACE_PENDING,
    OrderKind.CLOSE_POSITION,
    OrderKind.CLOSE_PARTIAL,
    OrderKind.MODIFY_POSITION,
    OrderKind.MODIFY_PENDING,
    OrderKind.CANCEL_PENDING,
]
WISHES = [SignalType.BUY, SignalType.SELL, SignalType.CLOSE_BUY]
NOTHING = {"positions": [], "working": []}
who = st.sampled_from([0, 0, 1])
pick = st.integers(0, 5)
flag = st.booleans()
orders = st.tuples(st.sampled_from(KINDS), st.sampled_from(SYMBOLS), pick, st.sampled_from(Side))


class LifeOfOrders(RuleBasedStateMachine):
    """Rules draw the same whatever has happened: what does not apply does nothing."""

    stage: "Stage"

    failed = False

    def do(self, coroutine):
        try:
            return self.stage.runner.run(coroutine)
        except BaseException:
            self.failed = True
            raise

    @initialize()
    def begin(self):
        self.bench = self.stage.bench()
        self.do(self.bench.begin())

    @rule(order=orders, who=who, end=st.sampled_from(ENDS), keeps_comment=flag)
    def an_order_goes_out(self, order, who, end, keeps_comment):
        terminal = self.bench.terminals[who]
        self.do(self.bench.queue(*order))
        self.do(self.bench.sync(terminal, books=False))
        self.do(self.bench.carry_out(terminal, end, keeps_comment=keeps_comment))

    @rule(order=orders)
    def an_order_is_queued(self, order):
        self.do(self.bench.queue(*order))

    @rule(key=st.sampled_from("ABC"), what=st.sampled_from(WISHES), decided=flag, doubled=flag)
    def a_signal_comes(self, key, what, decided, doubled):
        self.do(self.bench.receive(key, what, doubled=doubled))
        if decided:
            self.do(self.bench.decide(doubled=doubled))

    @rule(who=who)
    def a_terminal_dials_in(self, who):
        self.do(self.bench.connect(self.bench.terminals[who]))

    @rule(
        who=who, lost=flag, doubled=flag, copies=st.integers(0, 2), backwards=flag,
        deals=st.sampled_from(["none", "new", "all"]), books=flag,
    )  # fmt: skip
    def a_terminal_tells(self, who, **how):
        self.do(self.bench.sync(self.bench.terminals[who], **how))

    @rule(who=who, end=st.sampled_from(ENDS), keeps_comment=flag)
    def a_terminal_carries_out(self, who, end, keeps_comment):
        self.do(self.bench.carry_out(self.bench.terminals[who], end, keeps_comment=keeps_comment))

    @rule(seconds=st.sampled_from([1, 6, 6, 11, 31, 65]), sweeps=st.sampled_from([0, 1, 1, 2]))
    def time_passes(self, seconds, sweeps):
        self.bench.wait(seconds)
        if sweeps:
            self.do(self.bench.sweep(doubled=sweeps == 2))

    @rule(pick=pick)
    def the_user_cancels(self, pick):
        self.do(self.bench.cancel(pick))

    @rule(what=st.sampled_from(["fills", "fills_half", "EXPIRED", "CANCELED", "stops_out"]), pick=pick)
    def the_broker_acts(self, what, pick):
        self.bench.broker_acts(what, pick)

    @rule(
        who=who, what=st.sampled_from(["dies", "leaves", "other_body", "past", "cut_off", "old_list", "halt", "resume"])
    )
    def something_odd_happens(self, who, what):
        bench, terminal = self.bench, self.bench.terminals[who]
        match what:
            case "dies":
                terminal.die()
            case "leaves":
                self.do(bench.disconnect(terminal))
            case "other_body":
                self.do(bench.speak_otherwise(terminal))
            case "past":
                self.do(bench.haunt(terminal))
            case "cut_off":
                cut = {"flags": {"connected": False}, "not_tradable": "TERMINAL_NOT_CONNECTED"}
                self.do(bench.sync(terminal, books=False, **NOTHING, **cut))
            case "old_list":
                self.do(bench.sync(terminal, books=False, **NOTHING, taken_at=bench.now - timedelta(seconds=1)))
            case _:
                self.do(bench.switch(halted=what == "halt"))

    @invariant()
    def everything_holds(self):
        if hasattr(self, "bench"):
            self.do(self.bench.check())

    def teardown(self):
        if not hasattr(self, "bench"):
            return
        try:
            if not self.failed:
                self.do(self.bench.come_to_rest())
        finally:
            self.bench.close()


class Stage:
    """One loop, one pool and one folder for all runs of a test."""

    def __init__(self, runner, dsn, redis_url, folder):
        self.runner, self.folder = runner, folder
        runner.run(self._open(dsn, redis_url))

    async def _open(self, dsn, redis_url):
        self.client = redis.asyncio.from_url(redis_url)
        pool = await open_pool(dsn, size=6, application="test")
        self.ports = Ports(pool=pool, bus=Bus(self.client), ring=lambda *_: None)

    def bench(self):
        return LifeBench(self.ports, self.folder)

    def close(self):
        self.runner.run(self._close())

    async def _close(self):
        await self.ports.pool.close()
        await self.ports.bus.close()
        await self.client.aclose()


@pytest.fixture
def stage(dsn, redis_url, tmp_path):
    with asyncio.Runner() as runner:
        stage = Stage(runner, dsn, redis_url, tmp_path)
        yield stage
        stage.close()


@pytest.mark.timeout(1800 if FULL else 300)
def test_no_order_is_lost_none_carried_out_twice(stage):
    machine = type("LifeOfOrdersOnStage", (LifeOfOrders,), {"stage": stage})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=1500 if FULL else 60,
            stateful_step_count=50 if FULL else 30,
            deadline=None,
            derandomize=HUNT,
            database=None,
            phases=[Phase.generate, Phase.shrink] if FULL else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
