"""Ports on 127.0.0.1."""

import os
import random
import socket
from collections.abc import Iterator

HOST = "127.0.0.1"
# Below 32768: above it the kernel hands the same numbers out to outgoing connections.
FIRST, LAST = 20000, 32700


class PortTakenError(RuntimeError):
    """Somebody else listens on the port that was asked for."""


def is_free(port: int) -> bool:
    """Tell whether a server could bind `port` on loopback right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int, *, timeout: float = 0.2) -> bool:
    """Tell whether somebody listens on `port`."""
    try:
        socket.create_connection((HOST, port), timeout).close()
    except OSError:
        return False
    return True


def candidates(preferred: int | None = None) -> Iterator[int]:
    """Yield free ports to try, `preferred` first; another process may still be quicker, so try until one binds."""
    if preferred is not None and is_free(preferred):
        yield preferred
    numbers = random.Random(os.urandom(8))
    while True:
        port = numbers.randrange(FIRST, LAST)
        if is_free(port):
            yield port


def listen(host: str, port: int | None, *, preferred: int = 8000) -> socket.socket:
    """Return a socket that listens on `port`, or on the first of `preferred` and random ones that binds.

    Raises PortTakenError when `port` is given and somebody else has it.
    """
    for candidate in [port] if port is not None else candidates(preferred):
        try:
            return socket.create_server((host, candidate), backlog=2048)
        except OSError as error:
            if port is not None:
                raise PortTakenError(f"port {port} is in use: choose another with --port, or leave it out") from error
    raise AssertionError("unreachable")


def free_port(preferred: int | None = None) -> int:
    """Return a port that is free now."""
    return next(candidates(preferred))
