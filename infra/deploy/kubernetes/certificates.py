"""Say when the certificates of an environment's ingress run out."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable
from typing import Final

from infra.deploy.kubernetes.cluster import Cluster, Object

_DAYS: Final = 14
_SECONDS_A_DAY: Final = 86_400


def remarks(cluster: Cluster, objects: Iterable[Object]) -> list[str]:
    """Return sentences about each certificate that is missing, run out or soon to.

    A deployment goes on with them: a new version may be what repairs it.
    """
    names = [
        (row["secretName"], " and ".join(row["hosts"]))
        for found in objects
        if found["kind"] == "Ingress"
        for row in found["spec"].get("tls", ())
    ]
    return [text for name, hosts in names if (text := _remark(cluster.get("secret", name), name, hosts))]


def _remark(secret: Object | None, name: str, hosts: str) -> str:
    if secret is None:
        return (
            f"The secret {name} with the certificate of {hosts} is missing, so the ingress answers with one of its own. "
            "Let cert-manager make it, or make it by hand: kubectl create secret tls."
        )
    chain = base64.b64decode(secret.get("data", {}).get("tls.crt", ""))
    days = next((days for days in (0, _DAYS) if not _lasts(chain, days)), None)
    if days is None:
        return ""
    when = "has run out or cannot be read" if days == 0 else f"runs out within {days} days"
    return f"The certificate of {hosts} in the secret {name} {when}. Renew it: the ingress then takes the new one by itself."


def _lasts(chain: bytes, days: int) -> bool:
    """Return whether a chain's first certificate is valid for so many days."""
    command = ["openssl", "x509", "-noout", "-checkend", str(days * _SECONDS_A_DAY)]
    try:
        return subprocess.run(command, input=chain, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        # Without openssl nothing is known, and nothing is said.
        return True
