"""What is said of the Python that runs."""

import subprocess
import sys
import sysconfig

import pytest

from rubi.cli import build, findings
from rubi.embedded.places import SOURCE_ROOT


@pytest.mark.parametrize(
    ("base", "settings", "optimised"),
    [
        ("/usr", "'--enable-shared'", True),
        ("/usr/local", "'--enable-optimizations' '--with-lto'", True),
        ("/opt/python/3.11.7", "'--enable-shared'", False),
        ("/opt/another", None, False),
    ],
)
def test_a_python_of_the_distribution_or_with_its_option_is_optimised(monkeypatch, base, settings, optimised):
    monkeypatch.setattr(sys, "base_prefix", base)
    monkeypatch.setattr(sysconfig, "get_config_var", {"CONFIG_ARGS": settings}.get)
    assert build.optimised() is optimised


def test_the_launcher_is_told_by_the_exit_code():
    done = subprocess.run([sys.executable, "-I", str(SOURCE_ROOT / "rubi" / "cli" / "build.py")], check=False)
    assert done.returncode == (0 if build.optimised() else 1)


@pytest.mark.parametrize("optimised", [True, False])
async def test_the_doctor_tells_of_a_python_without_optimisations(monkeypatch, optimised):
    monkeypatch.setattr(findings, "optimised", lambda: optimised)
    python = next(each for each in await findings.examine() if each.what == "python")
    assert python.ok is (True if optimised else None)
    assert ("compiled without optimisations" in python.seen) is not optimised
    assert ("rm -r .venv" in python.cure) is not optimised
