"""What a fault run found: a table for people, one JSON line for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Result:
    """One scenario. `lost` and `duplicated` count signals and executions; each violation is a sentence.

    `targets` are bars of time, seconds: they depend on the machine, so a missed one is told and is no violation.
    """

    name: str
    runs: int = 0
    lost: int = 0
    duplicated: int = 0
    violations: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not (self.lost or self.duplicated or self.violations)

    def hold_against(self, name: str, at_most_s: float, seconds: Sequence[float]) -> None:
        """Hold measured times against a bar; nothing measured, nothing held."""
        if seconds:
            over = sum(one > at_most_s for one in seconds)
            worst = round(max(seconds), 2)
            self.targets[name] = {
                "at_most_s": at_most_s, "worst_s": worst, "measured": len(seconds), "over": over, "met": not over,
            }  # fmt: skip


def tell(result: Result) -> None:
    """A scenario as a line of the table, its violations below."""
    figures = "  ".join(f"{name} {value}" for name, value in result.figures.items() if not isinstance(value, dict))
    verdict = "held" if result.ok else "VIOLATED"
    print(
        f"{result.name:<22} {verdict:<9} runs {result.runs:<6} lost {result.lost:<4} duplicated {result.duplicated:<4}"
        f" {result.seconds:6.1f} s  {figures}",
        flush=True,
    )
    for name, target in result.targets.items():
        verdict = "met" if target["met"] else f"MISSED {target['over']} of {target['measured']} times"
        print(f"    {name}: at most {target['at_most_s']} s, worst {target['worst_s']} s: {verdict}", flush=True)
    for violation in result.violations[:20]:
        print(f"    {violation}", flush=True)
    if len(result.violations) > 20:
        print(f"    and {len(result.violations) - 20} more", flush=True)


def as_json(results: list[Result]) -> str:
    """The last line."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    scenarios = [asdict(result) | {"violations": result.violations[:50]} for result in results]
    ok = all(result.ok for result in results)
    met = all(target["met"] for result in results for target in result.targets.values())
    load = [round(one, 2) for one in os.getloadavg()]
    said = {"name": "faults", "machine": machine, "load_at_the_end": load, "scenarios": scenarios}
    return json.dumps(said | {"ok": ok, "targets_met": met}, default=str)
