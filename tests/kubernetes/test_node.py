"""The serving side on a real node: deploy, publish, and break things under load. The order of the tests is that of a day."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from .conftest import under_load
from .platform import Platform, until

pytestmark = pytest.mark.kubernetes

FIRST, SECOND, CORRUPT, FOURTH = (f"2026112{day}T190000" for day in (1, 2, 3, 4))


def test_a_pod_that_breaks_the_restricted_standard_is_refused(platform: Platform) -> None:
    ended = platform.run("kubectl", "create", "namespace", "marquee", check=False)
    platform.kubectl("label", "namespace", "marquee", "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    ended = platform.run(*("kubectl", "-n", "marquee", "run", "bad", "--image=marquee-serving:local"), check=False)
    assert ended.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in ended.stderr


def test_the_first_deployment_answers_through_the_gateway(platform: Platform) -> None:
    platform.publish(FIRST, 1)
    begun = time.monotonic()
    print(platform.deploy("local").stdout)
    platform.rows.append(("first deployment", f"{time.monotonic() - begun:.0f} s"))
    assert set(platform.live_of_each_replica().values()) == {FIRST}
    assert len(platform.live_of_each_replica()) == 2
    with under_load(platform, "nothing") as load:
        time.sleep(5)
    assert set(load.publications) == {FIRST}


def test_a_new_publication_goes_live_on_all_replicas_within_a_minute(platform: Platform) -> None:
    with under_load(platform, "a new publication") as load:
        platform.publish(SECOND, 2)
        taken = until(lambda: set(platform.live_of_each_replica().values()) == {SECOND}, 60, "live everywhere")
    assert set(load.publications) == {FIRST, SECOND}
    platform.rows.append(("  until live on all replicas", f"{taken:.0f} s"))


def test_a_corrupt_publication_is_refused_by_each_pod(platform: Platform) -> None:
    with under_load(platform, "a corrupt publication") as load:
        platform.publish(CORRUPT, 3, damage=True)

        def refused_by_all() -> bool:
            names = [pod["metadata"]["name"] for pod in platform.pods("recommendations")]
            return all("marquee_follower_failing 1\n" in platform.in_pod(name, 9101, "/metrics") for name in names)

        until(refused_by_all, 60, "each follower says that it fails")
    assert set(load.publications) == {SECOND}
    log = platform.kubectl("logs", "recommendations-0", "-c", "publications")
    assert "arrived with SHA-256" in log


def test_a_rollback_reaches_all_replicas_and_a_pin_too(platform: Platform) -> None:
    with under_load(platform, "rollback, then pin"):
        platform.store.roll_back(FIRST, "test", "bad lists")
        platform.announce()
        until(lambda: set(platform.live_of_each_replica().values()) == {FIRST}, 60, "rolled back everywhere")
        platform.store.pin(SECOND, "test", "hold")
        platform.announce()
        until(lambda: set(platform.live_of_each_replica().values()) == {SECOND}, 60, "pinned everywhere")
    platform.store.unpin("test", "")
    platform.announce()


def test_a_pod_that_starts_while_hdfs_is_away_serves_what_is_on_its_volume(platform: Platform) -> None:
    with under_load(platform, "a replica starts while HDFS is away"):
        platform.kubectl("scale", "deployment/namenode", "--replicas=0", namespace="outside")
        platform.kubectl("delete", "pod", "recommendations-1")
        until(lambda: list(platform.live_of_each_replica().values()) == [SECOND] * 2, 60, "serves again")


def test_hdfs_that_comes_back_empty_changes_nothing(platform: Platform) -> None:
    """The stand-in for HDFS keeps its files in memory, so all that was published is gone."""
    platform.kubectl("scale", "deployment/namenode", "--replicas=1", namespace="outside")
    platform.kubectl("rollout", "status", "deployment/namenode", "--timeout=60s", namespace="outside")
    time.sleep(12)
    assert set(platform.live_of_each_replica().values()) == {SECOND}
    platform.publish(FOURTH, 4)
    until(lambda: set(platform.live_of_each_replica().values()) == {FOURTH}, 60, "follows again")


def test_a_rolling_update_loses_no_request(platform: Platform) -> None:
    with under_load(platform, "rolling update of all workloads"):
        print(platform.deploy("next").stdout)


def test_a_version_that_never_gets_ready_is_undone(platform: Platform) -> None:
    with under_load(platform, "a version that never gets ready, undone"):
        ended = platform.deploy("broken", timeout=40, check=False)
    assert ended.returncode == 1
    assert "The version before serves again." in ended.stderr
    images = {container["image"] for pod in platform.pods("recommendations") for container in pod["spec"]["containers"]}
    assert images == {"marquee-serving:next"}


def images_of(platform: Platform) -> dict[str, str]:
    """Return the image that each replica of the API runs."""
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in platform.pods("recommendations")}


def test_a_version_that_fails_after_it_was_ready_is_undone(platform: Platform) -> None:
    before = images_of(platform)
    # It ends on one replica alone. Until the service knows, a moment later, half of the requests meet a pod that answers nothing.
    with under_load(platform, "a version that fails 40 s after it was ready, undone", allowed=200):
        ended = platform.deploy("failing", watch=60, check=False)
    assert ended.returncode == 1
    assert "was ready, and then its container api ended" in ended.stderr
    assert ended.stderr.endswith("The version before serves again.\n")
    assert images_of(platform) == before


def test_killed_pods_are_replaced(platform: Platform) -> None:
    # A killed pod takes along the requests that it was answering.
    with under_load(platform, "a replica is killed, without a grace", allowed=20):
        platform.kubectl("delete", "pod", "recommendations-0", "--grace-period=0", "--force")
        until(lambda: len([v for v in platform.live_of_each_replica().values() if v]) == 2, 60, "replaced")


def test_an_eviction_takes_one_replica_at_a_time(platform: Platform) -> None:
    with under_load(platform, "every replica evicted in turn"):
        for name in ("recommendations-0", "recommendations-1"):
            eviction = {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": "marquee"},
            }
            address = f"/api/v1/namespaces/marquee/pods/{name}/eviction"

            def evicted(address: str = address, eviction: dict[str, object] = eviction) -> bool:
                ended = platform.run(
                    *("kubectl", "create", "--raw", address, "-f", "-"), check=False, given=json.dumps(eviction)
                )
                return ended.returncode == 0

            until(evicted, 90, f"{name} may be evicted")
            time.sleep(12)
        until(lambda: len([v for v in platform.live_of_each_replica().values() if v]) == 2, 60, "replaced")


@pytest.mark.parametrize("part", ["kubelet", "kube-apiserver", "etcd", "kube-controller-manager", "kube-proxy"])
def test_serving_goes_on_while_a_part_of_the_cluster_stands_still(platform: Platform, part: str) -> None:
    with under_load(platform, f"{part} stands still for 15 s"):
        process = platform.process(part)
        os.kill(process, signal.SIGSTOP)
        try:
            time.sleep(15)
        finally:
            os.kill(process, signal.SIGCONT)


def test_serving_goes_on_without_dns(platform: Platform) -> None:
    with under_load(platform, "DNS away for 15 s"):
        platform.kubectl("scale", "deployment/coredns", "--replicas=0", namespace="kube-system")
        time.sleep(15)
        platform.kubectl("scale", "deployment/coredns", "--replicas=1", namespace="kube-system")
    platform.kubectl("rollout", "status", "deployment/coredns", "--timeout=60s", namespace="kube-system")


def test_recommendations_go_on_without_postgresql_and_accounts_come_back(platform: Platform) -> None:
    with under_load(platform, "PostgreSQL away"):
        platform.kubectl("delete", "pod", "postgres-0")
        platform.kubectl("rollout", "status", "statefulset/postgres", "--timeout=90s")
    ready = "/api/v1/namespaces/marquee/services/gateway:http/proxy/accounts/ready"
    until(lambda: "ready" in platform.kubectl("get", "--raw", ready, check=False), 60, "accounts are back")


def test_a_rotated_secret_logs_everyone_in_after_a_restart(platform: Platform) -> None:
    with under_load(platform, "a secret rotated"):
        platform.run(
            *("python3", "-X", "utf8", "-Es", "-m", "infra.deploy.kubernetes.secrets"),
            *("marquee", "--rotate", "accounts-secret"),
        )
        platform.kubectl("rollout", "restart", "deployment/accounts")
        platform.kubectl("rollout", "status", "deployment/accounts", "--timeout=120s")


def test_the_backup_job_writes_a_readable_dump(platform: Platform) -> None:
    platform.kubectl("create", "job", "backup-now", "--from=cronjob/postgres-backup")
    platform.kubectl("wait", "--for=condition=Complete", "job/backup-now", "--timeout=90s")
    log = platform.kubectl("logs", "job/backup-now")
    assert "accounts-" in log
    assert "reviews-" in log
