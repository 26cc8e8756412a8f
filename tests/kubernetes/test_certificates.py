"""A deployment says when the ingress's certificate is missing, has run out, or is about to."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.deploy.kubernetes.certificates import remarks

from .rendering import rendered


class Cluster:
    """A cluster with one secret, or none."""

    def __init__(self, secret: dict[str, Any] | None) -> None:
        self.secret = secret

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        assert (kind, name) == ("secret", "gateway-tls")
        return self.secret


def certificate(days: int) -> bytes:
    """Return a certificate that is valid until so many days from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "marquee.example.org")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def said(secret: dict[str, Any] | None, overlay: str = "production") -> list[str]:
    cluster: Any = Cluster(secret)
    return remarks(cluster, rendered(overlay))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (60, []),
        (15, []),
        (13, ["runs out within 14 days"]),
        (1, ["runs out within 14 days"]),
        (-1, ["has run out or cannot be read"]),
    ],
)
def test_a_certificate_is_named_two_weeks_before_it_runs_out(days: int, expected: list[str]) -> None:
    secret = {"data": {"tls.crt": base64.b64encode(certificate(days)).decode()}}
    names = "The certificate of marquee.example.org in the secret gateway-tls"
    advice = "Renew it: the ingress then takes the new one by itself."
    assert said(secret) == [f"{names} {text}. {advice}" for text in expected]


def test_a_missing_secret_is_named_with_the_host() -> None:
    (text,) = said(None, "staging")
    assert text.startswith("The secret gateway-tls with the certificate of staging.marquee.example.org is missing")


@pytest.mark.parametrize("data", [{}, {"tls.crt": ""}, {"tls.crt": base64.b64encode(b"no certificate").decode()}])
def test_a_secret_without_a_certificate_is_named(data: dict[str, str]) -> None:
    (text,) = said({"data": data})
    assert "has run out or cannot be read" in text


def test_without_an_ingress_nothing_is_said() -> None:
    assert said(None, "minikube") == []
