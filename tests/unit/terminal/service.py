"""A small service that speaks the wire, and a transport that loses what it is told to lose."""

import hashlib
import json

import httpx

from rubi.domain.order import comment_of

COVERED = "order_id kind symbol side order_type volume price sl tp position_ticket order_ticket"


def checksum(command):
    text = "|".join("" if command.get(name) is None else str(command[name]) for name in COVERED.split(" "))
    return hashlib.sha256(text.encode()).hexdigest()


def command(order_id, kind="OPEN", symbol="EURUSD", side="BUY", volume=0.2, **fields):
    made = {
        "order_id": order_id,
        "lease_id": fields.pop("lease_id", f"lease-{order_id}"),
        "kind": kind,
        "symbol": symbol,
        "side": side,
        "order_type": "MARKET",
        "volume": volume,
        "magic": "20251023",
        "comment": comment_of(order_id),
        "guards": {},
        **fields,
    }
    return {**made, "sha256": made.get("sha256", checksum(made))}


class SmallService:
    """Sessions, sequence numbers with replay, a queue of answers. Processes every body once."""

    def __init__(self):
        self.epoch = 0
        self.answers = []  # parts of coming sync answers
        self.bodies = []  # processed sync bodies
        self.received = []  # every request: (path, bytes)
        self.greetings = []
        self.farewells = []
        self.refusals = []  # status codes for coming requests
        self.stored = {}
        self.server_time = None
        self.connect_answer = {}
        self.acknowledges = True
        self.commands_sent = []

    async def __call__(self, scope, receive, send):
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"].rsplit("/", 1)[1]
        self.received.append((path, raw))
        if self.refusals:
            status, answer = self.refusals.pop(0), {"code": "NO"}
        else:
            status, answer = self.answer(path, raw)
        headers = [(b"Retry-After", b"1")] if status == 423 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, path, raw):
        body = json.loads(raw)
        if path == "connect":
            self.epoch += 1
            self.stored = {}
            self.greetings.append(body)
            said = {"session_id": f"s{self.epoch}", "epoch": self.epoch, "trading_state": "ACTIVE", "need": ["symbols"],
                    "poll": {"idle_ms": 20}, "server_time": self.server_time}  # fmt: skip
            return 200, {**said, **self.connect_answer}
        if path == "disconnect":
            self.farewells.append(body)
            return 200, {}
        if body["session_id"] != f"s{self.epoch}":
            return 404, {"code": "SESSION_NOT_FOUND"}
        seq = body["seq"]
        if seq in self.stored:
            before, said = self.stored[seq]
            return (200, said) if before == raw else (409, {"code": "SEQ_CONFLICT"})
        said = self.process(body)
        self.stored[seq] = (raw, said)
        return 200, said

    def process(self, body):
        self.bodies.append(body)
        said = {"seq_ack": body["seq"], "epoch": self.epoch, "next_poll_ms": 20, "server_time": self.server_time}
        if self.acknowledges:
            said["ack_acks"] = [f"{a['order_id']}:{a['outcome']}" for a in body.get("acks", [])]
            said["report_acks"] = [f"{r['order_id']}:{r['n']}" for r in body.get("reports", [])]
            said["signal_acks"] = [{"key": s["key"], "id": 1, "status": "PENDING"} for s in body.get("signals", [])]
            deals = body.get("deals", [])
            if deals:
                said["deal_cursor"] = {"time_msc": deals[-1]["time_msc"], "ticket": deals[-1]["ticket"]}
        if self.answers:
            said |= self.answers.pop(0)
            self.commands_sent += said.get("commands", [])
        return said

    def told(self, part):
        """Everything that was told in one part of all bodies, in order."""
        return [one for body in self.bodies for one in body.get(part, [])]


class LossyTransport(httpx.AsyncBaseTransport):
    """Delivers requests to the service; `script` says what happens to the coming ones."""

    def __init__(self, service):
        self.inner = httpx.ASGITransport(service)
        self.script = []

    async def handle_async_request(self, request):
        fate = self.script.pop(0) if self.script else "deliver"
        if fate == "drop_request":
            raise httpx.ConnectError("nobody there")
        answer = await self.inner.handle_async_request(request)
        if fate == "drop_answer":
            raise httpx.ReadError("cut")
        if fate == "garble_answer":
            return httpx.Response(200, content=b"<html>")
        return answer
