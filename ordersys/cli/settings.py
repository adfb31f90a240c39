"""``ordersys settings``: every variable, as it is or as a document."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from config.settings import VARIABLES, example, table
from ordersys.cli import environment
from ordersys.cli.arguments import Commands as Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("settings", help="show every setting and its value")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--example", action="store_true", help="print the text of .env.example")
    form.add_argument("--table", action="store_true", help="print the README's table")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print what was asked for."""
    if chosen.example:
        sys.stdout.write(example())
    elif chosen.table:
        sys.stdout.write(table())
    else:
        values = environment.settings()
        width = max(len(variable.env) for variable in VARIABLES)
        for variable in VARIABLES:
            shown = "(secret)" if variable.secret else _text(values[variable.env])
            sys.stdout.write(f"{variable.env:<{width}}  {shown}\n")
    return 0


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    # A connection URL holds a password.
    return "(set)" if "://" in str(value) else str(value)
