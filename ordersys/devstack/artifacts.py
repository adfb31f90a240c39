"""Kafka's jars: a committed list with hashes, fetched once into the local Maven repository.

The Maven repository of the user (``M2_REPO``, else ``~/.m2/repository``) holds them, so that a second
checkout downloads nothing. Every start compares every jar with its hash.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

import anyio

from ordersys.devstack.errors import DevstackError

DOWNLOADS_AT_ONCE = 8
ATTEMPTS_MAX = 3
DOWNLOAD_TIMEOUT_S = 30


@dataclass(frozen=True)
class Artifact:
    """One jar: Maven coordinates, SHA-256 in hex, size in bytes."""

    group: str
    name: str
    version: str
    sha256: str
    size: int

    @property
    def path(self) -> Path:
        """Where a Maven repository keeps the jar, relative to the repository."""
        return Path(*self.group.split("."), self.name, self.version, f"{self.name}-{self.version}.jar")


def kafka_artifacts() -> list[Artifact]:
    """The committed list, in class path order."""
    text = (resources.files("ordersys.devstack") / "kafka-artifacts.txt").read_text("utf-8")
    return [_parse(line) for line in text.splitlines() if line and not line.startswith("#")]


def _parse(line: str) -> Artifact:
    coordinates, sha256, size = line.split()
    group, name, version = coordinates.split(":")
    return Artifact(group, name, version, sha256, int(size))


def maven_repository() -> Path:
    """The user's local Maven repository."""
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


async def fetch(artifacts: Sequence[Artifact], progress: Callable[[str], None]) -> list[Path]:
    """Paths of the jars, in the order given; missing or damaged ones are downloaded first.

    Raises :class:`DevstackError` when one cannot be had, or is not the one the list names.
    """
    cancelled = threading.Event()

    async def notice_cancellation() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()  # the threads end after the jar they are at, and clean up

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notice_cancellation)
        paths = await anyio.to_thread.run_sync(_fetch, artifacts, progress, cancelled)
        tasks.cancel_scope.cancel()
    return paths


def _fetch(
    artifacts: Sequence[Artifact], progress: Callable[[str], None], cancelled: threading.Event
) -> list[Path]:
    repository = maven_repository()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="jars") as pool:
        intact = list(pool.map(lambda artifact: _is_intact(repository / artifact.path, artifact), artifacts))
        missing = [artifact for artifact, ok in zip(artifacts, intact, strict=True) if not ok]
        if missing:
            megabytes = sum(artifact.size for artifact in missing) / 1e6
            progress(f"Downloading Kafka: {len(missing)} jars, {megabytes:.0f} MB, into {repository}")
            try:
                repository.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix=".ordersys-", dir=repository) as staging:
                    download = partial(_download, staging=Path(staging), cancelled=cancelled)
                    for artifact, jar in zip(missing, pool.map(download, missing), strict=True):
                        target = repository / artifact.path
                        target.parent.mkdir(parents=True, exist_ok=True)
                        jar.replace(target)
            except OSError as error:  # requests' errors are OSErrors too, and caught before
                raise DevstackError(f"Kafka's jars cannot be stored in {repository}: {error}.") from error
    return [repository / artifact.path for artifact in artifacts]


def _is_intact(path: Path, artifact: Artifact) -> bool:
    try:
        if path.stat().st_size != artifact.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == artifact.sha256
    except OSError:
        return False


def _download(artifact: Artifact, *, staging: Path, cancelled: threading.Event) -> Path:
    """Download one jar into ``staging``, so that nobody ever sees half a jar under its final name."""
    # jgo takes a tenth of a second to import, and most starts download nothing.
    import requests
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    # A mirror the user has configured for jgo is asked first.
    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(repo_cache=staging, remote_repos=remotes, timeout=DOWNLOAD_TIMEOUT_S)
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    cause: Exception | None = None
    for _ in range(ATTEMPTS_MAX):
        if cancelled.is_set():
            raise DevstackError("The download of Kafka's jars was interrupted.")
        try:
            path = Path(component.artifact().resolve())
        except (requests.RequestException, RuntimeError) as error:
            cause = error
        else:
            if _is_intact(path, artifact):
                return path
            cause = None
        (staging / artifact.path).unlink(missing_ok=True)
    cancelled.set()
    if cause is None:
        raise DevstackError(
            f"The downloaded {artifact.path.name} is not the jar whose SHA-256 kafka-artifacts.txt names."
        )
    raise DevstackError(
        f"Kafka's {artifact.path.name} cannot be downloaded; is there a network? ({type(cause).__name__})"
    ) from cause
