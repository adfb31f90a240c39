"""Which system account Postgres runs under: it refuses to run as root.

Started by root, it runs as ``nobody``, which owns its data and nothing else. That account must be able to
pass through the directories above the data and the programs, so each of them that forbids it gets the
search permission (``o+x``), and nothing more: what is in them is no more readable than before.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from ordersys.devstack.errors import DevstackError
from ordersys.devstack.processes import Account

UNPRIVILEGED = "nobody"


def server_account() -> Account | None:
    """The account to change to, or None for the current one. Raises :class:`DevstackError`."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise DevstackError(
            f"Postgres does not run as root, and there is no account {UNPRIVILEGED!r} it could run under; "
            "start as another user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def let_through(paths: Iterable[Path], progress: Callable[[str], None]) -> None:
    """Give others the search permission on the directories above ``paths``, where it lacks."""
    above = {directory for path in paths for directory in path.resolve().parents}
    closed = [(path, mode) for path, mode in map(_with_mode, sorted(above)) if not mode & stat.S_IXOTH]
    if closed:
        names = ", ".join(str(path) for path, _ in closed)
        progress(f"Letting Postgres, which does not run as root, pass through {names} (chmod o+x)")
    for path, mode in closed:
        path.chmod(mode | stat.S_IXOTH)


def let_read(tree: Path) -> None:
    """Make installed programs readable for others, which a strict umask at installation forbids."""
    for path, mode in map(_with_mode, (path for path in (tree, *tree.rglob("*")) if not path.is_symlink())):
        wanted = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode & wanted != wanted:
            path.chmod(mode | wanted)


def own(tree: Path, account: Account) -> None:
    """Give everything in ``tree`` to the account."""
    for path in (tree, *tree.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _with_mode(path: Path) -> tuple[Path, int]:
    return path, stat.S_IMODE(path.stat().st_mode)
