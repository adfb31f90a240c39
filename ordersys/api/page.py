"""The web page, served by the API at ``/``: files of one directory, read once, kept compressed.

The page has paths of its own (``/orders/…``, ``/pipeline``) which are also the API's. A browser that goes to
one asks for HTML and gets the page; everybody else gets the API's answer (RFC 9110, section 12.5.1).
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from litestar.types import ASGIApp, Message, Receive, Scope, Send

PAGE_PATHS = re.compile(r"/(orders(/[^/]+)?|pipeline|runtime)?")
COMPRESSED_BYTES_MIN = 1024
# A file under assets/ has a hash of its content in its name, so a copy of it never gets old.
FOR_EVER = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"
SECURITY = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes, the same compressed (if that is worth it), and what its headers say."""

    body: bytes
    compressed: bytes | None
    content_type: bytes
    etag: bytes
    cache_control: bytes


class Page:
    """The files of a built page by their path, such as ``/assets/index-1a2b.js``."""

    def __init__(self, directory: Path) -> None:
        """Read ``directory``.

        :raises OSError: it cannot be read, or has no ``index.html``.
        """
        self._files = {
            f"/{path.relative_to(directory).as_posix()}": _read(path, directory)
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(directory).parts)
        }
        if "/index.html" not in self._files:
            raise FileNotFoundError(f"{directory} has no index.html: the page is not built")

    def find(self, path: str, accept: str) -> PageFile | None:
        """The file for a request, None for one that is the API's to answer."""
        if path != "/" and (file := self._files.get(path)) is not None:
            return file
        if path == "/" or ("text/html" in accept and PAGE_PATHS.fullmatch(path)):
            return self._files["/index.html"]
        return None


def with_page(app: ASGIApp, page: Page) -> ASGIApp:
    """``app``, with the page in front of it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if method in ("GET", "HEAD"):
            asked = dict(scope["headers"])
            file = page.find(scope["path"], asked.get(b"accept", b"").decode("latin-1"))
            if file is not None:
                await _answer(file, asked, send, head=method == "HEAD")
                return
            if PAGE_PATHS.fullmatch(scope["path"]):
                # What a browser keeps of it must not stand in for the page.
                send = _varying(send)
        await app(scope, receive, send)

    return serve


def _varying(send: Send) -> Send:
    async def vary(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"vary", b"Accept")]
        await send(message)

    return vary


async def _answer(file: PageFile, asked: dict[bytes, bytes], send: Send, *, head: bool) -> None:
    headers: Headers = [
        (b"etag", file.etag),
        (b"cache-control", file.cache_control),
        (b"vary", b"Accept, Accept-Encoding"),
        *SECURITY,
    ]
    if file.etag in asked.get(b"if-none-match", b""):
        await _send(send, 304, headers, b"")
        return
    body = file.body
    if file.compressed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
        body = file.compressed
        headers.append((b"content-encoding", b"gzip"))
    headers += [(b"content-type", file.content_type), (b"content-length", str(len(body)).encode())]
    await _send(send, 200, headers, b"" if head else body)


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _read(path: Path, directory: Path) -> PageFile:
    body = path.read_bytes()
    small = gzip.compress(body, mtime=0) if len(body) >= COMPRESSED_BYTES_MIN else body
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json", "xml")):
        kind += "; charset=utf-8"
    return PageFile(
        body,
        small if len(small) < len(body) else None,
        kind.encode(),
        b'"' + sha256(body).hexdigest()[:16].encode() + b'"',
        FOR_EVER if path.relative_to(directory).parts[0] == "assets" else ASK_AGAIN,
    )
