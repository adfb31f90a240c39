"""Where commands take their settings from: ``.env`` of the current directory, under the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from config.settings import Settings, load, read_env_file


def environment() -> dict[str, str]:
    """The variables of ``.env``, those of the process over them.

    :raises SettingsError: a line of ``.env`` is no assignment.
    """
    return {**read_env_file(Path(".env")), **os.environ}


def settings(extra: Mapping[str, str] | None = None) -> Settings:
    """The settings a command works with; ``extra`` over everything else.

    :raises SettingsError: a variable has a value it cannot take.
    """
    return load({**environment(), **(extra or {})})
