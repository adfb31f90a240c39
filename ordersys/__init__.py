"""ordersys: an event-driven order system on Kafka and Postgres.

An order's way, and where to read it::

    client ─ POST /orders ─▶ api.orders ── one transaction: order row + outbox row ──▶ Postgres
                                             runtime.relay ◀── outbox, in order
                                                  │
                                             order.created                (key: order_id)
                    ┌─────────────────────────────┼──────────────────────────┐
            services.payment             services.inventory          services.analytics
                    │ payment.result              │ inventory.result         ▲
                    └──────────────┬──────────────┘                          │
                        services.orchestrator ── claim ids, order state, outbox: one transaction
                                   │                                         │
                     runtime.relay ─▶ order.status.changed ─▶ services.notification, analytics

Reading order:

1. ``contract/``: what is said. ``events`` (the wire), ``topics``, ``order`` (every transition of an
   order, in one table), ``errors`` (what becomes of an event that fails), ``service`` (the declaration).
2. ``services/``: what is decided. Five files of pure functions, a screen each.
3. ``api/orders.py``: where an order comes in; ``api/intake.py`` commits many of them at once.
4. ``runtime/relay.py``: how a committed outbox row reaches Kafka, in order.
5. ``runtime/pipeline.py``: how a service takes a batch, step by step; ``runtime/parking.py``: where an
   event goes that cannot be handled, and how it comes back; ``runtime/performing.py``: effects outside.
6. ``adapters/``: the only files that speak to Kafka and Postgres; every statement is in ``adapters/sql/``.
7. ``supervision/``: keeps all of it running; a library of its own.
8. ``supervisor.py`` (top level): the composition root, the one place that names every role.
"""
