"""The Expert Advisor as a terminal's process: its host as a child, with quotes and a killer point.

`python -m … --executable HOST --url URL --data FOLDER --login LOGIN [--script JSON]`, token and killer point in the
environment as for the Python terminal. It dies as its child does, so whoever watches it sees a terminal that was
killed. The broker is inside of the host, with a ledger (`ledger.jsonl`) that outlives every kill.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.ea.driver import KILL_POINTS

from rubi.terminal.instruments import INSTRUMENTS
from rubi.terminal.points import VARIABLE
from rubi.terminal.simulated import AccountTerms

QUOTE_EVERY_S = 0.25
LEDGER = "ledger.jsonl"


def symbols() -> list[dict[str, Any]]:
    """The simulated broker's instruments in the words of the host."""
    found = []
    for one in INSTRUMENTS:
        worth = float(one.tick_size * one.contract_size)
        if one.profit != "USD":
            worth /= float(one.start)  # the only pair of the kind is quoted in yen for a dollar
        found.append(
            {
                "name": one.name,
                "currency_base": one.base,
                "currency_profit": one.profit,
                "currency_margin": one.base,
                "digits": one.digits,
                "point": float(one.point),
                "tick_size": float(one.tick_size),
                "tick_value_profit": round(worth, 8),
                "tick_value_loss": round(worth, 8),
                "contract_size": float(one.contract_size),
                "volume_min": float(one.volume_min),
                "volume_step": float(one.volume_step),
                "stops_level": one.stops_level,
                "commission_per_lot": float(one.commission_per_lot),
                "bid": float(one.start),
                "ask": float(one.start + one.point * one.spread_points),
            }
        )
    return found


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """What the host reads at its start."""
    point = os.environ.get(VARIABLE)
    return {
        "folder": str(options.data),
        "clock": "real",
        "allowed_urls": [options.url],
        "account": {"login": int(options.login), "server": AccountTerms.server, "balance": 1_000_000.0},
        "symbols": symbols(),
        "scripts": json.loads(options.script),
        "inputs": {
            "BackendURL": options.url,
            "APIToken": os.environ["RUBI_TOKEN"],
            "CheckInterval": 250,
            "MaxOpenPositions": 10_000,
            "MaxOrdersPerMinute": 100_000,
            "MaxRiskPercent": 100.0,
        },
        **({"kill": KILL_POINTS[point]} if point else {}),
    }


def feed(host: subprocess.Popen[bytes]) -> None:
    """Start the program and keep its prices fresh until the host has ended."""
    assert host.stdin is not None
    lines = [{"id": 1, "cmd": "init"}]
    quotes = [{"cmd": "quote", "symbol": s["name"], "bid": s["bid"], "ask": s["ask"]} for s in symbols()]
    with suppress(BrokenPipeError):
        while host.poll() is None:
            lines += [quote | {"id": number} for number, quote in enumerate(quotes, 2)]
            host.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            host.stdin.flush()
            lines = []
            with suppress(subprocess.TimeoutExpired):
                host.wait(QUOTE_EVERY_S)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("executable", "data"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("url", "login"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--script", default="[]")
    options = parser.parse_args()
    options.data.mkdir(exist_ok=True)
    # Global variables that are temporary end with the terminal, however it ends.
    (options.data / "globals.json").unlink(missing_ok=True)
    path = options.data / "settings.json"
    path.write_text(json.dumps(settings(options)))
    host = subprocess.Popen(
        [options.executable], stdin=subprocess.PIPE, env=os.environ | {"RUBI_HOST_SETTINGS": str(path)}
    )
    feed(host)
    code = host.wait()
    sys.stdout.flush()
    if code == -signal.SIGKILL:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(code)


if __name__ == "__main__":
    main()
