"""What Prometheus asks for on Kubernetes, and what Grafana shows. Debian's promtool reads the configuration."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.control.settings import REPOSITORY
from infra.monitoring.board.dashboards import VIEWS

from .rendering import pod_of, rendered

DASHBOARDS = "grafana-dashboards"


def configuration(overlay: str, name: str) -> dict[str, str]:
    """Return the files of a generated ConfigMap, whose name ends with the files' digest."""
    (found,) = [
        o for o in rendered(overlay) if o["kind"] == "ConfigMap" and o["metadata"]["name"].rpartition("-")[0] == name
    ]
    return dict(found["data"])


@pytest.fixture
def promtool() -> str:
    return shutil.which("promtool") or pytest.skip("promtool is missing: apt-get install prometheus")


def test_prometheus_accepts_the_configuration(promtool: str, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    text = configuration("minikube", "prometheus")["prometheus.yml"]
    # The image holds the rules.
    file.write_text(text.replace("/opt/marquee/", f"{REPOSITORY}/"), encoding="utf-8")
    ended = subprocess.run([promtool, "check", "config", str(file)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " rules found" in ended.stdout


def jobs() -> dict[str, Any]:
    document = yaml.safe_load(configuration("minikube", "prometheus")["prometheus.yml"])
    return {job["job_name"]: job for job in document["scrape_configs"]}


def test_prometheus_asks_for_every_port_of_every_pod_with_metrics() -> None:
    """The names are those of DNS's records for a port: _port._tcp.service."""
    annotated = {
        o["metadata"]["name"]: pod_of(o)
        for o in rendered("minikube")
        if "annotations" in (pod_of(o) or {}).get("metadata", {})
    }
    assert set(annotated) == {"recommendations", "accounts", "reviews"}
    asked = {name: [n for row in job.get("dns_sd_configs", ()) for n in row["names"]] for name, job in jobs().items()}
    assert asked.pop("prometheus") == []
    assert sorted(asked.pop("followers")) == [f"_follower._tcp.{name}-replicas" for name in sorted(annotated)]
    assert asked == {name: [f"_http._tcp.{name}-replicas"] for name in annotated}
    for name, pod in annotated.items():
        (service,) = [
            o for o in rendered("minikube") if (o["kind"], o["metadata"]["name"]) == ("Service", f"{name}-replicas")
        ]
        assert (service["spec"]["clusterIP"], service["spec"]["publishNotReadyAddresses"]) == ("None", True)
        assert [port["name"] for port in service["spec"]["ports"]] == ["http", "follower"]
        # Another Prometheus finds the first port by the usual annotations.
        notes = pod["metadata"]["annotations"]
        assert notes["prometheus.io/port"] == str(service["spec"]["ports"][0]["port"])
        assert notes["prometheus.io/path"] == jobs()[name].get("metrics_path", "/metrics")


def test_the_labels_name_the_pod_and_the_service() -> None:
    address = "recommendations-1.recommendations-replicas.marquee.svc.cluster.local.:9101"
    pod, service = jobs()["followers"]["relabel_configs"]
    assert re.fullmatch(pod["regex"], address)[1] == "recommendations-1"  # type: ignore[index]
    assert re.fullmatch(service["regex"], "_follower._tcp.accounts-replicas")[1] == "accounts"  # type: ignore[index]


def test_requests_of_probes_are_dropped_as_they_are_without_kubernetes() -> None:
    template = (REPOSITORY / "infra/monitoring/conf/prometheus.yml").read_text(encoding="utf-8")
    ((rule,), *others) = (jobs()[name]["metric_relabel_configs"] for name in ("recommendations", "accounts", "reviews"))
    assert others == [[rule], [rule]]
    assert f'regex: "{rule["regex"]}"' in template


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_grafana_is_given_every_dashboard_and_the_source_that_they_ask(overlay: str) -> None:
    dashboards = configuration(overlay, DASHBOARDS)
    folder = REPOSITORY / "infra/monitoring/dashboards"
    assert dashboards == {f"{view}.json": (folder / f"{view}.json").read_text(encoding="utf-8") for view in VIEWS}
    # kubectl keeps a copy in an annotation, which may have 256 KiB.
    assert sum(map(len, dashboards.values())) < 200_000
    files = configuration(overlay, "grafana-provisioning")
    (source,) = yaml.safe_load(files["datasources.yml"])["datasources"]
    kinds = {
        row["query"]
        for text in dashboards.values()
        for row in json.loads(text)["templating"]["list"]
        if row["type"] == "datasource"
    }
    assert kinds == {source["type"]}
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load(files["dashboards.yml"])["providers"]
    mounts = {
        mount["mountPath"]: volume["configMap"]["name"]
        for o in rendered(overlay)
        if o["kind"] == "Deployment" and o["metadata"]["name"] == "grafana"
        for mount in o["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        for volume in o["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == mount["name"] and "configMap" in volume
    }
    assert mounts[provider["options"]["path"]].rpartition("-")[0] == DASHBOARDS
