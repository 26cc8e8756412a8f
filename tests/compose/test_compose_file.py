"""Tests of docker-compose.yml as a file, without a Docker engine."""

import re
from typing import Any

import pytest
import yaml

from infra.control.rows import Preparation, Service
from infra.control.services import every_row
from infra.control.settings import REPOSITORY, Settings

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Containers with another name than their row in infra/control/services.py.
ROWS = {"datanode": "datanode1"}


def settings() -> Settings:
    """Return a container's settings if `.env` sets none."""
    environ = {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in COMPOSE["x-settings"].items() if value
    }
    return Settings.load(REPOSITORY / "no.env", environ)


def ends(service: dict[str, Any]) -> bool:
    return bool(service["restart"] == "no")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_limits_and_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["cpus"] <= 2
    assert 0 < service["pids_limit"] <= 2048
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.get("privileged")
    assert "network_mode" not in service
    assert "user" not in service, "the images set it: marquee"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_ends_or_tells_its_health(name: str) -> None:
    service = SERVICES[name]
    if ends(service):
        assert service["healthcheck"] == {"disable": True}
        waiting = [other["depends_on"][name] for other in SERVICES.values() if name in other.get("depends_on", {})]
        assert waiting, "nothing waits for it"
        assert all(wait["condition"] == "service_completed_successfully" for wait in waiting)
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"] == ["CMD", "infra/deploy/images/probe.sh"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\$\{MARQUEE_\w+_PORT:-\d+\}):\1", port)


def test_only_the_gateway_and_pages_are_published() -> None:
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {
        *("namenode", "resourcemanager", "jobhistory", "hiveserver2", "mlflow", "airflow-api-server", "gateway"),
        *("spark-master", "exporter", "prometheus"),
    }


def test_published_ports_are_the_settings_defaults() -> None:
    given, default = settings(), Settings.load(REPOSITORY / "no.env", {})
    assert {name for name in given.values if given[name] != default[name] and name.endswith("_PORT")} == set()


def test_every_row_of_the_table_has_a_container() -> None:
    run = {ROWS.get(name, name) for name in SERVICES} - {"secrets"}
    replicas = {f"datanode{number}" for number in (2, 3, 4)}
    assert run == {row.name for row in every_row(settings())} - replicas


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"secrets"}))
def test_a_container_runs_its_row_after_all_that_the_row_waits_for(name: str) -> None:
    rows = {row.name: row for row in every_row(settings())}
    row = rows[ROWS.get(name, name)]
    assert SERVICES[name]["command"].endswith(f"python3 -m infra.control service {row.name}")
    assert ends(SERVICES[name]) is isinstance(row, Preparation)
    names = {found: container for container, found in ROWS.items()}
    wanted = {names.get(other, other) for other in row.after if other not in {"datanode2", "datanode3", "datanode4"}}
    assert wanted <= set(SERVICES[name].get("depends_on", {}))


def test_every_image_is_built_by_one_service_and_what_needs_debians_programs_has_them() -> None:
    built = {s["image"]: s["build"]["target"] for s in SERVICES.values() if "build" in s}
    assert built == {f"marquee-{target}": target for target in built.values()}
    assert {service["image"] for service in SERVICES.values()} == set(built)
    special = {name: service["image"] for name, service in SERVICES.items() if service["image"] != "marquee-platform"}
    assert special == {
        **dict.fromkeys(("postgres-files", "postgres", "postgres-databases"), "marquee-postgres"),
        **dict.fromkeys(("accounts-database", "accounts"), "marquee-accounts"),
        "recommendations": "marquee-serving",
        "gateway": "marquee-gateway",
        "prometheus": "marquee-prometheus",
    }


def test_the_exporter_looks_only_at_containers_that_its_own_profile_starts() -> None:
    (exporter,) = [row for row in every_row(settings()) if row.name == "exporter"]
    assert isinstance(exporter, Service)
    probed = {pair.partition("=")[0] for pair in exporter.environment["MARQUEE_PROBES"].split()}
    started = {ROWS.get(n, n) for n, s in SERVICES.items() if "monitoring" in s.get("profiles", ["monitoring"])}
    assert probed - started == set()
    assert {"namenode", "datanode1", "airflow-api-server", "recommendations", "gateway"} <= probed


def test_replicas_are_as_many_as_the_settings_say() -> None:
    assert SERVICES["datanode"]["scale"] == settings().number("DATANODES") == 4
    assert SERVICES["nodemanager"]["scale"] == settings().number("NODEMANAGERS") == 2
    assert SERVICES["recommendations"]["scale"] == settings().number("APIS") == 2
    assert {name: service["scale"] for name, service in SERVICES.items() if "scale" in service} == {
        "datanode": 4,
        "nodemanager": 2,
        "recommendations": 2,
        "spark-worker": 2,
    }


def test_a_container_that_is_alone_shares_no_volume_for_writing_but_airflows() -> None:
    writers: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source, _, mode = re.fullmatch(r"([\w-]+):([\w/.-]+)(:ro)?", volume).groups()  # type: ignore[union-attr]
            if not mode and not ends(service):
                writers.setdefault(source, set()).add(name)
    shared = {volume: names for volume, names in writers.items() if len(names) > 1}
    assert set(shared) == {"airflow", "airflow-logs", "publications"}
    assert all(name.startswith("airflow-") for names in shared.values() for name in names)


def test_secrets_reach_only_the_containers_that_log_in_somewhere() -> None:
    holding = {name for name, service in SERVICES.items() if any("secrets:" in v for v in service.get("volumes", ()))}
    assert holding.isdisjoint(
        {"namenode", "datanode", "resourcemanager", "nodemanager", "jobhistory", "hiveserver2", "recommendations"}
        | {"gateway", "prometheus", "spark-master", "spark-worker"}
    )
    assert "PASSWORD" not in str(COMPOSE["x-settings"])
