"""Every seeded mistake is noticed by the tests that exist to notice it; without a mistake the same tests pass.

The daily run leaves out those that the state machine has to find again (`daily=False`), and runs one killer of each
file without a mistake: all of them are tests of their own. `RUBI_FAULTS_FULL=1` leaves out nothing.
"""

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from tests.faults.mutants import MACHINE, MUTANTS, Mutant, Patch

from rubi.embedded.places import PROJECT_ROOT
from rubi.embedded.postgres import EmbeddedPostgres

FULL = bool(os.environ.get("RUBI_FAULTS_FULL"))
NOT_HANDED_ON = {"PYTHONPATH", "RUBI_FAULTS_FULL", "RUBI_REQUIRE_TIMESCALE"}  # the copy has no TimescaleDB beside it
HUNTED = [mutant for mutant in MUTANTS if mutant.daily or FULL]
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".hypothesis")
PASSWORD = "only-for-tests"
TESTS_FAILED = 1
_ticks = count(1)


class Hunt:
    """A copy of the source in which one mistake at a time is made, and the process that runs tests on it."""

    def __init__(self, tree: Path, database_url: str) -> None:
        self.tree = tree
        for name in ("python-api", "tests", "database"):
            shutil.copytree(PROJECT_ROOT / name, tree / name, ignore=NOT_COPIED)
        shutil.copy(PROJECT_ROOT / "pyproject.toml", tree)
        env = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
        env |= {"RUBI_TEST_DATABASE_URL": database_url, "RUBI_FAULTS_HUNT": "1", "COLUMNS": "200"}
        runner = [sys.executable, str(Path(__file__).with_name("mutant_runner.py"))]
        self.runner = subprocess.Popen(runner, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, tests: tuple[str, ...]) -> tuple[int, str]:
        """Pytest's exit code and output."""
        output = self.tree / "output.txt"
        asked = {"tree": str(self.tree), "tests": list(tests), "output": str(output)}
        self.runner.stdin.write(json.dumps(asked) + "\n")
        self.runner.stdin.flush()
        return json.loads(self.runner.stdout.readline())["code"], output.read_text(errors="replace")

    def with_mistakes(self, patches: tuple[Patch, ...], tests: tuple[str, ...]) -> tuple[int, str]:
        """Run tests with the mistakes made; they are undone afterwards."""
        kept = {patch.file: (self._path(patch.file)).read_text(encoding="utf-8") for patch in patches}
        try:
            for patch in patches:
                text = self._path(patch.file).read_text(encoding="utf-8")
                assert text.count(patch.old) == 1, f"{patch.file}: {text.count(patch.old)} times {patch.old!r}"
                self._write(patch.file, text.replace(patch.old, patch.new))
            return self.run(tests)
        finally:
            for file, text in kept.items():
                self._write(file, text)

    def _path(self, file: str) -> Path:
        return self.tree / "python-api" / "rubi" / file

    def _write(self, file: str, text: str) -> None:
        path = self._path(file)
        path.write_text(text, encoding="utf-8")
        written = path.stat().st_mtime + next(_ticks)  # compiled files are told apart by whole seconds
        os.utime(path, (written, written))

    def close(self) -> None:
        self.runner.stdin.close()
        self.runner.wait(30)
        self.runner.stdout.close()


@pytest.fixture(scope="module")
def hunt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutants")
    settings = {"shared_buffers": "64MB", "max_connections": "100", "fsync": "off", "full_page_writes": "off"}
    server = EmbeddedPostgres(
        folder / "home", log=folder / "postgres.log", superuser_password=PASSWORD, password=PASSWORD, settings=settings
    )
    server.start()
    hunt = Hunt(folder / "tree", server.url("postgres", superuser=True))
    yield hunt
    hunt.close()
    server.stop()


@pytest.mark.timeout(300)
def test_without_a_mistake_all_killers_pass(hunt):
    killers = [killer for mutant in HUNTED for killer in mutant.killers]
    one_of_each_file = {killer.partition("::")[0]: killer for killer in killers if killer != MACHINE}
    code, output = hunt.run(tuple(dict.fromkeys(killers) if FULL else one_of_each_file.values()))
    assert code == 0, output[-4000:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", HUNTED, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_mistake_is_noticed(hunt, mutant: Mutant):
    for killer in mutant.killers:
        code, output = hunt.with_mistakes(mutant.patches, (killer,))
        noticed = code == TESTS_FAILED and "1 failed" in output  # a test that cannot even begin notices nothing
        assert noticed, f"{killer} did not notice that {mutant.name}:\n{output[-3000:]}"
