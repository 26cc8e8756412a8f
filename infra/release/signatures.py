"""Signatures of files with an Ed25519 key of one's own, by openssl.

Cosign and sigstore sign by a service on the network, or need one to verify. A machine that deploys needs no more than the public key.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from infra.release.errors import ReleaseError

PRIVATE = "release.key"
PUBLIC = "release.pub"


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ReleaseError(f"openssl can't be run: {error.strerror}. Install it (apt-get install openssl).") from error


def make_keys(folder: Path) -> None:
    """Make the keys where there are none; only the owner can read the private one.

    Raises ReleaseError.
    """
    private, public = folder / PRIVATE, folder / PUBLIC
    if private.exists() or public.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = os.umask(0o077)
    try:
        made = _openssl("genpkey", "-algorithm", "ed25519", "-out", str(private))
    finally:
        os.umask(before)
    if made.returncode == 0:
        made = _openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    if made.returncode != 0:
        raise ReleaseError(f"openssl made no key in {folder}: {made.stderr.strip()[-200:]}. Check the folder.")


def signature_of(file: Path) -> Path:
    """Return where a file's signature is."""
    return file.with_name(f"{file.name}.sig")


def sign(file: Path, folder: Path) -> None:
    """Write a file's signature next to it.

    Raises ReleaseError where the private key is not on this machine.
    """
    private = folder / PRIVATE
    if not private.is_file():
        raise ReleaseError(f"{private} is not there, so nothing can be signed. Sign on the machine that has it.")
    made = _openssl(
        "pkeyutl", "-sign", "-inkey", str(private), "-rawin", "-in", str(file), "-out", str(signature_of(file))
    )
    if made.returncode != 0:
        raise ReleaseError(f"openssl did not sign {file.name}: {made.stderr.strip()[-200:]}. Check {private}.")


def verify(file: Path, folder: Path) -> None:
    """Check a file against its signature.

    Raises ReleaseError where key, signature or content are missing or wrong.
    """
    public, signature = folder / PUBLIC, signature_of(file)
    for needed, advice in ((public, "Copy it from the machine that signs"), (signature, "Make the package again")):
        if not needed.is_file():
            raise ReleaseError(f"{needed.name} is not in {needed.parent}, so {file.name} can't be verified. {advice}.")
    arguments = ("-verify", "-pubin", "-inkey", str(public), "-rawin", "-in", str(file), "-sigfile", str(signature))
    if _openssl("pkeyutl", *arguments).returncode != 0:
        raise ReleaseError(
            f"The signature of {file.name} is not by the key {public}. Do not use these files; make the package again."
        )
