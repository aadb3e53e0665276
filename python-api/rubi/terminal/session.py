"""One session with the service: requests that are repeated with the same bytes until they are answered."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import structlog

from rubi.terminal.clock import ServiceClock
from rubi.terminal.points import At, nothing_happens
from rubi.terminal.wire import decode, encode

log = structlog.get_logger(__name__)

CONNECT, SYNC, DISCONNECT = "/api/v1/mt5/connect", "/api/v1/mt5/sync", "/api/v1/mt5/disconnect"
ANSWER_TIMEOUT_S = 5.0
BODY_SENT = "http11.send_request_body.complete"


class TerminalStoppedError(RuntimeError):
    """The service does not want this terminal: only a person can change that."""


class SessionLostError(RuntimeError):
    """The session is over (fenced, closed, out of step): connect again."""


class LeasedElsewhereError(SessionLostError):
    """Another live terminal trades this account."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("another terminal trades this account; waiting until it is silent")
        self.retry_after_s = retry_after_s


class BodyRefusedError(RuntimeError):
    """The service could not read the body; nothing of it was processed."""


@dataclass(frozen=True)
class Backoff:
    """Waits that grow from `first_s` to `cap_s`, each drawn at random so that terminals do not come in step."""

    first_s: float = 0.1
    cap_s: float = 2.0
    draw: Callable[[float, float], float] = random.uniform

    def wait_s(self, attempt: int) -> float:
        """The wait after the n-th failure, from 1."""
        return self.draw(self.first_s, min(self.cap_s, self.first_s * 2.0 ** min(attempt, 30)))


@dataclass
class Session:
    """What `connect` gave, and where the sequence stands."""

    id: str
    epoch: int
    trading_state: str
    seq: int = 0
    poll_ms: int = 1000
    connected: dict[str, Any] = field(default_factory=dict)


class Wire:
    """The three calls of protocol 2."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: ServiceClock,
        *,
        backoff: Backoff | None = None,
        at: At = nothing_happens,
    ) -> None:
        """`http` has the service's base URL and the token."""
        self._http = http
        self._clock = clock
        self.backoff = backoff or Backoff()
        self._at = at
        self.failures = 0
        """Requests that got no usable answer, for the totals."""

    async def connect(self, body: dict[str, Any]) -> Session:
        """Open a session. Raises `LeasedElsewhereError` while another terminal holds the account."""
        answer = decode(await self._exchange(CONNECT, encode(body), wait_s=0.0))
        if "session_id" not in answer:
            raise SessionLostError("the answer to connect has no session_id: is this the address of the service?")
        return Session(
            id=answer["session_id"],
            epoch=answer.get("epoch", 0),
            trading_state=answer.get("trading_state", "ACTIVE"),
            poll_ms=answer.get("poll", {}).get("idle_ms", 1000),
            connected=answer,
        )

    async def sync(self, session: Session, body: dict[str, Any]) -> bytes:
        """One cycle: give it the next number and repeat these very bytes until the service has answered them.

        Raises:
            SessionLostError: fenced, closed or out of step.
            BodyRefusedError: the number is free again; another body may have it.

        """
        numbered = {"session_id": session.id, "epoch": session.epoch, "seq": session.seq + 1, **body}
        raw = await self._exchange(
            SYNC,
            encode(numbered),
            wait_s=body.get("wait_ms", 0) / 1000,
            on_sent="mid_report" if body.get("reports") else None,
        )
        answer = decode(raw)
        if answer.get("seq_ack") != session.seq + 1 or answer.get("epoch", session.epoch) != session.epoch:
            raise SessionLostError(f"answer to {answer.get('seq_ack')} of epoch {answer.get('epoch')}, asked {session}")
        session.seq += 1
        session.trading_state = answer.get("trading_state", session.trading_state)
        session.poll_ms = answer.get("next_poll_ms") or session.poll_ms
        return raw

    async def disconnect(self, body: dict[str, Any], *, timeout_s: float) -> bool:
        """Say goodbye, once; whether the service heard it."""
        try:
            answer = await self._http.post(DISCONNECT, json=body, timeout=timeout_s)
        except httpx.TransportError:
            return False
        return answer.is_success

    async def _exchange(self, path: str, raw: bytes, *, wait_s: float, on_sent: str | None = None) -> bytes:
        failures = 0
        while True:
            try:
                answer = await self._post(path, raw, wait_s, on_sent)
                pause_s = self._judge(path, answer)
                if pause_s is None:
                    if failures == 0:  # a repeated question may get a stored answer with an old time
                        self._clock.learn(decode(answer.content).get("server_time"))
                    return answer.content
                why = f"status {answer.status_code}"
            except (httpx.TransportError, ValueError) as failure:
                pause_s, why = 0.0, f"{type(failure).__name__}: {failure}"
            failures += 1
            self.failures += 1
            pause_s = max(pause_s, self.backoff.wait_s(failures))
            log.warning("wire.again", path=path, why=why, attempt=failures, pause_s=round(pause_s, 2))
            await asyncio.sleep(pause_s)

    async def _post(self, path: str, raw: bytes, wait_s: float, on_sent: str | None) -> httpx.Response:
        async def trace(event: str, _: dict[str, Any]) -> None:
            if event == BODY_SENT and on_sent is not None:
                self._at(on_sent)

        return await self._http.post(
            path,
            content=raw,
            headers={"Content-Type": "application/json"},
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, read=ANSWER_TIMEOUT_S + wait_s),
            extensions={"trace": trace},
        )

    def _judge(self, path: str, answer: httpx.Response) -> float | None:
        """None: use the answer. A number: ask again after so many seconds. Else the matching error."""
        status = answer.status_code
        if status == httpx.codes.OK:
            if not isinstance(decode(answer.content), dict):
                raise ValueError(f"{path} answered something else than a JSON object")
            return None
        if status in {401, 403}:
            raise TerminalStoppedError(
                f"the service refused the token ({status}) at {path}: {problem(answer)}."
                " Make a new one with `rubi token create --scope ea` and start the terminal with it"
            )
        if status == httpx.codes.LOCKED:
            raise LeasedElsewhereError(retry_after_s(answer, 2.0))
        if status in {404, 409}:
            raise SessionLostError(f"{status} at {path}: {problem(answer)}")
        if status in {400, 413, 422}:
            raise BodyRefusedError(f"{status} at {path}: {problem(answer)}")
        return retry_after_s(answer, 0.0)


def problem(answer: httpx.Response) -> str:
    """What a problem+json says, for the log."""
    try:
        said = decode(answer.content)
    except ValueError:
        return answer.text[:200]
    return f"{said.get('code', '')} {said.get('detail', '')}".strip() if isinstance(said, dict) else str(said)[:200]


def retry_after_s(answer: httpx.Response, otherwise: float) -> float:
    """Seconds of `Retry-After`, at most a minute."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 60.0) if text.isdigit() else otherwise
