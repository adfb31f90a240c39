"""What a request says, checked: an order's body and headers, query parameters. The first fault is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException

from ordersys.api.problems import INVALID, MALFORMED, UNSUPPORTED, Fault, Problem
from ordersys.contract.events import Cents, Count, Instant

BODY_BYTES_MAX = 64 * 1024
CORRELATION_ID_CHARS_MAX = 128
DIGITS_MAX = 20

# The address a browser accepts in <input type=email> (WHATWG HTML, section 4.10.5.1.5); RFC 5321 allows
# 254 characters. Neither can hold a NUL, which Postgres cannot store.
_EMAIL = (
    r"\A[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\Z"
)
_SKU = r"\A(?=.*\S)[^\x00-\x1f\x7f]*\Z"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
# W3C Trace Context, section 3.2: of versions to come the first four fields are read.
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)

_RULES = {
    "customer_email": "must be an email address of at most 254 characters",
    "item_sku": "must be a text of 1 to 64 characters, not blank and without control characters",
    "quantity": f"must be a whole number from 1 to {2**31 - 1}",
    "amount_cents": f"must be a whole number from 1 to {2**63 - 1}",
}


Body = TypeVar("Body")


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The body of ``POST /orders``. Of a field given twice the last counts (RFC 8259, section 4)."""

    customer_email: Annotated[str, msgspec.Meta(max_length=254, pattern=_EMAIL)]
    item_sku: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=_SKU)]
    quantity: Count
    amount_cents: Cents


class _LooseRequest(OrderRequest, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The same with numbers as they are written."""

    quantity: Decimal  # type: ignore[assignment]
    amount_cents: Decimal  # type: ignore[assignment]


class OrderHeaders(msgspec.Struct, frozen=True, gc=False):
    """The headers that matter to an order, each None if absent. ``idempotency_key``: a UUID in lower case."""

    idempotency_key: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None


_decode = msgspec.json.Decoder(OrderRequest).decode
_decode_loosely = msgspec.json.Decoder(_LooseRequest).decode
_WANTED = {
    b"content-type": 0,
    b"idempotency-key": 1,
    b"x-correlation-id": 2,
    b"traceparent": 3,
}
_WANTED_NAMES = ("Content-Type", "Idempotency-Key", "X-Correlation-ID", "traceparent")


async def raw_body(request: Request[Any, Any, Any]) -> bytes:
    """The body as it came.

    :raises Problem: 400, the client left in the middle of it.
    """
    try:
        return await request.body()
    except InternalServerException:
        # Litestar's word for a client that left in the middle of its body: no defect, nobody reads this.
        raise Problem(400, "The body ended before its announced length.", kind=MALFORMED) from None


def body_of(raw: bytes) -> OrderRequest:
    """The body, checked.

    :raises Problem: 400, naming the field at fault.
    """
    try:
        return decoded(_decode, raw, _RULES, "an order")
    except _Faulty as faulty:
        if "Expected `int`, got `float`" in faulty.message and (body := _with_whole_floats(raw)) is not None:
            return body
        raise


def decoded(decode: Callable[[bytes], Body], raw: bytes, rules: Mapping[str, str], noun: str) -> Body:
    """A body, checked: ``rules`` say what each field must be, ``noun`` what it is a field of.

    :raises Problem: 400, naming the field at fault.
    """
    try:
        return decode(raw)
    except msgspec.ValidationError as error:
        raise _Faulty(str(error), rules, noun) from None
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    except ValueError as error:
        raise _malformed(str(error)) from None


def _with_whole_floats(raw: bytes) -> OrderRequest | None:
    """The body if its numbers are whole but not written so: to JSON Schema 1.0 and 1 are the same."""
    try:
        loose = _decode_loosely(raw)
        whole = {name: _whole(getattr(loose, name)) for name in ("quantity", "amount_cents")}
        return msgspec.convert({**msgspec.structs.asdict(loose), **whole}, OrderRequest)
    except (msgspec.ValidationError, ValueError):
        return None


def _whole(number: Decimal) -> int:
    # The digits are counted first: 1e999999999 is a short text, and a number that fills the memory.
    if number.adjusted() > DIGITS_MAX or number != number.to_integral_value():
        raise ValueError(number)
    return int(number)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> OrderHeaders:
    """The headers, checked; names in lower case, as ASGI gives them.

    :raises Problem: 415 for a body that is not JSON, 400 naming another header at fault.
    """
    found: list[bytes | None] = [None, None, None, None]
    for name, value in raw:
        place = _WANTED.get(name)
        if place is not None:
            if found[place] is not None and found[place] != value and place != 3:
                raise _header_problem(_WANTED_NAMES[place], "must be given once")
            found[place] = value
    content_type, key, correlation_id, traceparent = found
    if content_type is not None and content_type != b"application/json":
        _check_content_type(content_type)
    return OrderHeaders(
        idempotency_key=_idempotency_key(key) if key is not None else None,
        correlation_id=_correlation_id(correlation_id) if correlation_id else None,
        traceparent=trace_of(traceparent) if traceparent else None,
    )


def uuid_of(text: str) -> str | None:
    """``text`` in lower case if it is a UUID in canonical text form (RFC 9562, section 4), else None."""
    return text.lower() if _UUID.fullmatch(text) else None


def text_of(name: str, text: str | None) -> str | None:
    """The query parameter ``name`` as text that Postgres can compare with.

    :raises Problem: 400, naming it: it holds a NUL or is no Unicode.
    """
    if text is not None and ("\0" in text or not _is_unicode(text)):
        raise parameter_problem(name, "must be a text without NUL")
    return text


def instant_of(name: str, text: str | None) -> datetime | None:
    """The query parameter ``name`` as an instant in UTC.

    :raises Problem: 400, naming it: it is no RFC 3339 time with an offset.
    """
    if text is None:
        return None
    try:
        # In a query + means a blank: of an offset that was not escaped it is known what was meant.
        return msgspec.convert(text.replace(" ", "+"), Instant, strict=True).astimezone(UTC)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise parameter_problem(name, "must be a time as in RFC 3339, with Z or an offset") from None


def parameter_problem(name: str, message: str) -> Problem:
    """400: the query parameter ``name`` is at fault; ``message`` goes on from its name."""
    fault = Fault(detail=message, parameter=name)
    return Problem(400, f"The parameter {name} {message}.", kind=INVALID, fault=fault)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def trace_of(raw: bytes) -> str | None:
    """A traceparent header if it is valid, else None: a broken one starts a new trace, it is no error."""
    match = _TRACEPARENT.fullmatch(raw.decode("latin-1"))
    if match is None or (match[1] == "00" and match[5]):
        return None
    return f"00-{match[2]}-{match[3]}-{match[4]}"


def _check_content_type(raw: bytes) -> None:
    media_type = raw.partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise Problem(
            415,
            "The body must be JSON, with the header Content-Type: application/json.",
            kind=UNSUPPORTED,
            fault=Fault(detail="must be application/json", header="Content-Type"),
            headers={"Accept": "application/json"},
        )


def _idempotency_key(raw: bytes) -> str:
    # The draft of the header makes it a quoted string; most clients send it bare. Both are taken.
    text = raw.decode("latin-1").strip()
    if len(text) == 38 and text[0] == text[-1] == '"':
        text = text[1:-1]
    key = uuid_of(text)
    if key is None:
        raise _header_problem("Idempotency-Key", "must be a UUID")
    return key


def _correlation_id(raw: bytes) -> str:
    if len(raw) > CORRELATION_ID_CHARS_MAX or not _PRINTABLE.fullmatch(raw):
        message = f"must be at most {CORRELATION_ID_CHARS_MAX} printable ASCII characters"
        raise _header_problem("X-Correlation-ID", message)
    return raw.decode("ascii")


def _header_problem(name: str, message: str) -> Problem:
    return Problem(
        400,
        f"The header {name} {message}.",
        kind=INVALID,
        fault=Fault(detail=message, header=name),
    )


def _malformed(why: str) -> Problem:
    return Problem(400, f"The body is not valid JSON: {why}.", kind=MALFORMED)


# msgspec tells the place of a fault in its message only.
_PLACE = re.compile(r"at `\$\.(\w+)")
_MISSING = re.compile(r"missing required field `(\w+)`")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*)`", re.DOTALL)


class _Faulty(Problem):
    """A body that is JSON and not what it should be; ``message`` is the decoder's."""

    def __init__(self, message: str, rules: Mapping[str, str], noun: str) -> None:
        self.message = message
        name, fault = _fault_of(message, rules, noun)
        detail = f"The field {name} {fault.detail}." if name else "The body must be a JSON object."
        super().__init__(400, detail, kind=INVALID, fault=fault)


def _fault_of(message: str, rules: Mapping[str, str], noun: str) -> tuple[str, Fault]:
    """The field at fault, empty for the body as a whole, and what is wrong with it."""
    if missing := _MISSING.search(message):
        name, wrong = missing[1], "is missing; it " + rules[missing[1]]
    elif unknown := _UNKNOWN_FIELD.search(message):
        name = unknown[1] if len(unknown[1]) <= 64 else unknown[1][:64] + "…"
        wrong = f"is not a field of {noun}"
    elif (place := _PLACE.search(message)) and place[1] in rules:
        name, wrong = place[1], rules[place[1]]
    else:
        return "", Fault(detail="must be an object", pointer="#")
    return name, Fault(detail=wrong, pointer="#/" + name.replace("~", "~0").replace("/", "~1"))
