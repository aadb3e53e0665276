"""Pushes of 20 positions and of the account's money, durable before each answer, beside bare uvicorn and a naive route.

The three take turns, with the same bodies from the same load process; each figure is the median of its rounds.
--rounds N (5), --seconds N of each (4), --concurrency N,N (16,64,256), --kinds NAME,NAME (positions,account).
"""

import argparse
import asyncio
import json
from statistics import median
from typing import Any

from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Result, progress
from tests.benchmarks.servers import allow_connections, service, terminal_tokens, uvicorn

POSITIONS = 20
SERVERS = ("naive", "bare", "service")
"""In this order: what the naive rows leave the database to do, it does while the bare server is asked."""
Rounds = dict[tuple[str, int, str], list[dict[str, Any]]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--concurrency", default="16,64,256")
    parser.add_argument("--kinds", default="positions,account")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(url: str, addresses: dict[str, str | None], said: argparse.Namespace) -> Rounds:
    """All rounds; `addresses`: where the bodies go, None for the service's own routes."""
    levels = [int(each) for each in said.concurrency.split(",")]
    allow_connections(max(levels))
    tokens = asyncio.run(terminal_tokens(url, max(levels)))
    found: Rounds = {}
    with load() as generator:
        progress("connected", generator.ask("connect", url=url, tokens=tokens, positions=POSITIONS))
        for kind in said.kinds.split(","):
            for number in range(said.rounds):
                for level in levels:
                    for server in SERVERS:
                        address = addresses[server]
                        if server == "naive":
                            address = f"{address}/{kind}"
                        one = generator.ask(
                            "closed", kind=kind, concurrency=level, seconds=said.seconds, positions=POSITIONS,
                            url=address,
                        )  # fmt: skip
                        found.setdefault((kind, level, server), []).append(one)
                        progress(f"round {number + 1}, {kind}, {level} at once, {server}", one)
    return found


def report(found: Rounds) -> Report:
    told = Report("ingest")
    middle = {
        case: {name: median(one[name] for one in rounds) for name in ("per_second", "p50_ms", "p99_ms")}
        for case, rounds in found.items()
    }
    for (kind, level, server), one in middle.items():
        rate, bare = one["per_second"], middle[kind, level, "bare"]["per_second"]
        result = Result(f"{kind}, {level} at once, {server}", round(rate), "requests/s")
        result.p50_ms, result.p99_ms = round(one["p50_ms"], 2), round(one["p99_ms"], 2)
        if server != "bare":
            result.ratio_to_bare = round(rate / bare, 4)
        if server == "service":
            result.ratio_to_naive = round(rate / middle[kind, level, "naive"]["per_second"], 2)
        told.add(result)
        if wrong := sum(sum(each["failed"].values()) for each in found[kind, level, server]):
            told.add(Result(f"{kind}, {level} at once, {server}: refused or cut", wrong, "requests"))
    return told


def main() -> None:
    said = options()
    with service() as running:
        secret = json.loads((running.instance / "secrets.json").read_text())["jwt_secret"]
        naive = {"DATABASE_URL": running.database_url, "JWT_SECRET": secret}
        with uvicorn() as bare, uvicorn("tests.benchmarks.naive_app:app", **naive) as rows:
            found = measure(running.url, {"bare": bare, "naive": rows, "service": None}, said)
    report(found).print()


if __name__ == "__main__":
    main()
