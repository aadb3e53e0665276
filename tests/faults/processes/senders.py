"""Senders of signals that give up on none: the same bytes under the same key until somebody answers."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.processes.proxy import Upstream, read_message
from tests.faults.processes.stage import Desk

PATH = "/api/v1/trading/signals"
ANSWER_TIMEOUT_S = 8.0
LONGEST_PAUSE_S = 0.5
REPEATED = 0.03
"""The part of the answered signals that is sent once more, to compare the answers."""

# Symbol, and stops so far away that no run reaches them (below for buys, above for sells).
SYMBOLS = (
    ("EURUSD", 1.00, 1.18, 0.01),
    ("GBPUSD", 1.17, 1.38, 0.01),
    ("USDJPY", 138.0, 163.0, 0.01),
    ("XAUUSD", 2150.0, 2550.0, 0.01),
    ("US30", 36000.0, 43000.0, 0.1),
)
TYPES = ("BUY",) * 7 + ("SELL",) * 7 + ("CLOSE_BUY",) * 3 + ("CLOSE_SELL",) * 3


@dataclass(slots=True)
class Load:
    """What senders have been promised: `accepted` holds every id that was ever answered for a key."""

    name: str
    accepted: dict[str, set[int]] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    most_retries: int = 0
    failures: int = 0
    stop: bool = False

    def take(self, key: str, body: bytes) -> None:
        """An answer of 201."""
        self.accepted.setdefault(key, set()).add(json.loads(body)["id"])
        if self.answers.setdefault(key, body) != body:
            self.violations.append(f"{key} was answered {self.answers[key][:200]!r}, then {body[:200]!r}")


class Sender:
    """One connection that sends wishes one after the other."""

    def __init__(self, url: str, token: str, load: Load, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\n"
        )
        self._connection = Upstream(self._address)
        self._timeout_s = answer_timeout_s
        self.load = load

    async def send(self, key: str, wish: dict[str, object], *, patience: int | None = None) -> bool:
        """Send until it is answered, or until `patience` retries are used up; whether it was accepted."""
        body = json.dumps(wish).encode()
        raw = f"{self._head}Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        retries = 0
        while True:
            status, answer = await self._ask(raw)
            self.load.statuses[status] += 1
            if status == 201:
                self.load.take(key, answer)
                return True
            if status not in {0, 429, 500, 502, 503}:
                self.load.violations.append(f"{key} was refused: {status} {answer[:300]!r}")
                return False
            if status == 500:
                self.load.violations.append(f"{key} met an internal error: {answer[:300]!r}")
            if patience is not None and retries >= patience:
                self.load.failures += 1
                return False
            retries += 1
            self.load.retries += 1
            self.load.most_retries = max(self.load.most_retries, retries)
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.02 * 2 ** min(retries, 6)))

    async def _ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status 0: no answer came."""
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await read_message(await self._connection.send(raw))
        except (OSError, EOFError, TimeoutError):
            self._connection.close()
            self._connection = Upstream(self._address)
            return 0, b""
        return message.status, message.body

    def close(self) -> None:
        self._connection.close()


def wish(desk: Desk, comment: str, signal_type: str, symbol: tuple[str, float, float, float]) -> dict[str, object]:
    """A signal for one account, with its key as its comment."""
    name, low, high, volume = symbol
    said: dict[str, object] = {
        "account": desk.login,
        "symbol": name,
        "signal_type": signal_type,
        "comment": comment,
        "expires_in": 60,
    }
    if signal_type in {"BUY", "SELL"}:
        said |= {"volume": volume, "stop_loss": low if signal_type == "BUY" else high}
    return said


async def send_many(
    url: str, load: Load, desks: Sequence[Desk], *, count: int, senders: int, seed: int, pause_s: float = 0.0
) -> None:
    """Send `count` wishes by so many senders at once, or fewer when `load.stop` is set."""
    drawn = random.Random(seed)
    todo = iter(range(count))

    async def work() -> None:
        sender = Sender(url, desks[0].trader.sending, load)
        for n in todo:
            if load.stop:
                break
            key = f"{load.name}-{n}"
            said = wish(drawn.choice(desks), key, drawn.choice(TYPES), drawn.choice(SYMBOLS))
            if await sender.send(key, said) and drawn.random() < REPEATED:
                await sender.send(key, said)
            if pause_s:
                await asyncio.sleep(pause_s)
        sender.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(senders):
            group.create_task(work())
