"""`python -m rubi.embedded.serve_api FD`: uvicorn on a socket the supervisor listens on.

The supervisor keeps the socket: nobody can take the port, and while a killed API is started again its clients wait
in the queue instead of being refused.
"""

import socket
import sys

import uvicorn


def main() -> None:
    """Serve `main:app` until a signal comes."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(
        "main:app",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody stands in front: a forwarded address would be the client's own invention
        ws_max_size=65_536,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
