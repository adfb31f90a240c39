"""``ordersys up``: start everything from one command."""

from __future__ import annotations

import argparse
import sys
from functools import partial

import anyio

from ordersys.cli import environment
from ordersys.cli.settings import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("up", help="start everything: Kafka, Postgres, all services and the API")
    parser.add_argument("--fresh", action="store_true", help="delete the embedded servers' data first")
    parser.add_argument("--no-page", action="store_true", help="do not build the web page")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Start everything, wait for a signal or the end, stop everything."""
    # Imported here: the programs of the embedded servers are not everywhere the other commands are.
    from ordersys.cli.launcher import Launcher, console
    from ordersys.devstack import DevstackError

    try:
        launcher = Launcher(environment.settings(), console(), build_page=not chosen.no_page)
        return anyio.run(partial(launcher.run, fresh=chosen.fresh))
    except DevstackError as error:
        sys.stderr.write(f"ordersys: {error}\n")
        return 1
