"""Settings turned into what the parts take: where Kafka and Postgres are, the services, the spans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

from config.settings import Settings
from ordersys.adapters import mail, webhook
from ordersys.adapters.kafka import Broker
from ordersys.adapters.postgres import Database
from ordersys.contract import topics
from ordersys.contract.errors import StartRefused
from ordersys.contract.service import Bounds, Service, Subscription
from ordersys.runtime.facts import OnFact
from ordersys.services import analytics, inventory, notification, orchestrator, payment


def broker_of(settings: Settings) -> Broker:
    """How to reach Kafka.

    :raises StartRefused: nothing says where it is.
    """
    if not settings["KAFKA_BROKERS"]:
        raise StartRefused(
            "KAFKA_BROKERS is not set: name the brokers, or use ./run up, which starts its own"
        )
    return Broker(brokers=settings["KAFKA_BROKERS"])


def database_of(settings: Settings) -> Database:
    """How to reach Postgres, whatever its schema.

    :raises StartRefused: nothing says where it is.
    """
    if not settings["POSTGRES_DSN"]:
        raise StartRefused(
            "POSTGRES_DSN is not set: name the database, or use ./run up, which starts its own"
        )
    return Database(dsn=settings["POSTGRES_DSN"])


def services_of(settings: Settings) -> tuple[Service, ...]:
    """Every service, with the outside channels that are switched on.

    :raises StartRefused: a channel lacks a setting.
    """
    return (
        payment.service(settings["PAYMENT_AMOUNT_CENTS_MAX"]),
        inventory.service(settings["INVENTORY_QUANTITY_MAX"]),
        orchestrator.service(),
        notification.service(*_channels(settings)),
        analytics.service(),
    )


def _channels(settings: Settings) -> Iterator[Subscription]:
    timeout_s, concurrency_max = settings["NOTIFY_TIMEOUT_S"], settings["NOTIFY_CONCURRENCY_MAX"]
    bounds = Bounds(timeout_s, concurrency_max, settings["NOTIFY_AGE_MAX_S"])
    if smtp := settings["NOTIFY_SMTP_URL"]:
        sender = settings["NOTIFY_SMTP_FROM"]
        if not sender:
            raise StartRefused("NOTIFY_SMTP_URL is set: set NOTIFY_SMTP_FROM to who mail comes from, too")
        mailer = mail.Mailer(**asdict(smtp), sender=sender, timeout_s=timeout_s)
        yield notification.by_mail(mailer.send, bounds)
    if url := settings["NOTIFY_WEBHOOK_URL"]:
        secret = settings["NOTIFY_WEBHOOK_SECRET"]
        if not secret:
            raise StartRefused("NOTIFY_WEBHOOK_URL is set: set NOTIFY_WEBHOOK_SECRET, which signs, too")
        endpoint = webhook.Webhook(
            url=url, secret=secret, timeout_s=timeout_s, connections_max=concurrency_max
        )
        yield notification.by_webhook(endpoint.post, endpoint.opened, bounds)


def partitions_of(settings: Settings) -> dict[str, int]:
    """Every topic, by its deployed name, with its number of partitions."""
    return {settings.name(topic.env): settings["PARTITIONS"] for topic in topics.TOPICS}


def tracing_of(settings: Settings) -> tuple[tuple[OnFact, ...], Callable[[], None]]:
    """Who makes spans of facts, if spans are wanted, and what exports the last of them.

    :raises StartRefused: they are, and the packages for it are not there.
    """
    endpoint = settings["OTEL_EXPORTER_OTLP_ENDPOINT"]
    if not endpoint:
        return (), lambda: None
    try:
        # Imported here: without a collector nothing of OpenTelemetry is loaded.
        from ordersys.api.traces import ApiSpans
        from ordersys.runtime.spans import exported
    except ImportError as error:
        raise StartRefused(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set: install the dependency group otel, too ({error})"
        ) from error
    spans = exported(endpoint)
    return (spans, ApiSpans(spans)), spans.close
