"""Every fault in `mutants.py` is noticed by the test it names."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from mql5.host.build import build, kept, runtime
from tests.ea.conftest import CONNECTOR, program
from tests.ea.desk import opened
from tests.ea.driver import TerminalError
from tests.ea.mutants import MUTANTS, Mutant
from tests.ea.service import serving


def test_there_are_enough_mutants() -> None:
    assert len(MUTANTS) >= 25
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def mutated(mutant: Mutant) -> Path:
    """The connector with the fault, built; a mutant that does not fit or does not compile proves nothing."""
    text = CONNECTOR.read_text()
    if text.count(mutant.old) != 1:
        message = f"'{mutant.old}' stands {text.count(mutant.old)} times in the connector"
        raise AssertionError(message)
    return build(kept(text.replace(mutant.old, mutant.new), CONNECTOR.name), flavour="plain").executable


@pytest.fixture(scope="session")
def mutants() -> Iterator[dict[str, Future[Path]]]:
    """All mutants, as many built at a time as there are processors."""
    runtime("plain")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield {mutant.name: pool.submit(mutated, mutant) for mutant in MUTANTS}


NOTICED = (AssertionError, pytest.fail.Exception, TerminalError, LookupError, ValueError)
"""How a test notices: an assertion, a program that the host stopped, or an answer that has not what was expected."""


async def run_killer(mutant: Mutant, executable: Path, tmp_path: Path) -> None:
    """Run the test that a mutant names on an executable."""
    module, name = mutant.killer.split(":")
    killer = getattr(importlib.import_module(f"tests.ea.{module}"), name)
    if "desk" in inspect.signature(killer).parameters:
        async with serving() as service, opened(executable, tmp_path / "terminal", service) as desk:
            await desk.advance(500)
            await killer(desk=desk, **mutant.arguments)
    else:
        await killer(connector=executable, tmp_path=tmp_path, **mutant.arguments)


KILLERS = list({(mutant.killer, repr(mutant.arguments)): mutant for mutant in MUTANTS}.values())


@pytest.mark.parametrize("mutant", KILLERS, ids=lambda mutant: mutant.name.replace(" ", "-"))
async def test_the_connector_itself_passes_what_notices_a_fault(mutant: Mutant, tmp_path: Path) -> None:
    """Else a test that cannot run at all would count as one that noticed."""
    await run_killer(mutant, program(CONNECTOR, "plain"), tmp_path)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
async def test_a_fault_is_noticed(mutants: dict[str, Future[Path]], mutant: Mutant, tmp_path: Path) -> None:
    executable = await asyncio.wrap_future(mutants[mutant.name])
    with pytest.raises(NOTICED):
        await run_killer(mutant, executable, tmp_path)
