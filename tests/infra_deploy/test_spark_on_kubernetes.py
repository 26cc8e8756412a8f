"""Rules of where Spark's jobs run on Kubernetes, checked on the files. No cluster is needed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.control.settings import REPOSITORY

FOLDER = REPOSITORY / "infra/deploy/kubernetes/spark"
ENTRY = REPOSITORY / "infra/deploy/images/spark.sh"
POD: dict[str, Any] = yaml.safe_load((REPOSITORY / "infra/services/spark/pod.yaml").read_text(encoding="utf-8"))


def documents() -> list[dict[str, Any]]:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    texts = [(FOLDER / name).read_text(encoding="utf-8") for name in kustomization["resources"]]
    return [document for text in texts for document in yaml.safe_load_all(text)]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in documents() if d["kind"] == kind}


def test_every_file_of_the_folder_is_applied() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {path.name for path in FOLDER.glob("*.yaml")} == {"kustomization.yaml", *kustomization["resources"]}


def test_the_namespace_enforces_restricted_pods_and_nothing_leaves_it() -> None:
    (namespace,) = named("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert not {"ClusterRole", "ClusterRoleBinding"} & {d["kind"] for d in documents()}
    assert named("NetworkPolicy")["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_no_account_has_a_wildcard_secrets_or_a_way_into_a_pod() -> None:
    for role in named("Role").values():
        for rule in role["rules"]:
            assert rule["apiGroups"] == [""]
            assert set(rule["resources"]) <= {"pods", "pods/log", "services", "configmaps"}
            assert "*" not in rule["verbs"]
    bound = {b["roleRef"]["name"]: [s["name"] for s in b["subjects"]] for b in named("RoleBinding").values()}
    assert bound == {"spark-submitter": ["spark-submitter"], "spark-driver": ["spark-driver"]}


def test_a_driver_alone_has_a_token() -> None:
    accounts = named("ServiceAccount")
    assert {name: a.get("automountServiceAccountToken", True) for name, a in accounts.items()} == {
        "spark-submitter": False,
        "spark-driver": True,
        "spark-executor": False,
    }
    assert "automountServiceAccountToken" not in POD["spec"], "it would take the driver's away"


def test_spark_makes_no_network_policy_of_its_own_which_who_submits_may_not() -> None:
    conf = (REPOSITORY / "infra/services/spark/kubernetes.conf").read_text(encoding="utf-8")
    assert re.search(r"(?m)^spark\.kubernetes\.driver\.pod\.excludedFeatureSteps +\S+\.NetworkPolicyFeatureStep$", conf)
    resources = {name for role in named("Role").values() for rule in role["rules"] for name in rule["resources"]}
    assert "networkpolicies" not in resources


def test_spark_makes_pods_of_accounts_that_exist_and_that_the_restricted_standard_takes() -> None:
    conf = (REPOSITORY / "infra/services/spark/kubernetes.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"serviceAccountName\s+(\S+)", conf)) <= set(named("ServiceAccount"))
    assert POD["spec"]["securityContext"]["runAsNonRoot"] is True
    assert POD["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = POD["spec"]["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all("sizeLimit" in volume["emptyDir"] for volume in POD["spec"]["volumes"])
    # Where an executor fetches the job's packages, and where the JVM unpacks codecs.
    assert container["workingDir"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert conf.count(f"-Djava.io.tmpdir={container['workingDir']}\n") == 2


def test_the_image_has_hives_client_and_hadoops_jars_into_which_its_links_lead() -> None:
    text = (REPOSITORY / "infra/deploy/images/Dockerfile").read_text(encoding="utf-8")
    stage = text.partition(" AS spark\n")[2].partition("\nFROM ")[0]
    copied = set(re.findall(r"^COPY --from=jars /opt/marquee/\.marquee/software/(\S+) ", stage, re.MULTILINE))
    conf = (REPOSITORY / "infra/services/spark/kubernetes.conf").read_text(encoding="utf-8")
    assert "/software/hive/hadoop-lib/*.jar" in conf
    # infra/control/install.py makes hive/hadoop-lib of links.
    assert copied == {"hive", "hadoop/lib"}


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a pod whose programs print their arguments, one a line."""
    for name in ("home/bin/spark-submit", "java/bin/java"):
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n", encoding="ascii")
        program.chmod(0o755)
    return {"PATH": os.environ["PATH"], "SPARK_HOME": f"{tmp_path}/home", "JAVA_HOME": f"{tmp_path}/java"}


def run(variables: dict[str, str], *arguments: str) -> list[str]:
    return subprocess.check_output([str(ENTRY), *arguments], env=variables, text=True).splitlines()


def test_a_driver_runs_in_its_pod_with_the_arguments_that_it_got(programs: dict[str, str]) -> None:
    lines = run({**programs, "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.7"}, "driver", "--class", "A", "local:///a b.py")
    assert lines[:2] == ["--conf", "spark.driver.bindAddress=10.0.0.7"]
    assert lines[4:] == ["--deploy-mode", "client", "--class", "A", "local:///a b.py"]


def test_an_executor_gets_its_options_in_their_order_and_where_its_driver_is(programs: dict[str, str]) -> None:
    options = {f"SPARK_JAVA_OPT_{number}": f"-Dn={number} b" for number in range(12)}
    names = ("DRIVER_URL", "EXECUTOR_ID", "EXECUTOR_CORES", "APPLICATION_ID", "EXECUTOR_POD_IP", "EXECUTOR_POD_NAME")
    given = {f"SPARK_{name}": name.lower() for name in (*names, "RESOURCE_PROFILE_ID")} | {
        "SPARK_EXECUTOR_MEMORY": "1g"
    }
    lines = run({**programs, **options, **given, "HADOOP_CONF_DIR": "/opt/hadoop/conf"}, "executor")
    assert lines[:14] == [*(f"-Dn={number} b" for number in range(12)), "-Xms1g", "-Xmx1g"]
    assert lines[15] == f"/opt/spark/conf:/opt/hadoop/conf:{programs['SPARK_HOME']}/jars/*"
    assert lines[lines.index("--driver-url") + 1] == "driver_url"
    assert lines[-2:] == ["--podName", "executor_pod_name"]


def test_anything_else_is_run_as_it_is(programs: dict[str, str]) -> None:
    assert run(programs, "echo", "a b") == ["a b"]
