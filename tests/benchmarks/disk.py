"""How long the disk takes to keep a write: a commit waits as long, and a signal meets three of them on its way."""

import os
import time
from pathlib import Path
from tempfile import TemporaryFile

from tests.benchmarks.report import Result, percentiles

WRITES = 200
PAUSE = 0.01
"""Seconds between two writes: a disk that is never at rest gathers them."""
BLOCK = bytes(8192)


def kept_writes(folder: Path) -> Result:
    """So many writes of 8 KB in a folder, each brought to the disk with fdatasync, as Postgres does with its log."""
    taken = []
    with TemporaryFile(dir=folder) as file:
        for _ in range(WRITES):
            begun = time.perf_counter()
            os.write(file.fileno(), BLOCK)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
            time.sleep(PAUSE)
    p50, p99 = percentiles(taken)
    return Result("8 KB written and kept by the disk (fdatasync)", p50, "ms", p50_ms=p50, p99_ms=p99)
