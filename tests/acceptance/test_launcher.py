"""./rubi before Python runs: which Python it takes, when it installs, what it says."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone without an environment, in a folder with a space; the Pythons on the path are made up by the tests."""
    clone = tmp_path / "a clone"
    (clone / "python-api" / "rubi" / "cli").mkdir(parents=True)
    for name in ("rubi", *LOCKS):
        shutil.copy(ROOT / name, clone / name)
    (clone / "python-api" / "rubi" / "cli" / "install.py").write_text("")
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "cat", "cksum", "dirname", "readlink"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return clone


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def fake_python(
    clone: Path, name: str, version: str, *, folder: str = "bin", venv: bool = True, optimised: bool = True
) -> None:
    """A Python that knows its version, how it was compiled, whether it has venv, and makes an environment that repeats
    its arguments."""
    new_enough = 0 if tuple(map(int, version.split("."))) >= (3, 11) else 1
    program(
        clone.parent / folder / name,
        f"""
        case "$*" in
            *cli/build.py*) exit {0 if optimised else 1} ;;
            *sys.exit*) echo {version}; exit {new_enough} ;;
            *version_info*) echo {version}; exit ;;
            *ensurepip*) exit {0 if venv else 1} ;;
        esac
        echo "installing with {folder}/{name}: $*" >&2
        mkdir -p "$3/.venv/bin"
        printf '#!/bin/sh\\necho "ran $*"; echo "path $PYTHONPATH"\\n' > "$3/.venv/bin/python"
        chmod +x "$3/.venv/bin/python"
        echo "$4" > "$3/.venv/rubi-installed"
        """,
    )
    for tool in ("mkdir", "chmod"):
        if not (clone.parent / "bin" / tool).exists():
            (clone.parent / "bin" / tool).symlink_to(shutil.which(tool))


def start(clone: Path, *arguments: str, launcher: Path | None = None, **environment: str):
    return subprocess.run(
        [launcher or clone / "rubi", *arguments],
        env={"PATH": str(clone.parent / "bin"), **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_newest_python_that_can_make_an_environment_is_taken(clone):
    fake_python(clone, "python3.13", "3.13", venv=False)
    fake_python(clone, "python3.12", "3.12")
    fake_python(clone, "python3.11", "3.11")
    done = start(clone, "status")
    assert "installing with bin/python3.12" in done.stderr
    assert done.stdout.splitlines()[0] == "ran -m rubi status"
    assert done.stdout.splitlines()[1] == f"path {clone}/python-api"


def test_a_python_that_was_compiled_with_optimisations_is_preferred_wherever_it_stands_on_the_path(clone):
    fake_python(clone, "python3.12", "3.12", optimised=False)
    fake_python(clone, "python3", "3.12", optimised=False)
    fake_python(clone, "python3", "3.11", folder="the system")
    folders = ":".join(str(clone.parent / folder) for folder in ("bin", "absent", "the system"))
    assert "installing with the system/python3" in start(clone, "status", PATH=folders).stderr


def test_without_an_optimised_python_the_newest_is_taken(clone):
    fake_python(clone, "python3.12", "3.12", optimised=False)
    fake_python(clone, "python3.11", "3.11", optimised=False)
    assert "installing with bin/python3.12" in start(clone, "status").stderr


def test_without_venv_the_one_package_is_named(clone):
    fake_python(clone, "python3", "3.12", venv=False)
    done = start(clone, "demo")
    assert done.returncode == 4
    assert done.stderr.strip().endswith("apt-get install python3.12-venv")


def test_an_old_python_is_named_and_so_is_the_cure(clone):
    fake_python(clone, "python3", "3.9")
    done = start(clone, "demo")
    assert done.returncode == 3
    assert "3.11 or newer is needed, python3 here is 3.9" in done.stderr
    assert done.stderr.strip().endswith("apt-get install python3-venv")


def test_without_any_python_the_cure_is_named(clone):
    done = start(clone, "demo")
    assert done.returncode == 3
    assert done.stderr.strip() == "rubi: Python 3.11 or newer is needed. Install it: apt-get install python3-venv"


def test_a_second_start_installs_nothing_and_loses_no_time(clone):
    fake_python(clone, "python3", "3.11")
    start(clone, "demo")
    began = time.monotonic()
    done = start(clone, "demo")
    assert done.stderr == ""
    assert time.monotonic() - began < 0.5


def test_a_changed_lock_file_is_installed(clone):
    fake_python(clone, "python3", "3.11")
    start(clone, "demo")
    with (clone / "requirements.txt").open("a") as lock:
        lock.write("# newer\n")
    assert "installing" in start(clone, "demo").stderr
    assert start(clone, "demo").stderr == ""


def test_the_developers_tools_are_installed_when_they_are_needed_and_stay(clone):
    fake_python(clone, "python3", "3.11")
    assert "requirements-dev" not in start(clone, "demo").stderr
    assert "requirements-dev" in start(clone, "test").stderr
    assert start(clone, "check").stderr == ""
    assert start(clone, "demo").stderr == ""


def test_with_servers_of_ones_own_nothing_embedded_is_installed(clone):
    fake_python(clone, "python3", "3.11")
    assert "embedded" in start(clone, "up", DATABASE_URL="postgresql://x/y").stderr
    (clone / ".venv" / "rubi-installed").unlink()
    done = start(clone, "up", DATABASE_URL="postgresql://x/y", REDIS_URL="redis://x")
    assert "requirements.txt" in done.stderr
    assert "embedded" not in done.stderr


def test_it_works_through_links(clone):
    fake_python(clone, "python3", "3.11")
    (clone.parent / "link").symlink_to("a clone/rubi")
    (clone.parent / "bin" / "rubi").symlink_to(clone.parent / "link")
    done = start(clone, "status", "--json", launcher=clone.parent / "bin" / "rubi")
    assert done.stdout.splitlines() == ["ran -m rubi status --json", f"path {clone}/python-api"]


def test_the_exit_code_and_arguments_are_those_of_the_command(clone):
    fake_python(clone, "python3", "3.11")
    start(clone, "demo")
    program(clone / ".venv" / "bin" / "python", 'for each in "$@"; do echo "<$each>"; done; exit 7')
    done = start(clone, "user", "create", "a name", "$HOME")
    assert done.returncode == 7
    assert done.stdout.split("\n")[:-1] == ["<-m>", "<rubi>", "<user>", "<create>", "<a name>", "<$HOME>"]
