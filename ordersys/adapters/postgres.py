"""Postgres: connections, transactions, and what its errors mean. The only import of asyncpg.

What a SQLSTATE says about who is at fault (PostgreSQL documentation, appendix A):

======================================= =========================================================
22 data, 23 integrity                   :class:`RowBlamed`: a value is at fault
40 rollback, stale cached plan          :class:`Conflict`: run again
08, 53, 57, 58, 25006, 55P03, time-outs :class:`DependencyUnavailable`: an outage
anything else                           passes: a defect of ours
======================================= =========================================================
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import anyio
import asyncpg
from asyncpg import exceptions as pg

from ordersys.contract.errors import CommitOutcomeUnknown, Conflict, DependencyUnavailable, RowBlamed

# 28 (wrong password) and 3D (no such database) are for a person to mend; until then everybody waits.
OUTAGE_CLASSES = ("08", "28", "3D", "53", "57", "58")
OUTAGE_STATES = ("25006", "55P03")


@cache
def statement(name: str) -> str:
    """Text of the statement in ``adapters/sql/<name>.sql``."""
    return (resources.files("ordersys.adapters") / "sql" / f"{name}.sql").read_text("utf-8")


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours; see the table above."""
    try:
        yield
    except pg.PostgresError as error:
        raise _meaning(error) from error
    except (TimeoutError, OSError, pg.InterfaceError, pg.InternalClientError) as error:
        # asyncpg refuses a value that does not fit its type before anything is sent.
        if isinstance(error, pg.DataError):
            raise RowBlamed(str(error)) from error
        raise DependencyUnavailable("postgres", _words(error)) from error


def _meaning(error: pg.PostgresError) -> Exception:
    state = error.sqlstate or ""
    if isinstance(error, pg.InvalidCachedStatementError) or state[:2] == "40":
        return Conflict(str(error))
    if state[:2] in ("22", "23"):
        return RowBlamed(str(error))
    if state[:2] in OUTAGE_CLASSES or state in OUTAGE_STATES:
        return DependencyUnavailable("postgres", _words(error))
    return error


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How to reach one database. Every wait on it has a limit, in seconds.

    ``prove`` is awaited with every new connection before anybody gets it: what it raises, connecting raises.
    """

    dsn: str
    application_name: str = "ordersys"
    connect_timeout_s: float = 5.0
    command_timeout_s: float = 10.0
    lock_timeout_s: float = 5.0
    idle_in_transaction_timeout_s: float = 5.0
    silence_max_s: int = 10
    prove: Callable[[Session], Awaitable[None]] | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """One connection of the caller's own, closed at the end whatever happens.

        :raises DependencyUnavailable: it cannot be had, or was lost while in use.
        """
        session = await self.connect()
        try:
            yield session
        finally:
            session.terminate()

    async def connect(self) -> Session:
        """A connection; the caller ends it with :meth:`Session.terminate`.

        :raises DependencyUnavailable: it cannot be had in ``connect_timeout_s``.
        """
        with translated():
            connection = await asyncpg.connect(
                self.dsn,
                timeout=self.connect_timeout_s,
                command_timeout=self.command_timeout_s,
                server_settings={
                    "application_name": self.application_name,
                    "lock_timeout": f"{self.lock_timeout_s:g}s",
                    "idle_in_transaction_session_timeout": f"{self.idle_in_transaction_timeout_s:g}s",
                    "tcp_keepalives_idle": str(self.silence_max_s // 2),
                    "tcp_keepalives_interval": "2",
                    "tcp_keepalives_count": "2",
                    "tcp_user_timeout": str(self.silence_max_s * 1000),
                    "timezone": "UTC",
                    # Statements with unnest are planned once for all sizes of a batch.
                    "jit": "off",
                },
            )
        self._bound_silence(connection)
        session = Session(connection)
        if self.prove is not None:
            try:
                await self.prove(session)
            except BaseException:
                session.terminate()
                raise
        return session

    def _bound_silence(self, connection: asyncpg.Connection[Any]) -> None:
        """A server that vanished without a word is noticed in ``silence_max_s`` (tcp(7))."""
        transport = connection._transport  # type: ignore[attr-defined]
        sock = transport.get_extra_info("socket")
        if sock is None or sock.family == getattr(socket, "AF_UNIX", None):
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", self.silence_max_s // 2),
            ("TCP_KEEPINTVL", 2),
            ("TCP_KEEPCNT", 2),
            ("TCP_USER_TIMEOUT", self.silence_max_s * 1000),
        ):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class Session:
    """One connection. Statements are prepared once and reused; errors are ours (see the module)."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.is_closed()

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """Rows of a statement; each row gives its columns by name and by position."""
        with translated():
            return await self._connection.fetch(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; returns its command tag, such as ``DELETE 12``."""
        with translated():
            return await self._connection.execute(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction: commits at the end of the block, rolls back on an exception.

        The commit is shielded from cancellation: one that was cancelled in flight would have an unknown
        outcome. Its wait is limited by ``command_timeout_s``.

        :raises CommitOutcomeUnknown: the commit was sent and no answer came.
        """
        with translated():
            transaction = self._connection.transaction()
            await transaction.start()
        try:
            yield
        except BaseException:
            with anyio.move_on_after(5, shield=True):
                try:
                    with translated():
                        await transaction.rollback()
                except DependencyUnavailable:
                    # The server rolls back what a lost connection had begun; the first error stands.
                    self.terminate()
            raise
        with anyio.CancelScope(shield=True):
            try:
                with translated():
                    await transaction.commit()
            except DependencyUnavailable as error:
                self.terminate()
                raise CommitOutcomeUnknown(error.dependency, error.detail) from error

    async def listen(self, channel: str, wake: Callable[[], None]) -> None:
        """Call ``wake`` for each NOTIFY on ``channel``, for as long as the connection lives."""
        with translated():
            await self._connection.add_listener(channel, lambda *_: wake())

    def terminate(self) -> None:
        """Close at once, without waiting for the server. May be called again."""
        if not self._connection.is_closed():
            self._connection.terminate()


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[tuple[Any, ...]]:
    """Rows turned into one array per column, as ``unnest`` takes them; ``width`` counts the columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width
