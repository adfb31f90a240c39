"""Receivers outside, as a test scripts them: a mail server, and an endpoint of webhooks. On loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, NamedTuple, cast

from aiosmtpd.smtp import SMTP, Envelope

from tests.driving import wait_until


class Posted(NamedTuple):
    """A request as it came; names of headers in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[Posted], Awaitable[int]]


async def taken(_: Posted) -> int:
    """Takes everything."""
    return 204


class Endpoint:
    """Answers each request with the status ``answer`` gives; may be closed, and opened again on its port."""

    def __init__(self) -> None:
        self.answer: Answer = taken
        self.asked: list[Posted] = []
        self.at_once = 0
        self.at_once_max = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """Ids of the requests, in the order they came."""
        return [each.id for each in self.asked]

    async def asked_for(self, count: int, deadline_s: float = 15.0) -> None:
        """Return when there have been ``count`` requests."""

        async def look() -> bool:
            return len(self.asked) >= count

        await wait_until(look, f"{count} requests", deadline_s)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Go away, with every connection."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
                request = Posted(headers, await reader.readexactly(int(headers["content-length"])))
                self.asked.append(request)
                self.at_once += 1
                self.at_once_max = max(self.at_once_max, self.at_once)
                try:
                    status = await self.answer(request)
                finally:
                    self.at_once -= 1
                writer.write(f"HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    """An open endpoint, closed at the end."""
    made = Endpoint()
    await made.open()
    try:
        yield made
    finally:
        await made.close()


class MailServer:
    """Takes mail; ``refuse`` says what a recipient is answered instead."""

    def __init__(self) -> None:
        self.refuse: Callable[[str], str | None] = lambda _: None
        self.recipients: list[str] = []
        self.mails: list[EmailMessage] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if answer := self.refuse(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        self.recipients += envelope.rcpt_tos
        message = BytesParser(policy=default).parsebytes(cast(bytes, envelope.content))
        self.mails.append(cast(EmailMessage, message))
        return "250 taken"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """An open mail server, closed at the end."""
    made = MailServer()
    await made.open()
    try:
        yield made
    finally:
        await made.close()
