"""Task groups whose errors are raised as themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ordersys.contract.errors import DependencyUnavailable


@asynccontextmanager
async def unwrapped() -> AsyncIterator[None]:
    """Around a task group: raise its only error as itself, and of nothing but outages the first."""
    try:
        yield
    except BaseExceptionGroup as group:
        first, *others = group.exceptions
        if not all(isinstance(error, DependencyUnavailable) for error in others):
            raise
        if others and not isinstance(first, DependencyUnavailable):
            raise
        raise first from first.__cause__
