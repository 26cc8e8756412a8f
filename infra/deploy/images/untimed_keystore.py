"""Takes the times out of a Java keystore, so that the same certificates give the same image.

    python3 untimed_keystore.py /etc/ssl/certs/java/cacerts

Debian's ca-certificates-java writes when it added each certificate. The format is that of sun.security.provider.JavaKeyStore (JKS):
magic, version and number; for each certificate a tag, its alias, milliseconds, its type and its bytes; then the SHA-1 of the
password, of "Mighty Aphrodite" and of all before it. Numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

MAGIC, VERSION, CERTIFICATE = 0xFEEDFEED, 2, 2
# The one of every keystore that holds no secret.
PASSWORD = "changeit"  # noqa: S105  # pragma: allowlist secret
SALT = b"Mighty Aphrodite"
DIGEST_BYTES = 20


def digest(content: bytes) -> bytes:
    """Return the digest that ends a keystore of this content."""
    return hashlib.sha1(PASSWORD.encode("utf-16-be") + SALT + content).digest()  # noqa: S324 - the format's


def untimed(keystore: bytes) -> bytes:
    """Return a keystore with the time 0 for each certificate, by alias.

    Raises ValueError for what is no keystore of certificates with the usual password.
    """
    content = keystore[:-DIGEST_BYTES]
    magic, version, count = struct.unpack_from(">III", content)
    if (magic, version) != (MAGIC, VERSION) or keystore[-DIGEST_BYTES:] != digest(content):
        raise ValueError(f"It is no JKS keystore of version {VERSION} with the password {PASSWORD}.")
    at, entries = 12, []
    for _ in range(count):
        (tag,) = struct.unpack_from(">I", content, at)
        if tag != CERTIFICATE:
            raise ValueError(f"It has an entry of kind {tag}, which is no certificate.")
        (length,) = struct.unpack_from(">H", content, at + 4)
        alias = content[at + 4 : at + 6 + length]
        start = at = at + 6 + length + 8
        (length,) = struct.unpack_from(">H", content, at)
        at += 2 + length
        (length,) = struct.unpack_from(">I", content, at)
        at += 4 + length
        entries.append((alias, content[start:at]))
    whole = content[:12] + b"".join(
        struct.pack(">I", CERTIFICATE) + alias + bytes(8) + certificate for alias, certificate in sorted(entries)
    )
    return whole + digest(whole)


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_bytes(untimed(file.read_bytes()))
