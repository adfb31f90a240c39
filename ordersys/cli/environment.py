"""Where commands take their settings from: ``.env`` of the current directory, under the environment."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import anyio

from config.settings import Settings, load, read_env_file
from ordersys.contract.errors import StartRefused

if TYPE_CHECKING:
    from ordersys.adapters.kafka import Broker
    from ordersys.adapters.postgres import Database

MIGRATIONS = Path(__file__).parents[2] / "infra" / "postgres"

Value = TypeVar("Value")


def environment() -> dict[str, str]:
    """The variables of ``.env``, those of the process over them.

    :raises SettingsError: a line of ``.env`` is no assignment.
    """
    return {**read_env_file(Path(".env")), **os.environ}


def settings(extra: Mapping[str, str] | None = None) -> Settings:
    """The settings a command works with; ``extra`` over everything else.

    :raises SettingsError: a variable has a value it cannot take.
    """
    return load({**environment(), **(extra or {})})


def located(values: Settings | None = None) -> Settings:
    """Settings that say where Kafka and Postgres are: the embedded ones of ``./run up`` if nothing else."""
    known = settings() if values is None else values
    login = f"{quote(known['POSTGRES_USER'], safe='')}:{quote(known['POSTGRES_PASSWORD'], safe='')}"
    embedded = f"postgresql://{login}@127.0.0.1:{known['POSTGRES_PORT']}/{known['POSTGRES_DB']}"
    return known.with_values(
        KAFKA_BROKERS=known["KAFKA_BROKERS"] or f"127.0.0.1:{known['KAFKA_EXTERNAL_PORT']}",
        POSTGRES_DSN=known["POSTGRES_DSN"] or embedded,
    )


def broker(known: Settings) -> Broker:
    """How a command reaches Kafka: with less patience than a service."""
    # Imported here: commands that ask the API alone should not wait for the client of Kafka.
    from ordersys.adapters.kafka import Broker

    # What it would say of a broker that is away, the command says in a sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    return Broker(
        brokers=known["KAFKA_BROKERS"],
        client_id="ordersys-cli",
        request_timeout_ms=5_000,
        start_timeout_s=5.0,
    )


def database(known: Settings) -> Database:
    """How a command reaches Postgres, whatever its schema."""
    from ordersys.adapters.postgres import Database

    return Database(dsn=known["POSTGRES_DSN"], application_name="ordersys-cli")


def local_url(known: Settings, port: str = "API_PORT") -> str:
    """Where an HTTP port of this machine's system answers, as the settings have it."""
    host = known["HOST"]
    if host in ("0.0.0.0", "::", "*"):
        host = "127.0.0.1"
    return f"http://[{host}]:{known[port]}" if ":" in host else f"http://{host}:{known[port]}"


def api_url(given: str | None) -> str:
    """``--url``, or else what the settings say."""
    return given or local_url(settings())


def require_loopback(host: str) -> None:
    """See that ``host`` is this machine.

    :raises StartRefused: it is another one, or may be.
    """
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise StartRefused(
            f"HOST is {host}, which is not this machine's loopback: if that is where load is meant to go, "
            "name it with --url"
        )


def run(work: Callable[..., Awaitable[Value]], *arguments: object) -> Value:
    """Run a coroutine function on the loop that production uses."""
    # uvloop crashes in asyncio's debug mode.
    uvloop = os.name == "posix" and not os.environ.get("PYTHONASYNCIODEBUG")
    return anyio.run(work, *arguments, backend_options={"use_uvloop": uvloop})
