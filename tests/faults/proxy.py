"""A TCP proxy on loopback that can be cut: what a network does when a firewall forgets a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream


class Proxy:
    """Forwards bytes to ``host``:``port``. Cut, it takes connections and bytes, and gives nothing back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = anyio.Event()
        self._flows.set()
        self.port = 0

    def cut(self) -> None:
        """From now on bytes go nowhere; nobody is told."""
        self._flows = anyio.Event()

    def mend(self) -> None:
        """Bytes flow again, those that waited first."""
        self._flows.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Serve until the end of the block."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        self.port = listener.extra(SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, self._serve)
            yield self
            group.cancel_scope.cancel()

    async def _serve(self, client: SocketStream) -> None:
        async with client:
            await self._flows.wait()
            try:
                server = await anyio.connect_tcp(*self._target)
            except OSError:
                return
            async with server, anyio.create_task_group() as group:

                async def forward(source: SocketStream, sink: SocketStream) -> None:
                    try:
                        async for data in source:
                            await self._flows.wait()
                            await sink.send(data)
                    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                        pass  # either side is gone: so is the connection
                    group.cancel_scope.cancel()

                group.start_soon(forward, client, server)
                group.start_soon(forward, server, client)
