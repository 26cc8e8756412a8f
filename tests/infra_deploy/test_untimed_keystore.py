"""infra/deploy/images/untimed_keystore.py, on keystores that Java's own program makes and reads."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY
from infra.deploy.images.untimed_keystore import untimed

PROGRAM = REPOSITORY / "infra/deploy/images/untimed_keystore.py"


def keytool(*words: str) -> str:
    given = ["keytool", *words, "-storepass", "changeit"]
    return subprocess.run(given, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("certificates")
    made = []
    for name in ("one", "two"):
        words = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            f"/CN={name}",
            "-keyout",
            "/dev/null",
        ]
        subprocess.run([*words, "-out", str(folder / name)], check=True, capture_output=True)
        made.append(folder / name)
    return made


def keystore(file: Path, certificates: list[Path]) -> Path:
    for each in certificates:
        keytool(
            *("-importcert", "-noprompt", "-storetype", "JKS", "-alias", f"debian:{each.name}é.pem"),
            *("-file", str(each), "-keystore", str(file)),
        )
    return file


def test_the_same_certificates_give_the_same_bytes_whenever_and_in_whatever_order_they_were_added(
    tmp_path: Path, certificates: list[Path]
) -> None:
    one = keystore(tmp_path / "one.jks", certificates)
    time.sleep(1.1)
    two = keystore(tmp_path / "two.jks", certificates[::-1])
    assert one.read_bytes() != two.read_bytes()
    listed = keytool("-list", "-rfc", "-keystore", str(one))
    for file in (one, two):
        subprocess.run([sys.executable, str(PROGRAM), str(file)], check=True)
    assert one.read_bytes() == two.read_bytes()
    # Java checks the digest, and finds the same certificates.
    again = keytool("-list", "-rfc", "-keystore", str(one))
    assert sorted(line for line in again.splitlines() if len(line) == 64) == sorted(
        line for line in listed.splitlines() if len(line) == 64
    )
    assert again.count("trustedCertEntry") == 2
    assert "Jan 1, 1970" in again


def test_what_is_no_such_keystore_is_refused(tmp_path: Path, certificates: list[Path]) -> None:
    sound = keystore(tmp_path / "one.jks", certificates[:1]).read_bytes()
    for place in (0, 7, 11, 40, len(sound) - 1):
        content = bytearray(sound)
        content[place] ^= 1
        with pytest.raises(ValueError, match="no JKS keystore"):
            untimed(bytes(content))
