"""Logs do not fill the disk, and none of their lines is lost where several processes write one file."""

import logging
import multiprocessing
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from rubi.embedded.instance import claim
from rubi.embedded.log_files import KEPT, MOST_BYTES, keep_small
from rubi.embedded.stack import Stack
from rubi.observability.logs import _SharedFile

LINES = 4000


def _write(path: str, name: str, start) -> None:
    handler = _SharedFile(path, maxBytes=4000, backupCount=5000, encoding="utf-8", delay=True)
    log = logging.getLogger(f"of.a.test.{name}")
    log.addHandler(handler)
    start.wait()
    for number in range(LINES):
        log.warning("%s %d %s", name, number, "x" * 40)
    handler.close()


def test_two_processes_rotate_one_file_and_no_line_is_lost(tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    writers = [context.Process(target=_write, args=(str(tmp_path / "log"), name, start)) for name in ("a", "b", "c")]
    for each in writers:
        each.start()
    for each in writers:
        each.join(90)
        assert each.exitcode == 0
    files = [path for path in tmp_path.iterdir() if path.name != "log.lock"]
    found = Counter(line.rpartition(" ")[0] for path in files for line in path.read_text().splitlines())
    wanted = Counter(f"{name} {number}" for name in "abc" for number in range(LINES))
    assert found == wanted
    sizes = sorted(path.stat().st_size for path in files if path.name != "log")
    assert sizes[0] > 1500, "a file was rotated that another process had only just made"


def test_what_a_child_prints_is_moved_aside_while_it_goes_on(tmp_path):
    log = tmp_path / "child.log"
    script = "import itertools, sys\nfor n in itertools.count():\n    print(n, flush=True)\n"
    with log.open("ab") as output:
        child = subprocess.Popen([sys.executable, "-c", script], stdout=output)
    try:
        for _ in range(6):
            deadline = time.monotonic() + 30
            while log.stat().st_size <= 20_000 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert keep_small(tmp_path, most=20_000) == [log]
    finally:
        child.kill()
        child.wait()
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"child.log", *(f"child.log.{number}" for number in range(1, KEPT + 1))}
    first = (tmp_path / "child.log.1").read_bytes()
    assert b"\0" not in log.read_bytes(), "it appends: emptied, it begins at the start again"
    assert first.count(b"\n") > 1000
    assert (tmp_path / "child.log.1").stat().st_mode & 0o077 == 0


def test_a_running_stack_looks_after_its_logs(tmp_path, monkeypatch):
    monkeypatch.setenv("RUBI_HOME", str(tmp_path))
    instance = claim("up")
    try:
        log = instance.logs / "api.log"
        with log.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
        Stack(instance, {}).watch()
        assert log.stat().st_size == 0
        assert Path(f"{log}.1").stat().st_size == MOST_BYTES + 1
    finally:
        instance.release()
