"""Signals while a stack runs: heard wherever they come, and never in the middle of what cannot bear it."""

import asyncio
import signal
from contextlib import suppress
from types import SimpleNamespace

import pytest

from rubi.cli.stopping import Stopped, stopping_everything


@pytest.fixture
def done():
    return []


@pytest.fixture
def stack(done):
    return SimpleNamespace(
        stop=lambda: done.append("stopped"),
        kill=lambda: done.append("killed"),
        instance=SimpleNamespace(release=lambda: done.append("released")),
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_at_once_and_everything_is_stopped(stack, done, number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match=number.name), stopping_everything(stack):
        signal.raise_signal(number)
    assert done == ["stopped", "released"]
    assert signal.getsignal(number) is before


def test_a_signal_that_came_where_everything_is_caught_ends_the_command_at_the_next_look(stack, done):
    def work(request):
        request.heed()
        with suppress(BaseException):  # as a destructor does
            signal.raise_signal(signal.SIGTERM)
        done.append("went on")
        request.heed()

    with pytest.raises(Stopped), stopping_everything(stack) as request:
        work(request)
    assert done == ["went on", "stopped", "released"]


def test_a_signal_in_a_running_loop_comes_between_two_callbacks(stack, done):
    async def work():
        signal.raise_signal(signal.SIGTERM)
        done.append("the callback is at its end")
        await asyncio.sleep(5)
        done.append("the next one ran")

    with pytest.raises(Stopped), stopping_everything(stack):
        asyncio.run(work())
    assert done == ["the callback is at its end", "stopped", "released"]


def test_a_second_signal_kills_at_once(stack, done):
    stack.stop = lambda: signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped), stopping_everything(stack):
        signal.raise_signal(signal.SIGINT)
    assert done == ["killed", "released"]
