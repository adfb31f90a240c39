"""Numbered SQL migrations, applied once each under an advisory lock; they only ever expand the schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ordersys.adapters.postgres import Session
from ordersys.contract.errors import DependencyUnavailable, StartRefused

_TABLE = """
create table if not exists schema_migrations (
    version     integer     primary key,
    name        text        not null,
    applied_at  timestamptz not null default now()
)
"""
# Held for the transaction: a second migrating process waits, then finds nothing to do.
_LOCK = "select pg_advisory_xact_lock(hashtext('ordersys.migrations'))"
_APPLIED = "select version from schema_migrations"
_RECORD = "insert into schema_migrations (version, name) values ($1, $2)"
_VERSION = "select coalesce(max(version), 0) as version from schema_migrations"
_HAS_TABLE = "select to_regclass('schema_migrations') is not null as there"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file ``NNNN_name.sql``."""

    version: int
    name: str
    sql: str


def load(directory: Path) -> list[Migration]:
    """The migrations of a directory, by number.

    :raises StartRefused: the directory has none, or two of one number.
    """
    found = [
        Migration(int(match[1]), match[2], path.read_text("utf-8"))
        for path in sorted(directory.glob("*.sql"))
        if (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", path.name))
    ]
    if not found or len({migration.version for migration in found}) != len(found):
        raise StartRefused(f"{directory} must hold numbered migrations, each number once")
    return found


async def apply(session: Session, migrations: list[Migration]) -> list[str]:
    """Apply what is missing, all in one transaction; returns the names applied."""
    async with session.transaction():
        await session.execute(_LOCK)
        await session.execute(_TABLE)
        done = {row[0] for row in await session.fetch(_APPLIED)}
        missing = [migration for migration in migrations if migration.version not in done]
        for migration in missing:
            await session.execute(migration.sql)
            await session.execute(_RECORD, migration.version, migration.name)
    return [f"{migration.version:04d}_{migration.name}" for migration in missing]


async def check(session: Session, migrations: list[Migration]) -> None:
    """See that the schema is at least as new as this program knows it.

    :raises DependencyUnavailable: it is not yet; the migration is somebody else's step.
    """
    needed = migrations[-1].version
    there = (await session.fetch(_HAS_TABLE))[0][0]
    version = (await session.fetch(_VERSION))[0][0] if there else 0
    if version < needed:
        raise DependencyUnavailable("postgres", f"schema version is {version}, {needed} is needed: migrate")
