"""The janitor on a real Postgres: it measures what waits, and forgets what is old enough and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ordersys.adapters import outbox
from ordersys.adapters.outbox import OutboxRow, header_text
from ordersys.runtime import janitor
from ordersys.runtime.facts import OutboxMeasured, ParkedMeasured, Pruned
from ordersys.runtime.janitor import Janitor, Retention
from tests.driving import Facts, running, wait_until
from tests.integration.flow import rows
from tests.stack import Environment

pytestmark = pytest.mark.anyio

_PARKED = """
insert into parked_events (group_name, topic, partition, "offset", headers, state, reason, updated_at)
select 'g', 't', 0, row_number() over (), '{}', state, 'r', now() - days * interval '1 day'
from unnest($1::text[], $2::int[]) as row (state, days)
"""
_CLAIMS = """
insert into processed_events (service_name, event_id, processed_at_utc)
select 's', days::text || '/' || number, now() - days * interval '1 day'
from unnest($1::int[]) as days, generate_series(1, $2) as number
"""


def made(environment: Environment, facts: Facts) -> Janitor:
    return Janitor(
        database=environment.database,
        retention=Retention(claims_days=14, parked_days=30),
        on_fact=facts,
        measure_every_s=0.05,
    )


async def test_what_waits_is_measured(fresh: Environment) -> None:
    async with fresh.database.session() as session:
        await outbox.insert(session, [OutboxRow("t", b"k", b"v", header_text({})) for _ in range(3)])
    await rows(fresh, "update outbox set created_at = now() - interval '90 seconds' where id = 1")
    await rows(fresh, _PARKED, ["dead", "held", "held", "redriven"], [0, 0, 0, 0])
    facts = Facts()
    async with running(made(fresh, facts).run) as driver:
        await driver.wait_ready()
    measured = facts.of(OutboxMeasured)[0]
    assert measured.rows == 3
    assert measured.age_s == pytest.approx(90, abs=20)
    assert facts.of(ParkedMeasured)[0].rows == {("g", "dead"): 1, ("g", "held"): 2}


async def test_an_empty_outbox_has_no_age(fresh: Environment) -> None:
    facts = Facts()
    async with running(made(fresh, facts).run) as driver:
        await driver.wait_ready()
    assert facts.of(OutboxMeasured)[0] == OutboxMeasured(rows=0, age_s=0.0)


async def test_only_what_is_finished_and_old_is_forgotten(
    fresh: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "PRUNE_ROWS_MAX", 10)
    await rows(fresh, _CLAIMS, [1, 13, 15], 25)
    states = ["redriven", "discarded", "dead", "held", "retrying"]
    await rows(fresh, _PARKED, states * 2, [31] * 5 + [29] * 5)
    facts = Facts()
    async with running(made(fresh, facts).run):

        async def all_old_claims_are_gone() -> bool:
            return not await rows(
                fresh, "select from processed_events where processed_at_utc < $1", before(14)
            )

        await wait_until(all_old_claims_are_gone, "all old claims are forgotten, a few at a time")
    assert (await rows(fresh, "select count(*) from processed_events"))[0][0] == 50
    assert [fact.rows["processed_events"] for fact in facts.of(Pruned)] == [10, 10, 5]
    assert facts.of(Pruned)[0].rows["parked_events"] == 2
    kept = await rows(
        fresh, "select state from parked_events where updated_at < $1 order by state", before(30)
    )
    assert [row[0] for row in kept] == ["dead", "held", "retrying"]
    assert (await rows(fresh, "select count(*) from parked_events"))[0][0] == 8


def before(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)
