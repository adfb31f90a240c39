"""The command ``ordersys``: what a person does with the system from a terminal.

Each command is a module here with ``add(commands)``, which declares it, and a function that runs it and
returns the exit code (:mod:`ordersys.cli.codes`). What a command needs beyond its arguments it imports
when it runs: ``ordersys order create`` is not to wait for the client of Kafka.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from config.settings import SettingsError
from ordersys.cli import doctor, lag, load, migrate, order, parked, settings, tree, up
from ordersys.cli.codes import HELP, Exit
from ordersys.cli.orders import NotDone
from ordersys.cli.output import complain
from ordersys.contract.errors import DependencyUnavailable, StartRefused

COMMANDS = (up, migrate, order, lag, tree, load, doctor, parked, settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error a person can mend is one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="ordersys",
        description="Orders on Kafka and Postgres.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        code = int(chosen.run(chosen))
        # What is still buffered must not fail when nobody is left to handle it.
        sys.stdout.flush()
        return code
    except (SettingsError, StartRefused) as error:
        return _fail(error, Exit.USAGE)
    except DependencyUnavailable as error:
        return _fail(error, Exit.UNAVAILABLE)
    except NotDone as error:
        return _fail(error, Exit.FAILED)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more when it ends, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE


def _fail(error: Exception, code: Exit) -> int:
    complain(error)
    return code
