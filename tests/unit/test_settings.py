"""Settings: defaults, refusals that name the variable, and files made from the one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import settings
from config.settings import ROLES, SettingsError, load, read_env_file

ROOT = Path(__file__).parents[2]


def test_defaults_are_complete_and_valid() -> None:
    assert load({})["API_PORT"] == 18080
    assert load({})["ROLES"] == ROLES
    assert load({})["POSTGRES_DSN"] is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ROLES", "payment,cashier"),
        ("ROLES", ","),
        ("API_PORT", "0"),
        ("API_PORT", "http"),
        ("PARTITIONS", "-1"),
        ("TOPIC_ORDER_CREATED", "order created"),
        ("KAFKA_BROKERS", "broker"),
        ("POSTGRES_DSN", "mysql://x"),
        ("RETRY_FIRST_S", "nan"),
        ("RETRY_FIRST_S", "1e9"),
        ("LOG_LEVEL", "loud"),
        ("UI_ORIGINS", "localhost"),
        ("ISOLATION", "thread"),
        ("ISOLATION", "api=process"),
        ("ISOLATION", "payment"),
        ("CHAOS_ENABLED", "yes"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_it_got_and_takes(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{variable}: got .*, takes ") as refused:
        load({variable: value})
    assert "://" in value or repr(value) in str(refused.value)


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"POSTGRES_DSN": "mysql://me:hunter2@host/db"})
    assert "hunter2" not in str(refused.value)


def test_roles_start_in_their_own_order() -> None:
    assert load({"ROLES": "inventory, payment"})["ROLES"] == ("payment", "inventory")


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("task", set()),
        ("process", set(ROLES) - {"api"}),
        ("payment=process, relay=process", {"payment", "relay"}),
        ("payment=task,relay=process", {"relay"}),
    ],
)
def test_roles_may_have_processes_of_their_own(text: str, alone: set[str]) -> None:
    assert load({"ISOLATION": text})["ISOLATION"] == alone


def test_a_token_is_long_and_never_shown() -> None:
    assert load({})["ADMIN_TOKEN"] is None
    with pytest.raises(SettingsError, match="ADMIN_TOKEN: got a value that is not shown") as refused:
        load({"ADMIN_TOKEN": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_an_empty_variable_takes_its_default() -> None:
    assert load({"PARTITIONS": ""})["PARTITIONS"] == 6


def test_env_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert read_env_file(path) == {}
    path.write_text("# comment\n\nAPI_PORT=1\nexport ROLES='payment'\nPOSTGRES_PASSWORD=a=b\n")
    assert read_env_file(path) == {"API_PORT": "1", "ROLES": "payment", "POSTGRES_PASSWORD": "a=b"}
    path.write_text("API_PORT\n")
    with pytest.raises(SettingsError, match="line 1"):
        read_env_file(path)


def test_env_example_is_made_from_the_table() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == settings.example()


def test_readme_shows_the_table() -> None:
    assert settings.table() in (ROOT / "README.md").read_text("utf-8")
