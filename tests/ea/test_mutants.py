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
from tests.ea.conftest import CONNECTOR
from tests.ea.desk import opened
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


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
async def test_a_fault_is_noticed(mutants: dict[str, Future[Path]], mutant: Mutant, tmp_path: Path) -> None:
    executable = await asyncio.wrap_future(mutants[mutant.name])
    module, name = mutant.killer.split(":")
    killer = getattr(importlib.import_module(f"tests.ea.{module}"), name)
    wanted = inspect.signature(killer).parameters
    with pytest.raises(BaseException) as caught:  # noqa: PT012
        if "desk" in wanted:
            async with serving() as service, opened(executable, tmp_path / "terminal", service) as desk:
                await desk.advance(500)
                await killer(desk=desk, **mutant.arguments)
        else:
            await killer(connector=executable, tmp_path=tmp_path, **mutant.arguments)
    assert not isinstance(caught.value, (KeyboardInterrupt, SystemExit, TypeError))
