"""Webhooks: events posted to one endpoint, signed as Standard Webhooks has it. The only import of httpx.

The specification: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md. The signed text
is ``id.timestamp.body``; the id is the same whenever an event is posted again, the timestamp is that of the
attempt.

Which status an endpoint chooses says little about who is at fault (a wrong secret may be a 400, an order it
does not know a 404): every answer but 2xx is :class:`NotPerformed`. An endpoint that cannot be reached is
:class:`OutsideUnavailable`. Neither the URL, which may hold a token, nor what an endpoint wrote is ever in an
error.
"""

from __future__ import annotations

import hmac
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import httpx

from ordersys.contract.errors import NotPerformed, OutsideUnavailable

CHANNEL = "webhook"
ANSWER_BYTES_MAX = 65_536
ANSWER_TIMEOUT_S = 1.0


def signature(secret: bytes, key: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature`` (symmetric, HMAC-SHA256); ``timestamp`` in seconds of Unix time."""
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode()


class Webhook:
    """Posts to one endpoint. :meth:`post` works while :meth:`opened` is entered; it may be entered again."""

    def __init__(
        self,
        *,
        url: str,
        secret: bytes,
        timeout_s: float,
        connections_max: int,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``context`` verifies the endpoint's certificate; None: as the system does."""
        self._url = url
        self._secret = secret
        self._timeout = httpx.Timeout(timeout_s, connect=timeout_s / 2)
        self._limits = httpx.Limits(max_connections=connections_max)
        self._context = context
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps connections for reuse. Follows no redirect, and uses no proxy of the environment."""
        async with httpx.AsyncClient(
            verify=self._context or ssl.create_default_context(),
            timeout=self._timeout,
            limits=self._limits,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "ordersys"},
        ) as client:
            self._client = client
            try:
                yield
            finally:
                self._client = None

    async def post(self, body: bytes, key: str) -> None:
        """Return once the endpoint has answered 2xx to ``body`` (JSON) with the id ``key``.

        :raises OutsideUnavailable: there is no connection to the endpoint.
        :raises NotPerformed: it answered otherwise, or not in time.
        """
        if self._client is None:
            raise RuntimeError("the webhook is not opened")
        timestamp = int(self._clock())
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secret, key, timestamp, body),
        }
        request = self._client.build_request("POST", self._url, content=body, headers=headers)
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise OutsideUnavailable(CHANNEL, f"no connection: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise NotPerformed(f"the endpoint gave no answer: {type(error).__name__}") from None
        await _read(response)
        if not response.is_success:
            raise NotPerformed(f"the endpoint answered {response.status_code}")


async def _read(response: httpx.Response) -> None:
    """Read a short answer, so that its connection can be used again; leave a long or slow one.

    What it says is of no interest, and nothing that happens here changes what the status has said.
    """
    size = 0
    with anyio.move_on_after(ANSWER_TIMEOUT_S, shield=True), suppress(httpx.HTTPError, httpx.StreamError):
        async for part in response.aiter_raw():
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                break
    with anyio.move_on_after(ANSWER_TIMEOUT_S, shield=True), suppress(httpx.HTTPError, httpx.StreamError):
        await response.aclose()
