"""Payment and inventory as somebody else would write them: plain aiokafka, random ids, another partitioner.

``python -m tests.faults.stand_in payment|inventory``, with the environment of the system. It knows the page
docs/wire.md and nothing of our code: it stands for services in other languages.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def answer(role, order):
    if role == "payment":
        failed = order["amount_cents"] > 100_000
        said = {"payment_status": "FAILED" if failed else "PROCESSED"}
        reason = "amount exceeds demo limit"
    else:
        failed = order["quantity"] > 10
        said = {"inventory_status": "FAILED" if failed else "RESERVED"}
        said["reserved_quantity"] = 0 if failed else order["quantity"]
        reason = "quantity exceeds demo stock"
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": f"{role}.result",
        "event_version": "v1",
        "occurred_at_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z",
        "correlation_id": order["correlation_id"],
        "order_id": order["order_id"],
        "source_service": f"{role}-service",
        "a_field_of_theirs": {"nested": [1, 2]},
        **said,
        **({"reason": reason} if failed else {}),
    }


async def main(role):
    brokers = os.environ["KAFKA_BROKERS"]
    consumer = AIOKafkaConsumer(
        os.environ["TOPIC_ORDER_CREATED"],
        bootstrap_servers=brokers,
        group_id=os.environ[f"{role.upper()}_CONSUMER_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await consumer.start()
    await producer.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit, 0)
    async for record in consumer:
        result = json.dumps(answer(role, json.loads(record.value))).encode()
        # murmur2 and no headers: aiokafka's own ways.
        await producer.send_and_wait(os.environ[f"TOPIC_{role.upper()}_RESULT"], result, key=record.key)
        await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
