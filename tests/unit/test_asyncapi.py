"""The AsyncAPI document against the rules of its specification (3.0.0) and against the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from ordersys.api.asyncapi import asyncapi_document
from ordersys.contract.events import OrderStatusChanged, PaymentResult, encode
from ordersys.contract.service import Bounds
from ordersys.contract.topics import GROUPS, TOPICS
from ordersys.services import analytics, inventory, notification, orchestrator, payment
from tests.unit.test_contract_events import created

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)

BOUNDS = Bounds(1.0, 1, 60.0)


async def never(*_: Any) -> Any:
    raise AssertionError("nothing is performed here")


SERVICES = [
    payment.service(),
    inventory.service(),
    orchestrator.service(),
    notification.service(
        notification.by_mail(never, BOUNDS), notification.by_webhook(never, nullcontext, BOUNDS)
    ),
    analytics.service(),
]


def deployed(env: str) -> str:
    return f"here.{env.lower()}"


DOCUMENT = asyncapi_document(SERVICES, deployed, 6, "7")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    assert reference.startswith("#/"), reference
    node: Any = DOCUMENT
    for part in reference[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def test_its_frame_is_that_of_the_specification() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) <= {
        *("asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components")
    }
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for kind in DOCUMENT["components"].values():
        assert all(re.fullmatch(r"[\w.\-]+", name) for name in kind)
    for channel in DOCUMENT["channels"].values():
        assert set(channel) <= {
            *("address", "messages", "title", "summary", "description", "servers", "parameters", "tags"),
            *("externalDocs", "bindings"),
        }
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert set(operation) <= {
            *("action", "channel", "title", "summary", "description", "security", "tags", "externalDocs"),
            *("bindings", "traits", "messages", "reply"),
        }


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 30
    for reference in found:
        assert resolve(reference)
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            # An operation's messages are of its channel, and are referred to there.
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_every_topic_and_group_of_the_contract_is_in_it_by_its_deployed_name() -> None:
    addresses = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert set(addresses) == {deployed(topic.env) for topic in TOPICS}
    for channel in addresses.values():
        assert channel["bindings"]["kafka"]["partitions"] == 6
    received = {
        operation["bindings"]["kafka"]["groupId"]["enum"][0]: resolve(operation["channel"]["$ref"])["address"]
        for operation in DOCUMENT["operations"].values()
        if operation["action"] == "receive"
    }
    assert set(received) == {deployed(group.env) for group in GROUPS}
    expected = {
        deployed(each.group.env): deployed(each.topic.env)
        for service in SERVICES
        for each in service.subscriptions
    }
    assert received == expected


def test_every_topic_has_its_senders() -> None:
    sent: dict[str, set[str]] = {}
    for operation in DOCUMENT["operations"].values():
        if operation["action"] == "send":
            name = resolve(operation["channel"]["$ref"])["title"]
            sent.setdefault(name, set()).update(tag["name"] for tag in operation["tags"])
    assert sent["order.created"] == {"api"}
    assert sent["payment.result"] == {"payment"}
    assert sent["inventory.result"] == {"inventory"}
    assert sent["order.status.changed"] == {"orchestrator"}
    assert set(sent) == {topic.default for topic in TOPICS}


@pytest.mark.parametrize(
    "event",
    [
        created(),
        PaymentResult.to(created(), "FAILED", at=NOW, reason="no"),
        PaymentResult.to(created(), "PROCESSED", at=NOW),
        OrderStatusChanged.by(created(), "NEW", "PROCESSING", 1, at=NOW),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_fit_the_schemas_and_others_do_not(event: Any) -> None:
    message = DOCUMENT["components"]["messages"][type(event).__name__]
    schema = {**message["payload"], "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    written = msgspec.json.decode(encode(event))
    validator.validate(written)
    validator.validate({**written, "unknown": "field"})
    assert not validator.is_valid({**written, "event_version": "v2"})
    assert not validator.is_valid({name: value for name, value in written.items() if name != "order_id"})
