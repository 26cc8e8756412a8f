"""Make the secret of an environment.

Run it as python3 -m infra.deploy.kubernetes.secrets NAMESPACE.

Each value is random and made once, in the cluster alone. A value that is there stays. With `--rotate KEY` one value is
replaced; restart what reads it afterwards. A secret from elsewhere, such as external-secrets, is left as it is: it needs
the same name and keys.
"""

from __future__ import annotations

import argparse
import base64
import secrets
import sys

from infra.deploy.kubernetes.cluster import Cluster, ClusterError

NAME = "marquee"
KEYS = (
    "postgres-password",
    "accounts-secret",
    "accounts-admin-password",
    "reviews-secret",
    "reviews-client-secret",
    "grafana-admin-password",
)
# Letters and digits only, since the password is part of an address.
_BYTES = 24


def ensure(cluster: Cluster, rotate: str | None = None) -> list[str]:
    """Return the keys that were made; the others exist already. Raises ClusterError."""
    present = cluster.get("secret", NAME)
    data = dict((present or {}).get("data") or {})
    made = [key for key in KEYS if key not in data or key == rotate]
    for key in made:
        data[key] = base64.b64encode(secrets.token_hex(_BYTES).encode()).decode()
    if made:
        # By standard input: every user of a machine can read arguments. `apply` would keep a copy in an annotation.
        document = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": NAME}, "data": data}
        cluster.write(document, new=present is None)
    return made


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m infra.deploy.kubernetes.secrets", description=__doc__)
    parser.add_argument("namespace")
    parser.add_argument("--rotate", choices=KEYS, help="replace this value")
    options = parser.parse_args()
    try:
        made = ensure(Cluster(options.namespace), options.rotate)
    except ClusterError as error:
        print(f"marquee: {error}", file=sys.stderr)
        return 1
    print(f"Made {', '.join(made)}." if made else "Every value is there already.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
