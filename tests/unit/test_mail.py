"""Mail: what a message looks like, and what it never lets in or out."""

from __future__ import annotations

import traceback
from email.policy import SMTP
from typing import Any

import aiosmtplib
import msgspec
import pytest

from config.settings import SettingsError, SmtpServer, load
from ordersys.adapters import mail
from ordersys.adapters.mail import message_of
from ordersys.contract import ids
from ordersys.contract.errors import NotPerformed, OutsideUnavailable, Rejected
from ordersys.contract.events import OrderStatusChanged
from ordersys.contract.service import Mail, OrderFacts, idempotency_key
from ordersys.services import notification
from tests.unit.test_contract_events import created
from tests.unit.test_services import CONTEXT, NOW

SENDER = "The Shop <orders@shop.example>"
FACTS = OrderFacts("ada@example.com", "SKU-1", 2, 199905)


def changed(state: str = "CONFIRMED", **fields: Any) -> OrderStatusChanged:
    return OrderStatusChanged.by(created(**fields), "PROCESSING", state, 2, at=NOW)


def of(**fields: Any) -> Mail:
    return Mail(**{"to": "ada@example.com", "subject": "s", "text": "t", "at": NOW, "key": "k", **fields})


def test_a_final_order_is_told_in_plain_words() -> None:
    event = changed(order_id="1234abcd-0000")
    message = message_of(notification.mail_of(event, idempotency_key(event), FACTS), SENDER)
    assert message["Subject"] == "Your order 1234abcd is confirmed"
    assert message["From"] == SENDER
    assert message["To"] == "ada@example.com"
    assert message["Message-ID"] == f"<{event.event_id}@shop.example>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "Order:    1234abcd-0000\nItem:     SKU-1\nQuantity: 2\nAmount:   1999.05\n" in text


@pytest.mark.parametrize(
    ("state", "told"), [("NEW", False), ("PROCESSING", False), ("CONFIRMED", True), ("CANCELLED", True)]
)
def test_only_final_states_are_mailed_and_every_one_is_posted(state: str, told: bool) -> None:
    async def nothing(*_: object) -> None: ...

    by_mail, by_webhook = notification.by_mail(nothing), notification.by_webhook(nothing, lambda: None)  # type: ignore[arg-type, return-value]
    assert by_mail.form.wants(changed(state), CONTEXT) is told  # type: ignore[union-attr]
    assert by_webhook.form.wants(changed(state), CONTEXT)  # type: ignore[union-attr]


def test_an_id_that_no_header_could_carry_is_replaced_always_by_the_same() -> None:
    event = changed()
    assert idempotency_key(event) == event.event_id == ids.status_event_id("o1", 2)
    odd = [msgspec.structs.replace(event, event_id=text) for text in ("a\r\nBcc: b@c", "ü", "x" * 65)]
    keys = [idempotency_key(each) for each in odd]
    assert keys == [idempotency_key(each) for each in odd]
    assert len({*keys}) == 3
    assert all(key.isascii() and len(key) == 36 for key in keys)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        '"ada\r\n"@example.com',
        "ada@example.com> SIZE=1",
        "ada",
        "",
        "ädä@example.com",
    ],
)
def test_an_address_that_is_none_is_rejected_and_not_shown(address: str) -> None:
    with pytest.raises(Rejected) as rejected:
        message_of(of(to=address), SENDER)
    assert str(rejected.value) == "the order's address is none that mail can be sent to"


def test_no_header_comes_from_what_others_wrote() -> None:
    facts = OrderFacts("ada@example.com", "SKU\r\nBcc: eve@example.com\r\n\r\nhi", 1, 5)
    event = changed(order_id="o\r\nX-A: b")
    message = message_of(notification.mail_of(event, "k", facts), SENDER)
    head, _, _ = bytes(message.as_bytes(policy=SMTP)).partition(b"\r\n\r\n")
    names = [line.split(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert names == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    ]  # fmt: skip


def test_an_address_is_in_no_representation() -> None:
    assert "ada@" not in repr(FACTS)
    assert "ada@" not in repr(of())


def refused(code: int, text: str) -> aiosmtplib.SMTPRecipientsRefused:
    return aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(code, text, "ada@example.com")])


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refused(550, "5.1.1 <ada@example.com>: unknown"), Rejected),
        (refused(552, "5.2.2 mailbox of ada@example.com full"), Rejected),
        (refused(550, "relay not permitted for ada@example.com"), NotPerformed),
        (refused(554, "5.7.1 <ada@example.com>: relay access denied"), NotPerformed),
        (refused(451, "4.7.1 greylisted, ada@example.com"), NotPerformed),
        (refused(421, "4.3.2 closing, ada@example.com"), OutsideUnavailable),
        (aiosmtplib.SMTPDataError(554, "5.7.1 spam for ada@example.com"), NotPerformed),
        (aiosmtplib.SMTPSenderRefused(550, "5.1.8 no", "ada@example.com"), OutsideUnavailable),
        (aiosmtplib.SMTPServerDisconnected("ada@example.com"), NotPerformed),
        (aiosmtplib.SMTPReadTimeoutError("ada@example.com"), NotPerformed),
    ],
)
@pytest.mark.anyio
async def test_what_an_answer_means_without_what_it_says(
    answer: Exception, meaning: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Server:
        def __init__(self, **_: object) -> None: ...

        async def connect(self) -> None: ...

        async def send_message(self, *_: object, **__: object) -> None:
            raise answer

        def close(self) -> None: ...

    monkeypatch.setattr(mail.aiosmtplib, "SMTP", Server)
    mailer = mail.Mailer(host="h", port=1, user="", password="", tls="", sender=SENDER, timeout_s=1)
    with pytest.raises(Exception, match="mail") as raised:
        await mailer.send(of())
    assert type(raised.value) is meaning
    assert "ada@" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, "", "", "")),
        ("smtp://me:p%40ss@mail.example?starttls", SmtpServer("mail.example", 587, "me", "p@ss", "starttls")),
        ("smtps://me:x@mail.example:4465/", SmtpServer("mail.example", 4465, "me", "x", "implicit")),
        ("smtp://me:x@127.0.0.1:1025", SmtpServer("127.0.0.1", 1025, "me", "x", "")),
    ],
)
def test_a_mail_server_is_a_url(url: str, server: SmtpServer) -> None:
    assert load({"NOTIFY_SMTP_URL": url})["NOTIFY_SMTP_URL"] == server
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://me:hunter2@mail.example",  # the password would go in the clear
        "smtp://mail.example?tls",
        "http://me:hunter2@mail.example",
        "smtp://mail.example:99999",
        "smtp://",
    ],
)
def test_another_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="NOTIFY_SMTP_URL") as refusal:
        load({"NOTIFY_SMTP_URL": url})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("sender", ["orders", "a@b\nBcc: c@d", "Shop <orders@shop.example>\r\n"])
def test_a_sender_is_an_address(sender: str) -> None:
    with pytest.raises(SettingsError, match="NOTIFY_SMTP_FROM"):
        load({"NOTIFY_SMTP_FROM": sender})
