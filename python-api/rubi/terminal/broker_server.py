"""The simulated broker in a process of its own, so that no kill of a terminal can change what really happened.

JSON lines over TCP or a Unix socket: `{"id": 1, "method": "order_send", "args": [...]}` →
`{"id": 1, "result": …}`, `{"id": 1, "error": "…"}`, or `{"id": 1, "no_answer": "…"}`. Several terminals may connect.
Run `python -m rubi.terminal.broker_server --ledger broker.sqlite --listen 127.0.0.1:0`; it prints `ready <address>`.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from rubi.domain.units import Side
from rubi.terminal.broker import DealCursor, Flags, NoAnswerError, Request
from rubi.terminal.execution import Behaviour
from rubi.terminal.simulated import AccountTerms, SimulatedBroker

LINE_LIMIT = 16 * 1024 * 1024

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "account": (),
    "flags": (),
    "time": (),
    "positions": (),
    "orders": (),
    "history_orders": (int,),
    "deals": (DealCursor, int),
    "symbols": (),
    "tick": (str,),
    "ticks": (str, int, int),
    "bars": (str, str, int),
    "order_check": (Request,),
    "order_send": (Request,),
    "order_calc_profit": (Side, str, Decimal, Decimal, Decimal),
    "order_calc_margin": (Side, str, Decimal, Decimal),
    "script": (Behaviour,),
    "set_flags": (Flags,),
    "set_market": (str, bool),
    "quote": (str, Decimal, Decimal | None),
    "transfer": (Decimal, str),
    "sends": (),
}
"""What may be called, and the types of its arguments. From `script` on: for the director, not MT5's."""


class BrokerServer:
    """Serves one `SimulatedBroker` to any number of connections."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self.broker = broker
        self._server: asyncio.Server | None = None

    async def start(self, *, host: str = "127.0.0.1", port: int = 0, socket_path: Path | None = None) -> str:
        """Listen, and return the address: `host:port`, or the path of the Unix socket."""
        if socket_path is not None:
            self._server = await asyncio.start_unix_server(self._serve, socket_path, limit=LINE_LIMIT)
            return str(socket_path)
        self._server = await asyncio.start_server(self._serve, host, port, limit=LINE_LIMIT)
        bound = self._server.sockets[0].getsockname()
        return f"{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening and close the ledger."""
        if self._server is not None:
            self._server.close()
        self.broker.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        call = msgspec.json.decode(line)
        try:
            return {"id": call["id"], "result": await self._call(call["method"], call["args"])}
        except NoAnswerError as silence:
            return {"id": call["id"], "no_answer": str(silence)}
        except (KeyError, TypeError, ValueError, msgspec.ValidationError) as wrong:
            return {"id": call["id"], "error": f"{type(wrong).__name__}: {wrong}"}

    async def _call(self, method: str, args: list[Any]) -> Any:
        typed: list[Any] = [
            msgspec.convert(value, kind, strict=False) for value, kind in zip(args, ARGUMENTS[method], strict=False)
        ]
        if method == "sends":
            return self.broker.ledger.sends
        if method == "set_market":
            return self.broker.set_market(typed[0], open_=typed[1])
        found = getattr(self.broker, method)(*typed)
        return await found if asyncio.iscoroutine(found) else found


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line of the broker's process."""
    parser = argparse.ArgumentParser(description="A simulated broker with a durable ledger.")
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file; made when it does not exist")
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port, or the path of a Unix socket")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--login", type=int, default=AccountTerms.login)
    parser.add_argument("--deposit", type=Decimal, default=AccountTerms.deposit)
    parser.add_argument("--netting", action="store_true")
    parser.add_argument("--interval-ms", type=int, default=250, help="mean time between ticks; 0 stops the market")
    parser.add_argument("--speed", type=float, default=1.0, help="multiplies the volatility")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    terms = AccountTerms(login=options.login, deposit=options.deposit, hedging=not options.netting)
    broker = SimulatedBroker(
        terms, seed=options.seed, interval_ms=options.interval_ms, speed=options.speed, ledger_path=options.ledger
    )
    server = BrokerServer(broker)
    host, colon, port = options.listen.rpartition(":")
    if colon and port.isdigit():
        address = await server.start(host=host, port=int(port))
    else:
        address = await server.start(socket_path=Path(options.listen))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sys.stdout.write(f"ready {address}\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(parse(sys.argv[1:])))
