"""Counts that are gathered first say in the end what one by one would have said."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from rubi.observability.metrics import Gathered, write_gathered

BOUNDS = (0.005, 0.01, 0.1, 1.0)


def pair(registry: CollectorRegistry) -> tuple[Histogram, Counter]:
    return (
        Histogram("taken_seconds", "Taken", ("route",), buckets=BOUNDS, registry=registry).labels("/a"),
        Counter("answered", "Answered", ("route",), registry=registry).labels("/a"),
    )


def told(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#") and "_created" not in line]


@given(st.lists(st.sampled_from((0.0, 0.004, *BOUNDS, 0.0625, 0.5, 7.0))))
def test_what_is_gathered_is_what_is_observed_one_by_one(seconds: list[float]) -> None:
    at_once, one_by_one = CollectorRegistry(), CollectorRegistry()
    histogram, counter = pair(one_by_one)
    for each in seconds:
        histogram.observe(each)
        counter.inc()

    async def gather() -> None:
        gathered = Gathered(*pair(at_once))
        for each in seconds:
            gathered.observe(each)
        gathered.write()
        gathered.write()

    asyncio.run(gather())
    assert told(at_once) == told(one_by_one)


async def test_what_is_gathered_is_written_without_being_asked() -> None:
    registry = CollectorRegistry()
    gathered = Gathered(*pair(registry))
    gathered.observe(0.05)
    assert 'answered_total{route="/a"} 0.0' in told(registry)
    await asyncio.sleep(2 * Gathered.AFTER)
    assert 'answered_total{route="/a"} 1.0' in told(registry)
    gathered.observe(0.05)
    write_gathered()
    assert 'answered_total{route="/a"} 2.0' in told(registry)
    assert 'taken_seconds_bucket{le="0.1",route="/a"} 2.0' in told(registry)
