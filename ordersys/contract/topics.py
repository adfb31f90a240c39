"""The topics, by the environment variable that names each, and the event it carries."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from ordersys.contract.events import Event, InventoryResult, OrderCreated, OrderStatusChanged, PaymentResult


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the code knows it; ``env`` is the variable that gives its name in a deployment.

    ``event`` is None for dead letters: their values are the original bytes, whatever those were.
    ``keep`` says that its records are never deleted, so that read models can be built again from it.
    """

    env: str
    default: str
    event: type[Event] | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group; ``env`` is the variable that gives its name in a deployment."""

    env: str
    default: str


ORDER_CREATED = Topic("TOPIC_ORDER_CREATED", "order.created", OrderCreated, keep=True)
PAYMENT_RESULT = Topic("TOPIC_PAYMENT_RESULT", "payment.result", PaymentResult)
INVENTORY_RESULT = Topic("TOPIC_INVENTORY_RESULT", "inventory.result", InventoryResult)
ORDER_STATUS_CHANGED = Topic(
    "TOPIC_ORDER_STATUS_CHANGED", "order.status.changed", OrderStatusChanged, keep=True
)
PAYMENT_DLQ = Topic("TOPIC_PAYMENT_DLQ", "payment.result.dlq")
INVENTORY_DLQ = Topic("TOPIC_INVENTORY_DLQ", "inventory.result.dlq")
ORCHESTRATOR_DLQ = Topic("TOPIC_ORCHESTRATOR_DLQ", "orchestrator.dlq")
NOTIFICATION_DLQ = Topic("TOPIC_NOTIFICATION_DLQ", "notification.dlq")
ANALYTICS_DLQ = Topic("TOPIC_ANALYTICS_DLQ", "analytics.dlq")

TOPICS = (
    ORDER_CREATED,
    PAYMENT_RESULT,
    INVENTORY_RESULT,
    ORDER_STATUS_CHANGED,
    PAYMENT_DLQ,
    INVENTORY_DLQ,
    ORCHESTRATOR_DLQ,
    NOTIFICATION_DLQ,
    ANALYTICS_DLQ,
)

PAYMENT_GROUP = Group("PAYMENT_CONSUMER_GROUP", "payment-service-v1")
INVENTORY_GROUP = Group("INVENTORY_CONSUMER_GROUP", "inventory-service-v1")
ANALYTICS_GROUP = Group("ANALYTICS_CONSUMER_GROUP", "analytics-service-v1")
ORCHESTRATOR_PAYMENT_GROUP = Group("ORCHESTRATOR_PAYMENT_GROUP", "orchestrator-payment-v1")
ORCHESTRATOR_INVENTORY_GROUP = Group("ORCHESTRATOR_INVENTORY_GROUP", "orchestrator-inventory-v1")
NOTIFICATION_GROUP = Group("NOTIFICATION_CONSUMER_GROUP", "notification-service-v1")
NOTIFICATION_MAIL_GROUP = Group("NOTIFICATION_MAIL_CONSUMER_GROUP", "notification-mail-v1")
NOTIFICATION_WEBHOOK_GROUP = Group("NOTIFICATION_WEBHOOK_CONSUMER_GROUP", "notification-webhook-v1")
ANALYTICS_STATUS_GROUP = Group("ANALYTICS_STATUS_CONSUMER_GROUP", "analytics-status-v1")

GROUPS = (
    PAYMENT_GROUP,
    INVENTORY_GROUP,
    ANALYTICS_GROUP,
    ORCHESTRATOR_PAYMENT_GROUP,
    ORCHESTRATOR_INVENTORY_GROUP,
    NOTIFICATION_GROUP,
    NOTIFICATION_MAIL_GROUP,
    NOTIFICATION_WEBHOOK_GROUP,
    ANALYTICS_STATUS_GROUP,
)


def partition_of(key: bytes | None, partitions: int) -> int:
    """Partition (0-based) of a record's key among ``partitions``: CRC32 modulo the count.

    librdkafka's ``consistent`` partitioner; zlib's CRC32 is C where aiokafka's murmur2 is Python. Nothing
    may depend on it: writers in other languages use other partitioners. No key goes to partition 0.
    """
    return crc32(key) % partitions if key is not None else 0
