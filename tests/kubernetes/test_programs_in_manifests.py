"""What the manifests hand to the programs, held against what the programs read and whom they ask. No cluster is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from infra.control.settings import REPOSITORY
from infra.control.settings import Settings as GatewaySettings
from infra.deploy.kubernetes.deploy import IMAGES, NAMESPACES, WORKLOADS
from infra.deploy.kubernetes.secrets import KEYS
from serving.publications.__main__ import build_parser
from serving.reviews.settings import Settings

from .rendering import KUBERNETES, OVERLAYS, Object, containers_of, pod_of, rendered

SECRET = "x" * 40
SETTINGS = {
    "publications": "http://namenode:9870/marquee/publications",
    "publications-user": "marquee",
    "postgres-host": "postgres",
    "postgres-port": "15432",
    "log-level": "info",
    "accounts-admin": "admin",
    "gateway-proxies": "",
}
INGRESS = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10"


def containers(overlay: str) -> dict[str, Object]:
    return {
        f"{found['metadata']['name']}/{container['name']}": container
        for found in rendered(overlay)
        if (pod := pod_of(found))
        for container in containers_of(pod)
    }


def environment_of(container: Object) -> dict[str, str]:
    """Return a container's variables as the kubelet gives them: each may name those before it."""
    found: dict[str, str] = {}
    for row in container.get("env", ()):
        source = row.get("valueFrom", {})
        value = SECRET if "secretKeyRef" in source else row.get("value", "")
        if "configMapKeyRef" in source:
            value = SETTINGS[source["configMapKeyRef"]["key"]]
        found[row["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda match: found[match[1]], value)
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_key_that_a_container_reads_is_made(overlay: str) -> None:
    asked = [row["valueFrom"] for c in containers(overlay).values() for row in c.get("env", ()) if "valueFrom" in row]
    grafana = {"grafana-admin-password"} if overlay in ("minikube", "all-in-one") else set()
    assert {row["secretKeyRef"]["key"] for row in asked if "secretKeyRef" in row} == set(KEYS) - grafana
    assert {row["configMapKeyRef"]["key"] for row in asked if "configMapKeyRef" in row} == set(SETTINGS)


@pytest.mark.parametrize("overlay", NAMESPACES)
def test_a_deployment_knows_every_image_and_every_server_of_its_own(overlay: str) -> None:
    images = {c["image"].partition(":")[0] for c in containers(overlay).values()}
    assert images - {"docker.io/grafana/grafana"} == set(IMAGES)
    servers = {
        f"{o['kind'].lower()}/{o['metadata']['name']}" for o in rendered(overlay) if "template" in o.get("spec", {})
    }
    # A version goes live without a wait for what shows how it does.
    assert servers - {"deployment/grafana"} == {
        *WORKLOADS,
        "statefulset/postgres",
        "job/migration",
        "statefulset/prometheus",
    }


def test_the_reviews_service_starts_with_the_variables_that_it_is_given() -> None:
    settings = Settings.load(environment_of(containers("production")["reviews/reviews"]))
    assert settings.database == f"postgresql+psycopg://reviews:{SECRET}@postgres:15432/reviews"
    assert (str(settings.store), settings.root_path) == ("/store/sentiment", "/reviews")
    assert (settings.accounts_url, settings.accounts_client) == ("http://accounts:8001", "reviews")


@pytest.mark.parametrize(
    ("container", "script"), [("migration/accounts", "infra/services/accounts/prepare.sh")], ids=["migration"]
)
def test_a_script_finds_every_variable_that_it_reads(container: str, script: str) -> None:
    found = containers("production")[container]
    assert found["command"] == [script]
    text = (REPOSITORY / script).read_text(encoding="utf-8")
    read = {name for pair in re.findall(r"\$(MARQUEE_\w+)|-variable (MARQUEE_\w+)", text) for name in pair if name}
    assert len(read) == 5
    assert read <= set(environment_of(found))


@pytest.mark.parametrize("name", ["recommendations", "accounts", "reviews"])
def test_a_follower_is_started_with_arguments_that_its_program_takes(name: str) -> None:
    follower = containers("production")[f"{name}/publications"]
    given = environment_of(follower)
    words = [re.sub(r"\$\(([A-Z_]+)\)", lambda match: given[match[1]], word) for word in follower["args"]]
    options = build_parser().parse_args(["follow", *words])
    assert (options.source, options.port) == (SETTINGS["publications"], 9101)
    assert options.kind.name == ("sentiment" if name == "reviews" else "recommendations")
    server = {"recommendations": "api"}.get(name, name)
    variable = "MARQUEE_SENTIMENT_STORE" if name == "reviews" else "MARQUEE_PUBLICATION_STORE"
    assert environment_of(containers("production")[f"{name}/{server}"])[variable] == str(options.store)


def asked_services(container: Object) -> set[tuple[str, int]]:
    """Return the services in a container's variables and their ports."""
    text = " ".join(environment_of(container).values())
    return {(name, int(port)) for name, port in re.findall(r"[/@]([a-z]+):([0-9]+)", text) if name != "namenode"}


def allows(rules: list[Any], peer: dict[str, str], direction: str, ports: set[object]) -> bool:
    """Return whether a rule of one direction lets a peer with these labels use one of the ports."""
    for rule in rules:
        peers = [row["podSelector"] for row in rule.get(direction, ()) if "namespaceSelector" not in row]
        named = any(
            selector.get("matchLabels", {}).items() <= peer.items() and chosen(selector, peer) for selector in peers
        )
        if (named or not rule.get(direction)) and ports & {row["port"] for row in rule["ports"]}:
            return True
    return False


def chosen(selector: Object, labels: dict[str, str]) -> bool:
    return all(labels.get(row["key"]) in row["values"] for row in selector.get("matchExpressions", ()))


def selected(policies: list[Object], labels: dict[str, str], rules: str) -> list[Any]:
    return [
        rule
        for policy in policies
        if policy["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
        and chosen(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get(rules, ())
    ]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_policies_let_every_container_reach_what_its_variables_name(overlay: str) -> None:
    policies = [o for o in rendered(overlay) if o["kind"] == "NetworkPolicy"]
    pods = {o["metadata"]["name"]: pod["metadata"]["labels"] for o in rendered(overlay) if (pod := pod_of(o))}
    gateway = {
        ("gateway", name, port) for name, port in (("recommendations", 8000), ("accounts", 8001), ("reviews", 8002))
    }
    asked = gateway | {
        (name.partition("/")[0], service, port)
        for name, container in containers(overlay).items()
        for service, port in asked_services(container)
    }
    assert {("accounts", "reviews", 8002), ("reviews", "accounts", 8001), ("reviews", "postgres", 15432)} <= asked
    for client, service, port in sorted(asked):
        out = selected(policies, pods[client], "egress")
        assert allows(out, pods[service], "to", {port}), f"{client} may not ask {service}:{port}"
        into = selected(policies, pods[service], "ingress")
        assert allows(into, pods[client], "from", {port, "http", "postgres"}), f"{service} refuses {client}"


@pytest.mark.parametrize(("overlay", "proxies"), [("minikube", ""), ("staging", INGRESS), ("production", INGRESS)])
def test_the_gateway_believes_an_ingress_where_there_is_one(overlay: str, proxies: str, tmp_path: Path) -> None:
    (settings,) = [o for o in rendered(overlay) if o["kind"] == "ConfigMap" and "gateway-proxies" in o["data"]]
    assert settings["data"]["gateway-proxies"] == proxies
    gateway = containers(overlay)["gateway/nginx"]
    assert {row["valueFrom"]["configMapKeyRef"]["name"] for row in gateway["env"] if "valueFrom" in row} == {
        settings["metadata"]["name"]
    }
    given = environment_of(gateway) | {"MARQUEE_STATE": str(tmp_path), "MARQUEE_GATEWAY_PROXIES": proxies}
    assert GatewaySettings.load(tmp_path / ".env", given)["MARQUEE_GATEWAY_PROXIES"] == proxies


def test_the_gateway_is_given_the_name_of_every_service_that_nginx_asks() -> None:
    hosts = environment_of(containers("production")["gateway/nginx"])["MARQUEE_HOSTS"].split()
    template = (REPOSITORY / "infra/services/gateway/nginx.conf").read_text(encoding="utf-8")
    assert hosts == re.findall(r"^  upstream (\w+) ", template, re.MULTILINE)


def test_every_database_of_a_service_is_backed_up() -> None:
    backup = containers("production")["postgres-backup/backup"]
    (script,) = backup["args"]
    used = {
        database
        for container in containers("production").values()
        for database in re.findall(r"@postgres:15432/(\w+)", " ".join(environment_of(container).values()))
    }
    assert used == {"accounts", "reviews"}
    assert environment_of(backup)["DATABASES"].split() == sorted(used)
    assert "for database in $DATABASES; do" in script


def test_the_kustomizations_name_each_image_once() -> None:
    for overlay in NAMESPACES:
        text = (KUBERNETES / "overlays" / overlay / "kustomization.yaml").read_text(encoding="utf-8")
        assert re.findall(r"name: (marquee-\w+), newTag", text) == list(IMAGES)


def test_with_an_s3_like_store_every_follower_has_its_address_its_keys_and_a_way_to_it() -> None:
    objects = rendered("staging", "object-store")
    (settings,) = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"].startswith("settings")]
    assert settings["data"] == SETTINGS | {"publications": "s3://marquee/publications", "gateway-proxies": INGRESS}
    followers = {
        o["metadata"]["name"]: container
        for o in objects
        if (pod := pod_of(o))
        for container in containers_of(pod)
        if container["name"] == "publications"
    }
    assert set(followers) == {"recommendations", "accounts", "reviews"}
    for follower in followers.values():
        assert follower["envFrom"] == [{"secretRef": {"name": "object-store"}}]
        names = {row["valueFrom"]["configMapKeyRef"]["name"] for row in follower["env"] if "valueFrom" in row}
        assert names == {settings["metadata"]["name"]}
    (policy,) = [o for o in objects if o["kind"] == "NetworkPolicy" and o["metadata"]["name"] == "object-store"]
    (row,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert set(row["values"]) == set(followers)
