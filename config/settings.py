"""Every environment variable of the system: name, type, unit, range and default, in one table.

``.env.example`` and the README's table are made from :data:`VARIABLES`; a test compares them.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, NoReturn, cast
from urllib.parse import unquote, urlsplit

from ordersys.contract.errors import StartRefused
from ordersys.contract.topics import GROUPS, TOPICS
from ordersys.services.inventory import QUANTITY_MAX
from ordersys.services.payment import AMOUNT_CENTS_MAX

ROLES = ("api", "relay", "janitor", "payment", "inventory", "orchestrator", "notification", "analytics")

Parse = Callable[[str], Any]


class SettingsError(StartRefused):
    """A variable has a value it cannot take; the message names it, what it got and what it takes."""


class _Invalid(ValueError):
    """What a variable takes, as words."""


def integer(low: int, high: int) -> Parse:
    """A whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,20}", text.strip()) or not low <= int(text) <= high:
            raise _Invalid(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def number(low: float, high: float) -> Parse:
    """A number from ``low`` to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise _Invalid(f"a number from {low:g} to {high:g}")
        return value

    return parse


def name(text: str) -> str:
    """A name as Kafka takes it for topics and groups."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", text) or text in (".", ".."):
        raise _Invalid("a name of 1 to 200 letters, digits, dots, dashes and underscores")
    return text


def word(text: str) -> str:
    """Any text that is not empty and holds no control character."""
    if not text or any(ord(character) < 32 for character in text):
        raise _Invalid("text that is not empty")
    return text


def optional(parse: Parse) -> Parse:
    """What ``parse`` takes, or nothing (None)."""
    return lambda text: parse(text) if text else None


def roles(text: str) -> tuple[str, ...]:
    """Comma-separated roles, or ``all``; in the order they start in."""
    chosen = {part.strip() for part in text.split(",") if part.strip()}
    if chosen == {"all"}:
        return ROLES
    if not chosen or chosen - set(ROLES):
        raise _Invalid(f"all, or some of {', '.join(ROLES)}, separated by commas")
    return tuple(role for role in ROLES if role in chosen)


def isolation(text: str) -> frozenset[str]:
    """``task``, ``process``, or role=process pairs: the roles that run in processes of their own."""
    able = [role for role in ROLES if role != "api"]
    if text in ("task", "process"):
        return frozenset(able if text == "process" else ())
    pairs = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if set(pairs) - set(able) or set(pairs.values()) - {"task", "process"}:
        raise _Invalid(
            f"task, process, or role=process pairs separated by commas; the roles are {', '.join(able)}"
        )
    return frozenset(role for role, kind in pairs.items() if kind == "process")


def flag(text: str) -> bool:
    """0 or 1."""
    if text not in ("0", "1"):
        raise _Invalid("0 or 1")
    return text == "1"


def token(text: str) -> str:
    """A secret that is hard to guess."""
    if not re.fullmatch(r"[!-~]{16,200}", text):
        raise _Invalid("16 to 200 letters, digits and signs, without blanks")
    return text


def dsn(text: str) -> str:
    """A Postgres connection URL."""
    if not re.match(r"postgres(ql)?://", text):
        raise _Invalid("a URL that starts with postgresql://")
    return text


def brokers(text: str) -> str:
    """Comma-separated host:port pairs."""
    if not all(re.fullmatch(r"[^\s:,]+:\d{1,5}", part.strip()) for part in text.split(",")):
        raise _Invalid("host:port, several separated by commas")
    return text


def level(text: str) -> str:
    """A level of logging."""
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise _Invalid("debug, info, warning or error")
    return text.lower()


def origins(text: str) -> tuple[str, ...]:
    """Comma-separated origins (scheme, host, port)."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(re.fullmatch(r"https?://[^\s/]+", part) for part in parts):
        raise _Invalid("origins such as http://localhost:15173, separated by commas")
    return parts


def collector(text: str) -> str:
    """Where spans go by OTLP over HTTP."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise _Invalid("a URL such as http://127.0.0.1:4318, without /v1/traces")
    return text


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. ``tls``: "implicit" from the first byte, "starttls" before anything else."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: Literal["", "starttls", "implicit"]


def smtp(text: str) -> SmtpServer:
    """A URL of a mail server. A password goes over TLS, or to this machine."""
    takes = _Invalid("smtp://user:password@host:port?starttls, or smtps://…; user and password need either")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise takes from None
    default, tls = {
        ("smtp", ""): (25, ""),
        ("smtp", "starttls"): (587, "starttls"),
        ("smtps", ""): (465, "implicit"),
    }.get((parts.scheme, parts.query), (0, ""))
    host = parts.hostname or ""
    if not default or not host or parts.path not in ("", "/") or parts.fragment:
        raise takes
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if (user or password) and not tls and host not in ("127.0.0.1", "localhost", "::1"):
        raise takes
    return SmtpServer(host, port or default, user, password, cast(Literal["", "starttls", "implicit"], tls))


def sender(text: str) -> str:
    """An address mail comes from, with or without a name."""
    address = parseaddr(text)[1]
    if any(ord(character) < 32 for character in text) or not re.fullmatch(
        r"[!-?A-~]+@[A-Za-z0-9.-]+", address
    ):
        raise _Invalid("an address such as Shop <orders@example.com>")
    return text


def endpoint(text: str) -> str:
    """A URL that events are posted to."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not re.fullmatch(r"[!-~]+", text):
        raise _Invalid("a URL that starts with https:// or http://")
    return text


def webhook_secret(text: str) -> bytes:
    """A secret as Standard Webhooks writes it; the bytes it stands for."""
    try:
        secret = b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        secret = b""
    if not text.startswith("whsec_") or not 24 <= len(secret) <= 64:
        raise _Invalid("whsec_ and the base64 of 24 to 64 random bytes")
    return secret


PORT = integer(1, 65535)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. ``secret`` values are never shown, not even in an error."""

    env: str
    parse: Parse
    default: str
    about: str
    section: str
    secret: bool = False


OUTSIDE = "Notifications by mail and webhook"


def _section(title: str, *rows: tuple[str, Parse, str, str]) -> tuple[Variable, ...]:
    return tuple(Variable(env, parse, default, about, title) for env, parse, default, about in rows)


VARIABLES: tuple[Variable, ...] = (
    *_section(
        "What this process runs",
        ("ROLES", roles, "all", f"Roles to run: all, or some of {', '.join(ROLES)}."),
        ("LOG_LEVEL", level, "info", "Lowest level that is logged: debug, info, warning, error."),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            optional(collector),
            "",
            "Collector that spans go to, by OTLP over HTTP; empty: no spans are made.",
        ),
        ("HOST", word, "127.0.0.1", "Address the HTTP ports are bound to; 0.0.0.0 in a container."),
        ("API_PORT", PORT, "18080", "Port of the order API."),
        ("UI_PORT", PORT, "15173", "Port of the web page's own server, when it has one."),
        ("METRICS_PORT", PORT, "18090", "Port of /livez, /readyz and /metrics, whatever the roles."),
        (
            "UI_ORIGINS",
            origins,
            "http://localhost:15173,http://127.0.0.1:15173",
            "Origins that may call the API from a browser (CORS).",
        ),
        ("DRAIN_TIMEOUT_S", number(0.1, 300), "8", "Seconds a role may take to finish what it has in hand."),
    ),
    *_section(
        "Postgres",
        ("POSTGRES_DSN", optional(dsn), "", "Database to use; empty: an embedded Postgres is started."),
        ("POSTGRES_DB", name, "orders", "Name of the embedded database."),
        ("POSTGRES_USER", name, "orders", "User of the embedded database."),
        ("POSTGRES_PORT", PORT, "15432", "Port of the embedded Postgres."),
    ),
    Variable("POSTGRES_PASSWORD", word, "orders", "Password of the embedded database.", "Postgres", True),
    *_section(
        "Kafka",
        ("KAFKA_BROKERS", optional(brokers), "", "Brokers to use; empty: an embedded Kafka is started."),
        ("KAFKA_EXTERNAL_PORT", PORT, "19092", "Port of the embedded Kafka."),
        ("KAFKA_KRAFT_CLUSTER_ID", optional(name), "", "Cluster id of the embedded Kafka; empty: made once."),
        ("PARTITIONS", integer(1, 1000), "6", "Partitions of each topic."),
        ("REPLICATION_FACTOR", integer(1, 10), "1", "Copies of each partition, when topics are created."),
    ),
    *_section(
        "Topics",
        *((topic.env, name, topic.default, "Topic.") for topic in TOPICS),
    ),
    *_section(
        "Consumer groups",
        *((group.env, name, group.default, "Consumer group.") for group in GROUPS),
    ),
    *_section(
        "Rules",
        (
            "PAYMENT_AMOUNT_CENTS_MAX",
            integer(0, 2**63 - 1),
            str(AMOUNT_CENTS_MAX),
            "Payment fails above this amount, in cents.",
        ),
        (
            "INVENTORY_QUANTITY_MAX",
            integer(0, 2**31 - 1),
            str(QUANTITY_MAX),
            "Inventory fails above this quantity, in pieces.",
        ),
    ),
    Variable(
        "NOTIFY_SMTP_URL",
        optional(smtp),
        "",
        "Mail server for final states, smtp://user:password@host:port?starttls or smtps://…; empty: no mail.",
        OUTSIDE,
        True,
    ),
    Variable(
        "NOTIFY_WEBHOOK_URL",
        optional(endpoint),
        "",
        "Where every status change is posted to; empty: nowhere.",
        OUTSIDE,
        True,
    ),
    Variable(
        "NOTIFY_WEBHOOK_SECRET",
        optional(webhook_secret),
        "",
        "Signs webhooks: whsec_ and the base64 of 24 to 64 random bytes.",
        OUTSIDE,
        True,
    ),
    *_section(
        OUTSIDE,
        ("NOTIFY_SMTP_FROM", optional(sender), "", "Who mail comes from, such as Shop <orders@example.com>."),
        (
            "NOTIFY_TIMEOUT_S",
            number(0.1, 60),
            "5",
            "Seconds one mail or webhook may take; less than DRAIN_TIMEOUT_S, so that a stop cuts none off.",
        ),
        ("NOTIFY_CONCURRENCY_MAX", integer(1, 1000), "8", "Mails, and webhooks, under way at once."),
        (
            "NOTIFY_AGE_MAX_S",
            number(1, 315_360_000),
            "259200",
            "Seconds after which a status change is no news any more: it is recorded as skipped.",
        ),
    ),
    *_section(
        "Batches, retries and limits",
        ("BATCH_MAX", integer(1, 10_000), "500", "Events a service takes at once."),
        ("RELAY_BATCH_MAX", integer(1, 10_000), "1000", "Outbox rows the relay takes at once."),
        ("INTAKE_BATCH_MAX", integer(1, 10_000), "200", "POSTs that share one commit at most."),
        ("INTAKE_QUEUE_MAX", integer(1, 1_000_000), "2000", "POSTs that may wait; more are answered 503."),
        ("FEED_STREAMS_MAX", integer(0, 100_000), "1000", "Open streams of the live feed; more get 503."),
        ("RETRY_ATTEMPTS_MAX", integer(1, 1000), "5", "Attempts at an event before it is a dead letter."),
        ("RETRY_FIRST_S", number(0.01, 3600), "1", "Seconds to the second attempt; each next waits 4 times."),
        ("RETRY_CAP_S", number(0.01, 86_400), "300", "Seconds between two attempts at most."),
        (
            "GUARD_DIR",
            word,
            ".ordersys/guard",
            "Where it is noted which event a service is deciding, to find one that kills the process.",
        ),
        ("CLAIMS_RETENTION_DAYS", number(0.001, 3650), "14", "Days a handled event's id is remembered."),
        ("PARKED_RETENTION_DAYS", number(0.001, 3650), "30", "Days a redriven or discarded event is kept."),
        (
            "RECONCILE_AFTER_S",
            number(1, 86_400),
            "60",
            "Seconds an order may stand still before its lost event is looked for and said again.",
        ),
        (
            "STALL_S",
            number(1, 3600),
            "25",
            "Seconds a group may stand still with lag before its restart.",
        ),
    ),
    *_section(
        "Supervision",
        ("RESTARTS_MAX", integer(0, 10_000), "5", "Restarts of a role within RESTARTS_WITHIN_S."),
        ("RESTARTS_WITHIN_S", number(0.1, 3600), "60", "Seconds over which restarts are counted."),
        (
            "BACKOFF_FIRST_S",
            number(0.01, 60),
            "0.2",
            "Seconds before the first restart at most (jittered).",
        ),
        ("BACKOFF_CAP_S", number(0.01, 3600), "30", "Seconds before a restart at most."),
        (
            "WATCHDOG_EXIT_S",
            number(0, 3600),
            "8",
            "Seconds of a blocked loop that end the process; 0: never.",
        ),
        (
            "SILENCE_MAX_S",
            number(1, 3600),
            "60",
            "Seconds a role may have work and do none before its restart.",
        ),
        (
            "ISOLATION",
            isolation,
            "task",
            "task: all roles share a process; process: each but the api has its own; "
            "or some: payment=process,inventory=process.",
        ),
        (
            "CHAOS_ENABLED",
            flag,
            "0",
            "1: crashes and a blocked loop may be injected by /admin.",
        ),
    ),
    Variable(
        "ADMIN_TOKEN",
        optional(token),
        "",
        "Opens /admin and the Runtime page; empty: there is neither.",
        "Supervision",
        True,
    ),
    *_section(
        "Embedded servers",
        ("DATA_DIR", word, ".ordersys/data", "Where the embedded servers keep their data."),
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All variables, typed. ``settings["API_PORT"]`` by name; the names are in :data:`VARIABLES`."""

    values: Mapping[str, Any]

    def __getitem__(self, env: str) -> Any:
        return self.values[env]

    def with_values(self, **values: Any) -> Settings:
        """A copy with some values replaced, as when the embedded servers give their addresses."""
        return Settings({**self.values, **values})

    def name(self, env: str) -> str:
        """Deployed name of a topic or group, by its variable."""
        return str(self.values[env])


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every variable; an unset or empty one takes its default.

    :raises SettingsError: a value is not one the variable takes.
    """
    given = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        text = given.get(variable.env, "") or variable.default
        try:
            values[variable.env] = variable.parse(text)
        except _Invalid as takes:
            _refuse(variable, text, takes)
    return Settings(values)


def _refuse(variable: Variable, text: str, takes: _Invalid) -> NoReturn:
    got = "a value that is not shown" if variable.secret or "://" in text else repr(text)
    raise SettingsError(f"{variable.env}: got {got}, takes {takes}") from None


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines of a ``.env`` file; comments and blank lines are passed over. {} when there is none.

    :raises SettingsError: a line is neither.
    """
    found: dict[str, str] = {}
    if not path.exists():
        return found
    for count, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = re.fullmatch(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", stripped)
        if not match:
            raise SettingsError(f"{path.name} line {count}: takes NAME=value")
        value = match[2]
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[match[1]] = value
    return found


def example() -> str:
    """The text of ``.env.example``: every variable with its default, commented out."""
    lines = [
        "# Every setting with its default. Copy to .env and change what you need; ./run reads it.",
        "# Made from config/settings.py by: ./run settings --example > .env.example",
    ]
    section = ""
    for variable in VARIABLES:
        if variable.section != section:
            section = variable.section
            lines += ["", f"# {section}"]
        lines += [f"# {variable.about}", f"#{variable.env}={variable.default}"]
    return "\n".join(lines) + "\n"


def table() -> str:
    """The settings as a Markdown table, for the README."""
    lines = ["| variable | default | what |", "|---|---|---|"]
    for variable in VARIABLES:
        default = f"`{variable.default}`" if variable.default else "(empty)"
        lines.append(f"| `{variable.env}` | {default} | {variable.about} |")
    return "\n".join(lines) + "\n"
