"""Rules that every manifest keeps, checked on what kubectl renders. No cluster is needed."""

from __future__ import annotations

import base64
import re
from collections import Counter

import pytest
import yaml

from .rendering import KUBERNETES, OVERLAYS, Object, containers_of, pod_of, rendered

WORKLOADS = [
    (overlay, f"{found['kind']}/{found['metadata']['name']}")
    for overlay in ("all-in-one", "minikube", "production", "staging")
    for found in (
        {"kind": "StatefulSet", "metadata": {"name": "recommendations"}},
        {"kind": "Deployment", "metadata": {"name": "accounts"}},
        {"kind": "StatefulSet", "metadata": {"name": "reviews"}},
        {"kind": "Deployment", "metadata": {"name": "gateway"}},
        {"kind": "StatefulSet", "metadata": {"name": "postgres"}},
        {"kind": "CronJob", "metadata": {"name": "postgres-backup"}},
        {"kind": "Job", "metadata": {"name": "migration"}},
        {"kind": "StatefulSet", "metadata": {"name": "prometheus"}},
        # Its image comes from the internet, which a small node may not reach.
        *([{"kind": "Deployment", "metadata": {"name": "grafana"}}] if overlay in ("production", "staging") else []),
    )
]
BATCH = (
    *(f"StatefulSet/{name}" for name in ("namenode", "datanode", "nodemanager", "mlflow", "airflow")),
    *(f"Deployment/{name}" for name in ("resourcemanager", "jobhistory", "metastore", "hiveserver2")),
    "Job/hdfs-folders",
)
WORKLOADS += [("all-in-one", name) for name in BATCH]
# One replica each, and no user's request waits for them. Of the batch side, none does.
SINGLE = ("StatefulSet/postgres", "StatefulSet/prometheus", "Deployment/grafana", *BATCH)
SERVERS = [(overlay, name) for overlay, name in WORKLOADS if name.partition("/")[0] in ("Deployment", "StatefulSet")]


def one(overlay: str, name: str) -> Object:
    (found,) = [o for o in rendered(overlay) if f"{o['kind']}/{o['metadata']['name']}" == name]
    return found


def template(overlay: str, name: str) -> Object:
    pod = pod_of(one(overlay, name))
    assert pod is not None
    return pod


def bytes_of(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


def thousandths_of(cores: str) -> int:
    return int(cores.removesuffix("m")) if cores.endswith("m") else int(cores) * 1000


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_table_of_workloads_is_complete(overlay: str) -> None:
    found = {f"{o['kind']}/{o['metadata']['name']}" for o in rendered(overlay) if pod_of(o)}
    assert found == {name for known, name in WORKLOADS if known == overlay}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_lies_in_the_overlays_namespace_which_enforces_restricted_pods(overlay: str) -> None:
    (namespace,) = [o for o in rendered(overlay) if o["kind"] == "Namespace"]
    name = {"minikube": "marquee", "all-in-one": "marquee"}.get(overlay, f"marquee-{overlay}")
    assert namespace["metadata"]["name"] == name
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {o["metadata"]["namespace"] for o in rendered(overlay) if o["kind"] != "Namespace"} == {name}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_a_manifest(overlay: str) -> None:
    assert not [o for o in rendered(overlay) if o["kind"] == "Secret"]
    for found in rendered(overlay):
        pod = pod_of(found)
        for container in containers_of(pod) if pod else ():
            for variable in container.get("env", ()):
                if re.search("PASSWORD|SECRET|TOKEN|KEY", variable["name"]):
                    assert set(variable) == {"name", "valueFrom"}, variable
                    assert "secretKeyRef" in variable["valueFrom"]


@pytest.mark.parametrize(("overlay", "name"), WORKLOADS)
def test_pods_have_no_rights_that_they_do_not_need(overlay: str, name: str) -> None:
    pod = template(overlay, name)["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] not in ("", "default")
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 1000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"} & set(pod)
    allowed = {"emptyDir", "persistentVolumeClaim", "configMap", "secret"}
    for volume in pod.get("volumes", ()):
        assert set(volume) - {"name"} <= allowed, volume
        if "emptyDir" in volume:
            assert volume["emptyDir"]["sizeLimit"], volume
    for container in containers_of({"spec": pod}):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not [port for port in container.get("ports", ()) if "hostPort" in port]


@pytest.mark.parametrize(("overlay", "name"), WORKLOADS)
def test_containers_have_requests_and_limits_and_an_image_with_a_version(overlay: str, name: str) -> None:
    for container in containers_of(template(overlay, name)):
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}
        assert bytes_of(resources["requests"]["memory"]) <= bytes_of(resources["limits"]["memory"])
        assert re.fullmatch(
            r"(docker\.io/)?[a-z/-]+(:(local|[0-9]+\.[0-9]+\.[0-9]+)|@sha256:[0-9a-f]{64})", container["image"]
        )
        assert container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize(("overlay", "name"), SERVERS)
def test_servers_have_three_probes_and_time_to_stop(overlay: str, name: str) -> None:
    pod = template(overlay, name)["spec"]
    serving = [*pod["containers"], *(c for c in pod.get("initContainers", ()) if c.get("restartPolicy") == "Always")]
    for container in serving:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert set(container[probe]) & {"httpGet", "tcpSocket", "exec"}, (container["name"], probe)
        # A liveness probe that asks for another service would restart this one where that is away.
        assert "/ready" not in container["livenessProbe"].get("httpGet", {}).get("path", "")
    if name not in SINGLE:
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert 5 <= pause < pod["terminationGracePeriodSeconds"] - 15


@pytest.mark.parametrize(("overlay", "name"), [row for row in SERVERS if row[1] not in SINGLE])
def test_replicas_are_spread_scaled_and_kept_from_being_evicted_together(overlay: str, name: str) -> None:
    kind, _, short = name.partition("/")
    workload = one(overlay, name)
    labels = workload["spec"]["template"]["metadata"]["labels"]
    scaler = one(overlay, f"HorizontalPodAutoscaler/{short}")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": kind, "name": short}
    assert "replicas" not in workload["spec"], "an update would undo what the autoscaler did"
    assert scaler["minReplicas"] < scaler["maxReplicas"]
    if overlay in ("production", "staging"):
        assert scaler["minReplicas"] >= 2
    names = {container["name"] for container in workload["spec"]["template"]["spec"]["containers"]}
    assert {metric["containerResource"]["container"] for metric in scaler["metrics"]} <= names
    budget = one(overlay, f"PodDisruptionBudget/{short}")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    (spread,) = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_and_policy_selects_pods_that_exist(overlay: str) -> None:
    labels = [pod["metadata"]["labels"] for o in rendered(overlay) if (pod := pod_of(o))]
    for found in rendered(overlay):
        if found["kind"] == "Service":
            selected = [have for have in labels if found["spec"]["selector"].items() <= have.items()]
            assert len(selected) == 1, found["metadata"]["name"]
        if found["kind"] == "NetworkPolicy":
            spec = found["spec"]
            rules = [*spec.get("ingress", ()), *spec.get("egress", ())]
            peers = [peer for rule in rules for peer in (*rule.get("from", ()), *rule.get("to", ()))]
            selectors = [spec["podSelector"], *(p["podSelector"] for p in peers if "namespaceSelector" not in p)]
            for selector in selectors:
                wanted = selector.get("matchLabels", {}).items()
                assert any(wanted <= have.items() for have in labels), (found["metadata"]["name"], selector)
                for row in selector.get("matchExpressions", ()):
                    assert set(row["values"]) <= {have[row["key"]] for have in labels}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_default_denies_all_traffic_and_no_policy_opens_a_port_to_everyone_but_the_gateways(overlay: str) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in rendered(overlay) if o["kind"] == "NetworkPolicy"}
    assert policies["default-deny"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(policies["default-deny"])
    assert not policies["default-deny"]["podSelector"].get("matchLabels")
    opened = [name for name, spec in policies.items() for rule in spec.get("ingress", ()) if not rule.get("from")]
    assert opened == ["gateway"]


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_the_environments_have_tls_and_a_quota_that_their_pods_fit(overlay: str) -> None:
    ingress = one(overlay, "Ingress/gateway")["spec"]
    host = "staging.marquee.example.org" if overlay == "staging" else "marquee.example.org"
    assert ingress["tls"] == [{"hosts": [host], "secretName": "gateway-tls"}]
    assert [rule["host"] for rule in ingress["rules"]] == [host]
    hard = one(overlay, "ResourceQuota/quota")["spec"]["hard"]
    most: Counter[str] = Counter()
    for found in rendered(overlay):
        pod = pod_of(found)
        if found["kind"] == "PersistentVolumeClaim":
            most["persistentvolumeclaims"] += 1
        if pod is None:
            continue
        name = f"HorizontalPodAutoscaler/{found['metadata']['name']}"
        scaled = [o["spec"]["maxReplicas"] for o in rendered(overlay) if f"{o['kind']}/{o['metadata']['name']}" == name]
        most["persistentvolumeclaims"] += (scaled or [1])[0] * len(found["spec"].get("volumeClaimTemplates", ()))
        # One more for the pod that replaces another.
        replicas = scaled[0] + 1 if scaled else 1
        most["pods"] += replicas
        for container in containers_of(pod):
            for side in ("requests", "limits"):
                most[f"{side}.cpu"] += replicas * thousandths_of(container["resources"][side]["cpu"])
                most[f"{side}.memory"] += replicas * bytes_of(container["resources"][side]["memory"])
    assert most["pods"] <= int(hard["pods"])
    assert most["persistentvolumeclaims"] <= int(hard["persistentvolumeclaims"])
    for side in ("requests", "limits"):
        assert most[f"{side}.cpu"] <= thousandths_of(hard[f"{side}.cpu"])
        assert most[f"{side}.memory"] <= bytes_of(hard[f"{side}.memory"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_has_a_right_in_the_cluster(overlay: str) -> None:
    assert not [
        o for o in rendered(overlay) if o["kind"] in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    ]


def test_no_file_holds_a_secret_or_an_encoded_one() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "kind: Secret" not in text, path
        for word in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text):
            with pytest.raises(ValueError, match=r"."):
                base64.b64decode(word, validate=True).decode("ascii")


def test_every_file_is_used_by_a_kustomization() -> None:
    for folder in {path.parent for path in KUBERNETES.rglob("kustomization.yaml")}:
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert files == {name for name in kustomization["resources"] if name.endswith(".yaml")}
        generated = {name for row in kustomization.get("configMapGenerator", ()) for name in row.get("files", ())}
        assert {path.name for path in folder.glob("*.yml")} == generated
