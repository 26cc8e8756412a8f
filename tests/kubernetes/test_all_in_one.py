"""The overlay with the batch side, held against the rows of infra/control that its containers run. No cluster is needed."""

from __future__ import annotations

import re

import pytest

from infra.control.rows import Preparation, Row, Service
from infra.control.services import every_row
from infra.control.settings import REPOSITORY, Settings

from .rendering import Object, containers_of, pod_of, rendered
from .test_manifests import BATCH, bytes_of, one, template
from .test_programs_in_manifests import selected

OVERLAY = "all-in-one"
FIRST_PROCESS = "infra/deploy/images/first_process.sh"
FOLLOWERS = ("recommendations", "accounts", "reviews")
# Made by the migration, and what serves, which has manifests of its own.
ELSEWHERE = {"postgres-files", "postgres", "postgres-databases", "gateway", *FOLLOWERS}
ELSEWHERE |= {f"{name}-database" for name in ("accounts", "reviews")}


def variables() -> dict[str, str]:
    """Return the variables that each container of the batch side has."""
    (found,) = [o for o in rendered(OVERLAY) if o["kind"] == "ConfigMap" and o["metadata"]["name"].startswith("batch-")]
    return dict(found["data"])


def settings() -> Settings:
    return Settings.load(REPOSITORY / "no.env", variables())


def containers() -> dict[str, tuple[str, Object]]:
    """Return the row that each container of the batch side becomes, with its workload and the container."""
    found = {}
    for workload in BATCH:
        for container in containers_of(template(OVERLAY, workload)):
            words = [word for word in container["command"] if word != FIRST_PROCESS]
            if container["image"].startswith("marquee-platform") and words[0] == "python3":
                assert words[:-1] == ["python3", "-m", "infra.control", "service"]
                found[words[-1]] = (workload, container)
    return found


def rows() -> dict[str, Row]:
    """Return the rows of the batch side. Replicas take the place of numbered DataNodes."""
    found = {row.name: row for row in every_row(settings()) if row.name not in ELSEWHERE}
    return {name: row for name, row in found.items() if not re.fullmatch(r"datanode([2-9]|\d\d+)", name)}


def port_numbers(container: Object) -> dict[str, int]:
    return {row["name"]: row["containerPort"] for row in container.get("ports", ())}


def test_each_row_of_the_batch_side_has_a_container_and_each_container_is_a_row() -> None:
    assert set(containers()) == set(rows())


def test_a_preparation_runs_before_its_service_or_as_a_job() -> None:
    for name, row in rows().items():
        workload, container = containers()[name]
        first = template(OVERLAY, workload)["spec"].get("initContainers", [])
        assert isinstance(row, Preparation) == (container in first or workload.startswith("Job/")), name


def test_who_starts_programs_of_others_does_not_inherit_their_processes() -> None:
    assert (REPOSITORY / FIRST_PROCESS).is_file()
    below = {name for name, (_, container) in containers().items() if container["command"][0] == FIRST_PROCESS}
    assert below == {"nodemanager", "airflow-scheduler"}


def test_each_server_has_the_port_of_its_row_and_a_service_that_leads_to_it() -> None:
    services = [o["spec"] for o in rendered(OVERLAY) if o["kind"] == "Service"]
    for name, row in rows().items():
        if not isinstance(row, Service) or not row.port:
            continue
        workload, container = containers()[name]
        ports = port_numbers(container)
        assert row.port in ports.values(), name
        labels = template(OVERLAY, workload)["metadata"]["labels"]
        open_ports = {
            ports[port["targetPort"]]: port["port"]
            for spec in services
            if spec["selector"].items() <= labels.items()
            for port in spec["ports"]
        }
        # Programs ask by the port of the settings, so a service must not rename it.
        assert open_ports[row.port] == row.port, name
        assert all(inside == outside for inside, outside in open_ports.items()), name


def test_each_host_of_the_settings_is_a_service() -> None:
    assert set(settings().hosts.values()) <= {
        o["metadata"]["name"] for o in rendered(OVERLAY) if o["kind"] == "Service"
    }


@pytest.mark.parametrize("workload", ["StatefulSet/datanode", "StatefulSet/nodemanager", "StatefulSet/airflow"])
def test_who_is_asked_by_the_name_of_its_pod_has_one_that_others_resolve_and_linux_takes(workload: str) -> None:
    name, spec = workload.partition("/")[2], one(OVERLAY, workload)["spec"]
    assert template(OVERLAY, workload)["spec"]["setHostnameAsFQDN"] is True
    service = one(OVERLAY, f"Service/{spec['serviceName']}")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert len(f"{name}-99.{spec['serviceName']}.marquee.svc.cluster.local") <= 64


def test_a_container_holds_the_heaps_that_the_settings_give() -> None:
    chosen = settings()
    mebibytes = {name: bytes_of(c["resources"]["limits"]["memory"]) >> 20 for name, (_, c) in containers().items()}
    heaps = {"datanode1": "DATANODE", "hdfs-folders": "HADOOP_CLIENT", "metastore-schema": "METASTORE"}
    for name in ("namenode", "resourcemanager", "jobhistory", "metastore", "hiveserver2"):
        heaps[name] = name.upper()
    for name, setting in heaps.items():
        # A JVM takes about 100 MiB besides its heap.
        assert mebibytes[name] >= chosen.number(f"{setting}_HEAP") + 128, name
    assert mebibytes["nodemanager"] >= chosen.number("YARN_MEMORY") + chosen.number("NODEMANAGER_HEAP")
    assert mebibytes["airflow-scheduler"] >= 1024 + chosen.number("SPARK_DRIVER_HEAP")


def test_there_are_as_many_replicas_as_the_settings_say() -> None:
    assert one(OVERLAY, "StatefulSet/datanode")["spec"]["replicas"] == settings().number("DATANODES") >= 3
    assert one(OVERLAY, "StatefulSet/nodemanager")["spec"]["replicas"] == settings().number("NODEMANAGERS")


def test_what_must_outlive_a_pod_is_on_a_claim() -> None:
    claimed = {
        (name, mount["mountPath"])
        for name, (workload, container) in containers().items()
        for mount in container["volumeMounts"]
        if mount["name"]
        in {c["metadata"]["name"] for c in one(OVERLAY, workload)["spec"].get("volumeClaimTemplates", ())}
    }
    data = {"namenode-format", "namenode", "datanode1", "mlflow"}
    airflow = {
        "airflow-database",
        "airflow-api-server",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
    }
    assert claimed == {(name, "/instance/data") for name in data | airflow} | {
        (name, f"/instance/{folder}") for name in airflow for folder in ("secrets", "logs")
    }


def test_only_what_logs_in_to_postgresql_has_its_password() -> None:
    having = {
        name
        for name, (_, container) in containers().items()
        if any(row["name"] == "MARQUEE_POSTGRES_PASSWORD" for row in container.get("env", ()))
    }
    assert having == {name for name in rows() if name.startswith(("metastore", "mlflow", "airflow"))}
    labels = [template(OVERLAY, w)["metadata"]["labels"] for w in {containers()[name][0] for name in having}]
    into = selected(policies(), template(OVERLAY, "StatefulSet/postgres")["metadata"]["labels"], "ingress")
    names = {
        name
        for rule in into
        for peer in rule["from"]
        for row in peer["podSelector"].get("matchExpressions", ())
        for name in row["values"]
    }
    assert {found["app.kubernetes.io/name"] for found in labels} <= names


def policies() -> list[Object]:
    return [o for o in rendered(OVERLAY) if o["kind"] == "NetworkPolicy"]


def test_the_batch_side_talks_among_itself_and_followers_reach_hdfs_alone() -> None:
    for found in rendered(OVERLAY):
        pod = pod_of(found)
        name = f"{found['kind']}/{found['metadata']['name']}"
        assert pod is None or (pod["metadata"]["labels"].get("marquee/side") == "batch") == (name in BATCH)
    for workload in BATCH:
        labels = template(OVERLAY, workload)["metadata"]["labels"]
        peers = {"podSelector": {"matchLabels": {"marquee/side": "batch"}}}
        assert {"from": [peers]} in selected(policies(), labels, "ingress")
        assert {"to": [peers]} in selected(policies(), labels, "egress")
        open_to = {
            (name, port["port"])
            for rule in selected(policies(), labels, "ingress")
            for peer in rule["from"]
            for row in peer["podSelector"].get("matchExpressions", ())
            for name in row["values"]
            for port in rule["ports"]
        }
        hdfs = workload in ("StatefulSet/namenode", "StatefulSet/datanode")
        assert open_to == ({(name, "http") for name in FOLLOWERS} if hdfs else set()), workload
    ports = {port_numbers(containers()[name][1])["http"] for name in ("namenode", "datanode1")}
    for follower in FOLLOWERS:
        labels = {"app.kubernetes.io/name": follower}
        allowed = [
            row for rule in selected(policies(), labels, "egress") for row in rule["ports"] if not rule.get("to")
        ]
        assert all(any(row["port"] <= p <= row.get("endPort", row["port"]) for row in allowed) for p in ports)


def test_a_publication_is_announced_where_the_followers_look() -> None:
    (found,) = [o for o in rendered(OVERLAY) if o["kind"] == "ConfigMap" and "publications" in o["data"]]
    assert variables()["MARQUEE_ANNOUNCE"] == "yes"
    assert found["data"]["publications"] == f"http://namenode:{settings().port('NAMENODE_HTTP')}/marquee/publications"


def test_every_database_is_backed_up() -> None:
    text = (REPOSITORY / "infra/services/postgres/postgres.sh").read_text(encoding="utf-8")
    (made,) = re.findall(r"for name in ([a-z ]+); do", text)
    (backup,) = containers_of(template(OVERLAY, "CronJob/postgres-backup"))
    variables = {row["name"]: row.get("value", "") for row in backup["env"]}
    assert set(variables["DATABASES"].split()) == set(made.split())
