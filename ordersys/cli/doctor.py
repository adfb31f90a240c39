"""``ordersys doctor``: what is well and what is not, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import anyio
import msgspec

from config.settings import Settings
from ordersys.cli import environment, lag
from ordersys.cli.arguments import Commands, with_json
from ordersys.cli.codes import Exit
from ordersys.cli.http import Answer, Client
from ordersys.cli.output import NOTHING, columns, document, say
from ordersys.contract.errors import DependencyUnavailable, StartRefused
from ordersys.contract.topics import TOPICS

if TYPE_CHECKING:
    from ordersys.adapters.kafka import Position

STAND_STILL_S = 1.0
HTTP_TIMEOUT_S = 3.0


class Finding(msgspec.Struct, frozen=True):
    """One check. ``advice`` says what to do when it is not ok; ``unreachable``: the thing does not answer."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
    unreachable: bool = False


Check = Callable[[Settings], Awaitable[list[Finding]]]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("doctor", help="check brokers, database, topics, ports, schema and groups")
    with_json(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Check everything, whatever fails; a line each."""
    findings = environment.run(examine, environment.located())
    if chosen.json:
        document({"ok": all(each.ok for each in findings), "findings": findings})
    else:
        rows = [("ok" if each.ok else "NOT ok", each.name, each.detail) for each in findings]
        for line, each in zip(columns(rows, (False, False, False)), findings, strict=True):
            say(line)
            if not each.ok and each.advice:
                say(f"{'':8}to do: {each.advice}")
    if all(each.ok for each in findings):
        return Exit.DONE
    return Exit.UNAVAILABLE if any(each.unreachable for each in findings) else Exit.FAILED


async def examine(known: Settings) -> list[Finding]:
    """Every check, in the order in which the parts depend on one another."""
    checks: tuple[Check, ...] = (_kafka, _postgres, _api, _probes)
    found: dict[int, list[Finding]] = {}

    async def make(place: int, check: Check) -> None:
        found[place] = await check(known)

    async with anyio.create_task_group() as group:
        for place, check in enumerate(checks):
            group.start_soon(make, place, check)
    return [finding for place in sorted(found) for finding in found[place]]


async def _kafka(known: Settings) -> list[Finding]:
    """Broker, topics, groups, over one connection; twice where a group that is behind may move."""
    brokers, groups = known["KAFKA_BROKERS"], lag.groups(known)
    topics = [known.name(topic.env) for topic in TOPICS]
    try:
        async with environment.broker(known).observer(topics) as observer:
            before = await observer.look(groups)
            if any(_behind(found) for found in before.groups.values()):
                await anyio.sleep(STAND_STILL_S)
            after = await observer.look(groups)
    except DependencyUnavailable as outage:
        advice = "start it with ./run up, or set KAFKA_BROKERS to brokers that run"
        return [Finding("kafka", False, f"{brokers}: {outage.detail}", advice, True)]
    findings = [Finding("kafka", True, f"{brokers} answers")]
    findings += [_topic(topic, len(after.ends[topic]), known["PARTITIONS"]) for topic in topics]
    return findings + [_group(group, before.groups[group], after.groups[group]) for group in groups]


def _topic(name: str, count: int, wanted: int) -> Finding:
    if count == 0:
        return Finding(f"topic {name}", False, "is not there", "create it with ./run migrate")
    if count != wanted:
        advice = f"set PARTITIONS to {count}, or give the topic another name, or delete it"
        return Finding(f"topic {name}", False, f"{count} partitions, PARTITIONS is {wanted}", advice)
    return Finding(f"topic {name}", True, f"{count} partitions")


def _group(name: str, before: Sequence[Position], after: Sequence[Position]) -> Finding:
    """A group that has lag and does not move has no owner, or a stuck one."""
    behind, known = _behind(after), lag.total(after)
    if known is not None:
        shown = f"lag {known}"
    else:
        shown = f"lag {NOTHING}, nothing committed yet, {behind} events to read"
    moved = [each.committed for each in before] != [each.committed for each in after]
    if behind and _behind(before) and not moved:
        advice = "run its role: see ROLES, and /readyz of the process that has it"
        return Finding(f"group {name}", False, f"{shown}, does not move", advice)
    return Finding(f"group {name}", True, shown)


def _behind(found: Sequence[Position]) -> int:
    """Events to read, those counted that no commit says anything of."""
    return sum(each.end - (each.committed or 0) for each in found)


async def _postgres(known: Settings) -> list[Finding]:
    """Database, then the schema's version."""
    from ordersys.adapters import migrations

    where = known["POSTGRES_DSN"].rpartition("@")[2]
    try:
        async with environment.database(known).session() as session:
            findings = [Finding("postgres", True, f"{where} answers")]
            schema = migrations.load(environment.MIGRATIONS)
            try:
                await migrations.check(session, schema)
            except DependencyUnavailable as behind:
                findings.append(
                    Finding("schema", False, behind.detail, "bring it up to date with ./run migrate")
                )
            else:
                findings.append(Finding("schema", True, f"version {schema[-1].version}"))
    except (DependencyUnavailable, StartRefused) as outage:
        advice = "start it with ./run up, or set POSTGRES_DSN to a database that runs"
        detail = getattr(outage, "detail", str(outage))
        return [Finding("postgres", False, f"{where}: {detail}", advice, True)]
    return findings


async def _api(known: Settings) -> list[Finding]:
    answer, silent = await _ask(environment.local_url(known), "/health")
    name = f"port {known['API_PORT']} (api)"
    if answer is None:
        return [Finding(name, False, silent, "start it with ./run up, or with ROLES that include api", True)]
    if answer.status != 200 or answer.body.strip() != b"ok":
        advice = "another program has the port: stop it, or set API_PORT"
        return [Finding(name, False, f"answers {answer.status} to /health", advice)]
    return [Finding(name, True, "answers")]


async def _probes(known: Settings) -> list[Finding]:
    answer, silent = await _ask(environment.local_url(known, "METRICS_PORT"), "/readyz")
    name = f"port {known['METRICS_PORT']} (probes)"
    if answer is None:
        return [Finding(name, False, silent, "start ./run up or python supervisor.py here", True)]
    lines = answer.body.decode("utf-8", "replace").splitlines()
    if answer.status not in (200, 503) or not all(line.startswith(("ok ", "NOT ")) for line in lines):
        advice = "another program has the port: stop it, or set METRICS_PORT"
        return [Finding(name, False, f"answers {answer.status} to /readyz", advice)]
    findings = [Finding(name, True, "answers")]
    for line in lines:
        mark, role, *rest = line.split(maxsplit=2)
        advice = "" if mark == "ok" else "the log of that process has the cause"
        findings.append(Finding(f"role {role}", mark == "ok", " ".join(rest), advice))
    return findings


async def _ask(url: str, path: str) -> tuple[Answer | None, str]:
    """The answer, or None and why there is none."""
    async with Client(url, timeout_s=HTTP_TIMEOUT_S) as client:
        try:
            return await client.request("GET", path), ""
        except DependencyUnavailable as outage:
            return None, f"{url}: {outage.detail}"
