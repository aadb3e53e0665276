"""The figures of a benchmark: a table for people, one JSON line for programs."""

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any

from rubi.cli.build import optimised


@dataclass(slots=True)
class Result:
    """One case. Absent figures stay out of the JSON."""

    case: str
    value: float
    unit: str
    ratio_to_bare: float | None = None
    ratio_to_naive: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(slots=True)
class Report:
    """All cases of one benchmark, and the machine they were measured on."""

    name: str
    results: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.results.append(result)

    def print(self) -> None:
        """A table, and with --json one last line."""
        for result in self.results:
            more = "  ".join(
                f"{name.replace('_', ' ')} {value}"
                for name, value in asdict(result).items()
                if name not in ("case", "value", "unit") and value is not None
            )
            print(f"{result.case:<44} {result.value:>10} {result.unit:<10} {more}")
        if "--json" in sys.argv:
            plain = [{k: v for k, v in asdict(r).items() if v is not None} for r in self.results]
            print(json.dumps({"name": self.name, "machine": machine(), "results": plain}))


def machine() -> str:
    """What was measured on, in words."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    python = platform.python_version() + ("" if optimised() else " compiled without optimisations")
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {python}, load average {load}"


def progress(what: str, found: Any) -> None:
    """Say on the way what was found; the last line of standard output stays the report's."""
    print(f"{what}: {found}", file=sys.stderr, flush=True)


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    if len(seconds) < 2:
        raise ValueError("at least two measurements are needed")
    cuts = quantiles(seconds, n=100, method="inclusive")
    return round(cuts[49] * 1000, 3), round(cuts[98] * 1000, 3)
