"""How long the disk takes to keep a write: a commit waits as long, and a signal meets three of them on its way."""

import os
import time
from tempfile import TemporaryFile

from tests.benchmarks.report import Result, percentiles

WRITES = 200
PAUSE = 0.01
"""Seconds between two writes: a disk that is never at rest gathers them."""
BLOCK = bytes(8192)


def kept_writes() -> Result:
    """So many writes of 8 KB beside where benchmarks keep their data, each brought to the disk with fdatasync.

    As Postgres writes its log: into a file that has its length already. One that grows has its new length kept too. To
    be asked before a service starts: what that writes at first makes single writes ten times as slow.
    """
    taken = []
    with TemporaryFile() as file:
        os.pwrite(file.fileno(), BLOCK * WRITES, 0)
        os.fsync(file.fileno())
        for place in range(WRITES):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), BLOCK, place * len(BLOCK))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
            time.sleep(PAUSE)
    p50, p99 = percentiles(taken)
    return Result("8 KB written and kept by the disk (fdatasync)", p50, "ms", p50_ms=p50, p99_ms=p99)
