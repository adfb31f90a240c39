"""The routes that only read: analytics, an order's steps and events, the document of the events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar.handlers import HTTPRouteHandler

from ordersys.adapters.analytics import AnalyticsReader
from ordersys.adapters.kafka import Broker
from ordersys.adapters.order_log import OrderLog, Topics
from ordersys.adapters.reading import ReadSessions
from ordersys.adapters.timeline import TimelineReader
from ordersys.api.analytics import analytics_routes
from ordersys.api.asyncapi import asyncapi_document
from ordersys.api.timeline import timeline_routes
from ordersys.api.timeline_steps import Names
from ordersys.contract import topics
from ordersys.contract.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The services as they are declared, and the names and sizes their topics and groups have here.

    ``names`` gives the deployed name for the variable of a topic or group.
    """

    services: Sequence[Service]
    names: Callable[[str], str]
    partitions: int

    def groups(self) -> Mapping[str, str]:
        """Deployed names of the consumer groups, each with the name of its service."""
        return {
            self.names(each.group.env): service.name
            for service in self.services
            for each in service.subscriptions
        }

    def events(self, version: str) -> dict[str, Any]:
        """The AsyncAPI document of this deployment."""
        return asyncapi_document(self.services, self.names, self.partitions, version)


def read_routes(
    *,
    sessions: ReadSessions,
    broker: Broker | None,
    deployment: Deployment,
    clock: Callable[[], datetime],
) -> list[HTTPRouteHandler]:
    """The routes; without a ``broker`` the raw events are those of the outbox."""
    order_created, payment_result, inventory_result, status_changed = (
        deployment.names(topic.env)
        for topic in (
            topics.ORDER_CREATED,
            topics.PAYMENT_RESULT,
            topics.INVENTORY_RESULT,
            topics.ORDER_STATUS_CHANGED,
        )
    )
    names = Names(
        order_created=order_created,
        payment_result=payment_result,
        inventory_result=inventory_result,
        order_status_changed=status_changed,
        services=deployment.groups(),
    )
    of_orders = Topics(order_created, payment_result, inventory_result, status_changed, deployment.partitions)
    log = None if broker is None else OrderLog(broker, of_orders)
    return [
        *analytics_routes(AnalyticsReader(sessions)),
        *timeline_routes(reader=TimelineReader(sessions), log=log, names=names, clock=clock),
    ]
