"""Whether this container's process is ready: exit code 0, or 1 and the answer that says what is not.

``python -I healthy.py [PATH]``; the path is /readyz unless another is given, such as /livez.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 4.0


def main(path: str = "/readyz") -> int:
    """Ask the probes of METRICS_PORT."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("METRICS_PORT") or 18090), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        text = f"no answer: {error}\n"
    else:
        if answer.status == 200:
            return 0
    sys.stdout.write(text)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
