"""Ask a platform that has just started what a person would ask: `python3 -m infra.deploy.environments.smoke`.

The gateway's address comes from MARQUEE_GATEWAY_URL. Exit status 1 where an answer is not as it should be.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from infra.deploy.environments.smoke_person import registers_rates_and_leaves

SECONDS = 10
# What a list of popular movies may take at most: the slowest of five requests.
SLOWEST = 1.0
# The gateway's certificate is one for its public name, and the tests ask on this machine.
_ANY_CERTIFICATE = ssl.create_default_context()
_ANY_CERTIFICATE.check_hostname = False
_ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE
_DIRECTLY = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_ANY_CERTIFICATE)
)


def ask(address: str, method: str = "GET", body: Any = None, token: str = "") -> tuple[int, Any]:
    """Return the status and the JSON of an answer; status 0 where there is none."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - main checks the scheme
    try:
        with _DIRECTLY.open(request, timeout=SECONDS) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError) as error:
        return 0, str(error)


def _serves(gateway: str) -> str:
    status, _ = ask(f"{gateway}/health")
    return "" if status == 200 else f"/health answers {status}"


def _accounts(gateway: str) -> str:
    status, _ = ask(f"{gateway}/accounts/health")
    return "" if status == 200 else f"/accounts/health answers {status}"


def _newest_publication(gateway: str) -> str:
    """Accept 503 too, which a platform answers before its first run."""
    status, body = ask(f"{gateway}/v1/publication")
    return "" if status == 503 or (status == 200 and body.get("publication")) else f"/v1/publication answers {status}"


def _a_list(gateway: str) -> str:
    published = ask(f"{gateway}/v1/publication")[0] == 200
    slowest = 0.0
    for _ in range(5):
        started = time.monotonic()
        status, body = ask(f"{gateway}/v1/popular?limit=5")
        slowest = max(slowest, time.monotonic() - started)
        if (status != 200 or not body["items"]) if published else status != 503:
            return f"/v1/popular answers {status}"
    return "" if slowest < SLOWEST else f"/v1/popular took {slowest:.1f} s, more than {SLOWEST:.1f} s"


def _a_person(gateway: str) -> str:
    def here(path: str, **more: Any) -> tuple[int, Any]:
        return ask(gateway + path, **more)

    return registers_rates_and_leaves(here)


TESTS: dict[str, Callable[[str], str]] = {
    "the gateway and the API serve": _serves,
    "the accounts service serves": _accounts,
    "the newest publication is there": _newest_publication,
    "a list comes in time": _a_list,
    "a person registers, signs in, rates, reviews and leaves": _a_person,
}


def main() -> int:
    """Run each test, print its result, and return the exit status."""
    gateway = os.environ.get("MARQUEE_GATEWAY_URL", "")
    if not gateway.startswith(("http://", "https://")):
        sys.exit("smoke: MARQUEE_GATEWAY_URL names no gateway. Run this by `python3 -m infra.control exec -- ...`.")
    wrong = 0
    for title, test in TESTS.items():
        fault = test(gateway.rstrip("/"))
        wrong += bool(fault)
        print(f"smoke  {'no ' if fault else 'yes'}  {title}{': ' + fault if fault else ''}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
