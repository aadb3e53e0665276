"""A small HTTP server that speaks the terminal's wire (docs/wire.md), and misbehaves on request."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TOKEN = "ea-token-of-the-tests"
_SIGNED = (
    "order_id",
    "kind",
    "symbol",
    "side",
    "order_type",
    "volume",
    "price",
    "sl",
    "tp",
    "position_ticket",
    "order_ticket",
)


@dataclass(slots=True)
class Call:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]


@dataclass(slots=True)
class ScriptedService:
    """Sessions, a queue of commands, and everything the terminal said."""

    calls: list[Call] = field(default_factory=list)
    commands: deque[dict[str, Any]] = field(default_factory=deque)
    revoke: list[int] = field(default_factory=list)
    reports: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    acks: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    deals: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: deque[tuple[int, dict[str, str], dict[str, Any] | None]] = field(default_factory=deque)
    need: list[str] = field(default_factory=lambda: ["symbols", "deals"])
    limits: dict[str, Any] = field(default_factory=lambda: {"max_open_positions": 10, "max_volume": 100.0})
    journal_actions: list[dict[str, Any]] = field(default_factory=list)
    lead: str | None = None  # the terminal_instance_id that holds the account
    acknowledge: bool = True
    park_s: float = 0.0
    idle_ms: int = 250  # how soon the terminal is to ask again when nothing happened
    poison: tuple[bytes, int] | None = None  # a body that holds this text is answered with this status
    bars: dict[str, dict[str, int]] | None = None  # where the service has got to, for `resume`
    on_sync: Callable[[], Awaitable[None]] | None = None  # happens while the answer is on its way
    stale_answers: int = 0  # so many answers belong to another question
    epoch: int = 0
    port: int = 0
    now: float = 0.0
    _session: str = ""
    _seq: int = 0
    _stored: tuple[bytes, dict[str, Any]] = (b"", {})
    _cursor: tuple[int, str] = (0, "0")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def syncs(self) -> list[dict[str, Any]]:
        """All sync bodies."""
        return [call.body for call in self.calls if call.path.endswith("/sync")]

    def last(self, part: str) -> Any:
        """The newest value of one part of a sync."""
        return next((body[part] for body in reversed(self.syncs()) if part in body), None)

    def result(self, order_id: int) -> dict[str, Any] | None:
        """The newest report of an order."""
        return (self.reports.get(order_id) or [None])[-1]

    def outcomes(self, order_id: int) -> list[str]:
        """The acknowledgements of an order in the order they came, without repetitions."""
        return list(
            dict.fromkeys(
                ack["outcome"] + (f":{ack['code']}" if ack.get("code") else "") for ack in self.acks.get(order_id, [])
            )
        )

    def order(self, order_id: int, kind: str = "OPEN", **fields: Any) -> dict[str, Any]:
        """Queue a command; fields not given are those of a market buy of 0.1 EURUSD with a stop."""
        opening = kind in {"OPEN", "PLACE_PENDING"}
        command: dict[str, Any] = {
            "order_id": order_id,
            "lease_id": f"lease-{order_id}-{len(self.calls)}",
            "kind": kind,
            "symbol": "EURUSD",
            "side": "BUY" if opening else None,
            "order_type": "MARKET" if kind == "OPEN" else "LIMIT" if kind == "PLACE_PENDING" else None,
            "volume": 0.1 if opening else None,
            "price": None,
            "stop_limit": None,
            "sl": 1.095 if opening else None,
            "tp": 1.11 if opening else None,
            "deviation_points": 20,
            "filling": "AUTO",
            "type_time": "GTC",
            "expiration": None,
            "magic": "20251023",
            "comment": comment_of(order_id),
            "position_ticket": None,
            "order_ticket": None,
            "guards": {"max_spread_points": None, "price_band": None, "reduce_only": False, "expect_volume": None},
            **fields,
        }
        if "sha256" not in fields:
            text = "|".join("" if command[name] is None else _plain(command[name]) for name in _SIGNED)
            command["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        self.commands.append(command)
        return command

    def answer(self, call: Call) -> tuple[int, dict[str, str], dict[str, Any] | None]:
        """The answer to one call."""
        if self.states:
            return self.states.popleft()
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"detail": "invalid token"}
        if self.poison is not None and self.poison[0] in call.raw:
            return self.poison[1], {}, {"code": "UNREADABLE"}
        if call.path == "/api/v1/mt5/connect":
            return self._connect(call)
        if call.path == "/api/v1/mt5/sync":
            return self._sync(call)
        return 404, {}, {"detail": "no such path"}

    def _connect(self, call: Call) -> tuple[int, dict[str, str], dict[str, Any]]:
        body = call.body
        if self.lead not in {None, body["terminal_instance_id"]}:
            return 423, {}, {"code": "ACCOUNT_LEASED_ELSEWHERE"}
        self.epoch += 1
        self._session, self._seq = f"session-{self.epoch}", 0
        self.now = _clock(call)
        answer = {
            "session_id": self._session,
            "message": "Connected successfully",
            "connected_at": _iso(self.now),
            "epoch": self.epoch,
            "server_time": _iso(self.now),
            "trading_state": "ACTIVE",
            "poll": {"active_ms": 250, "idle_ms": 1000, "closed_ms": 5000},
            "limits": self.limits,
            "resume": {"deal_cursor": {"time_msc": self._cursor[0], "ticket": self._cursor[1]}}
            | ({} if self.bars is None else {"bars": self.bars}),
            "need": self.need,
            "journal_actions": self.journal_actions,
        }
        return 200, {}, answer

    def _sync(self, call: Call) -> tuple[int, dict[str, str], dict[str, Any]]:
        body = call.body
        if body["session_id"] != self._session:
            return 404, {}, {"code": "SESSION_NOT_FOUND"}
        if body["epoch"] < self.epoch:
            return 409, {}, {"code": "EPOCH_FENCED"}
        if body["seq"] == self._seq and self._seq:
            return (200, {}, self._stored[1]) if call.raw == self._stored[0] else (409, {}, {"code": "SEQ_CONFLICT"})
        if body["seq"] < self._seq:
            return 409, {}, {"code": "SEQ_STALE"}
        self._seq = body["seq"]
        self.now = _clock(call)
        answer = self._work(body)
        if self.stale_answers:
            self.stale_answers -= 1
            answer["seq_ack"] = body["seq"] - 1
        self._stored = (call.raw, answer)
        return 200, {}, answer

    def _work(self, body: dict[str, Any]) -> dict[str, Any]:
        for ack in body.get("acks", []):
            self.acks.setdefault(ack["order_id"], []).append(ack)
        for report in body.get("reports", []):
            known = self.reports.setdefault(report["order_id"], [])
            if report["n"] not in {one["n"] for one in known}:
                known.append(report)
        for deal in body.get("deals", []):
            self.deals[deal["ticket"]] = deal
            self._cursor = max(self._cursor, (deal["time_msc"], deal["ticket"]))
        new = [signal for signal in body.get("signals", []) if signal["key"] not in self.signals]
        self.signals.update({signal["key"]: signal for signal in new})
        commands = [self._leased(command) for command in self.commands]
        self.commands.clear()
        revoked, self.revoke = self.revoke, []
        answer = {
            "seq_ack": body["seq"],
            "epoch": self.epoch,
            "server_time": _iso(self.now),
            "trading_state": "ACTIVE",
            "commands": commands,
            "revoke": revoked,
            "report_acks": [f"{r['order_id']}:{r['n']}" for r in body.get("reports", [])],
            "ack_acks": [f"{a['order_id']}:{a['outcome']}" for a in body.get("acks", [])],
            "signal_acks": [
                {"key": s["key"], "id": list(self.signals).index(s["key"]) + 1, "status": "PENDING", "code": None}
                for s in body.get("signals", [])
            ],
            "need": [],
            "deal_cursor": {"time_msc": self._cursor[0], "ticket": self._cursor[1]},
            "next_poll_ms": 250 if commands or body.get("acks") or body.get("reports") else self.idle_ms,
            "limits": self.limits,
        }
        if not self.acknowledge:
            answer |= {"report_acks": [], "ack_acks": [], "signal_acks": []}
        return answer

    def _leased(self, command: dict[str, Any]) -> dict[str, Any]:
        lease, life = self.now + 10, self.now + 30
        leased = {
            "lease_expires_at": _iso(lease),
            "lease_expires_gmt": int(lease),
            "not_after": _iso(life),
            "not_after_gmt": int(life),
        }
        return leased | command

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split(" ")[1]
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            raw = await reader.readexactly(int(headers.get("content-length", "0")))
            call = Call(path, headers, raw, json.loads(raw.rstrip(b"\0") or b"{}"))
            self.calls.append(call)
            status, extra, body = self.answer(call)
            if self.on_sync is not None and body is not None and body.get("commands"):
                await self.on_sync()
            await asyncio.sleep(self.park_s)
            text = b"" if body is None else json.dumps(body).encode()
            lines = [
                f"HTTP/1.1 {status} X",
                f"Content-Length: {len(text)}",
                "Content-Type: application/json",
                "Connection: close",
            ]
            lines += [f"{name}: {value}" for name, value in extra.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[ScriptedService]:
    """A service on a free port."""
    service = ScriptedService()
    server = await asyncio.start_server(service._serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await server.wait_closed()


def comment_of(order_id: int) -> str:
    """`RS-` and the order id in base 32, as the service writes it."""
    size = max(1, (order_id.bit_length() + 4) // 5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "RS-" + "".join(letters[order_id >> (5 * i) & 31] for i in reversed(range(size)))


def _clock(call: Call) -> float:
    """The service's time: a virtual terminal brings it along, a real one lives in ours."""
    virtual = call.headers.get("x-virtual-now-ms")
    return int(virtual) / 1000 if virtual else time.time()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
