"""`./rubi lock`: what it writes holds on every machine."""

import subprocess
from pathlib import Path

import pytest

from rubi.cli import testing

ROOT = Path(__file__).parents[2]


def test_a_lock_is_not_made_of_what_only_this_machine_has(monkeypatch):
    told = []

    def compiled(command, *, env, **_):
        told.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setenv("UV_INDEX", "file:///wheels/simple")
    monkeypatch.setattr(
        testing,
        "uv_settings",
        lambda _: {"UV_FIND_LINKS": "/wheels", "UV_DEFAULT_INDEX": "https://index.example/simple"},
    )
    monkeypatch.setattr(testing.subprocess, "run", compiled)
    testing.lock(upgrade=False)
    assert len(told) == len(testing.SETS)
    for env in told:
        assert not {"UV_INDEX", "UV_FIND_LINKS"} & env.keys()
        assert env["UV_DEFAULT_INDEX"] == "https://index.example/simple"


@pytest.mark.parametrize(
    ("name", "compiled"),
    [
        ("requirements", {"asyncpg", "hiredis", "httptools", "msgspec", "pydantic-core", "uvloop"}),
        ("requirements-dev", {"greenlet", "lxml", "mypy"}),
        ("requirements-operations", {"cffi", "frozenlist", "numpy", "pyyaml", "rustworkx", "yarl"}),
    ],
)
def test_what_is_compiled_is_locked_for_more_than_one_python(name, compiled):
    hashes: dict[str, int] = {}
    for block in (ROOT / f"{name}.txt").read_text().split("\n"):
        if block[:1].isalpha():
            package = block.partition("==")[0]
            hashes[package] = 0
        elif "--hash=" in block:
            hashes[package] += 1
    assert {each: hashes[each] for each in compiled if hashes[each] < 10} == {}
