"""The EA's own source, built once per run; skipped with a reason where there is no compiler."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mql5.host.build import CompileError, Flavour, build, compiler, tidy
from mql5.host.translate import TranslationError
from tests.ea.desk import Desk, opened
from tests.ea.service import serving

CONNECTOR = Path(__file__).resolve().parents[2] / "mql5" / "RubiStudioConnector.mq5"
NO_COMPILER = "the EA was NOT executed: g++ is not installed (Debian, Ubuntu: apt-get install g++)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.ea)
            item.add_marker(pytest.mark.timeout(600))
            if compiler() is None and "translator" not in item.path.name:
                item.add_marker(pytest.mark.skip(reason=NO_COMPILER))


def pytest_sessionstart() -> None:
    tidy()


@functools.cache
def program(source: Path, flavour: Flavour = "checked") -> Path:
    """The executable of one source; a source that does not build fails the test with the compiler's words."""
    try:
        return build(source, flavour=flavour).executable
    except (TranslationError, CompileError) as error:
        pytest.fail(f"{source.name} does not build:\n{error}", pytrace=False)


@pytest.fixture(scope="session")
def connector() -> Path:
    """The Expert Advisor, with AddressSanitizer and UndefinedBehaviorSanitizer."""
    return program(CONNECTOR)


@pytest.fixture
async def desk(connector: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """A scripted service and a terminal that runs the connector, connected."""
    async with serving() as service, opened(connector, tmp_path / "terminal", service) as one:
        await one.advance(500)
        yield one


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings a test may change before it opens a terminal itself."""
    return {}
