"""The terminal's calls: connect, sync and disconnect of protocol 2, and every call of the specification's connector."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from rubi.api import terminal_reader as reader
from rubi.api import wire_terminal as wire
from rubi.api.deps import Now, PortsDep
from rubi.api.deps import Terminal as TerminalUser
from rubi.api.errors import responses
from rubi.api.wire_signals import SignalIn
from rubi.domain.auth import Principal
from rubi.domain.clock import BrokerClock, parse_time
from rubi.domain.errors import RubiError
from rubi.domain.learn_clock import TimesSaid
from rubi.flows.connect_terminal import LEGACY_POLL_MS, Connected, Hello, connect_terminal
from rubi.flows.follow_terminal import disconnect_terminal, record_account, record_positions
from rubi.flows.ports import Ports
from rubi.flows.read_limits import limits_of
from rubi.flows.receive_signal import Wish
from rubi.flows.record_reports import Ack, Report
from rubi.flows.serve_older_connector import STATUSES, lease_to_older_connector, record_status
from rubi.flows.sync_terminal import ACTIVE_MS, IDLE_MS, NOT_CONNECTED, Cycle, Refused, sync_terminal
from rubi.store import terminals
from rubi.store.terminals import Terminal

router = APIRouter(prefix="/api/v1", tags=["terminal"])

CLOSED_MS = 5000
LONGEST_LOGIN = 20
log = structlog.get_logger(__name__)
_JSON = "application/json"
_encode = msgspec.json.Encoder(decimal_format="number").encode
_FLAGS = {
    "terminal_trade_allowed": "TERMINAL_TRADE_DISABLED",
    "mql_trade_allowed": "EA_TRADE_DISABLED",
    "account_trade_allowed": "ACCOUNT_TRADE_DISABLED",
    "account_trade_expert": "ACCOUNT_EXPERTS_DISABLED",
}


def _takes(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The body's schema, for the OpenAPI document."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="#/components/schemas/Terminal{name}")
    return {
        "requestBody": {"required": True, "content": {_JSON: {"schema": schema}}},
        "x-terminal-schemas": {f"Terminal{name}": part for name, part in parts.items()},
    }


def _answer(body: Any) -> Response:
    return Response(body if isinstance(body, bytes) else _encode(body), media_type=_JSON)


@router.post("/mt5/connect", responses=responses(401, 403, 422, 423), openapi_extra=_takes(wire.Connect))
async def connect(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> Response:
    """Open a session: the account is this terminal's from here on, under a new epoch."""
    body: wire.Connect = wire.read(wire.Connect, await request.body())
    connected = await connect_terminal(
        ports, _hello(body, _address(request)), user_id=user.user_id, bound_account=user.account_id, now=now
    )
    return _answer(_welcome(connected, body, now))


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _hello(body: wire.Connect, address: str | None) -> Hello:
    login = str(body.login or body.account_number).strip()
    if len(login) > LONGEST_LOGIN:
        raise RubiError(
            "FIELD_INVALID",
            f"account_number is {login:.40}; a login has {LONGEST_LOGIN} digits at most",
            field="account_number",
        )
    broker = body.broker.strip()
    server = (body.server or broker).strip()
    for name, text in (("account_number", login), ("broker", broker), ("server", server)):
        if not text or not text.isprintable():
            raise RubiError("FIELD_INVALID", f"{name} is empty or not printable", field=name)
    legacy = body.protocol == 1
    return Hello(
        server=server,
        login=login,
        broker=(body.company or broker).strip(),
        currency=body.currency.strip().upper(),
        money=reader.money(body),
        protocol=body.protocol,
        instance=body.terminal_instance_id or f"legacy:{login}",
        poll_ms=body.poll_ms or (LEGACY_POLL_MS if legacy else IDLE_MS),
        account={
            "currency_digits": body.currency_digits,
            "leverage": body.leverage,
            "margin_mode": _one_of(body.margin_mode, ("HEDGING", "NETTING", "EXCHANGE"), "margin_mode"),
            "trade_mode": _one_of(body.trade_mode, ("DEMO", "CONTEST", "REAL"), "trade_mode"),
            "fifo_close": body.fifo_close,
            "hedge_allowed": body.hedge_allowed,
            "limit_orders": body.limit_orders,
        },
        ea_version=body.ea_version,
        build=body.build,
        offset_minutes=_offset(body.time),
        journal_open={
            entry.order_id: entry.phase for entry in (body.journal or wire.Journal()).open if 0 < entry.order_id < 2**63
        },
        last_session=body.last_session_id or None,
        address=address,
    )


def _one_of(value: str | None, allowed: tuple[str, ...], field: str) -> str | None:
    if value is None:
        return None
    if value.upper() not in allowed:
        raise RubiError("FIELD_INVALID", f"{field} is {value!r}; one of {', '.join(allowed)}", field=field)
    return value.upper()


def _offset(time: wire.Time | None) -> int | None:
    """Minutes that the broker's clock is ahead of UTC, in quarters of an hour; None when the two make no sense."""
    try:
        said = reader.times(time or wire.Time())
    except RubiError:
        return None
    if said.gmt is None or said.server is None:
        return None
    minutes = round((said.server - said.gmt) / timedelta(minutes=15)) * 15
    return minutes if abs(minutes) <= 14 * 60 else None


def _welcome(connected: Connected, body: wire.Connect, now: datetime) -> dict[str, Any]:
    account = connected.account
    known = account["symbols_hash"] is not None and account["symbols_hash"] == body.symbols_hash
    moment = _iso(now)
    return {
        "session_id": str(connected.session_id),
        "message": "Connected successfully",
        "connected_at": moment,
        "account_id": str(account["id"]),
        "epoch": connected.epoch,
        "server_time": moment,
        "trading_state": account["trading_state"],
        "poll": {"active_ms": ACTIVE_MS, "idle_ms": IDLE_MS, "closed_ms": CLOSED_MS},
        "limits": limits_of(connected.policy),
        "resume": {
            "deal_cursor": {"time_msc": account["deal_cursor_msc"], "ticket": str(account["deal_cursor_ticket"])},
            "bars": connected.bars,
        },
        "need": ["deals"] if known else ["symbols", "deals"],
        "journal_actions": [{"order_id": order_id, "action": action} for order_id, action in connected.actions],
    }


@router.post("/mt5/sync", responses=responses(401, 403, 404, 409, 413, 422), openapi_extra=_takes(wire.Sync))
async def sync(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> Response:
    """One cycle of a terminal: it tells, and gets what waits for it; parks up to `wait_ms` for a command."""
    raw = await request.body()
    body: wire.Sync = wire.read(wire.Sync, raw)
    terminal = await _terminal(ports, body.session_id, user)
    cycle = _cycle(body, hashlib.sha256(raw).digest(), terminal, user, now)
    return _answer(await sync_terminal(ports, terminal, cycle, clock=_utc_now))


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _terminal(ports: Ports, session_id: str, user: Principal) -> Terminal:
    terminal = await terminals.find(ports.pool, reader.session_id(session_id), user.user_id)
    if user.account_id is not None and terminal.account_id != user.account_id:
        raise terminals.unknown(terminal.session_id)
    return terminal


def _cycle(body: wire.Sync, sha256: bytes, terminal: Terminal, user: Principal, now: datetime) -> Cycle:
    clock, refused = terminal.clock, _Refusals()
    taken_at = None if body.taken_at is None else parse_time(body.taken_at, field="taken_at")
    times = None if body.time is None else refused.whole("time", partial(reader.times, body.time))
    server = None if times is None else times.server
    return Cycle(
        epoch=body.epoch,
        seq=body.seq,
        body_sha256=sha256,
        wait=timedelta(milliseconds=body.wait_ms),
        taken_at=taken_at,
        age=_age(taken_at, times),
        broker_msc=None if server is None else int(server.timestamp()) * 1000,
        times=times,
        not_tradable=_not_tradable(body.flags),
        flags=None if body.flags is None else msgspec.to_builtins(body.flags),
        money=None if body.account is None else refused.whole("account", lambda: reader.money(body.account, "account")),  # type: ignore[arg-type]
        positions=None
        if body.positions is None
        else refused.whole("positions", lambda: reader.positions(body.positions, clock, now)),
        working=None
        if body.orders is None
        else refused.whole("orders", lambda: reader.working_orders(body.orders, clock, "orders")),
        left=refused.each("order_history", body.order_history, lambda one: reader.working_orders(one, clock, "order")),
        deals=refused.each("deals", body.deals, lambda one: reader.deals(one, clock)),
        symbols=refused.each("symbols", body.symbols, lambda one: reader.symbols(one, now)),
        ticks=refused.each("ticks", body.ticks, lambda one: reader.ticks(one, clock)),
        bars=refused.each("bars", body.bars, lambda one: reader.bars(one, clock)),
        quotes=refused.each("quotes", body.quotes, lambda one: reader.quotes(one, now)),
        signals=[_signal(item, user, terminal, now) for item in reader.present(body.signals)],
        acks=[
            Ack(ack.order_id, ack.lease_id, ack.outcome.upper(), ack.code)
            for ack in reader.present(body.acks)
            if 0 < ack.order_id < 2**63
        ],
        reports=refused.each("reports", body.reports, _reports),
        refused=refused.items,
    )


def _age(taken_at: datetime | None, times: TimesSaid | None) -> timedelta:
    """How old the books were when they were sent, by the terminal's own clock (whole seconds)."""
    if taken_at is None or times is None or times.gmt is None:
        return timedelta(0)
    return min(max(timedelta(0), times.gmt - taken_at), timedelta(days=1))


class _Refusals:
    """Parts of a cycle that cannot be read: the rest is taken, and the terminal is told which not to send again."""

    def __init__(self) -> None:
        self.items: list[Refused] = []

    def whole(self, part: str, read: Callable[[], Any]) -> Any:
        """A list that replaces another: all of it, or nothing."""
        try:
            return read()
        except RubiError as error:
            self.items.append(Refused(part, error.code, error.detail))
        except (ValueError, ArithmeticError) as error:
            # What the reader did not foresee must not stop the terminal's outbox either.
            log.warning("sync.unreadable", part=part, exc_info=error)
            self.items.append(Refused(part, "VALUE_INVALID", f"{part}: a value cannot be read"))
        return None

    def each(self, part: str, items: list[Any] | None, read: Callable[[list[Any]], list[Any]]) -> list[Any]:
        """Independent items: a poisoned one fails alone."""
        present = reader.present(items)
        try:
            return read(present)
        except (RubiError, ValueError, ArithmeticError):
            kept: list[Any] = []
            for item in present:
                kept += self.whole(part, partial(read, [item])) or []
            return kept


def _reports(items: list[wire.Report]) -> list[Report]:
    return [
        Report(
            order_id=item.order_id,
            n=reader.integer(item.n, "report.n"),
            outcome=item.outcome.upper(),
            retcode=reader.integer(item.retcode or 0, "report.retcode"),
            order_ticket=reader.ticket(item.order_ticket, "report.order_ticket"),
            deal_ticket=reader.ticket(item.deal_ticket, "report.deal_ticket"),
            position_id=reader.ticket(item.position_id, "report.position_id"),
            price=reader.price_or_none(item.price, "report.price"),
            volume=reader.price_or_none(item.volume, "report.volume"),
            message=item.message,
        )
        for item in items
        if 0 < item.order_id < 2**63
    ]


def _not_tradable(flags: wire.Flags | None) -> str | None:
    if flags is None:
        return None
    if not flags.connected:
        return NOT_CONNECTED
    return next((code for name, code in _FLAGS.items() if not getattr(flags, name)), None)


def _signal(item: dict[str, Any], user: Principal, terminal: Terminal, now: datetime) -> tuple[str, Wish | Refused]:
    """A strategy's signal out of a sync, for the terminal's own account."""
    key = item.get("key")
    if not isinstance(key, str) or not 1 <= len(key) <= 128:
        return str(key)[:128], Refused("signals", "KEY_INVALID", "key: 1 to 128 characters that name this signal")
    try:
        body = SignalIn.model_validate({name: value for name, value in item.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        return key, Refused("signals", "SIGNAL_FIELD_INVALID", f"{field}: {first['msg']}")
    return key, Wish(
        user_id=user.user_id,
        source=f"ea:{terminal.account_id}",
        body_sha256=body.body_sha256(),
        to_signal=partial(body.to_domain, user_id=user.user_id, now=now),
        timed=body.signal_time is not None,
        account=str(terminal.account_id),  # the token was held against it; the key must outlive the token
        idempotency_key=key,
    )


@router.post("/mt5/ping", responses=responses(401, 403, 404, 409, 422), openapi_extra=_takes(wire.Ping))
async def ping(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> dict[str, str]:
    """A sign of life with the account's money."""
    body: wire.Ping = wire.read(wire.Ping, await request.body())
    terminal = await _terminal(ports, body.session_id, user)
    _said_at(body.timestamp, terminal.clock)
    await record_account(ports, terminal, reader.money(body), now=now)
    return {"status": "ok", "message": "Ping received"}


@router.post(
    "/mt5/account/update", responses=responses(401, 403, 404, 409, 422), openapi_extra=_takes(wire.AccountUpdate)
)
async def update_account(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> dict[str, str]:
    """The account's money now."""
    body: wire.AccountUpdate = wire.read(wire.AccountUpdate, await request.body())
    terminal = await _terminal(ports, body.session_id, user)
    await record_account(ports, terminal, reader.money(body), now=now)
    return {"status": "ok", "message": "Account info updated"}


@router.post(
    "/trading/positions/update",
    responses=responses(401, 403, 404, 409, 422),
    openapi_extra=_takes(wire.PositionsUpdate),
)
async def update_positions(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> dict[str, str]:
    """The whole list of open positions; it replaces what was known."""
    body: wire.PositionsUpdate = wire.read(wire.PositionsUpdate, await request.body())
    terminal = await _terminal(ports, body.session_id, user)
    _said_at(body.timestamp, terminal.clock)
    positions = reader.positions(body.positions, terminal.clock, now)
    await record_positions(ports, terminal, positions, now=now)
    return {"status": "ok", "message": f"{len(positions)} positions updated"}


@router.post("/mt5/disconnect", responses=responses(401, 403, 404, 422), openapi_extra=_takes(wire.Disconnect))
async def disconnect(request: Request, user: TerminalUser, ports: PortsDep, now: Now) -> dict[str, str]:
    """End the session; another terminal may take the account at once."""
    body: wire.Disconnect = wire.read(wire.Disconnect, await request.body())
    terminal = await _terminal(ports, body.session_id, user)
    _said_at(body.timestamp, terminal.clock)
    totals = {
        name: getattr(body, name)
        for name in ("total_signals_sent", "total_signals_received", "total_orders_executed", "total_errors")
    }
    await disconnect_terminal(ports, terminal, totals, now=now)
    return {"status": "ok", "message": "Disconnected successfully"}


@router.get("/trading/signals/pending", responses=responses(401, 403, 404, 409, 422))
async def pending(
    session_id: Annotated[str, Query(max_length=64)], user: TerminalUser, ports: PortsDep, now: Now
) -> dict[str, Any]:
    """For the older connector: what waits for it, each order once."""
    terminal = await _terminal(ports, session_id, user)
    waiting = await lease_to_older_connector(ports, terminal, now=now)
    return {"total": len(waiting), "signals": waiting}


@router.post(
    "/trading/signals/{signal_id}/status",
    responses=responses(401, 403, 404, 422),
    openapi_extra=_takes(wire.SignalReport),
)
async def report_status(
    request: Request,
    signal_id: Annotated[int, Path(ge=1, lt=2**63)],
    user: TerminalUser,
    ports: PortsDep,
    now: Now,
) -> dict[str, str]:
    """For the older connector: what became of a signal. Recorded in any state of the signal."""
    body: wire.SignalReport = wire.read(wire.SignalReport, await request.body())
    if body.signal_id is not None and body.signal_id != signal_id:
        raise RubiError("SIGNAL_ID_DIFFERS", f"the path says {signal_id}, the body {body.signal_id}", field="signal_id")
    status = body.status.strip().upper()
    if status not in STATUSES:
        raise RubiError(
            "STATUS_INVALID", f"status is {body.status!r}; one of {', '.join(sorted(STATUSES))}", field="status"
        )
    await record_status(
        ports,
        user_id=user.user_id,
        only=user.account_id,
        signal_id=signal_id,
        status=status,
        message=body.message,
        reported_at=_said_at(body.timestamp, BrokerClock()),
        now=now,
    )
    return {"status": "ok", "message": "Signal status updated"}


def _said_at(value: float | str | None, clock: BrokerClock) -> datetime | None:
    return None if value in (None, "") else parse_time(value, clock, field="timestamp")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
