"""Webhooks: the signature, and what an endpoint's answer means."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

import httpx
import pytest

from config.settings import SettingsError, load
from ordersys.adapters import webhook
from ordersys.adapters.webhook import Webhook, signature
from ordersys.contract.errors import NotPerformed, OutsideUnavailable

# The example of the Standard Webhooks specification and of its reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

Answer = Callable[[httpx.Request], httpx.Response]


def test_the_signature_is_that_of_the_specification() -> None:
    secret = load({"NOTIFY_WEBHOOK_SECRET": SECRET})["NOTIFY_WEBHOOK_SECRET"]
    assert secret == b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signature(secret, ID, TIMESTAMP, BODY) == SIGNATURE
    assert signature(secret, ID, TIMESTAMP + 1, BODY) != SIGNATURE
    assert signature(secret, ID, TIMESTAMP, BODY + b" ") != SIGNATURE


@pytest.mark.parametrize(
    "secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_***", "whsec_"]
)
def test_a_secret_of_another_form_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"NOTIFY_WEBHOOK_SECRET": secret})
    assert secret not in str(refused.value).replace("whsec_ and the base64", "")


def test_an_endpoint_is_a_url_of_http() -> None:
    for wrong in ("ftp://host/", "https://", "//host/", "https://host/a b", "https://host:0/"):
        with pytest.raises(SettingsError, match="NOTIFY_WEBHOOK_URL"):
            load({"NOTIFY_WEBHOOK_URL": wrong})
    assert load({"NOTIFY_WEBHOOK_URL": "https://host/hook?token=t"})["NOTIFY_WEBHOOK_URL"]


async def post(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Post to an endpoint that answers so."""
    made = httpx.AsyncClient

    def client(**options: object) -> httpx.AsyncClient:
        return made(**(options | {"transport": httpx.MockTransport(answer)}))  # type: ignore[arg-type]

    monkeypatch.setattr(webhook.httpx, "AsyncClient", client)
    hook = Webhook(
        url="https://shop.example/hook?token=t0ken",
        secret=b64decode(SECRET.removeprefix("whsec_")),
        timeout_s=1,
        connections_max=1,
        clock=lambda: TIMESTAMP + 0.9,
    )
    async with hook.opened():
        await hook.post(BODY, ID)


@pytest.mark.anyio
async def test_the_headers_are_those_of_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"thanks"))

    await post(answer, monkeypatch)
    (request,) = seen
    assert request.method == "POST"
    assert request.content == BODY
    assert {
        name: request.headers[name] for name in request.headers if name.startswith(("webhook", "content-t"))
    } == {
        "webhook-id": ID,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
        "content-type": "application/json",
    }


@pytest.mark.parametrize("status", [301, 400, 404, 410, 429, 500, 503])
@pytest.mark.anyio
async def test_any_other_answer_is_a_failure_without_what_it_says(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(
            status, headers={"location": "https://elsewhere.example/"}, text="ada@example.com"
        )

    with pytest.raises(NotPerformed, match=rf"^the endpoint answered {status}$"):
        await post(answer, monkeypatch)
    assert asked == ["https://shop.example/hook?token=t0ken"]  # the redirect was not followed


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (httpx.ConnectError("https://shop.example/hook?token=t0ken"), OutsideUnavailable),
        (httpx.ConnectTimeout("t0ken"), OutsideUnavailable),
        (httpx.ReadTimeout("t0ken"), NotPerformed),
        (httpx.RemoteProtocolError("t0ken"), NotPerformed),
    ],
)
@pytest.mark.anyio
async def test_no_connection_is_an_outage_and_no_answer_a_failure(
    error: Exception, meaning: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(meaning) as raised:
        await post(answer, monkeypatch)
    assert "t0ken" not in str(raised.value)


@pytest.mark.anyio
async def test_an_endless_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            nonlocal sent
            while True:
                sent += 1024
                yield b"x" * 1024

    await post(lambda _: httpx.Response(200, stream=Endless()), monkeypatch)
    assert webhook.ANSWER_BYTES_MAX < sent <= webhook.ANSWER_BYTES_MAX + 2048
