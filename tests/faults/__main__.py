"""`./rubi faults`: break everything that can break, then compare with the broker's ledger."""

import argparse
import asyncio
import sys

from tests.faults.processes.catalogue import SCENARIOS, play
from tests.faults.processes.report import as_json, tell
from tests.faults.processes.stage import open_stage


async def run(names: list[str], *, full: bool, as_one_line: bool) -> bool:
    """Run the scenarios one after the other on one service; whether all held."""
    results = []
    async with open_stage() as stage:
        for name in names:
            results.append(await play(stage, SCENARIOS[name], full=full))
            tell(results[-1])
    if as_one_line:
        print(as_json(results))
    return all(result.ok for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./rubi faults")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", action="append", choices=SCENARIOS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<18} {scenario.about}")
        return
    held = asyncio.run(run(options.only or list(SCENARIOS), full=options.full, as_one_line=options.json))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
