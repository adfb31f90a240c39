"""The command ``ordersys``: what a person does with the system from a terminal.

Each command is a module here with ``add(commands)``, which declares it, and a function that runs it and
returns the exit code: 0 done, 1 it failed, 2 the call or a setting has to be changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from config.settings import SettingsError
from ordersys.cli import migrate, parked, settings, up
from ordersys.contract.errors import DependencyUnavailable, StartRefused

COMMANDS = (up, migrate, parked, settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error a person can mend is one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="ordersys", description="Orders on Kafka and Postgres.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except (SettingsError, StartRefused) as error:
        return _say(error, 2)
    except DependencyUnavailable as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return 130


def _say(error: Exception, code: int) -> int:
    print(f"ordersys: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
    return code
