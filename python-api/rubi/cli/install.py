"""Make `.venv` from the locked requirements. Run by ./rubi as a file, with the machine's Python and nothing else."""

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# pip's settings (an index of the house, a certificate), as uv wants to be told them.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def main(root: Path, needed: str) -> int:
    """Install the locked files that `needed` (lines of cksum) names; return the exit code."""
    venv = root / ".venv"
    stamp = venv / "rubi-installed"
    (root / ".rubi").mkdir(mode=0o700, exist_ok=True)
    with (root / ".rubi" / "install.lock").open("w") as lock:
        wait_for_turn(lock.fileno())
        if stamp.exists() and set(needed.splitlines()) <= set(stamp.read_text().splitlines()):
            return 0  # another start has done it while this one waited
        began = time.monotonic()
        unfinished = venv / "rubi-unfinished"
        python = prepare(venv, unfinished)
        stamp.unlink(missing_ok=True)
        locks = [root / line.split()[2] for line in needed.splitlines()]
        code = install(python, root, locks, lock.fileno())
        if code == 0:
            unfinished.unlink()
            stamp.write_text(f"{needed}\n")
            say(f"installed in {time.monotonic() - began:.0f} s")
        else:
            say("the installation failed; the lines above say why. Start again when that is repaired.")
        return code


def say(message: str) -> None:
    """Tell the person who waits."""
    print(f"rubi: {message}", file=sys.stderr, flush=True)


def wait_for_turn(lock: int) -> None:
    """Take the lock; the installers inherit it, so that it is held as long as one of them still writes."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another start is installing, waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def prepare(venv: Path, unfinished: Path) -> Path:
    """Return the Python of a usable environment, made anew when there is none, a broken or a half-installed one.

    From here on the environment carries the mark `unfinished`, until everything is installed.
    """
    python = venv / "bin" / "python"
    if venv.exists() and (unfinished.exists() or not usable(python)):
        say("the environment is broken or unfinished, it is made anew")
        shutil.rmtree(venv)
    if not venv.exists():
        say(f"making .venv with Python {sys.version.split()[0]}")
        venv.mkdir()
        unfinished.touch()
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)  # noqa: S603
    unfinished.touch()
    return python


def usable(python: Path) -> bool:
    """Tell whether the environment's Python starts, is new enough and has pip."""
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-I", "-c", question], capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def install(python: Path, root: Path, locks: list[Path], lock: int) -> int:
    """Install the locked files, by uv when it can be had, else by pip; return the exit code."""
    names = " ".join(path.name for path in locks)
    files = [argument for path in locks for argument in ("-r", str(path))]
    say(f"installing {names} (once; a minute at most on a usual line)")
    uv = uv_program(python, root / "requirements-dev.txt", lock)
    if uv is not None:
        command = [*uv, "pip", "install", "--python", str(python), "--require-hashes", *files]
        command += ["--index-strategy", "unsafe-best-match"]  # the hashes say what is right, wherever it lies
        if run(command, lock, {**uv_settings(python), "UV_LINK_MODE": "copy"}) == 0:
            return 0
        say("uv could not install, trying pip")
    return run([str(python), "-m", "pip", "install", "--require-hashes", "--no-input", *files], lock, {})


def uv_program(python: Path, lock_file: Path, lock: int) -> list[str] | None:
    """Return the command of the locked uv, installed by pip into the environment; None when that fails."""
    block = re.search(r"^uv==(\S+)[^\n]*\\\n(?:    --hash=\S+(?: \\)?\n)+", lock_file.read_text(), re.MULTILINE)
    if block is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "uv.txt")
        wanted.write_text(block[0])
        command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--no-input"]
        failed = run([*command, "--disable-pip-version-check", "-r", str(wanted)], lock, {})
    return None if failed else [str(python.with_name("uv"))]


def uv_settings(python: Path) -> dict[str, str]:
    """Return pip's settings under the names uv reads, where the environment does not name them already."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)  # noqa: S603
    settings: dict[str, list[str]] = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in PIP_TO_UV and value:
            (text,) = shlex.split(value)
            settings.setdefault(PIP_TO_UV[key], []).extend(part for part in text.split() if part)
    # uv separates folders by commas, indexes by spaces.
    joined = {
        name: ("," if name == "UV_FIND_LINKS" else " ").join(dict.fromkeys(parts)) for name, parts in settings.items()
    }
    return {name: value for name, value in joined.items() if name not in os.environ}


def run(command: list[str], lock: int, more: dict[str, str]) -> int:
    """Run an installer before the person's eyes; return its exit code."""
    try:
        return subprocess.run(command, env={**os.environ, **more}, pass_fds=[lock], check=False).returncode  # noqa: S603
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
    except KeyboardInterrupt:
        say("interrupted; the next start begins again")
        sys.exit(130)
