"""`./rubi faults`: break everything that can break, then compare with the broker's ledger."""

import argparse
import asyncio
import sys

from tests.faults.processes.catalogue import SCENARIOS, play
from tests.faults.processes.ea_desk import EaDesk, executable
from tests.faults.processes.report import as_json, tell
from tests.faults.processes.stage import open_stage

EA_SCENARIOS = ["terminal-kills"]
"""What the Expert Advisor plays: its broker ends with its process, so nothing that goes on without it."""


async def run(names: list[str], *, terminal: str, full: bool, as_one_line: bool, changes: dict[str, int]) -> bool:
    """Run the scenarios one after the other on one service; whether all held."""
    results = []
    async with open_stage(EaDesk if terminal == "ea" else None) as stage:
        for name in names:
            results.append(await play(stage, SCENARIOS[name], full=full, **changes))
            tell(results[-1])
    if as_one_line:
        print(as_json(results))
    return all(result.ok for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./rubi faults")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", action="append", choices=SCENARIOS)
    parser.add_argument("--terminal", choices=("python", "ea"), default="python")
    parser.add_argument("--each", type=int, help="kills at each point, with --only terminal-kills")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:<18} {scenario.about}")
        return
    names = options.only or (EA_SCENARIOS if options.terminal == "ea" else list(SCENARIOS))
    if options.terminal == "ea" and not set(names) <= set(EA_SCENARIOS):
        parser.error(f"with --terminal ea there is: {', '.join(EA_SCENARIOS)}")
    if options.each is not None and names != ["terminal-kills"]:
        parser.error("--each belongs to --only terminal-kills")
    if options.terminal == "ea":
        executable()  # before any clock runs
    changes = {} if options.each is None else {"each": options.each}
    if options.terminal == "ea":
        # No multiple of the six points: each account meets them all. A kill in the middle of sending bars a symbol.
        changes["accounts"] = 7
    held = asyncio.run(
        run(names, terminal=options.terminal, full=options.full, as_one_line=options.json, changes=changes)
    )
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
