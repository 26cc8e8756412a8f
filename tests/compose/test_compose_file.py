"""Tests of docker-compose.yml as a file, without a Docker engine."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.audit.packages import file_of, imported_names
from infra.control.rows import Preparation, Service
from infra.control.services import every_row
from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment

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


@pytest.mark.parametrize("name", SERVICES)
def test_the_folder_of_each_mount_belongs_to_the_user_of_the_service(name: str) -> None:
    """Docker makes a missing folder for root; the service then fails as it makes its own folders there."""
    targets = {volume.split(":")[1] for volume in SERVICES[name].get("volumes", ())}
    owned = {mount.split(":")[0] for mount in SERVICES[name]["tmpfs"] if "uid=1000" in mount}
    assert {str(Path(target).parent) for target in targets if target.startswith("/instance/")} <= targets | owned


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
        **dict.fromkeys(("reviews-database", "reviews"), "marquee-reviews"),
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
    assert set(shared) == {"airflow", "airflow-logs", "publications", "sentiment"}
    assert all(name.startswith("airflow-") for names in shared.values() for name in names)


def test_secrets_reach_only_the_containers_that_log_in_somewhere() -> None:
    holding = {name for name, service in SERVICES.items() if any("secrets:" in v for v in service.get("volumes", ()))}
    assert holding.isdisjoint(
        {"namenode", "datanode", "resourcemanager", "nodemanager", "jobhistory", "hiveserver2", "recommendations"}
        | {"gateway", "prometheus", "spark-master", "spark-worker"}
    )
    assert "PASSWORD" not in str(COMPOSE["x-settings"])


DOCKERFILE = (REPOSITORY / "infra" / "deploy" / "images" / "Dockerfile").read_text(encoding="utf-8")


def copied_into(target: str) -> list[Path]:
    """Return the files of the repository that an image's own COPY lines take."""
    stage = re.split(r"(?m)^FROM ", DOCKERFILE.partition(f" AS {target}\n")[2])[0]
    sources = [word for line in re.findall(r"(?m)^COPY (?!--)(.*) \S+$", stage) for word in line.split()]
    found = [path for source in sources for path in REPOSITORY.glob(source)]
    return [
        file.relative_to(REPOSITORY)
        for path in found
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]


PROGRAMS = {
    "serving": "serving/recommendations/server.py",
    "accounts": "serving/accounts/__main__.py",
    "reviews": "serving/reviews/__main__.py",
}


@pytest.mark.parametrize(("target", "program"), PROGRAMS.items(), ids=PROGRAMS)
def test_the_image_of_a_service_has_all_that_its_code_imports(target: str, program: str) -> None:
    copied = {path for path in copied_into(target) if path.suffix == ".py" and path.parts[0] == "serving"}
    assert Path(program) in copied
    missing = set()
    for path in copied:
        names = imported_names(ast.parse((REPOSITORY / path).read_text(encoding="utf-8")))
        missing |= {file for name in names if (file := file_of(name, path)) is not None and file not in copied}
    assert missing == set()


@pytest.mark.parametrize("target", [*PROGRAMS, "postgres", "gateway", "prometheus"])
def test_only_the_image_that_trains_has_the_corpora(target: str) -> None:
    copied = copied_into(target)
    assert len(copied) > 50
    assert [str(path) for path in copied if "corpora" in path.parts or "training" in path.parts] == []
    assert not any(path.stat().st_size > 2 << 20 for path in copied)


def environments_of(target: str) -> list[str]:
    stage = re.split(r"(?m)^FROM ", DOCKERFILE.partition(f" AS {target}\n")[2])[0]
    return re.findall(r"software/([\w-]+) ", stage)


def test_an_image_has_the_environments_of_its_programs(tmp_path: Path) -> None:
    assert {target: environments_of(target) for target in PROGRAMS} == {
        target: [f"{target}-venv"] for target in PROGRAMS
    }
    # Airflow's tasks run programs of every service.
    variables = environment(Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)}))
    pythons = [value for name, value in variables.items() if name.startswith("MARQUEE_") and name.endswith("PYTHON")]
    assert len(pythons) == 5
    assert sorted(environments_of("platform")) == sorted(Path(python).parts[-3] for python in pythons)
