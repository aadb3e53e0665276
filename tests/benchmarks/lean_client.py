"""A keep-alive HTTP/1.1 client for load: one connection, one request at a time, little work of its own."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit


class LeanClient:
    """One connection to a server on loopback."""

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self._head = f"Host: {parts.netloc}\r\nContent-Type: application/json\r\n"
        if token is not None:
            self._head += f"Authorization: Bearer {token}\r\n"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of the answer; raises OSError when the connection breaks."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 : lowered.index(b"\r\n", at)]) if at >= 0 else 0
        return status, await self._reader.readexactly(length) if length else b""

    async def post(self, path: str, body: Any) -> Any:
        """The answer's JSON; anything but 2xx is an error."""
        status, answer = await self.request("POST", path, body)
        if status // 100 != 2:
            raise RuntimeError(f"POST {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
