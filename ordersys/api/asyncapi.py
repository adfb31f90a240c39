"""The events as an AsyncAPI 3.0 document, made of the contract and the services' declarations.

Channels are topics, by the names they have in this deployment. Operations are what each service sends and
receives; a received one names its consumer group. Messages are events, with the schemas of their types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ordersys.contract.events import Event
from ordersys.contract.service import Service
from ordersys.contract.topics import ORDER_CREATED, TOPICS, Group, Topic

Json = dict[str, Any]

VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
API = "api"
DESCRIPTION = """\
Events are JSON in UTF-8. The key of a record is the order's id; events of one order are written in their
order. The log is at-least-once: an event may be there twice, with the same `event_id`. Unknown fields are to
be ignored. A record without headers is valid.\
"""
_HEADERS: Json = {
    "type": "object",
    "properties": {
        "traceparent": {"type": "string", "description": "W3C Trace Context."},
        "correlation_id": {"type": "string"},
        "event_id": {"type": "string"},
        "event_type": {"type": "string"},
    },
}
_DEAD_LETTER_HEADERS: Json = {
    "type": "object",
    "description": "Those of the original record, and why it is here. Values are cut to 2 KiB.",
    "properties": {
        "origin_topic": {"type": "string"},
        "origin_partition": {"type": "string"},
        "origin_offset": {"type": "string"},
        "service": {"type": "string"},
        "reason": {"type": "string"},
        "exception": {"type": "string"},
        "attempts": {"type": "string"},
        "first_failed_at": {"type": "string", "format": "date-time"},
    },
}


def asyncapi_document(
    services: Sequence[Service], names: Callable[[str], str], partitions: int, version: str
) -> Json:
    """The document. ``names`` gives the deployed name for the variable of a topic or group."""
    events = [topic.event for topic in TOPICS if topic.event is not None]
    _, schemas = msgspec.json.schema_components(events, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        # Of docstrings: what is code there, is code in Markdown with half the backticks.
        schema["description"] = schema.get("description", "").replace("``", "`")
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "ordersys",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel_id(topic): _channel(topic, names(topic.env), partitions) for topic in TOPICS},
        "operations": dict(_operations(services, names)),
        "components": {
            "messages": {_message_name(topic): _message(topic) for topic in TOPICS},
            "schemas": schemas,
        },
    }


def _channel_id(topic: Topic) -> str:
    return topic.default.replace(".", "-")


def _message_name(topic: Topic) -> str:
    return "DeadLetter" if topic.event is None else topic.event.__name__


def _channel(topic: Topic, address: str, partitions: int) -> Json:
    name = _message_name(topic)
    kept = "; its records are kept for ever" if topic.keep else ""
    return {
        "address": address,
        "title": topic.default,
        "description": f"Named by {topic.env}{kept}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"topic": address, "partitions": partitions, "bindingVersion": KAFKA_BINDING}},
    }


def _message(topic: Topic) -> Json:
    bindings = {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA_BINDING}}
    if topic.event is None:
        return {
            "name": "dead.letter",
            "title": "Dead letter",
            "summary": "A record that could not be handled: its original bytes.",
            "contentType": "application/octet-stream",
            "headers": _DEAD_LETTER_HEADERS,
            "payload": {"description": "The value of the original record, untouched."},
            "bindings": bindings,
        }
    return {
        "name": topic.default,
        "title": _words(topic.event),
        "contentType": "application/json",
        "headers": _HEADERS,
        "correlationId": {"location": "$message.payload#/correlation_id"},
        "payload": {"$ref": f"#/components/schemas/{topic.event.__name__}"},
        "bindings": bindings,
    }


def _words(event: type[Event]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event.__name__).capitalize()


def _operations(services: Sequence[Service], names: Callable[[str], str]) -> Iterator[tuple[str, Json]]:
    yield _send(API, ORDER_CREATED)
    for service in services:
        for subscription in service.subscriptions:
            yield _receive(service.name, subscription.topic, subscription.group, names)
        emitted = {
            emits
            for each in service.subscriptions
            if (emits := getattr(each.form, "emits", None)) is not None
        }
        for topic in sorted(emitted, key=lambda each: each.default):
            yield _send(service.name, topic)
        yield _send(service.name, service.dead_letters)


def _send(service: str, topic: Topic) -> tuple[str, Json]:
    return _operation("send", service, topic)


def _receive(service: str, topic: Topic, group: Group, names: Callable[[str], str]) -> tuple[str, Json]:
    _, operation = _operation("receive", service, topic)
    operation["bindings"] = {
        "kafka": {
            "groupId": {"type": "string", "enum": [names(group.env)]},
            "bindingVersion": KAFKA_BINDING,
        }
    }
    # A service may read a topic in several groups, each at its own pace.
    return f"{group.default}-receives-{_channel_id(topic)}", operation


def _operation(action: str, service: str, topic: Topic) -> tuple[str, Json]:
    channel = _channel_id(topic)
    verb = "sends" if action == "send" else "receives"
    return f"{service}-{verb}-{channel}", {
        "action": action,
        "title": f"{service} {verb} {topic.default}",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{_message_name(topic)}"}],
        "tags": [{"name": service}],
    }
