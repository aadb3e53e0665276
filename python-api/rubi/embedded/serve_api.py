"""`python -m rubi.embedded.serve_api FD`: uvicorn on a socket the supervisor listens on.

The supervisor keeps the socket: nobody can take the port, and while a killed API is started again its clients wait
in the queue instead of being refused.
"""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

import uvicorn


def options(environment: Mapping[str, str]) -> dict[str, Any]:
    """How uvicorn is to serve. Addresses and schemes that a proxy forwards are believed where it is named."""
    proxies = environment.get("FORWARDED_ALLOW_IPS", "").strip()
    return {
        "http": "rubi.api.http_protocol:HttpProtocol",
        "ws_per_message_deflate": False,
        "ws_max_size": 65_536,
        "timeout_graceful_shutdown": 5,
        "access_log": False,
        "server_header": False,
        # With nobody in front a forwarded address would be the client's own invention.
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies or None,
    }


def main() -> None:
    """Serve `main:app` until a signal comes."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    uvicorn.Server(uvicorn.Config("main:app", **options(os.environ))).run(sockets=[listening])


if __name__ == "__main__":
    main()
