"""Kafka's jars: a committed list with hashes, fetched once into the local Maven repository.

The Maven repository of the user (``M2_REPO``, else ``~/.m2/repository``) holds them, so that a second
checkout downloads nothing. Every start compares every jar with its hash.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

import anyio
import anyio.lowlevel

from ordersys.devstack.errors import DevstackError

DOWNLOADS_AT_ONCE = 8
ATTEMPTS_MAX = 3
DOWNLOAD_TIMEOUT_S = 30
PROGRESS_INTERVAL_S = 5.0


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
            cancelled.set()  # the threads end, and clean up

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(notice_cancellation)
        # Kept out of the task group, which would wrap it.
        result = await anyio.to_thread.run_sync(_outcome, artifacts, progress, cancelled)
        tasks.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint_if_cancelled()
    if isinstance(result, DevstackError):
        raise result
    return result


def _outcome(
    artifacts: Sequence[Artifact], progress: Callable[[str], None], cancelled: threading.Event
) -> list[Path] | DevstackError:
    try:
        return _fetch(artifacts, progress, cancelled)
    except DevstackError as error:
        return error


def _fetch(
    artifacts: Sequence[Artifact], progress: Callable[[str], None], cancelled: threading.Event
) -> list[Path]:
    repository = maven_repository()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="jars") as pool:
        intact = list(pool.map(lambda artifact: _is_intact(repository / artifact.path, artifact), artifacts))
        missing = [artifact for artifact, ok in zip(artifacts, intact, strict=True) if not ok]
        if missing:
            meter = _Meter(sum(artifact.size for artifact in missing), progress, cancelled)
            megabytes = f"{meter.total / 1e6:.0f} MB"
            progress(f"Downloading Kafka: {len(missing)} jars, {megabytes}, into {repository}")
            try:
                repository.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix=".ordersys-", dir=repository) as staging:
                    download = partial(_download, staging=Path(staging), meter=meter)
                    for artifact, jar in zip(missing, _all(pool, download, missing), strict=True):
                        target = repository / artifact.path
                        target.parent.mkdir(parents=True, exist_ok=True)
                        jar.replace(target)
            except OSError as error:
                raise DevstackError(f"Kafka's jars cannot be stored in {repository}: {error}.") from error
    return [repository / artifact.path for artifact in artifacts]


def _all(
    pool: ThreadPoolExecutor, download: Callable[[Artifact], Path], missing: Sequence[Artifact]
) -> list[Path]:
    """Download them at once; when some fail, raise what failed first, not what was given up because of it."""
    futures = [pool.submit(download, artifact) for artifact in missing]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise min(errors, key=lambda error: isinstance(error, _GivenUp))
    return [future.result() for future in futures]


class _Meter:
    """Bytes downloaded so far, said now and then; the place where a cancelled download stops."""

    def __init__(self, total: int, progress: Callable[[str], None], cancelled: threading.Event) -> None:
        self.total = total
        self.cancelled = cancelled
        self._progress = progress
        self._lock = threading.Lock()
        self._done = 0
        self._next_line_s = time.monotonic() + PROGRESS_INTERVAL_S

    def count(self, size: int) -> None:
        """Count ``size`` bytes more. Raises :class:`_GivenUp` once cancelled."""
        if self.cancelled.is_set():
            raise _GivenUp("The download of Kafka's jars was interrupted.")
        with self._lock:
            self._done += size
            if time.monotonic() >= self._next_line_s:
                self._next_line_s = time.monotonic() + PROGRESS_INTERVAL_S
                self._progress(f"Downloading Kafka: {self._done / 1e6:.0f} of {self.total / 1e6:.0f} MB")


class _GivenUp(DevstackError):
    """Another jar could not be had, or the start was cancelled."""


def _is_intact(path: Path, artifact: Artifact) -> bool:
    try:
        if path.stat().st_size != artifact.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == artifact.sha256
    except OSError:
        return False


def _download(artifact: Artifact, *, staging: Path, meter: _Meter) -> Path:
    """Download one jar into ``staging``, so that nobody ever sees half a jar under its final name."""
    # jgo takes a tenth of a second to import, and most starts download nothing.
    import requests
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    # Where a machine has its own certificate authorities, one variable is enough for uv and pip; requests
    # knows another.
    if "SSL_CERT_FILE" in os.environ:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", os.environ["SSL_CERT_FILE"])
    # A mirror the user has configured for jgo is asked first.
    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(
        repo_cache=staging,
        remote_repos=remotes,
        timeout=DOWNLOAD_TIMEOUT_S,
        resolver=PythonResolver(progress_callback=lambda _name, _size: nullcontext(meter.count)),
    )
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    cause: Exception | None = None
    for _ in range(ATTEMPTS_MAX):
        try:
            meter.count(0)
            path = Path(component.artifact().resolve())
        except (requests.RequestException, RuntimeError) as error:
            cause = error
        else:
            if _is_intact(path, artifact):
                return path
            cause = None
        (staging / artifact.path).unlink(missing_ok=True)
    meter.cancelled.set()
    if cause is None:
        raise DevstackError(
            f"The downloaded {artifact.path.name} is not the jar whose SHA-256 kafka-artifacts.txt names."
        )
    raise DevstackError(
        f"Kafka's {artifact.path.name} cannot be downloaded; is there a network? ({type(cause).__name__})"
    ) from cause
