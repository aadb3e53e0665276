"""A simulated terminal as a process of its own, for fault runs: `python -m rubi.terminal --url U --data FOLDER`.

The token is read from `RUBI_TOKEN`. With `--broker` the account lives in a `broker_server`; `RUBI_TERMINAL_DIES_AT`
names the point at which the process kills itself. Events are printed as JSON lines.
"""

import argparse
import asyncio
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from rubi.terminal.limits import Limits
from rubi.terminal.run import run_terminal
from rubi.terminal.wire import encode


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="A simulated terminal.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of its journal, outbox and account")
    parser.add_argument("--broker", help="address of a broker_server; without it the account is in the data folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strategy", action="store_true", help="send the demonstration's signals")
    parser.add_argument("--orders-per-minute", type=int, default=Limits.max_orders_per_minute)
    parser.add_argument("--open-positions", type=int, default=Limits.max_open_positions)
    parser.add_argument("--max-volume", type=Decimal, default=Limits.max_volume)
    parser.add_argument("--risk-percent", type=Decimal, default=Limits.max_risk_percent)
    parser.add_argument("--demo-only", action="store_true")
    return parser.parse_args(arguments)


def tell(event: str, facts: dict[str, Any]) -> None:
    """Print an event."""
    sys.stdout.write(encode({"event": event, **facts}).decode() + "\n")
    sys.stdout.flush()


async def main(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_terminal(
        options.url,
        os.environ["RUBI_TOKEN"],
        seed=options.seed,
        data_dir=options.data,
        stop=stop,
        with_strategy=options.strategy,
        limits=Limits(
            max_volume=options.max_volume,
            max_open_positions=options.open_positions,
            max_orders_per_minute=options.orders_per_minute,
            max_risk_percent=options.risk_percent,
            demo_only=options.demo_only,
        ),
        broker_address=options.broker,
        on_event=tell,
    )


if __name__ == "__main__":
    asyncio.run(main(parse(sys.argv[1:])))
