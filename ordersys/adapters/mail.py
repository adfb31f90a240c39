"""Mail: messages handed to one mail server (SMTP, RFC 5321). The only import of aiosmtplib.

What an answer says about who is at fault:

================================================== ====================================================
cannot connect, TLS, login, sender refused, 421     :class:`OutsideUnavailable`: it fails everybody
5xx whose enhanced code is 5.1.x or 5.2.x (RFC 3463) :class:`Rejected`: this address or mailbox, for ever
anything else about the recipient or the message    :class:`NotPerformed`: parked and tried again
================================================== ====================================================

Neither an address nor what a server wrote is ever in an error: servers quote addresses.
"""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

import aiosmtplib
import anyio

from ordersys.contract.errors import NotPerformed, OutsideUnavailable, Rejected
from ordersys.contract.service import Mail

CHANNEL = "mail"
QUIT_TIMEOUT_S = 1.0
BROKEN = (aiosmtplib.SMTPException, OSError)
# As the API accepts addresses (WHATWG HTML, section 4.10.5.1.5).
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """The message: its Message-ID is made of the mail's key and the sender's domain, its date is the mail's.

    :raises Rejected: the address is none that mail could be sent to.
    """
    if not _ADDRESS.fullmatch(mail.to):
        raise Rejected("the order's address is none that mail can be sent to")
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in mail.subject).split())
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.key}@{_address(sender).rpartition('@')[2]}>"
    # RFC 3834: no out-of-office answers, please.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


class Mailer:
    """Hands each mail to the server in a session of its own."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        tls: Literal["", "starttls", "implicit"],
        sender: str,
        timeout_s: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """``context`` verifies the server's certificate; None: as the system does."""
        self._client = {
            "hostname": host,
            "port": port,
            "username": user or None,
            "password": password or None,
            "use_tls": tls == "implicit",
            "start_tls": tls == "starttls",
            "tls_context": context or (ssl.create_default_context() if tls else None),
            "local_hostname": socket.gethostname() or "localhost",
        }
        self._sender = sender
        self._timeout_s = timeout_s

    async def send(self, mail: Mail) -> None:
        """Return once the server has taken the mail. Half of the time limit is for connecting.

        :raises OutsideUnavailable: the server cannot be reached, or refuses everybody.
        :raises Rejected: this mail can never be delivered.
        :raises NotPerformed: the server did not take this mail now.
        """
        message = message_of(mail, self._sender)
        client = aiosmtplib.SMTP(**self._client, timeout=self._timeout_s)  # type: ignore[arg-type]
        try:
            await self._connect(client)
            try:
                await client.send_message(message, sender=_address(self._sender), recipients=[mail.to])
            except BROKEN as error:
                raise _meaning(error) from None
            # The mail is taken: nothing that happens from here on may make it a failure.
            with suppress(*BROKEN), anyio.move_on_after(QUIT_TIMEOUT_S, shield=True):
                await client.quit()
        finally:
            client.close()

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        """Connect, secure the connection, log in: all before the server has heard of the mail."""
        limit_s = self._timeout_s / 2
        try:
            with anyio.fail_after(limit_s):
                await client.connect()
        except aiosmtplib.SMTPResponseException as error:
            raise OutsideUnavailable(CHANNEL, f"{type(error).__name__}, {error.code}") from None
        except TimeoutError:
            raise OutsideUnavailable(CHANNEL, f"no session with the server in {limit_s:g} s") from None
        except BROKEN as error:
            raise OutsideUnavailable(CHANNEL, f"{type(error).__name__}: {error}") from None


def _meaning(error: Exception) -> Exception:
    """What the server's answer to a mail says; see the table above."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return NotPerformed(f"the session with the mail server broke: {type(error).__name__}")
    found = _ENHANCED.match(error.message)
    enhanced = found[1] if found else ""
    answer = f"the mail server answered {f'{error.code} {enhanced}'.strip()}"
    if error.code == 421 or isinstance(error, (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPHeloError)):
        return OutsideUnavailable(CHANNEL, f"{answer} ({type(error).__name__})")
    if error.code >= 500 and enhanced.startswith(("5.1.", "5.2.")):
        return Rejected(f"{answer} to the recipient or the message")
    return NotPerformed(f"{answer} to the recipient or the message")


def _address(sender: str) -> str:
    return parseaddr(sender)[1]
