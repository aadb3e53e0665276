"""Every fault in `mutants.py` is noticed by the test it names."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from mql5.host.build import build
from tests.ea.conftest import CONNECTOR
from tests.ea.desk import opened
from tests.ea.mutants import MUTANTS, Mutant
from tests.ea.service import serving


def test_there_are_enough_mutants() -> None:
    assert len(MUTANTS) >= 25
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
async def test_a_fault_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    text = CONNECTOR.read_text()
    assert text.count(mutant.old) == 1, f"'{mutant.old}' stands {text.count(mutant.old)} times in the connector"
    source = tmp_path / CONNECTOR.name
    source.write_text(text.replace(mutant.old, mutant.new))
    # Built before the test is asked: a mutant that does not compile proves nothing.
    executable = build(source, flavour="plain").executable
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
