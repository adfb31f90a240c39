"""Real Kafka and Postgres from wheels and jars, for `./run up` and the tests: no Docker, no Java needed.

Start at :class:`DevStack` in ``stack.py``; ``kafka.py`` and ``postgres.py`` say how each server is set up,
``processes.py`` how processes are started, stopped and found again, ``artifacts.py`` where jars come from.
"""

from ordersys.devstack.errors import DevstackError
from ordersys.devstack.ports import Ports
from ordersys.devstack.processes import StopMode
from ordersys.devstack.stack import Addresses, DevStack

__all__ = ["Addresses", "DevStack", "DevstackError", "Ports", "StopMode"]
