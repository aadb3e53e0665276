"""Signals over REST: send one, look at them, read why one was denied."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BeforeValidator

from rubi.api.deps import CurrentUser, Now, PortsDep, SignalSource
from rubi.api.errors import responses
from rubi.api.wire_signals import SOURCE, SignalIn, SignalOut, SignalsOut
from rubi.domain.errors import RubiError
from rubi.domain.signal import SignalStatus
from rubi.flows.read_signals import read_decision, read_signal, read_signals
from rubi.flows.receive_signal import Wish, receive_signal
from rubi.flows.show_signal import show_as_received
from rubi.store.signals import SignalFilter

router = APIRouter(prefix="/api/v1/trading/signals", tags=["signals"])

LONGEST_KEY = 255
SignalId = Annotated[int, Path(ge=1, lt=2**63)]


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


@router.post("", status_code=201, responses=responses(401, 403, 404, 409, 413), summary="Send a signal")
async def send_signal(
    body: SignalIn,
    user: SignalSource,
    ports: PortsDep,
    now: Now,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(description="A retry with the same key and body gets the first answer; another body under it is a 409"),
    ] = None,
) -> SignalOut:
    """Keep a signal; a worker decides on it within milliseconds. Its fate is at `GET /trading/signals/{id}`.

    Sent twice, it is one signal: by its `Idempotency-Key`, else by its body with `signal_time`.
    """
    if idempotency_key is not None and not 1 <= len(idempotency_key.strip()) <= LONGEST_KEY:
        raise RubiError(
            "IDEMPOTENCY_KEY_INVALID",
            f"the Idempotency-Key has {len(idempotency_key)} characters; use 1 to {LONGEST_KEY}",
            field="Idempotency-Key",
        )
    wish = Wish(
        user_id=user.user_id,
        source=SOURCE,
        body_sha256=body.body_sha256(),
        to_signal=partial(body.to_domain, user_id=user.user_id, now=now),
        timed=body.signal_time is not None,
        account=body.account,
        bound_account=user.account_id,
        idempotency_key=None if idempotency_key is None else idempotency_key.strip(),
        knows_its_time=body.knows_its_time,
    )
    received = await receive_signal(ports, wish, now=now)
    if not received.new:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"{router.prefix}/{received.id}"
    # Under a key of the client's own the first answer is repeated to the letter; without one the client is told.
    duplicate = not received.new and idempotency_key is None
    message = "Signal received; it is decided now."
    return SignalOut(
        id=received.id,
        signal_id=received.id,
        message="This signal is known; nothing was added." if duplicate else message,
        signal=show_as_received(received.row),
        duplicate=duplicate,
    )


@router.get("", responses=responses(401, 403), summary="List signals, newest first")
async def list_signals(
    user: CurrentUser,
    ports: PortsDep,
    symbol: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[SignalStatus | None, BeforeValidator(_upper)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only signals with a smaller id")] = None,
) -> SignalsOut:
    """The user's signals; `total` counts all that match the filters."""
    wanted = SignalFilter(symbol=symbol, status=status, account_id=user.account_id, before=before, limit=limit)
    total, found = await read_signals(ports, user.user_id, wanted)
    return SignalsOut(total=total, signals=found)


@router.get("/{signal_id:int}", responses=responses(401, 403, 404), summary="A signal and everything behind it")
async def get_signal(signal_id: SignalId, user: CurrentUser, ports: PortsDep) -> dict[str, Any]:
    """The signal with its decision, and its orders with every event of their lives."""
    return await read_signal(ports, user.user_id, signal_id, only=user.account_id)


@router.get("/{signal_id:int}/decision", responses=responses(401, 403, 404), summary="Why it was approved or denied")
async def get_decision(signal_id: SignalId, user: CurrentUser, ports: PortsDep) -> dict[str, Any]:
    """Every gate with what it saw, its threshold and its result, and the whole case: it can be replayed."""
    return await read_decision(ports, user.user_id, signal_id, only=user.account_id)
