"""What a fault run found: a table for people, one JSON line for programs."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Result:
    """One scenario. `lost` and `duplicated` count signals and executions; each violation is a sentence."""

    name: str
    runs: int = 0
    lost: int = 0
    duplicated: int = 0
    violations: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not (self.lost or self.duplicated or self.violations)


def tell(result: Result) -> None:
    """A scenario as a line of the table, its violations below."""
    figures = "  ".join(f"{name} {value}" for name, value in result.figures.items() if not isinstance(value, dict))
    verdict = "held" if result.ok else "VIOLATED"
    print(
        f"{result.name:<22} {verdict:<9} runs {result.runs:<6} lost {result.lost:<4} duplicated {result.duplicated:<4}"
        f" {result.seconds:6.1f} s  {figures}",
        flush=True,
    )
    for violation in result.violations[:20]:
        print(f"    {violation}", flush=True)
    if len(result.violations) > 20:
        print(f"    and {len(result.violations) - 20} more", flush=True)


def as_json(results: list[Result]) -> str:
    """The last line."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    scenarios = [asdict(result) | {"violations": result.violations[:50]} for result in results]
    ok = all(result.ok for result in results)
    return json.dumps({"name": "faults", "machine": machine, "scenarios": scenarios, "ok": ok}, default=str)
