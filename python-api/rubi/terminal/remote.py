"""The client of `broker_server`: a `Broker` whose truth lives in another process."""

import asyncio
import itertools
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from rubi.domain.units import Side
from rubi.terminal.broker import (
    Account,
    Bar,
    BrokerTime,
    Check,
    Deal,
    DealCursor,
    Flags,
    NoAnswerError,
    Order,
    Position,
    Request,
    Result,
    Symbol,
    Tick,
)
from rubi.terminal.execution import Behaviour
from rubi.terminal.ledger import Send

AnswerT = TypeVar("AnswerT")
LINE_LIMIT = 16 * 1024 * 1024
ANSWER_TIMEOUT_S = 30.0


class RemoteBroker:
    """Implements `Broker`. Reads reconnect once; `order_send` never repeats: a cut connection is a `NoAnswerError`."""

    def __init__(self, address: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """`address` is what the server printed after `ready`: `host:port`, or the path of a Unix socket."""
        self._address = address
        self._timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def account(self) -> Account:
        """State of the account."""
        return await self._read(Account, "account")

    async def flags(self) -> Flags:
        """Permissions and connection."""
        return await self._read(Flags, "flags")

    async def time(self) -> BrokerTime:
        """Clocks."""
        return await self._read(BrokerTime, "time")

    async def positions(self) -> list[Position]:
        """Open positions."""
        return await self._read(list[Position], "positions")

    async def orders(self) -> list[Order]:
        """Orders in the book."""
        return await self._read(list[Order], "orders")

    async def history_orders(self, since_msc: int) -> list[Order]:
        """Orders that left the book at or after `since_msc`, oldest first."""
        return await self._read(list[Order], "history_orders", since_msc)

    async def deals(self, after: DealCursor, limit: int = 100) -> list[Deal]:
        """Deals after the cursor, oldest first."""
        return await self._read(list[Deal], "deals", after, limit)

    async def symbols(self) -> list[Symbol]:
        """Specifications with the tick values of this moment."""
        return await self._read(list[Symbol], "symbols")

    async def tick(self, symbol: str) -> Tick | None:
        """The last quote, or None for an unknown symbol."""
        return msgspec.convert(await self._ask("tick", symbol), Tick | None, strict=False)

    async def ticks(self, symbol: str, since_msc: int, limit: int = 100) -> list[Tick]:
        """The newest `limit` quotes after `since_msc`, oldest first."""
        return await self._read(list[Tick], "ticks", symbol, since_msc, limit)

    async def bars(self, symbol: str, timeframe: str, count: int) -> list[Bar]:
        """The newest `count` bars, oldest first."""
        return await self._read(list[Bar], "bars", symbol, timeframe, count)

    async def order_check(self, request: Request) -> Check:
        """Say what the broker would answer, without doing anything."""
        return await self._read(Check, "order_check", request)

    async def order_send(self, request: Request) -> Result:
        """Send a trade request; `NoAnswerError` when the connection ends before the answer."""
        try:
            async with self._lock, asyncio.timeout(self._timeout_s):
                answer = await self._exchange("order_send", request)
        except NoAnswerError:
            raise
        except (OSError, EOFError) as cut:
            await self.close()
            raise NoAnswerError(f"no answer from the broker at {self._address}: {cut}") from cut
        return msgspec.convert(answer, Result, strict=False)

    async def order_calc_profit(
        self, side: Side, symbol: str, volume: Decimal, opened: Decimal, closed: Decimal
    ) -> Decimal | None:
        """Profit in account currency between two prices."""
        found = await self._ask("order_calc_profit", side, symbol, volume, opened, closed)
        return None if found is None else Decimal(found)

    async def order_calc_margin(self, side: Side, symbol: str, volume: Decimal, price: Decimal) -> Decimal | None:
        """Margin in account currency of a new position."""
        found = await self._ask("order_calc_margin", side, symbol, volume, price)
        return None if found is None else Decimal(found)

    async def script(self, behaviour: Behaviour) -> None:
        """Say how the next `order_send` is treated."""
        await self._ask("script", behaviour)

    async def quote(self, symbol: str, bid: Decimal, ask: Decimal | None = None) -> Tick:
        """Set a price by hand."""
        return await self._read(Tick, "quote", symbol, bid, ask)

    async def sends(self) -> list[Send]:
        """Every `order_send` the broker has seen."""
        return await self._read(list[Send], "sends")

    async def _read(self, kind: type[AnswerT], method: str, *args: Any) -> AnswerT:
        return msgspec.convert(await self._ask(method, *args), kind, strict=False)

    async def _ask(self, method: str, *args: Any) -> Any:
        async with self._lock:
            for attempt in (1, 2):
                try:
                    async with asyncio.timeout(self._timeout_s):
                        return await self._exchange(method, *args)
                except (OSError, EOFError) as cut:
                    await self.close()
                    if attempt == 2:
                        raise ConnectionError(f"the broker at {self._address} does not answer: {cut}") from cut
        raise AssertionError("the second attempt returns or raises")

    async def _exchange(self, method: str, *args: Any) -> Any:
        if self._streams is None:
            self._streams = await self._connect()
        reader, writer = self._streams
        number = next(self._numbers)
        try:
            writer.write(msgspec.json.encode({"id": number, "method": method, "args": args}) + b"\n")
            await writer.drain()
            line = await reader.readline()
        except asyncio.CancelledError:
            await self.close()  # the answer may still come and would be taken for the next one's
            raise
        if not line:
            raise EOFError("the connection was closed")
        answer = msgspec.json.decode(line)
        if answer["id"] != number:
            raise ConnectionError(f"answer {answer['id']} to question {number}")
        if "no_answer" in answer:
            raise NoAnswerError(answer["no_answer"])
        if "error" in answer:
            raise ValueError(f"the broker refused {method}: {answer['error']}")
        return answer["result"]

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, colon, port = self._address.rpartition(":")
        if colon and port.isdigit():
            return await asyncio.open_connection(host, int(port), limit=LINE_LIMIT)
        return await asyncio.open_unix_connection(self._address, limit=LINE_LIMIT)
