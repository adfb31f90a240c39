"""Whether this container's process is ready: exit code 0, or 1 and the answer that says what is not.

``python -I -S healthy.py [PATH]``; the path is /readyz unless another is given, such as /livez. Run every few
seconds in every container, so it imports next to nothing.
"""

from __future__ import annotations

import os
import socket
import sys

TIMEOUT_S = 8.0


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text of an answer of this container's.

    :raises OSError: there is none.
    """
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, text = received.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if not status:
        raise ConnectionResetError("the connection ended before an answer")
    return int(status[0]), text.decode("utf-8", "replace")


def main(path: str = "/readyz") -> int:
    """Ask the probes of METRICS_PORT."""
    try:
        status, text = ask(int(os.environ.get("METRICS_PORT") or 18090), path)
    except OSError as error:
        status, text = 0, f"no answer: {error}\n"
    if status != 200:
        sys.stdout.write(text)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
