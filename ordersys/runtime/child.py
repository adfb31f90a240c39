"""What a long-running part of the runtime needs of whoever runs it. The supervisor's context fits."""

from __future__ import annotations

from typing import Protocol


class Child(Protocol):
    """A supervised child's view of its supervisor."""

    @property
    def draining(self) -> bool:
        """Whether to finish what is in hand and return."""

    async def wait_draining(self) -> None:
        """Return when draining begins."""

    def ready(self, note: str = "") -> None:
        """Say that work can be done from now on."""

    def beat(self, *, done: int = 0, pending: int = 0) -> None:
        """Say that work was done, and how much is waiting."""
