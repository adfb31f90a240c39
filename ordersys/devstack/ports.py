"""Loopback ports: free ones, taken ones, and who holds them."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass

import psutil

from ordersys.devstack.errors import DevstackError

HOST = "127.0.0.1"

# Below the range the kernel takes client ports from (32768 and up on Linux, 49152 on macOS). Inside it, a
# client that tries again and again to reach a stopped server can be given the server's own port, connects
# to itself, and then keeps the server from coming back.
FREE_PORT_MIN, FREE_PORT_MAX = 20_000, 32_000
ATTEMPTS_MAX = 200


@dataclass(frozen=True)
class Ports:
    """Loopback ports of the embedded servers; 0 for one that is not embedded."""

    kafka: int
    postgres: int


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections of a predecessor that are still in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def free_port(*, besides: tuple[int, ...] = ()) -> int:
    """A port nobody listens on now, and none of ``besides``."""
    for _ in range(ATTEMPTS_MAX):
        port = random.randrange(FREE_PORT_MIN, FREE_PORT_MAX)
        if port not in besides and is_free(port):
            return port
    raise DevstackError(f"No free port between {FREE_PORT_MIN} and {FREE_PORT_MAX} on {HOST}.")


def require_free(port: int, server: str, variable: str) -> None:
    """Raise :class:`DevstackError` naming port, variable and holder unless the port is free."""
    if is_free(port):
        return
    holder = _holder(port)
    by = f" by {holder}" if holder else ""
    raise DevstackError(
        f"Port {port} for {server} is taken{by}; stop that, or choose another port with {variable}."
    )


def _holder(port: int) -> str | None:
    """Name and pid of whoever listens on the port, where the system lets us see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return None
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return None
    return None
