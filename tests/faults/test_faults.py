"""The short size of every scenario of `./rubi faults`, on one service that all of them share and maltreat."""

import pytest
from tests.faults.processes.catalogue import SCENARIOS, play
from tests.faults.processes.stage import open_stage


@pytest.fixture(scope="module")
async def stage():
    async with open_stage() as opened:
        yield opened


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_nothing_is_lost_and_nothing_is_executed_twice(stage, name):
    result = await play(stage, SCENARIOS[name])
    assert result.ok, "\n".join(result.violations)
